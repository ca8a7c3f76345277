package session_test

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sallyport/sallyport/session"
)

// beside is a provider with something happening while it is asked.
type beside struct {
	*rotating
	before, after func()
}

// Refresh implements session.Refresher.
func (p *beside) Refresh(ctx context.Context, s *session.Session) (session.Renewal, error) {
	if p.before != nil {
		p.before()
	}
	r, err := p.rotating.Refresh(ctx, s)
	if p.after != nil {
		p.after()
	}
	return r, err
}

// besideWorld has one browser signed in whose session p refreshes.
func besideWorld(t testing.TB) (*beside, *world, *browser) {
	t.Helper()
	p := &beside{rotating: newRotating()}
	w, b := refreshWorld(t, p.rotating, func(c *session.Config) { c.Refresher = p })
	return p, w, b
}

// A script that asks for a refresh again and again must not hammer a provider that
// fails, whatever the failure: one call in five seconds, and none before the time
// that the provider asked for.
func TestForcedRefreshesAreLimitedAfterFailures(t *testing.T) {
	tests := []struct {
		name  string
		fail  *session.RefreshError
		calls int
	}{
		{"misconfigured", errMisconfigured, 5},
		{"unavailable", errUnavailable, 5},
		{"RF-11 429 with Retry-After", &session.RefreshError{Outcome: session.RefreshUnavailable, RetryAfter: time.Minute, Err: errors.New("429")}, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newRotating()
				w, b := refreshWorld(t, p, nil)
				time.Sleep(time.Minute)
				p.set(func() { p.fail = tt.fail })
				for range 25 * 4 {
					_, err := w.Refresh(b.request())
					if failed, ok := errors.AsType[*session.RefreshError](err); !ok || failed.Outcome != tt.fail.Outcome {
						t.Fatalf("= %v, want the outcome %s", err, tt.fail.Outcome)
					}
					time.Sleep(250 * time.Millisecond)
				}
				if n := p.count(); n > tt.calls {
					t.Errorf("%d token calls in 25 seconds, want at most %d", n, tt.calls)
				}
			})
		})
	}
}

// One session whose refreshes fail does not keep the others from theirs.
func TestOneSessionDoesNotOpenTheBreaker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newRotating()
		w, b := refreshWorld(t, p, nil)
		other := w.enter(t, p, "bob")
		time.Sleep(time.Minute)
		p.set(func() { p.fail = errUnavailable })
		for range 10 {
			_, _ = w.Refresh(b.request())
			time.Sleep(6 * time.Second)
		}
		p.set(func() { p.fail = nil })
		if s, err := w.Refresh(other.request()); err != nil || s.Grant.AccessToken.Reveal() != "at-bob-1" {
			t.Errorf("bob's = %v, %v after failures of alice's; want a renewed grant", s, err)
		}
	})
}

// RF-03: somebody returns long after the access token expired, and the client
// secret has expired meanwhile: even the first request goes on.
func TestMisconfiguredClientKeepsThoseWhoReturn(t *testing.T) {
	for _, shared := range []bool{false, true} {
		t.Run(fmt.Sprintf("RF-03 locks %t", shared), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newRotating()
				w, b := refreshWorld(t, p, func(c *session.Config) {
					c.Idle = 0
					if shared {
						c.Store = withLocks(c.Store)
					}
				})
				p.set(func() { p.fail = errMisconfigured })
				time.Sleep(2 * time.Hour)
				if got := userOf(t, w.Manager, b.request()); got != "alice" {
					t.Errorf("%s, want alice", got)
				}
			})
		})
	}
}

// The alarm names the remedy, and does not flood the log.
func TestMisconfiguredIsLoggedOnceAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newRotating()
		w, first := refreshWorld(t, p, nil)
		browsers := []*browser{first}
		for i := range 50 {
			browsers = append(browsers, w.enter(t, p, fmt.Sprint("user", i)))
		}
		p.set(func() { p.fail = errMisconfigured })
		time.Sleep(accessLife + time.Second)
		for range 3 {
			for _, b := range browsers {
				_ = userOf(t, w.Manager, b.request())
			}
			time.Sleep(time.Minute)
		}
		if n := strings.Count(w.log.String(), "SALLYPORT_OIDC_CLIENT_SECRET"); n != 3 {
			t.Errorf("%d alarms in three minutes, want 3", n)
		}
	})
}

// A session that alone cannot be renewed is tried less and less often.
func TestSessionIsTriedLessOften(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newRotating()
		w, b := refreshWorld(t, p, nil)
		p.set(func() { p.fail = errUnavailable })
		time.Sleep(accessLife)
		for begin := time.Now(); time.Since(begin) < 10*time.Minute; time.Sleep(time.Second) {
			_ = userOf(t, w.Manager, b.request())
		}
		if n := p.count(); n < 8 || n > 12 {
			t.Errorf("%d token calls in ten minutes, want about one a minute", n)
		}
	})
}

// A refusal that cannot be checked against the record is no logout: another
// replica may have spent the refresh token.
func TestStoreDownWhenTheRefusalArrives(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, w, b := besideWorld(t)
		p.set(func() { p.revoked = true })
		p.after = func() { w.store.fail(&w.store.getErr) }
		time.Sleep(accessLife + time.Second)
		if got := userOf(t, w.Manager, b.request()); got != "alice" {
			t.Errorf("%s, want alice within the grace", got)
		}
		synctest.Wait() // that refresh is over, so the next request does not share it
		p.after = nil
		w.store.heal()
		s, err := w.Authenticate(b.request())
		wantNone(t, session.SessionEndedAtIdP, s, err)
	})
}

// A refresh token that was refused because another replica had spent it: its newer
// grant counts.
func TestRefusalWithANewerRecord(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, w, b := besideWorld(t)
		other := w.replica(t, func(c *session.Config) { c.Refresher = p.rotating })
		time.Sleep(accessLife + time.Second)
		p.before = func() { // as if the lock had been lost
			if got := userOf(t, other, b.request()); got != "alice" {
				t.Errorf("the other replica: %s, want alice", got)
			}
		}
		s, err := w.Authenticate(b.request())
		wantSession(t, "alice", s, err)
		if got := s.Grant.AccessToken.Reveal(); got != "at-alice-1" {
			t.Errorf("access token %s, want the other replica's", got)
		}
		if n := w.store.Count(); n != 1 {
			t.Errorf("%d records, want 1", n)
		}
	})
}

// Use that is written down while the provider is asked does not cost the renewal.
func TestUseIsWrittenDuringRefresh(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, w, b := besideWorld(t)
		time.Sleep(accessLife + time.Second)
		p.before = func() {
			time.Sleep(2 * time.Minute)
			s, err := w.Peek(b.request())
			if err == nil {
				err = w.Touch(t.Context(), s)
			}
			if err != nil {
				t.Error(err)
			}
		}
		_ = userOf(t, w.Manager, b.request())
		time.Sleep(3 * time.Minute)
		s, err := w.replica(t, nil).Peek(b.request())
		wantSession(t, "alice", s, err)
		if got := s.Grant.AccessToken.Reveal(); got != "at-alice-1" {
			t.Errorf("access token %s, want the renewed one", got)
		}
		if !s.LastSeen.After(s.CreatedAt.Add(accessLife + time.Minute)) {
			t.Errorf("last seen %s after the beginning, want the use during the refresh", s.LastSeen.Sub(s.CreatedAt))
		}
	})
}

// Whatever ends a session while the provider is asked, the renewal does not bring
// it back.
func TestSessionEndsDuringRefresh(t *testing.T) {
	ends := map[string]func(w *world, b *browser) error{
		"signed out": func(w *world, b *browser) error {
			_, err := w.End(httptest.NewRecorder(), b.request(), session.EndedByPerson)
			return err
		},
		"signed in anew": func(w *world, b *browser) error {
			_, err := w.Start(httptest.NewRecorder(), b.request(), login("bob"))
			return err
		},
	}
	for name, end := range ends {
		for _, refused := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, refused %t", name, refused), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					p, w, b := besideWorld(t)
					p.set(func() { p.revoked = refused })
					p.before = func() {
						if err := end(w, b); err != nil {
							t.Error(err)
						}
					}
					time.Sleep(accessLife + time.Second)
					left := map[string]int{"signed out": 0, "signed in anew": 1}[name]
					s, err := w.Authenticate(b.request())
					wantNone(t, session.SessionGone, s, err)
					if err := w.Drain(t.Context()); err != nil {
						t.Fatal(err)
					}
					if n := w.store.Count(); n != left {
						t.Errorf("%d records, want %d", n, left)
					}
					wantGauge(t, w.registry, "sallyport_session_ends_total", string(session.EndedByIdP), 0)
				})
			})
		}
	}
}

// Without rotation the next replica renews what a killed one lost.
func TestReplicaKilledWithoutRotation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newRotating()
		_, all, b := replicas(t, p, 2)
		time.Sleep(accessLife + time.Second)
		p.set(func() { p.lost = true })
		if got := userOf(t, all[0], b.request()); got != "alice" {
			t.Fatalf("%s, want alice within the grace", got)
		}
		p.set(func() { p.lost = false; p.current["alice"]-- })
		s, err := all[1].Authenticate(b.request())
		wantSession(t, "alice", s, err)
		if s.GrantExpired(time.Now()) {
			t.Error("the grant was not renewed")
		}
	})
}

// A grant without a refresh token, and a manager without a refresher, ask nobody.
func TestNeverRefreshed(t *testing.T) {
	tests := map[string]func(p *rotating, l *session.Login, c *session.Config){
		"no refresh token": func(p *rotating, l *session.Login, c *session.Config) {
			c.Refresher, l.Grant.ExpiresAt = p, time.Now().Add(accessLife)
		},
		"SALLYPORT_SESSION_BINDING=independent": func(p *rotating, l *session.Login, _ *session.Config) {
			l.Grant = p.grant("alice")
		},
	}
	for name, change := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p, l := newRotating(), login("alice")
				w := newWorld(t, func(c *session.Config) { change(p, &l, c) })
				b, rec := &browser{}, httptest.NewRecorder()
				if _, err := w.Start(rec, b.request(), l); err != nil {
					t.Fatal(err)
				}
				b.take(rec)
				time.Sleep(30 * time.Minute)
				s, err := w.Authenticate(b.request())
				wantSession(t, "alice", s, err)
				if !s.RefreshAt.IsZero() || !s.GrantExpired(time.Now()) || p.count() != 0 {
					t.Errorf("due %s, %d token calls; want never, and the access token withheld", s.RefreshAt, p.count())
				}
				if _, err := w.Refresh(b.request()); err != nil || p.count() != 0 {
					t.Errorf("a forced refresh = %v after %d token calls, want the session as it is", err, p.count())
				}
			})
		})
	}
}

// A record that was damaged while the provider was asked opens for nobody, and the
// caller of a forced refresh is told what a request is told.
func TestRecordDamagedDuringRefresh(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, w, b := besideWorld(t)
		p.set(func() { p.revoked = true })
		p.before = func() {
			s, err := w.Peek(b.request())
			if err != nil {
				t.Error(err)
				return
			}
			rec, err := w.store.Get(t.Context(), s.Handle)
			if err != nil {
				t.Error(err)
			}
			rec.Sealed = []byte("no record of ours")
			if err := w.store.Store.Replace(t.Context(), s.Handle, rec); err != nil {
				t.Error(err)
			}
		}
		time.Sleep(time.Minute)
		s, err := w.Refresh(b.request())
		wantNone(t, session.SessionGone, s, err)
	})
}

// While the store cannot say whether another replica renewed the grant, even a
// session past the grace is not over: the store is what failed.
func TestStoreDownPastTheGrace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newRotating()
		w, b := refreshWorld(t, p, func(c *session.Config) { c.Store, c.Idle = brokenLocks{c.Store}, 0 })
		time.Sleep(2 * time.Hour)
		_, err := w.Authenticate(b.request())
		wantStoreError(t, "lock", err)
		if n := p.count(); n != 0 {
			t.Errorf("%d token calls without the lock, want none", n)
		}
	})
}

// brokenLocks is a store that cannot lock.
type brokenLocks struct{ session.Store }

// TryLock implements session.Locker.
func (brokenLocks) TryLock(context.Context, session.Handle, time.Duration) (session.Lock, bool, error) {
	return nil, false, errDown
}
