package session_test

import (
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sallyport/sallyport/session"
	"github.com/sallyport/sallyport/session/memstore"
)

// stream watches a session and notes when it was told of the end.
type stream struct {
	calls atomic.Int32
	at    atomic.Int64 // Unix nanoseconds
	stop  func()
}

func (w *world) stream(s *session.Session) *stream {
	st := &stream{}
	st.stop = w.OnEnd(s, func() {
		st.calls.Add(1)
		st.at.Store(time.Now().UnixNano())
	})
	return st
}

// want fails unless the stream was told that often, the last time after d from
// start.
func (st *stream) want(t *testing.T, calls int32, start time.Time, d time.Duration) {
	t.Helper()
	synctest.Wait()
	if got := st.calls.Load(); got != calls {
		t.Fatalf("told %d times, want %d", got, calls)
	}
	if calls > 0 && st.at.Load() != start.Add(d).UnixNano() {
		t.Errorf("told after %v, want %v", time.Unix(0, st.at.Load()).Sub(start), d)
	}
}

func TestOnEnd(t *testing.T) {
	minute := time.Minute
	for name, test := range map[string]struct {
		during func(t *testing.T, w *world, b *browser, s *session.Session, st *stream)
		calls  int32
		after  time.Duration
	}{
		"sign-out": {func(t *testing.T, w *world, b *browser, _ *session.Session, _ *stream) {
			time.Sleep(minute)
			_, _ = w.End(httptest.NewRecorder(), b.request(), session.EndedByPerson)
			_, _ = w.End(httptest.NewRecorder(), b.request(), session.EndedByPerson)
		}, 1, minute},
		"another sign-in of the browser": {func(t *testing.T, w *world, b *browser, _ *session.Session, _ *stream) {
			time.Sleep(minute)
			w.signIn(t, b, "bob")
		}, 1, minute},
		"idle limit": {func(*testing.T, *world, *browser, *session.Session, *stream) {
			time.Sleep(2 * time.Hour)
		}, 1, 61 * minute},
		"idle limit, used meanwhile": {func(t *testing.T, w *world, b *browser, _ *session.Session, _ *stream) {
			time.Sleep(30 * minute)
			_, err := w.Authenticate(b.request())
			if err != nil {
				t.Error(err)
			}
			time.Sleep(2 * time.Hour)
		}, 1, 91 * minute},
		"absolute limit": {func(t *testing.T, w *world, b *browser, s *session.Session, _ *stream) {
			for range 24 {
				time.Sleep(30 * minute)
				_ = w.Touch(t.Context(), s)
			}
		}, 1, 12 * time.Hour},
		"sign-out before it was registered": {func(t *testing.T, w *world, b *browser, s *session.Session, st *stream) {
			st.stop()
			_, _ = w.End(httptest.NewRecorder(), b.request(), session.EndedByPerson)
			begun, late := time.Now(), w.stream(s)
			time.Sleep(time.Second)
			late.want(t, 1, begun, 500*time.Millisecond) // short ones never ask
		}, 0, 0},
		"ended elsewhere, noticed at the idle limit": {func(t *testing.T, w *world, _ *browser, s *session.Session, _ *stream) {
			time.Sleep(minute)
			_ = w.store.Delete(t.Context(), s.Handle)
			time.Sleep(2 * time.Hour)
		}, 1, 61 * minute},
		"store down at the idle limit, then up": {func(t *testing.T, w *world, b *browser, _ *session.Session, _ *stream) {
			time.Sleep(60 * minute)
			w.store.fail(&w.store.getErr)
			time.Sleep(minute + 12*time.Second)
			w.store.heal()
			time.Sleep(minute)
		}, 1, 61*minute + 15*time.Second},
		"store down at the idle limit, session in use": {func(t *testing.T, w *world, b *browser, _ *session.Session, _ *stream) {
			time.Sleep(60 * minute)
			_, _ = w.Authenticate(b.request())
			w.store.fail(&w.store.getErr)
			time.Sleep(2 * minute)
			w.store.heal()
			time.Sleep(30 * minute)
		}, 0, 0},
		"stopped": {func(t *testing.T, w *world, b *browser, _ *session.Session, st *stream) {
			st.stop()
			st.stop()
			_, _ = w.End(httptest.NewRecorder(), b.request(), session.EndedByPerson)
			time.Sleep(13 * time.Hour)
			st.stop()
		}, 0, 0},
		"nothing happens": {func(*testing.T, *world, *browser, *session.Session, *stream) {
			time.Sleep(60 * minute)
		}, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w, b := newWorld(t, func(cfg *session.Config) {
					cfg.Store = struct{ session.Store }{cfg.Store} // one that does not say what it forgets
				}), &browser{}
				s := w.signIn(t, b, "alice")
				start := time.Now()
				st := w.stream(s)
				test.during(t, w, b, s, st)
				st.want(t, test.calls, start, test.after)
				st.stop()
				st.want(t, test.calls, start, test.after)
			})
		})
	}
}

func TestOnEndTellsEveryStreamOfThatSessionAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, a, b := newWorld(t, nil), &browser{}, &browser{}
		alice, bob := w.signIn(t, a, "alice"), w.signIn(t, b, "bob")
		first, second, gone, other := w.stream(alice), w.stream(alice), w.stream(alice), w.stream(bob)
		gone.stop()
		start := time.Now()
		if _, err := w.End(httptest.NewRecorder(), a.request(), session.EndedByPerson); err != nil {
			t.Fatal(err)
		}
		first.want(t, 1, start, 0)
		second.want(t, 1, start, 0)
		gone.want(t, 0, start, 0)
		other.want(t, 0, start, 0)
		other.stop()
	})
}

func TestOnEndHearsOfEvictions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		mem, err := memstore.New(memstore.Config{MaxRecords: 1})
		if err != nil {
			t.Fatal(err)
		}
		w := newWorld(t, func(cfg *session.Config) { cfg.Store = mem })
		a, b := &browser{}, &browser{}
		st := w.stream(w.signIn(t, a, "alice"))
		w.signIn(t, b, "bob")
		st.want(t, 1, time.Now(), 0)
		wantGauge(t, w.registry, "sallyport_session_ends_total", string(session.EndedByStore), 1)
		s, err := w.Authenticate(a.request())
		wantNone(t, session.SessionGone, s, err)
	})
}

func TestOnEndNeedsNoStoreForTheAbsoluteLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, b := newWorld(t, func(cfg *session.Config) { cfg.Idle = 0 }), &browser{}
		start := time.Now()
		st := w.stream(w.signIn(t, b, "alice"))
		w.store.fail(&w.store.getErr)
		time.Sleep(12*time.Hour - time.Nanosecond)
		st.want(t, 0, start, 0)
		time.Sleep(time.Nanosecond)
		st.want(t, 1, start, 12*time.Hour)
	})
}

// notifier is a store that hears what other processes write.
type notifier struct {
	session.Store
	changed func(session.Handle)
}

// OnChange implements session.Notifier.
func (n *notifier) OnChange(f func(session.Handle)) { n.changed = f }

// LO-20: a sign-out on one replica reaches the streams on another at once, and those
// of no other session; when it is not known what was missed, all of them look.
func TestOnEndHearsOfOtherReplicas(t *testing.T) {
	tests := map[string]struct {
		notice func(s *session.Session) session.Handle
		within time.Duration
	}{
		"LO-20 the session's record changed": {func(s *session.Session) session.Handle { return s.Handle }, 0},
		"LO-20 any record may have changed":  {func(*session.Session) session.Handle { return session.Handle{} }, 2 * time.Second},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w, a, b := newWorld(t, nil), &browser{}, &browser{}
				alice, bob := w.signIn(t, a, "alice"), w.signIn(t, b, "bob")
				here := &notifier{Store: struct{ session.Store }{w.store}}
				replica := &world{Manager: w.replica(t, func(c *session.Config) { c.Store = here })}
				first, second, other := replica.stream(alice), replica.stream(alice), replica.stream(bob)
				defer other.stop()
				time.Sleep(time.Minute)
				if _, err := w.End(httptest.NewRecorder(), a.request(), session.EndedByPerson); err != nil {
					t.Fatal(err)
				}
				here.changed(tt.notice(alice))
				time.Sleep(tt.within)
				synctest.Wait()
				if first.calls.Load() != 1 || second.calls.Load() != 1 || other.calls.Load() != 0 {
					t.Errorf("told alice's streams %d and %d times and bob's %d, want 1, 1 and 0", first.calls.Load(), second.calls.Load(), other.calls.Load())
				}
			})
		})
	}
}
