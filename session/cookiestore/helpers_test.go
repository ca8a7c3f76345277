package cookiestore

import (
	"context"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/sallyport/sallyport/session"
)

const scope = "https://app.example.com|rp1"

func newCookies(t testing.TB) session.Cookies {
	t.Helper()
	cookies, err := session.NewCookies(session.CookieConfig{Name: "sallyport", Secure: true})
	if err != nil {
		t.Fatal(err)
	}
	return cookies
}

func newRing(t testing.TB, keys ...session.Key) *session.KeyRing {
	t.Helper()
	ring, err := session.NewKeyRing(keys, scope)
	if err != nil {
		t.Fatal(err)
	}
	return ring
}

func newStore(t testing.TB, ring *session.KeyRing, now func() time.Time) *Store {
	t.Helper()
	s, err := New(Config{Keys: ring, Cookies: newCookies(t), MaxAge: 12 * time.Hour, Now: now})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// browser keeps cookies in the order they were set.
type browser struct{ jar []*http.Cookie }

func (b *browser) request() *http.Request {
	r := httptest.NewRequest(http.MethodGet, "https://app.example.com/", nil)
	for _, c := range b.jar {
		r.AddCookie(&http.Cookie{Name: c.Name, Value: c.Value})
	}
	return r
}

func (b *browser) take(cookies []*http.Cookie) {
	for _, c := range cookies {
		b.jar = slices.DeleteFunc(b.jar, func(old *http.Cookie) bool { return old.Name == c.Name })
		if c.MaxAge >= 0 {
			b.jar = append(b.jar, c)
		}
	}
}

func (b *browser) copy() *browser { return &browser{jar: slices.Clone(b.jar)} }

func (b *browser) set(name, value string) {
	b.take([]*http.Cookie{{Name: name, Value: value}})
}

func (b *browser) value(name string) string {
	for _, c := range b.jar {
		if c.Name == name {
			return c.Value
		}
	}
	return ""
}

// visit has handler serve a request of b, and b take the answer's cookies.
func (b *browser) visit(s *Store, handler http.HandlerFunc) *httptest.ResponseRecorder {
	rec := httptest.NewRecorder()
	s.Handler(handler).ServeHTTP(rec, b.request())
	b.take(rec.Result().Cookies())
	return rec
}

// within runs f in the context of one request of b.
func (b *browser) within(ctx context.Context, s *Store, f func(ctx context.Context)) {
	b.visit(s, func(_ http.ResponseWriter, r *http.Request) {
		f(context.WithValue(ctx, carrierKey{}, r.Context().Value(carrierKey{})))
	})
}

func (b *browser) get(t testing.TB, s *Store, h session.Handle) (r session.Record, err error) {
	t.Helper()
	b.within(t.Context(), s, func(ctx context.Context) { r, err = s.Get(ctx, h) })
	return r, err
}

// browsers play one browser for each handle: a call is a request of its own.
type browsers struct {
	*Store
	mu sync.Mutex
	of map[session.Handle]*browser
}

func (p *browsers) within(ctx context.Context, h session.Handle, f func(ctx context.Context) error) (err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.of[h] == nil {
		p.of[h] = &browser{}
	}
	p.of[h].within(ctx, p.Store, func(ctx context.Context) { err = f(ctx) })
	return err
}

func (p *browsers) Create(ctx context.Context, h session.Handle, r session.Record) error {
	return p.within(ctx, h, func(ctx context.Context) error { return p.Store.Create(ctx, h, r) })
}

func (p *browsers) Get(ctx context.Context, h session.Handle) (r session.Record, err error) {
	err = p.within(ctx, h, func(ctx context.Context) (err error) {
		r, err = p.Store.Get(ctx, h)
		return err
	})
	return r, err
}

func (p *browsers) Replace(ctx context.Context, h session.Handle, r session.Record) error {
	return p.within(ctx, h, func(ctx context.Context) error { return p.Store.Replace(ctx, h, r) })
}

func (p *browsers) Delete(ctx context.Context, h session.Handle) error {
	return p.within(ctx, h, func(ctx context.Context) error { return p.Store.Delete(ctx, h) })
}
