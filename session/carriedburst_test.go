package session_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sallyport/sallyport/internal/secret"
	"github.com/sallyport/sallyport/session"
	"github.com/sallyport/sallyport/session/cookiestore"
)

// The requests that a browser sends at once, when a use is due to be written down, do
// not all set cookies; and a browser that the one answer never reached gets another.
func TestUseOfABurstIsWrittenOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newCarriedWorld(t, nil)
		b := w.enter(t, login("alice"))
		burst := func() (set int) {
			for range 20 {
				rec := w.visitAs(b.request(), &browser{}, func(_ http.ResponseWriter, r *http.Request) {
					s, err := w.Authenticate(r)
					wantSession(t, "alice", s, err)
				})
				if len(rec.Result().Cookies()) > 0 {
					set++
				}
			}
			return set
		}
		if n := burst(); n != 0 {
			t.Errorf("%d answers set cookies at once, want 0", n)
		}
		time.Sleep(2 * time.Minute)
		if n := burst(); n != 1 {
			t.Errorf("%d answers set cookies, want 1", n)
		}
		time.Sleep(10 * time.Second)
		if n := burst(); n != 1 {
			t.Errorf("%d answers set cookies after a lost one, want 1", n)
		}
	})
}

// BenchmarkAuthenticateUntaken is a client that takes no cookies along, when its uses
// are due to be written down.
func BenchmarkAuthenticateUntaken(b *testing.B) {
	var later time.Duration
	now := func() time.Time { return time.Now().Add(later) }
	w := &carriedWorld{}
	w.world = newWorld(b, func(c *session.Config) {
		store, err := cookiestore.New(cookiestore.Config{Keys: c.Keys, Cookies: c.Cookies, MaxAge: c.MaxAge, Now: now})
		if err != nil {
			b.Fatal(err)
		}
		w.store, c.Store, c.Now = store, store, now
	})
	l := login("alice")
	l.Grant.AccessToken = secret.New(incompressible(3500))
	r := w.enter(b, l).request()
	later = 2 * time.Minute
	handler := w.store.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if _, err := w.Authenticate(r); err != nil {
			b.Error(err)
		}
	}))
	b.ReportAllocs()
	for b.Loop() {
		handler.ServeHTTP(nopWriter{}, r)
	}
}

type nopWriter struct{}

func (nopWriter) Header() http.Header         { return http.Header{} }
func (nopWriter) Write(p []byte) (int, error) { return len(p), nil }
func (nopWriter) WriteHeader(int)             {}
