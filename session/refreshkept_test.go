package session_test

import (
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sallyport/sallyport/session"
)

// A renewal that is kept because it cannot be stored serves the requests even while
// the older access token is good, goes with the session, and once it has expired
// itself is no better than any other expired one.
func TestKeptRenewal(t *testing.T) {
	kept := func(t *testing.T) (*rotating, *world, *browser) {
		p := newRotating()
		w, b := refreshWorld(t, p, nil)
		time.Sleep(accessLife - 30*time.Second)
		w.store.fail(&w.store.replaceErr)
		_ = userOf(t, w.Manager, b.request())
		synctest.Wait()
		return p, w, b
	}
	t.Run("serves at once", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			_, w, b := kept(t)
			defer w.settle(t)
			if s, err := w.Authenticate(b.request()); err != nil || s.Grant.AccessToken.Reveal() != "at-alice-1" {
				t.Errorf("= %v, %v; want the kept grant", s, err)
			}
		})
	})
	t.Run("goes with the session", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			_, w, b := kept(t)
			if _, err := w.End(httptest.NewRecorder(), b.request(), session.EndedByPerson); err != nil {
				t.Fatal(err)
			}
			w.store.heal()
			if err := w.Drain(t.Context()); err != nil {
				t.Fatal(err)
			}
			if s, err := w.Authenticate(b.request()); err == nil || w.store.Count() != 0 {
				t.Errorf("= %v, %v, %d records; want none", s, err, w.store.Count())
			}
		})
	})
	t.Run("has its own end", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			p, w, b := kept(t)
			defer w.settle(t)
			time.Sleep(accessLife + time.Minute)
			if got := userOf(t, w.Manager, b.request()); got != "alice" {
				t.Errorf("%s within the grace, want alice", got)
			}
			time.Sleep(15 * time.Minute)
			s, err := w.Authenticate(b.request())
			wantNone(t, session.SessionUnconfirmed, s, err)
			if n := p.count(); n != 1 {
				t.Errorf("%d token calls, want 1: the refresh token is spent", n)
			}
		})
	})
}

// settle heals the store and waits until every renewal is in it.
func (w *world) settle(t testing.TB) {
	t.Helper()
	w.store.heal()
	if err := w.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
}
