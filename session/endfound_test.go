package session_test

import (
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sallyport/sallyport/session"
)

const issuer = "https://idp.example.com"

// revoked notes whose tokens were revoked.
type revoked struct {
	mu     sync.Mutex
	tokens []string
}

// Revoke implements session.Revoker.
func (r *revoked) Revoke(s *session.Session) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.tokens = append(r.tokens, s.Grant.AccessToken.Reveal())
}

func (r *revoked) count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.tokens)
}

// crowd is a few sessions: alice has two in one of the provider's sessions and one
// in another; bob has one.
func crowd(t *testing.T, w *world) map[string]*browser {
	t.Helper()
	browsers := make(map[string]*browser)
	for name, l := range map[string]session.Login{
		"alice 1": loginIn("alice", "s1"), "alice 1 too": loginIn("alice", "s1"), "alice 2": loginIn("alice", "s2"), "bob": loginIn("bob", "s3"),
	} {
		browsers[name], _ = w.signInAs(t, w.Manager, l, name)
	}
	return browsers
}

// LO-09: a logout ends every session that it concerns, and no other.
func TestEndFound(t *testing.T) {
	tests := []struct {
		name string
		end  func(w *world, of map[string]*browser) (int, error)
		left []string
	}{
		{"LO-09 sid", func(w *world, _ map[string]*browser) (int, error) {
			return w.EndSID(t.Context(), issuer, "s1", session.EndedByBackChannel)
		}, []string{"alice 2", "bob"}},
		{"LO-09 sub", func(w *world, _ map[string]*browser) (int, error) {
			return w.EndSubject(t.Context(), issuer, "alice", session.EndedByBackChannel)
		}, []string{"bob"}},
		{"sid of another issuer", func(w *world, _ map[string]*browser) (int, error) {
			return w.EndSID(t.Context(), "https://evil.example.com", "s1", session.EndedByBackChannel)
		}, []string{"alice 1", "alice 1 too", "alice 2", "bob"}},
		{"sub for sid", func(w *world, _ map[string]*browser) (int, error) {
			return w.EndSID(t.Context(), issuer, "alice", session.EndedByBackChannel)
		}, []string{"alice 1", "alice 1 too", "alice 2", "bob"}},
		{"no sid", func(w *world, _ map[string]*browser) (int, error) {
			return w.EndSID(t.Context(), issuer, "", session.EndedByBackChannel)
		}, []string{"alice 1", "alice 1 too", "alice 2", "bob"}},
		{"user", func(w *world, _ map[string]*browser) (int, error) {
			return w.EndUser(t.Context(), "Alice@example.com", session.EndedByAdmin)
		}, []string{"bob"}},
		{"others", func(w *world, of map[string]*browser) (int, error) {
			return w.EndOthers(of["alice 2"].request(), session.EndedElsewhere)
		}, []string{"alice 2", "bob"}},
		{"own", func(w *world, of map[string]*browser) (int, error) {
			s, err := w.Peek(of["alice 1"].request())
			if err != nil {
				return 0, err
			}
			ended, err := w.EndOwn(of["alice 2"].request(), s.Handle, session.EndedElsewhere)
			return map[bool]int{true: 1}[ended], err
		}, []string{"alice 1 too", "alice 2", "bob"}},
		{"somebody else's", func(w *world, of map[string]*browser) (int, error) {
			s, err := w.Peek(of["bob"].request())
			if err != nil {
				return 0, err
			}
			ended, err := w.EndOwn(of["alice 2"].request(), s.Handle, session.EndedElsewhere)
			return map[bool]int{true: 1}[ended], err
		}, []string{"alice 1", "alice 1 too", "alice 2", "bob"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tokens := &revoked{}
			w := newWorld(t, func(c *session.Config) { c.Revoker = tokens })
			of := crowd(t, w)
			want := len(of) - len(tt.left)
			for _, b := range of { // every session is opened here
				if _, err := w.Authenticate(b.request()); err != nil {
					t.Fatal(err)
				}
			}
			if n, err := tt.end(w, of); n != want || err != nil {
				t.Errorf("ended %d, %v; want %d", n, err, want)
			}
			for name, b := range of {
				_, err := w.Authenticate(b.request())
				if lives := err == nil; lives != slices.Contains(tt.left, name) {
					t.Errorf("%s lives: %t (%v)", name, lives, err)
				}
			}
			if tokens.count() != want {
				t.Errorf("%d sessions had their tokens revoked, want %d", tokens.count(), want)
			}
		})
	}
}

func TestEndHandle(t *testing.T) {
	w := newWorld(t, nil)
	b, s := w.signInAs(t, w.Manager, loginIn("alice", "s1"), "a")
	for _, want := range []bool{true, false} {
		if ended, err := w.EndHandle(t.Context(), s.Handle, session.EndedByAdmin); ended != want || err != nil {
			t.Errorf("EndHandle = %t, %v; want %t", ended, err, want)
		}
	}
	s, err := w.Authenticate(b.request())
	wantNone(t, session.SessionGone, s, err)
	wantGauge(t, w.registry, "sallyport_session_ends_total", string(session.EndedByAdmin), 1)
}

// A provider says once that a session is over. If the store cannot end it then, it
// ends when the store answers again, without what began since.
func TestEndFoundWhenTheStoreIsBack(t *testing.T) {
	for _, tt := range []struct {
		name string
		fail func(w *world)
	}{
		{"LO-19 the store finds nothing", func(w *world) { w.store.fail(&w.store.findErr) }},
		{"LO-19 the store deletes nothing", func(w *world) { w.store.fail(&w.store.deleteErr) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, nil)
				b, _ := w.signInAs(t, w.Manager, loginIn("alice", "s1"), "a")
				tt.fail(w)
				if n, err := w.EndSubject(t.Context(), issuer, "alice", session.EndedByBackChannel); n != 0 || err == nil {
					t.Errorf("ended %d, %v; want an error", n, err)
				}
				time.Sleep(time.Minute)
				after, _ := w.signInAs(t, w.Manager, loginIn("alice", "s2"), "b")
				w.store.heal()
				if err := w.Drain(t.Context()); err != nil {
					t.Fatal(err)
				}
				s, err := w.Authenticate(b.request())
				wantNone(t, session.SessionGone, s, err)
				s, err = w.Authenticate(after.request())
				wantSession(t, "alice", s, err)
			})
		})
	}
}

// RF-05: a renewed token that comes after the sign-out belongs to nobody, and the
// sign-out could not revoke it.
func TestRenewalAfterSignOutIsRevoked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tokens := &revoked{}
		p := &beside{rotating: newRotating()}
		w, b := refreshWorld(t, p.rotating, func(c *session.Config) { c.Refresher, c.Revoker = p, tokens })
		p.before = func() {
			if _, err := w.End(httptest.NewRecorder(), b.request(), session.EndedByPerson); err != nil {
				t.Error(err)
			}
		}
		time.Sleep(accessLife + time.Second)
		_, _ = w.Authenticate(b.request())
		if err := w.Drain(t.Context()); err != nil {
			t.Fatal(err)
		}
		if len(tokens.tokens) != 1 || tokens.tokens[0] != "at-alice-1" {
			t.Errorf("revoked %q, want the renewed token", tokens.tokens)
		}
	})
}
