package session_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/sallyport/sallyport/internal/secret"
	"github.com/sallyport/sallyport/session"
	"github.com/sallyport/sallyport/session/memstore"
)

const cookieName = "__Host-sallyport"

// world is a manager with everything around it.
type world struct {
	*session.Manager
	keys     *session.KeyRing
	key      session.Key
	store    *faultyStore
	registry *prometheus.Registry
	log      *syncBuilder
	cfg      session.Config
}

// newWorld makes a manager on a memory store; change may alter its
// configuration.
func newWorld(t testing.TB, change func(*session.Config)) *world {
	t.Helper()
	w := &world{key: session.GenerateKey(), registry: prometheus.NewRegistry(), log: &syncBuilder{}}
	var err error
	if w.keys, err = session.NewKeyRing([]session.Key{w.key}, "https://app.example.com|rp1"); err != nil {
		t.Fatal(err)
	}
	cookies, err := session.NewCookies(session.CookieConfig{Name: "sallyport", Secure: true})
	if err != nil {
		t.Fatal(err)
	}
	mem, err := memstore.New(memstore.Config{})
	if err != nil {
		t.Fatal(err)
	}
	w.store = &faultyStore{Store: mem}
	w.cfg = session.Config{
		Store: w.store, Keys: w.keys, Cookies: cookies, MaxAge: 12 * time.Hour, Idle: time.Hour, Now: time.Now,
		Logger: slog.New(slog.NewTextHandler(w.log, nil)), Registerer: w.registry,
	}
	if change != nil {
		change(&w.cfg)
	}
	w.Manager = w.replica(t, nil)
	return w
}

// replica makes another manager on the same store and keys.
func (w *world) replica(t testing.TB, change func(*session.Config)) *session.Manager {
	t.Helper()
	cfg := w.cfg
	if w.Manager != nil {
		cfg.Registerer = nil
		cfg.Store = struct{ session.Store }{cfg.Store} // the store tells one manager what it forgets
	}
	if change != nil {
		change(&cfg)
	}
	m, err := session.NewManager(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

type syncBuilder struct {
	mu sync.Mutex
	b  strings.Builder
}

func (s *syncBuilder) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuilder) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// faultyStore is a memory store that fails, waits and counts on demand.
type faultyStore struct {
	*memstore.Store
	getErr, createErr, replaceErr, deleteErr, findErr, claimErr atomic.Pointer[error]

	replaces atomic.Int64
	slow     atomic.Int64 // how long Replace takes, in nanoseconds
	pingErr  error
}

var errDown = errors.New("connection refused")

func (s *faultyStore) fail(ops ...*atomic.Pointer[error]) {
	for _, op := range ops {
		op.Store(&errDown)
	}
}

func (s *faultyStore) heal() {
	for _, op := range []*atomic.Pointer[error]{&s.getErr, &s.createErr, &s.replaceErr, &s.deleteErr, &s.findErr, &s.claimErr} {
		op.Store(nil)
	}
}

func (s *faultyStore) Get(ctx context.Context, h session.Handle) (session.Record, error) {
	if err := s.getErr.Load(); err != nil {
		return session.Record{}, *err
	}
	return s.Store.Get(ctx, h)
}

func (s *faultyStore) Create(ctx context.Context, h session.Handle, r session.Record) error {
	if err := s.createErr.Load(); err != nil {
		return *err
	}
	return s.Store.Create(ctx, h, r)
}

func (s *faultyStore) Replace(ctx context.Context, h session.Handle, r session.Record) error {
	s.replaces.Add(1)
	if slow := time.Duration(s.slow.Load()); slow > 0 {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(slow):
		}
	}
	if err := s.replaceErr.Load(); err != nil {
		return *err
	}
	return s.Store.Replace(ctx, h, r)
}

func (s *faultyStore) Delete(ctx context.Context, h session.Handle) error {
	if err := s.deleteErr.Load(); err != nil {
		return *err
	}
	return s.Store.Delete(ctx, h)
}

func (s *faultyStore) Ping(context.Context) error { return s.pingErr }

// browser keeps cookies in the order they were set.
type browser struct{ jar []*http.Cookie }

func (b *browser) request() *http.Request {
	r := httptest.NewRequest(http.MethodGet, "https://app.example.com/", nil)
	for _, c := range b.jar {
		r.AddCookie(&http.Cookie{Name: c.Name, Value: c.Value})
	}
	return r
}

// take applies the Set-Cookie fields of an answer.
func (b *browser) take(w *httptest.ResponseRecorder) {
	for _, c := range w.Result().Cookies() {
		b.jar = slices.DeleteFunc(b.jar, func(old *http.Cookie) bool { return old.Name == c.Name })
		if c.MaxAge >= 0 {
			b.jar = append(b.jar, c)
		}
	}
}

func (b *browser) value(name string) string {
	for _, c := range b.jar {
		if c.Name == name {
			return c.Value
		}
	}
	return ""
}

func (b *browser) names() []string {
	var names []string
	for _, c := range b.jar {
		names = append(names, c.Name)
	}
	return names
}

func login(user string) session.Login {
	return session.Login{
		IdP:      "keycloak",
		Identity: session.Identity{Issuer: "https://idp.example.com", Subject: user, User: user, Groups: []string{"staff"}},
		Grant:    session.Grant{AccessToken: secret.New("access-token-of-" + user), IDToken: secret.New("id-token-of-" + user)},
	}
}

// signIn starts a session in b.
func (w *world) signIn(t testing.TB, b *browser, user string) *session.Session {
	t.Helper()
	rec := httptest.NewRecorder()
	s, err := w.Start(rec, b.request(), login(user))
	if err != nil {
		t.Fatalf("Start: %v", err)
	}
	b.take(rec)
	return s
}

func raw(fields ...string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, "https://app.example.com/", nil)
	r.Header["Cookie"] = fields
	return r
}

// wantSession fails unless the request is user's.
func wantSession(t testing.TB, user string, s *session.Session, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("no session: %v; want %s's", err, user)
	}
	if s.Identity.Subject != user {
		t.Fatalf("session of %q, want %q", s.Identity.Subject, user)
	}
}

// wantNone fails unless err is a NoSessionError of that kind.
func wantNone(t testing.TB, why session.NoSession, s *session.Session, err error) *session.NoSessionError {
	t.Helper()
	no, ok := errors.AsType[*session.NoSessionError](err)
	if !ok || no.Why != why || s != nil {
		t.Fatalf("session %v, error %v; want no session because of %s", s != nil, err, why)
	}
	return no
}

func wantStoreError(t testing.TB, op string, err error) {
	t.Helper()
	e, ok := errors.AsType[*session.StoreError](err)
	if !ok || e.Op != op || !errors.Is(err, errDown) {
		t.Fatalf("error %v, want a StoreError of %s", err, op)
	}
}
