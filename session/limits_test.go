package session_test

import (
	"context"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sallyport/sallyport/session"
)

// A session ends between the idle limit and a sixtieth more after its last
// request, never before it, whenever that request came.
func TestIdleLimit(t *testing.T) {
	for _, idle := range []time.Duration{time.Hour, 90 * time.Second, 10 * time.Second, time.Second} {
		late := max(idle/60, time.Second)
		for _, lastUse := range []time.Duration{0, late - 1, late, late + 1, idle / 2, idle - 1, idle} {
			t.Run(idle.String()+" last used after "+lastUse.String(), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					w := newWorld(t, func(cfg *session.Config) { cfg.Idle = idle })
					early, lateB := &browser{}, &browser{}
					w.signIn(t, early, "alice")
					w.signIn(t, lateB, "bob")
					time.Sleep(lastUse)
					for _, b := range []*browser{early, lateB} {
						if _, err := w.Authenticate(b.request()); err != nil {
							t.Fatalf("ended before the idle limit: %v", err)
						}
					}
					time.Sleep(idle)
					s, err := w.Authenticate(early.request())
					wantSession(t, "alice", s, err)
					time.Sleep(late)
					s, err = w.Authenticate(lateB.request())
					wantNone(t, session.SessionIdle, s, err)
				})
			})
		}
	}
}

func TestPeekDoesNotProlong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, b := newWorld(t, nil), &browser{}
		w.signIn(t, b, "alice")
		for range 61 {
			s, err := w.Peek(b.request())
			wantSession(t, "alice", s, err)
			time.Sleep(time.Minute)
		}
		s, err := w.Peek(b.request())
		wantNone(t, session.SessionIdle, s, err)
	})
}

// Use is written down once a minute (a sixtieth of an hour), by one of the
// requests that come at that moment.
func TestUseIsWrittenOnceAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, b := newWorld(t, nil), &browser{}
		w.signIn(t, b, "alice")
		w.store.slow.Store(int64(100 * time.Millisecond))
		for range 10 * 60 {
			var wg sync.WaitGroup
			for range 4 {
				wg.Go(func() {
					if _, err := w.Authenticate(b.request()); err != nil {
						t.Error(err)
					}
				})
			}
			time.Sleep(time.Second)
			wg.Wait()
		}
		if got := w.store.replaces.Load(); got != 9 {
			t.Errorf("%d writes in ten minutes, want 9", got)
		}
	})
}

func TestNoIdleLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, b := newWorld(t, func(cfg *session.Config) { cfg.Idle = 0 }), &browser{}
		if s := w.signIn(t, b, "alice"); !s.IdleAt.IsZero() {
			t.Errorf("IdleAt = %v, want none", s.IdleAt)
		}
		time.Sleep(12*time.Hour - time.Second)
		s, err := w.Authenticate(b.request())
		wantSession(t, "alice", s, err)
		time.Sleep(time.Second)
		s, err = w.Authenticate(b.request())
		wantNone(t, session.SessionAged, s, err)
	})
}

// Nothing prolongs the absolute limit.
func TestAbsoluteLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, b := newWorld(t, nil), &browser{}
		w.signIn(t, b, "alice")
		for range 24*60 - 1 {
			time.Sleep(30 * time.Second)
			s, err := w.Authenticate(b.request())
			wantSession(t, "alice", s, err)
			if s.IdleAt.After(s.ExpiresAt) {
				t.Fatalf("IdleAt %v is after ExpiresAt %v", s.IdleAt, s.ExpiresAt)
			}
		}
		time.Sleep(30 * time.Second)
		s, err := w.Authenticate(b.request())
		wantNone(t, session.SessionAged, s, err)
		// A replica that has never opened this session says the same a second later.
		time.Sleep(2 * time.Second)
		s, err = w.replica(t, nil).Authenticate(b.request())
		wantNone(t, session.SessionAged, s, err)
	})
}

// A lowered SALLYPORT_SESSION_MAX_AGE or _IDLE applies to sessions that are
// there already.
func TestLoweredLimitsApplyAtOnce(t *testing.T) {
	for why, lower := range map[session.NoSession]func(*session.Config){
		session.SessionAged: func(cfg *session.Config) { cfg.MaxAge = 10 * time.Minute },
		session.SessionIdle: func(cfg *session.Config) { cfg.Idle = 5 * time.Minute },
	} {
		t.Run(string(why), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w, b := newWorld(t, nil), &browser{}
				w.signIn(t, b, "alice")
				time.Sleep(20 * time.Minute)
				strict := w.replica(t, lower)
				s, err := strict.Authenticate(b.request())
				wantNone(t, why, s, err)
				s, err = w.Authenticate(b.request())
				wantNone(t, session.SessionGone, s, err)
			})
		})
	}
}

// A browser that goes away at once has used its session all the same.
func TestUseIsWrittenForACancelledRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, b := newWorld(t, nil), &browser{}
		w.signIn(t, b, "alice")
		time.Sleep(50 * time.Minute)
		w.store.slow.Store(int64(time.Second))
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		s, err := w.Authenticate(b.request().WithContext(ctx))
		wantSession(t, "alice", s, err)
		time.Sleep(50 * time.Minute)
		s, err = w.Authenticate(b.request())
		wantSession(t, "alice", s, err)
	})
}

// Reading works, writing does not: the person stays signed in as long as the
// last note allows, and the next second tries again.
func TestUseThatCannotBeWritten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, b := newWorld(t, nil), &browser{}
		w.signIn(t, b, "alice")
		time.Sleep(30 * time.Minute)
		w.store.fail(&w.store.replaceErr)
		for range 10 {
			s, err := w.Authenticate(b.request())
			wantSession(t, "alice", s, err)
		}
		if got := w.store.replaces.Load(); got != 1 {
			t.Errorf("%d writes were tried within a second, want 1", got)
		}
		if !strings.Contains(w.log.String(), "use of a session not written down") {
			t.Errorf("not logged: %s", w.log)
		}
		w.store.heal()
		time.Sleep(time.Second)
		s, err := w.Authenticate(b.request())
		wantSession(t, "alice", s, err)
		time.Sleep(59 * time.Minute)
		s, err = w.Authenticate(b.request())
		wantSession(t, "alice", s, err)
	})
}

func TestTouch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, b := newWorld(t, nil), &browser{}
		s := w.signIn(t, b, "alice")
		for range 6 { // two and a half hours on a stream alone
			time.Sleep(30 * time.Minute)
			if err := w.Touch(t.Context(), s); err != nil {
				t.Fatalf("Touch: %v", err)
			}
		}
		if got := w.store.replaces.Load(); got != 6 {
			t.Errorf("%d writes, want 6", got)
		}
		if err := w.Touch(t.Context(), s); err != nil || w.store.replaces.Load() != 6 {
			t.Errorf("Touch again = %v, %d writes; want none more", err, w.store.replaces.Load())
		}
		got, err := w.Authenticate(b.request())
		wantSession(t, "alice", got, err)
		time.Sleep(2 * time.Minute)
		w.store.fail(&w.store.replaceErr)
		wantStoreError(t, "replace", w.Touch(t.Context(), s))
		w.store.heal()
		if _, err := w.End(httptest.NewRecorder(), b.request(), session.EndedByPerson); err != nil {
			t.Fatal(err)
		}
		wantNone(t, session.SessionGone, nil, w.Touch(t.Context(), s))
	})
}

// What another replica wrote counts here, although this one has the session in
// its cache.
func TestUseElsewhere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, b := newWorld(t, nil), &browser{}
		other := w.replica(t, nil)
		w.signIn(t, b, "alice")
		s, err := w.Authenticate(b.request())
		wantSession(t, "alice", s, err)
		time.Sleep(30 * time.Minute)
		s, err = other.Authenticate(b.request())
		wantSession(t, "alice", s, err)
		time.Sleep(40 * time.Minute)
		s, err = w.Peek(b.request())
		wantSession(t, "alice", s, err)
		if want := time.Now().Add(-40 * time.Minute); !s.LastSeen.Equal(want) || !s.IdleAt.Equal(want.Add(61*time.Minute)) {
			t.Errorf("LastSeen %v, IdleAt %v; want %v and 61 minutes later", s.LastSeen, s.IdleAt, want)
		}
	})
}

func TestTouchAtTheLimits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, b := newWorld(t, nil), &browser{}
		s := w.signIn(t, b, "alice")
		strict := w.replica(t, func(cfg *session.Config) { cfg.MaxAge = 10 * time.Minute })
		time.Sleep(20 * time.Minute)
		wantNone(t, session.SessionAged, nil, strict.Touch(t.Context(), s))
		wantNone(t, session.SessionGone, nil, w.Touch(t.Context(), s))
	})
}
