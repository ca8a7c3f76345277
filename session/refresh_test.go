package session_test

import (
	"context"
	"errors"
	"net/http/httptest"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sallyport/sallyport/session"
)

// RF-01: many requests at the moment the access token expires, on three replicas,
// with rotation, reuse detection and a slow token endpoint: one token call for each
// rotation, and nobody notices.
func TestOneTokenCallPerRotation(t *testing.T) {
	const requests, rounds = 500, 200
	synctest.Test(t, func(t *testing.T) {
		p := newRotating()
		p.takes = 3 * time.Second
		_, all, b := replicas(t, p, 3)
		var failed atomic.Int64
		for round := range rounds {
			time.Sleep(accessLife + time.Second)
			var wg sync.WaitGroup
			for _, m := range all {
				for range requests {
					wg.Go(func() {
						if s, err := m.Authenticate(b.request()); err != nil || s.Identity.Subject != "alice" || s.GrantExpired(time.Now()) {
							failed.Add(1)
						}
					})
				}
			}
			wg.Wait()
			if n := p.count(); n != round+1 {
				t.Fatalf("RF-01 round %d: %d token calls, want %d", round, n, round+1)
			}
			if failed.Load() > 0 {
				t.Fatalf("RF-01 round %d: %d of %d requests failed", round, failed.Load(), len(all)*requests)
			}
			if round == 100 { // the absolute limit is 12 h: begin anew
				*b = *(&world{Manager: all[0]}).enter(t, p, "alice")
			}
		}
	})
}

// An early refresh goes on beside the request.
func TestEarlyRefreshDelaysNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newRotating()
		p.takes = 3 * time.Second
		w, b := refreshWorld(t, p, nil)
		s, err := w.Authenticate(b.request())
		if err != nil {
			t.Fatal(err)
		}
		life := s.RefreshAt.Sub(s.Grant.ObtainedAt)
		if life < accessLife*7/10-time.Second || life > accessLife*85/100 {
			t.Errorf("due after %s of %s, want 70 to 85 percent", life, accessLife)
		}
		time.Sleep(time.Until(s.RefreshAt))
		begin := time.Now()
		for range 10 {
			if s, err := w.Authenticate(b.request()); err != nil || s.Grant.AccessToken.Reveal() != "at-alice-0" {
				t.Fatalf("= %v, %v; want the session as it was", s, err)
			}
		}
		if waited := time.Since(begin); waited != 0 {
			t.Errorf("requests waited %s", waited)
		}
		time.Sleep(4 * time.Second)
		if s, err := w.Authenticate(b.request()); err != nil || s.Grant.AccessToken.Reveal() != "at-alice-1" {
			t.Errorf("afterwards = %v, %v; want the renewed grant", s, err)
		}
		if n := p.count(); n != 1 {
			t.Errorf("%d token calls, want 1", n)
		}
	})
}

// RF-02: the client that caused a refresh goes away; nothing is lost.
func TestClientGoesAwayDuringRefresh(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newRotating()
		p.takes = 3 * time.Second
		w, b := refreshWorld(t, p, nil)
		time.Sleep(accessLife + time.Second)
		ctx, cancel := context.WithCancel(t.Context())
		go func() { time.Sleep(time.Second); cancel() }()
		_, _ = w.Authenticate(b.request().WithContext(ctx))
		time.Sleep(5 * time.Second)
		if s, err := w.Authenticate(b.request()); err != nil || s.Grant.AccessToken.Reveal() != "at-alice-1" || p.count() != 1 {
			t.Errorf("RF-02: = %v, %v after %d calls; want the renewed grant after one", s, err, p.count())
		}
	})
}

// A rotated token that cannot be stored is kept until the store answers.
func TestStoreDownWhenTheGrantArrives(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newRotating()
		w, b := refreshWorld(t, p, nil)
		time.Sleep(accessLife + time.Second)
		w.store.fail(&w.store.replaceErr)
		for range 20 {
			if s, err := w.Authenticate(b.request()); err != nil || s.Grant.AccessToken.Reveal() != "at-alice-1" {
				t.Fatalf("= %v, %v while the store is down; want the renewed grant", s, err)
			}
			time.Sleep(time.Second)
		}
		w.store.heal()
		time.Sleep(2 * time.Second)
		restarted := w.replica(t, nil)
		if s, err := restarted.Authenticate(b.request()); err != nil || s.Grant.AccessToken.Reveal() != "at-alice-1" || p.count() != 1 {
			t.Errorf("= %v, %v after %d calls; want what was kept, from the store", s, err, p.count())
		}
	})
}

func TestSessionEndedAtTheProvider(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newRotating()
		w, b := refreshWorld(t, p, nil)
		p.set(func() { p.revoked = true })
		time.Sleep(accessLife + time.Second)
		_, err := w.Authenticate(b.request())
		if no, ok := errors.AsType[*session.NoSessionError](err); !ok || no.Why != session.SessionEndedAtIdP {
			t.Fatalf("= %v, want the end of the session", err)
		}
		if n := w.store.Count(); n != 0 {
			t.Errorf("%d records, want none", n)
		}
		wantGauge(t, w.registry, "sallyport_session_ends_total", string(session.EndedByIdP), 1)
		if _, err := w.Authenticate(b.request()); err == nil {
			t.Error("it came back")
		}
	})
}

// RF-03: a client secret that expired signs nobody out.
func TestMisconfiguredClientKeepsSessions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newRotating()
		w, b := refreshWorld(t, p, func(c *session.Config) { c.Idle = 0 })
		p.set(func() { p.fail = errMisconfigured })
		for range 60 {
			time.Sleep(accessLife)
			if got := userOf(t, w.Manager, b.request()); got != "alice" {
				t.Fatalf("RF-03: %s, want alice", got)
			}
		}
		if n := p.count(); n > 60 {
			t.Errorf("RF-03: %d token calls in five hours, want at most one a visit", n)
		}
		p.set(func() { p.fail = nil })
		time.Sleep(2 * time.Minute)
		if s, err := w.Authenticate(b.request()); err != nil || s.GrantExpired(time.Now()) {
			t.Errorf("RF-03: = %v, %v once repaired; want a renewed grant", s, err)
		}
	})
}

// RF-06: ten minutes without a provider cost no session and hammer nobody; past the
// grace nobody is signed in, and the sessions live again once confirmed.
func TestProviderDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newRotating()
		w, first := refreshWorld(t, p, func(c *session.Config) { c.Idle = 0 })
		browsers := []*browser{first}
		for i := range 99 {
			browsers = append(browsers, w.enter(t, p, string(rune('A'+i))))
		}
		time.Sleep(accessLife - time.Second)
		p.set(func() { p.fail = errUnavailable; p.calls = 0 })
		down := time.Now()
		for time.Since(down) < 10*time.Minute {
			time.Sleep(5 * time.Second)
			for _, b := range browsers {
				begin := time.Now()
				if _, err := w.Authenticate(b.request()); err != nil {
					t.Fatalf("RF-06: %v after %s", err, time.Since(down))
				}
				if waited := time.Since(begin); waited > 0 {
					t.Fatalf("a request waited %s for a provider that is down", waited)
				}
			}
		}
		if n := p.count(); n > 60 {
			t.Errorf("RF-06: %d token calls for 100 sessions in ten minutes, want at most 60", n)
		}
		time.Sleep(10 * time.Minute)
		if _, err := w.Authenticate(first.request()); err == nil {
			t.Error("past the grace the session goes on")
		}
		p.set(func() { p.fail = nil })
		time.Sleep(time.Minute)
		if got := userOf(t, w.Manager, first.request()); got != "alice" {
			t.Errorf("once the provider answers: %s, want alice", got)
		}
	})
}

// CL-12: what the provider took away is gone within one access token's life.
func TestClaimsAreRenewed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newRotating()
		w, b := refreshWorld(t, p, nil)
		p.set(func() { p.groups = nil })
		time.Sleep(accessLife + time.Second)
		s, err := w.Authenticate(b.request())
		if err != nil || len(s.Identity.Groups) != 0 {
			t.Errorf("CL-12: groups %q, %v; want none on the very request", s.Identity.Groups, err)
		}
	})
}

// RF-11: sessions that began together do not refresh together.
func TestRefreshesAreSpread(t *testing.T) {
	p := newRotating()
	w, _ := refreshWorld(t, p, nil)
	var at []time.Duration
	for i := range 200 {
		s, err := w.Authenticate(w.enter(t, p, string(rune('A'+i))).request())
		if err != nil {
			t.Fatal(err)
		}
		at = append(at, s.RefreshAt.Sub(s.Grant.ObtainedAt).Round(time.Second))
	}
	slices.Sort(at)
	if spread := at[190] - at[10]; spread < accessLife/10 {
		t.Errorf("RF-11: nine of ten refreshes fall within %s, want at least %s", spread, accessLife/10)
	}
}

// A replica that is killed between the provider's answer and the store loses the
// rotated token. With reuse detection the session ends, and the person signs in
// again; it is never somebody else's.
func TestReplicaKilledWhileRefreshing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newRotating()
		_, all, b := replicas(t, p, 2)
		time.Sleep(accessLife + time.Second)
		p.set(func() { p.lost = true })
		if got := userOf(t, all[0], b.request()); got != "alice" {
			t.Fatalf("%s, want alice within the grace", got)
		}
		p.set(func() { p.lost = false })
		time.Sleep(time.Minute)
		_, err := all[1].Authenticate(b.request())
		if no, ok := errors.AsType[*session.NoSessionError](err); !ok || no.Why != session.SessionEndedAtIdP {
			t.Errorf("= %v, want the end of the session", err)
		}
	})
}

// A lock whose holder was killed delays the others by its own time and no more.
func TestLockOfTheKilledExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newRotating()
		w, all, b := replicas(t, p, 2)
		time.Sleep(accessLife + time.Second)
		s, err := all[0].Peek(b.request())
		if err != nil {
			t.Fatal(err)
		}
		if _, ok, err := w.cfg.Store.(session.Locker).TryLock(t.Context(), s.Handle, 6*time.Second); !ok || err != nil {
			t.Fatal(ok, err)
		}
		begin := time.Now()
		if got := userOf(t, all[1], b.request()); got != "alice" || p.count() != 1 {
			t.Errorf("%s after %d calls, want alice after one", got, p.count())
		}
		if waited := time.Since(begin); waited < 5*time.Second || waited > 8*time.Second {
			t.Errorf("waited %s for a lock of 6 s", waited)
		}
	})
}

func TestForcedRefresh(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newRotating()
		w, b := refreshWorld(t, p, nil)
		time.Sleep(time.Minute)
		for range 3 {
			s, err := w.Refresh(b.request())
			if err != nil || s.Grant.AccessToken.Reveal() != "at-alice-1" {
				t.Fatalf("= %v, %v; want the renewed grant", s, err)
			}
		}
		if n := p.count(); n != 1 {
			t.Errorf("%d token calls for three forced refreshes at once, want 1", n)
		}
		p.set(func() { p.fail = errUnavailable })
		time.Sleep(time.Minute)
		_, err := w.Refresh(b.request())
		if failed, ok := errors.AsType[*session.RefreshError](err); !ok || failed.Outcome != session.RefreshUnavailable {
			t.Errorf("= %v, want that the provider is unavailable", err)
		}
		if got := userOf(t, w.Manager, b.request()); got != "alice" {
			t.Errorf("%s after a forced refresh that failed, want alice", got)
		}
		if _, err := w.Refresh((&browser{}).request()); err == nil {
			t.Error("nobody's session was refreshed")
		}
	})
}

func TestBindingIsRequired(t *testing.T) {
	p := newRotating()
	w := newWorld(t, func(c *session.Config) { c.Refresher, c.RequireBound = p, true })
	for _, mode := range []session.Mode{session.ModeNotBound, session.ModeDegraded, ""} {
		l := login("alice")
		l.Grant.Mode = mode
		rec := httptest.NewRecorder()
		_, err := w.Start(rec, (&browser{}).request(), l)
		if _, ok := errors.AsType[*session.NotBoundError](err); !ok || len(rec.Result().Cookies()) != 0 {
			t.Errorf("mode %q: %v with %d cookies, want a refusal and none", mode, err, len(rec.Result().Cookies()))
		}
	}
	l := login("alice")
	l.Grant.Mode = session.ModeFull
	if _, err := w.Start(httptest.NewRecorder(), (&browser{}).request(), l); err != nil {
		t.Errorf("mode full: %v", err)
	}
}

// signOut ends b's session, as a person does: again if the store did not confirm.
// A machine that stands still for longer than a sign-out may take once made an
// End fail, and its session counted as revived.
func signOut(w *world, b *browser) (err error) {
	for range 3 {
		if _, err = w.End(httptest.NewRecorder(), b.request(), session.EndedByPerson); err == nil {
			return nil
		}
	}
	return err
}

// A sign-out always beats a refresh in flight: a hundred thousand races on real
// goroutines, and none of the sessions lives on.
func TestSignOutBeatsRefresh(t *testing.T) {
	const races, workers = 100_000, 4
	w := newWorld(t, func(c *session.Config) { c.Refresher, c.RefreshEvery = instantly{}, time.Nanosecond })
	var revived atomic.Int64
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for range races / workers {
				b := &browser{}
				l := login("alice")
				l.Grant = instant()
				rec := httptest.NewRecorder()
				if _, err := w.Start(rec, b.request(), l); err != nil {
					t.Error(err)
					return
				}
				b.take(rec)
				done := make(chan struct{})
				go func() { defer close(done); _, _ = w.Authenticate(b.request()) }()
				if err := signOut(w, b); err != nil {
					t.Errorf("End: %v", err)
				}
				<-done
				if _, err := w.Authenticate(b.request()); err == nil {
					revived.Add(1)
				}
			}
		})
	}
	wg.Wait()
	if err := w.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	if revived.Load() != 0 || w.store.Count() != 0 {
		t.Errorf("%d sessions revived, %d records left; want none", revived.Load(), w.store.Count())
	}
}
