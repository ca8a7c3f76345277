package session_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sallyport/sallyport/internal/secret"
	"github.com/sallyport/sallyport/session"
	"github.com/sallyport/sallyport/session/cookiestore"
)

// carriedWorld is a manager whose sessions the browsers carry.
type carriedWorld struct {
	*world
	store   *cookiestore.Store
	revoked *revoked
}

func newCarriedWorld(t testing.TB, refresher session.Refresher) *carriedWorld {
	t.Helper()
	w := &carriedWorld{revoked: &revoked{}}
	w.world = newWorld(t, func(c *session.Config) {
		store, err := cookiestore.New(cookiestore.Config{Keys: c.Keys, Cookies: c.Cookies, MaxAge: c.MaxAge})
		if err != nil {
			t.Fatal(err)
		}
		w.store = store
		c.Store, c.Refresher, c.Revoker, c.Grace = store, refresher, w.revoked, 15*time.Minute
	})
	return w
}

// visit has f answer a request of b, which takes the answer's cookies.
func (w *carriedWorld) visit(b *browser, f http.HandlerFunc) *httptest.ResponseRecorder {
	return w.visitAs(b.request(), b, f)
}

func (w *carriedWorld) visitAs(r *http.Request, b *browser, f http.HandlerFunc) *httptest.ResponseRecorder {
	rec := httptest.NewRecorder()
	w.store.Handler(f).ServeHTTP(rec, r)
	b.take(rec)
	return rec
}

// sees is what the session of a request of b says.
func (w *carriedWorld) sees(b *browser) (s *session.Session, err error) {
	w.visit(b, func(_ http.ResponseWriter, r *http.Request) { s, err = w.Authenticate(r) })
	return s, err
}

func (w *carriedWorld) wantToken(t testing.TB, b *browser, token string) {
	t.Helper()
	s, err := w.sees(b)
	wantSession(t, "alice", s, err)
	if got := s.Grant.AccessToken.Reveal(); got != token {
		t.Errorf("access token %s, want %s", got, token)
	}
}

func (w *carriedWorld) enter(t testing.TB, l session.Login) *browser {
	t.Helper()
	b := &browser{}
	w.visit(b, func(rw http.ResponseWriter, r *http.Request) {
		if _, err := w.Start(rw, r, l); err != nil {
			t.Error(err)
		}
	})
	return b
}

// enterAt signs alice in with a grant of p.
func (w *carriedWorld) enterAt(t testing.TB, p *rotating) *browser {
	t.Helper()
	l := login("alice")
	l.Grant = p.grant("alice")
	return w.enter(t, l)
}

func (w *carriedWorld) signOut(t testing.TB, b *browser) {
	t.Helper()
	w.visit(b, func(rw http.ResponseWriter, r *http.Request) {
		if s, err := w.End(rw, r, session.EndedByPerson); err != nil || s == nil {
			t.Errorf("End = %v, %v", s, err)
		}
	})
	if len(b.jar) != 0 {
		t.Errorf("the browser keeps %v", b.names())
	}
}

func (b *browser) copy() *browser { return &browser{jar: slices.Clone(b.jar)} }

// RF-01: parallel requests when the access token has expired, and a straggler with
// the old cookies, cost one token call; the provider would take a second use of the
// refresh token for theft.
func TestCarriedIsRefreshedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newRotating()
		p.takes = 3 * time.Second
		w := newCarriedWorld(t, p)
		b := w.enterAt(t, p)
		straggler := b.copy()
		for round := 1; round <= 5; round++ {
			time.Sleep(accessLife + time.Second)
			var wait sync.WaitGroup
			tabs := make([]*browser, 100)
			for i := range tabs {
				tabs[i] = b.copy()
				wait.Go(func() { w.wantToken(t, tabs[i], fmt.Sprint("at-alice-", round)) })
			}
			wait.Wait()
			if n := p.count(); n != round {
				t.Fatalf("%d token calls in %d rounds", n, round)
			}
			b = tabs[round]
			w.wantToken(t, b, fmt.Sprint("at-alice-", round))
		}
		w.wantToken(t, straggler, "at-alice-5")
		if n := p.count(); n != 5 {
			t.Errorf("%d token calls, want 5", n)
		}
	})
}

// While the access token is good a request waits only briefly for a slow provider;
// what comes later leaves with the next answer.
func TestCarriedEarlyRefresh(t *testing.T) {
	for _, test := range []struct {
		takes, waits time.Duration
		first        string
	}{
		{time.Second, time.Second, "at-alice-1"},
		{8 * time.Second, 2 * time.Second, "at-alice-0"},
	} {
		synctest.Test(t, func(t *testing.T) {
			p := newRotating()
			p.takes = test.takes
			w := newCarriedWorld(t, p)
			b := w.enterAt(t, p)
			time.Sleep(accessLife - 30*time.Second)
			begin := time.Now()
			w.wantToken(t, b, test.first)
			if waited := time.Since(begin); waited != test.waits {
				t.Errorf("waited %s for a provider that takes %s, want %s", waited, test.takes, test.waits)
			}
			begin = time.Now()
			w.wantToken(t, b, test.first)
			if waited := time.Since(begin); waited != 0 {
				t.Errorf("another request waited %s for the same refresh", waited)
			}
			time.Sleep(10 * time.Second)
			w.wantToken(t, b, "at-alice-1")
			if n := p.count(); n != 1 {
				t.Errorf("%d token calls, want 1", n)
			}
		})
	}
}

// A renewal that comes when the answer has begun leaves with the next one.
func TestCarriedAnswerHasBegun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newRotating()
		w := newCarriedWorld(t, p)
		b := w.enterAt(t, p)
		time.Sleep(accessLife + time.Second)
		before := b.copy()
		w.visit(b, func(rw http.ResponseWriter, r *http.Request) {
			rw.WriteHeader(http.StatusOK)
			s, err := w.Authenticate(r)
			wantSession(t, "alice", s, err)
			if got := s.Grant.AccessToken.Reveal(); got != "at-alice-1" {
				t.Errorf("access token %s, want the renewed one", got)
			}
		})
		if !slices.Equal(before.jar, b.jar) {
			t.Error("an answer that had begun changed the cookies")
		}
		time.Sleep(11 * time.Minute) // longer than what an answer took along is remembered
		w.wantToken(t, b, "at-alice-2")
		if n := p.count(); n != 2 {
			t.Errorf("%d token calls, want 2", n)
		}
	})
}

// A renewal that no answer took along is remembered as long as the session lives.
func TestCarriedRenewalSurvivesItsRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newRotating()
		p.takes = 3 * time.Second
		w := newCarriedWorld(t, p)
		b := w.enterAt(t, p)
		time.Sleep(accessLife + time.Second)
		ctx, leave := context.WithTimeout(t.Context(), time.Second)
		defer leave()
		w.visitAs(b.request().WithContext(ctx), &browser{}, func(_ http.ResponseWriter, r *http.Request) { _, _ = w.Authenticate(r) })
		time.Sleep(40 * time.Minute)
		w.wantToken(t, b, "at-alice-2")
		if n := p.count(); n != 2 {
			t.Errorf("%d token calls, want 2", n)
		}
	})
}

// An answer that got lost: the next request brings the spent refresh token. The
// process remembers for ten minutes what it was exchanged for.
func TestCarriedAnswerIsLost(t *testing.T) {
	for name, test := range map[string]struct {
		later time.Duration
		lives bool
	}{
		"soon":     {9 * time.Minute, true},
		"too late": {11 * time.Minute, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newRotating()
				w := newCarriedWorld(t, p)
				b := w.enterAt(t, p)
				time.Sleep(accessLife + time.Second)
				w.wantToken(t, b.copy(), "at-alice-1") // and the copy is gone
				time.Sleep(test.later)
				s, err := w.sees(b)
				if test.lives {
					wantSession(t, "alice", s, err)
				} else {
					wantNone(t, session.SessionEndedAtIdP, s, err)
				}
			})
		})
	}
}

// An outage is no logout here either, and is over when the provider is back.
func TestCarriedOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newRotating()
		w := newCarriedWorld(t, p)
		b := w.enterAt(t, p)
		p.set(func() { p.fail = errUnavailable })
		for range 10 {
			time.Sleep(time.Minute)
			w.wantToken(t, b, "at-alice-0")
		}
		time.Sleep(15 * time.Minute)
		s, err := w.sees(b)
		wantNone(t, session.SessionUnconfirmed, s, err)
		p.set(func() { p.fail = nil })
		time.Sleep(2 * time.Minute)
		w.wantToken(t, b, "at-alice-1")
	})
}

// POST /session/refresh renews at once, and its answer takes the grant along.
func TestCarriedForcedRefresh(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newRotating()
		w := newCarriedWorld(t, p)
		b := w.enterAt(t, p)
		before := b.copy()
		time.Sleep(time.Minute)
		for range 2 {
			w.visit(b, func(_ http.ResponseWriter, r *http.Request) {
				if s, err := w.Refresh(r); err != nil || s.Grant.AccessToken.Reveal() != "at-alice-1" {
					t.Errorf("Refresh = %v, %v", s, err)
				}
			})
			w.wantToken(t, b, "at-alice-1")
		}
		// An older grant that is not due yet: that answer was lost.
		w.wantToken(t, before, "at-alice-1")
		time.Sleep(10 * time.Second)
		p.set(func() { p.fail = errUnavailable })
		w.visit(b, func(_ http.ResponseWriter, r *http.Request) {
			s, err := w.Refresh(r)
			if _, ok := errors.AsType[*session.RefreshError](err); !ok || s != nil {
				t.Errorf("Refresh = %v, %v; want a RefreshError", s, err)
			}
		})
	})
}

// The idle limit is kept in the cookie, and a use is written there at most once in a
// sixtieth of it.
func TestCarriedIdle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newCarriedWorld(t, nil)
		b := w.enter(t, login("alice"))
		written := 0
		for range 120 {
			time.Sleep(time.Minute / 2)
			before := b.copy()
			w.wantToken(t, b, "access-token-of-alice")
			if !slices.Equal(before.jar, b.jar) {
				written++
			}
		}
		if written < 50 || written > 61 {
			t.Errorf("written %d times in an hour", written)
		}
		time.Sleep(59 * time.Minute)
		w.wantToken(t, b, "access-token-of-alice")
		time.Sleep(62 * time.Minute)
		s, err := w.sees(b)
		if no, ok := errors.AsType[*session.NoSessionError](err); !ok {
			t.Errorf("after the idle limit: %v, %v", s, no)
		}
	})
}

// A sign-in whose session does not fit leaves nothing behind.
func TestCarriedTooLarge(t *testing.T) {
	for name, size := range map[string]int{"for cookies": 9000, "to compress": 70_000} {
		t.Run(name, func(t *testing.T) {
			w := newCarriedWorld(t, nil)
			l := login("alice")
			l.Grant.AccessToken = secret.New(incompressible(size))
			b := &browser{}
			w.visit(b, func(rw http.ResponseWriter, r *http.Request) {
				s, err := w.Start(rw, r, l)
				if large, ok := errors.AsType[*session.TooLargeError](err); !ok || s != nil || large.Size <= large.Limit {
					t.Errorf("Start = %v, %v", s, err)
				}
			})
			if len(b.jar) != 0 {
				t.Errorf("the browser has %v", b.names())
			}
		})
	}
}

// A renewed session that no longer fits goes on in this process, which says so.
func TestCarriedGrowsTooLarge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newRotating()
		w := newCarriedWorld(t, p)
		b := w.enterAt(t, p)
		p.set(func() { p.groups = strings.Split(incompressible(9000), "_") })
		time.Sleep(accessLife + time.Second)
		for range 20 {
			w.wantToken(t, b, "at-alice-1")
		}
		if n := p.count(); n != 1 {
			t.Errorf("%d token calls, want 1", n)
		}
		if n := strings.Count(w.log.String(), "SALLYPORT_SESSION_STORE=cookie has room for"); n != 1 {
			t.Errorf("logged %d times, want once a minute:\n%s", n, w.log.String())
		}
	})
}

// incompressible is text of that length in which nothing repeats.
func incompressible(size int) string {
	var b strings.Builder
	for b.Len() < size {
		b.WriteString(session.GenerateKey().Encode())
	}
	return strings.ReplaceAll(b.String()[:size], "/", "_")
}
