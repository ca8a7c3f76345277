package session_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/sallyport/sallyport/internal/secret"
	"github.com/sallyport/sallyport/session"
)

const accessLife = 5 * time.Minute

// rotating is a provider that rotates refresh tokens and revokes the whole family
// when one is used twice, as OAuth 2.0 Security BCP §4.14.2 recommends.
type rotating struct {
	mu      sync.Mutex
	takes   time.Duration // one call
	current map[string]int
	calls   int
	revoked bool
	fail    error    // instead of an answer
	groups  []string // of everybody
	lost    bool     // answers and then says it failed: the caller was killed
}

func newRotating() *rotating {
	return &rotating{current: map[string]int{}, groups: []string{"staff"}}
}

// grant begins a family.
func (p *rotating) grant(user string) session.Grant {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.current[user] = 0
	return p.at(user, 0)
}

func (p *rotating) at(user string, n int) session.Grant {
	return session.Grant{
		AccessToken: secret.New(fmt.Sprintf("at-%s-%d", user, n)), RefreshToken: secret.New(fmt.Sprintf("%s:%d", user, n)),
		ObtainedAt: time.Now(), ExpiresAt: time.Now().Add(accessLife), Mode: session.ModeFull,
	}
}

// Refresh implements session.Refresher.
func (p *rotating) Refresh(ctx context.Context, s *session.Session) (session.Renewal, error) {
	p.mu.Lock()
	p.calls++
	fail, takes := p.fail, p.takes
	p.mu.Unlock()
	if fail != nil {
		return session.Renewal{}, fail
	}
	time.Sleep(takes)
	p.mu.Lock()
	defer p.mu.Unlock()
	user := s.Identity.Subject
	if p.revoked || s.Grant.RefreshToken.Reveal() != fmt.Sprintf("%s:%d", user, p.current[user]) {
		p.revoked = true
		return session.Renewal{}, &session.RefreshError{Outcome: session.RefreshEnded, Err: errors.New("invalid_grant")}
	}
	p.current[user]++
	if p.lost {
		return session.Renewal{}, &session.RefreshError{Outcome: session.RefreshUnavailable, Err: errors.New("killed before the answer was read")}
	}
	id := s.Identity
	id.Groups = p.groups
	return session.Renewal{Identity: id, Grant: p.at(user, p.current[user])}, nil
}

func (p *rotating) set(change func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	change()
}

func (p *rotating) count() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.calls
}

var (
	errUnavailable   = &session.RefreshError{Outcome: session.RefreshUnavailable, Err: errors.New("503")}
	errMisconfigured = &session.RefreshError{Outcome: session.RefreshMisconfigured, Err: errors.New("invalid_client")}
)

// refreshWorld has one browser signed in whose session p refreshes.
func refreshWorld(t testing.TB, p *rotating, change func(*session.Config)) (*world, *browser) {
	t.Helper()
	w := newWorld(t, func(c *session.Config) {
		c.Refresher, c.Grace = p, 15*time.Minute
		if change != nil {
			change(c)
		}
	})
	return w, w.enter(t, p, "alice")
}

func (w *world) enter(t testing.TB, p *rotating, user string) *browser {
	t.Helper()
	b := &browser{}
	l := login(user)
	l.Identity.Subject, l.Grant = user, p.grant(user)
	rec := httptest.NewRecorder()
	if _, err := w.Start(rec, b.request(), l); err != nil {
		t.Fatal(err)
	}
	b.take(rec)
	return b
}

// locked gives a memory store locks, as stores have that replicas share.
type locked struct {
	session.Store
	mu    sync.Mutex
	locks map[session.Handle]*heldLock
}

type heldLock struct {
	store *locked
	h     session.Handle
	until time.Time
}

func withLocks(s session.Store) *locked {
	return &locked{Store: s, locks: map[session.Handle]*heldLock{}}
}

// TryLock implements session.Locker.
func (s *locked) TryLock(_ context.Context, h session.Handle, ttl time.Duration) (session.Lock, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if l := s.locks[h]; l != nil && time.Now().Before(l.until) {
		return nil, false, nil
	}
	l := &heldLock{store: s, h: h, until: time.Now().Add(ttl)}
	s.locks[h] = l
	return l, true, nil
}

// Renew implements session.Lock.
func (l *heldLock) Renew(_ context.Context, ttl time.Duration) error {
	l.store.mu.Lock()
	defer l.store.mu.Unlock()
	if l.store.locks[l.h] != l {
		return session.ErrNotFound
	}
	l.until = time.Now().Add(ttl)
	return nil
}

// Unlock implements session.Lock.
func (l *heldLock) Unlock(context.Context) error {
	l.store.mu.Lock()
	defer l.store.mu.Unlock()
	if l.store.locks[l.h] == l {
		delete(l.store.locks, l.h)
	}
	return nil
}

// replicas are n managers on one store with locks, and a browser signed in.
func replicas(t testing.TB, p *rotating, n int) (*world, []*session.Manager, *browser) {
	t.Helper()
	w, b := refreshWorld(t, p, func(c *session.Config) { c.Store = withLocks(c.Store); c.Idle = 0 })
	all := []*session.Manager{w.Manager}
	for len(all) < n {
		all = append(all, w.replica(t, func(c *session.Config) { c.Store = w.cfg.Store }))
	}
	return w, all, b
}

func userOf(t testing.TB, m *session.Manager, r *http.Request) string {
	t.Helper()
	s, err := m.Authenticate(r)
	if err != nil {
		return err.Error()
	}
	return s.Identity.Subject
}

// instantly is a provider that renews whatever it is given, at once.
type instantly struct{}

func (instantly) Refresh(_ context.Context, s *session.Session) (session.Renewal, error) {
	return session.Renewal{Identity: s.Identity, Grant: instant()}, nil
}

func instant() session.Grant {
	return session.Grant{RefreshToken: secret.New("r"), ObtainedAt: time.Now(), ExpiresAt: time.Now().Add(time.Hour), Mode: session.ModeFull}
}
