package proxy

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/sallyport/sallyport/internal/secret"
	"github.com/sallyport/sallyport/session"
)

// fakeAuth knows sessions by the value of the session cookie.
type fakeAuth struct {
	mu       sync.Mutex
	sessions map[string]*session.Session
	failure  error
	watchers map[session.Handle][]func()
	touched  int
	peeked   int
	asked    int
}

func newFakeAuth() *fakeAuth {
	a := &fakeAuth{sessions: map[string]*session.Session{}, watchers: map[session.Handle][]func(){}}
	a.add("alice", session.Identity{Subject: "sub-alice", User: "alice", Email: "alice@example.com", Name: "alice.a", Groups: []string{"staff"}})
	a.add("bob", session.Identity{Subject: "sub-bob", User: "bob", Email: "bob@example.com", Name: "bob.b"})
	return a
}

func (a *fakeAuth) add(cookie string, id session.Identity) *session.Session {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := time.Date(2026, 1, 2, 3, 4, 5, 600, time.UTC)
	s := &session.Session{
		IdP: "generic", Identity: id, CreatedAt: now, LastSeen: now, ExpiresAt: now.Add(12 * time.Hour), IdleAt: now.Add(time.Hour),
		Grant: session.Grant{AccessToken: secret.New("at-" + cookie), IDToken: secret.New("idt-" + cookie)}, Memo: new(session.Memo),
	}
	copy(s.Handle[:], cookie)
	a.sessions[cookie] = s
	return s
}

func (a *fakeAuth) find(r *http.Request) (*session.Session, error) {
	if a.failure != nil {
		return nil, a.failure
	}
	c, err := r.Cookie("__Host-sallyport")
	if err != nil {
		return nil, &session.NoSessionError{Why: session.NoCookie}
	}
	s, ok := a.sessions[c.Value]
	if !ok {
		return nil, &session.NoSessionError{Why: session.CookieInvalid}
	}
	return s, nil
}

func (a *fakeAuth) Authenticate(r *http.Request) (*session.Session, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.asked++
	return a.find(r)
}

func (a *fakeAuth) Peek(r *http.Request) (*session.Session, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.peeked++
	return a.find(r)
}

func (a *fakeAuth) Touch(_ context.Context, s *session.Session) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.touched++
	if a.knows(s) {
		return nil
	}
	return &session.NoSessionError{Why: session.SessionGone}
}

func (a *fakeAuth) knows(s *session.Session) bool {
	for _, known := range a.sessions {
		if known.Handle == s.Handle {
			return true
		}
	}
	return false
}

func (a *fakeAuth) OnEnd(s *session.Session, f func()) func() {
	a.mu.Lock()
	defer a.mu.Unlock()
	f = sync.OnceFunc(f)
	a.watchers[s.Handle] = append(a.watchers[s.Handle], f)
	if !a.knows(s) {
		go f()
	}
	return func() {}
}

// end ends a session as a sign-out would.
func (a *fakeAuth) end(cookie string) {
	a.mu.Lock()
	s := a.sessions[cookie]
	delete(a.sessions, cookie)
	watchers := a.watchers[s.Handle]
	a.mu.Unlock()
	for _, f := range watchers {
		go f()
	}
}

func (a *fakeAuth) fail(err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.failure = err
}

func (a *fakeAuth) watching(cookie string) int {
	a.mu.Lock()
	defer a.mu.Unlock()
	if s := a.sessions[cookie]; s != nil {
		return len(a.watchers[s.Handle])
	}
	return 0
}

// fakeLogin answers as the relying party would.
type fakeLogin struct {
	mu      sync.Mutex
	to      []string
	attempt int
	asked   session.SignIn
}

func (l *fakeLogin) Begin(w http.ResponseWriter, _ *http.Request, s session.SignIn) {
	l.mu.Lock()
	l.to = append(l.to, s.To.String())
	l.attempt, l.asked = s.Attempt, s
	l.mu.Unlock()
	w.Header().Set("Location", "https://idp.example.com/authorize")
	w.WriteHeader(http.StatusFound)
}

func (l *fakeLogin) last() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.to) == 0 {
		return ""
	}
	return l.to[len(l.to)-1]
}

// logBuffer keeps what was logged, and how many writes it took.
type logBuffer struct {
	mu   sync.Mutex
	buf  bytes.Buffer
	torn int // writes that were no whole lines
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !bytes.HasSuffix(p, []byte("\n")) {
		l.torn++
	}
	return l.buf.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

var errStore = &session.StoreError{Op: "get", Err: errors.New("dial tcp 192.0.2.1:6379: i/o timeout")}
