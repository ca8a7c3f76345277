package session_test

import (
	"errors"
	"net/http"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sallyport/sallyport/internal/secret"
	"github.com/sallyport/sallyport/session"
)

// After a sign-out no copy of the cookies opens the session in this process, older
// ones neither, and what the provider issued last is what is revoked.
func TestCarriedSignOutHoldsForCopies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newRotating()
		w := newCarriedWorld(t, p)
		b := w.enterAt(t, p)
		oldest := b.copy()
		time.Sleep(accessLife + time.Second)
		w.wantToken(t, b, "at-alice-1")
		newest := b.copy()
		var ended *session.Session
		w.visit(oldest.copy(), func(rw http.ResponseWriter, r *http.Request) { // a tab whose answer was lost
			var err error
			if ended, err = w.End(rw, r, session.EndedByPerson); err != nil {
				t.Error(err)
			}
		})
		if got := ended.Grant.RefreshToken.Reveal(); got != "alice:1" {
			t.Errorf("the session that ended has the refresh token %s, want the latest", got)
		}
		for range 12 {
			for _, stolen := range []*browser{oldest.copy(), newest.copy()} {
				s, err := w.sees(stolen)
				if no, ok := errors.AsType[*session.NoSessionError](err); !ok || s != nil {
					t.Fatalf("a copy: %v, %v", s, no)
				}
			}
			time.Sleep(time.Hour)
		}
	})
}

// A sign-out while the provider is asked: the renewal neither revives the session
// nor survives.
func TestCarriedSignOutDuringRefresh(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &beside{rotating: newRotating()}
		w := newCarriedWorld(t, p)
		b := w.enterAt(t, p.rotating)
		other := b.copy()
		time.Sleep(accessLife + time.Second)
		p.before = func() { w.signOut(t, other) }
		s, err := w.sees(b)
		wantNone(t, session.SessionGone, s, err)
		if !slices.Contains(w.revoked.tokens, "at-alice-1") {
			t.Errorf("revoked %v, want what the refresh brought", w.revoked.tokens)
		}
		if s, err = w.sees(b.copy()); err == nil {
			t.Errorf("a later request has %v", s)
		}
	})
}

// The provider's refusal ends the session, clears its cookies, and holds for copies.
func TestCarriedEndsWithTheProviders(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newRotating()
		w := newCarriedWorld(t, p)
		b := w.enterAt(t, p)
		stolen := b.copy()
		p.set(func() { p.revoked = true })
		time.Sleep(accessLife + time.Second)
		s, err := w.sees(b)
		wantNone(t, session.SessionEndedAtIdP, s, err)
		if names := b.names(); slices.ContainsFunc(names, func(n string) bool { return n != cookieName }) {
			t.Errorf("the browser keeps %v", names)
		}
		s, err = w.sees(stolen)
		wantNone(t, session.SessionGone, s, err)
		if n := p.count(); n != 1 {
			t.Errorf("%d token calls, want 1", n)
		}
	})
}

// CK-21: two sign-ins in one browser whose answers interleave. Whatever mixture of
// their cookies it is left with, it is the person of the ticket, or nobody.
func TestCarriedCookiesOfTwoSessions(t *testing.T) {
	w := newCarriedWorld(t, nil)
	people := map[string]*browser{}
	for user, size := range map[string]int{"alice": 5000, "bob": 100} { // two parts and one
		l := login(user)
		l.Grant.AccessToken = secret.New(incompressible(size))
		people[user] = w.enter(t, l)
	}
	names := []string{cookieName, cookieName + "_0", cookieName + "_1"}
	from := []string{"alice", "bob", ""}
	opened := 0
	for mixture := range 27 {
		b, n, owner := &browser{}, mixture, ""
		for i, name := range names {
			user := from[n%3]
			n /= 3
			if i == 0 {
				owner = user
			}
			if user == "" {
				continue
			}
			if value := people[user].value(name); value != "" {
				b.jar = append(b.jar, &http.Cookie{Name: name, Value: value})
			}
		}
		s, err := w.sees(b)
		if err == nil {
			opened++
			wantSession(t, owner, s, err)
		}
	}
	// Alice's is whole once; bob's whatever part 1 is left over.
	if opened != 4 {
		t.Errorf("%d mixtures open a session, want 4", opened)
	}
}

// A new sign-in replaces the session whose cookies it overwrites, and a request of
// that one which is answered later changes nothing.
func TestCarriedSignInAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newCarriedWorld(t, nil)
		b := w.enter(t, login("alice"))
		stolen := b.copy()
		time.Sleep(2 * time.Minute) // so that the slow request writes its use
		w.visit(b, func(_ http.ResponseWriter, slow *http.Request) {
			s, err := w.Authenticate(slow)
			wantSession(t, "alice", s, err)
			w.visit(b, func(rw http.ResponseWriter, r *http.Request) {
				if _, err := w.Start(rw, r, login("bob")); err != nil {
					t.Error(err)
				}
			})
		})
		s, err := w.sees(b)
		wantSession(t, "bob", s, err)
		s, err = w.sees(stolen)
		wantNone(t, session.SessionGone, s, err)
	})
}

// An open stream ends with the session, of which only its own and other requests of
// this process tell.
func TestCarriedStreams(t *testing.T) {
	open := func(t *testing.T) (w *carriedWorld, b *browser, s *session.Session, over chan time.Time) {
		w = newCarriedWorld(t, nil)
		b = w.enter(t, login("alice"))
		s, err := w.sees(b)
		wantSession(t, "alice", s, err)
		over = make(chan time.Time, 1)
		stop := w.OnEnd(s, func() { over <- time.Now() })
		t.Cleanup(stop)
		synctest.Wait()
		return w, b, s, over
	}
	t.Run("sign-out", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w, b, s, over := open(t)
			begin := time.Now()
			w.signOut(t, b)
			if at := <-over; !at.Equal(begin) {
				t.Errorf("%s after the sign-out", at.Sub(begin))
			}
			if err := w.Touch(t.Context(), s); err == nil {
				t.Error("Touch of a session that has ended: no error")
			}
		})
	})
	t.Run("signed out before it was watched", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w, b, s, over := open(t)
			w.signOut(t, b)
			<-over
			stop := w.OnEnd(s, func() { over <- time.Now() })
			defer stop()
			<-over
		})
	})
	t.Run("idle", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w, b, s, over := open(t)
			begin := time.Now()
			time.Sleep(50 * time.Minute)
			w.wantToken(t, b, "access-token-of-alice") // at 0:50
			time.Sleep(50 * time.Minute)
			if err := w.Touch(t.Context(), s); err != nil { // at 1:40
				t.Error(err)
			}
			if ended := (<-over).Sub(begin); ended < 160*time.Minute || ended > 162*time.Minute {
				t.Errorf("ended after %s, want an hour after the last use at 1:40", ended)
			}
		})
	})
	t.Run("absolute", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w, _, s, over := open(t)
			for range 23 {
				time.Sleep(30 * time.Minute)
				if err := w.Touch(t.Context(), s); err != nil {
					t.Fatal(err)
				}
			}
			if at := <-over; !at.Equal(s.ExpiresAt) {
				t.Errorf("ended at %s, want %s", at, s.ExpiresAt)
			}
			if err := w.Touch(t.Context(), s); err == nil {
				t.Error("Touch after the absolute limit: no error")
			}
		})
	})
}
