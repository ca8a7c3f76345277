package redisstore

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/sallyport/sallyport/session"
)

// quickly is far above what failing fast takes and below any timeout.
const quickly = 200 * time.Millisecond

// ST-16: the store starts while Redis is down, says so, and needs no restart.
func TestST16StartsWithoutRedis(t *testing.T) {
	redis := prepareRedis(t)
	var log logBuffer
	s := newStore(t, redis.url(), logTo(&log))
	if took := quickest(func() { newStore(t, redis.url()) }); took > quickly {
		t.Errorf("New took %v", took)
	}
	err := s.Ping(t.Context())
	if !errors.Is(err, ErrUnavailable) || !strings.Contains(err.Error(), "SALLYPORT_REDIS_URL") {
		t.Errorf("Ping = %v, want ErrUnavailable that names SALLYPORT_REDIS_URL", err)
	}
	failing := quickest(func() {
		_, err := s.Get(t.Context(), newHandle())
		cannotAnswer(t, "Get", err)
		cannotAnswer(t, "Create", s.Create(t.Context(), newHandle(), record("x")))
		cannotAnswer(t, "Delete", s.Delete(t.Context(), newHandle()))
	})
	if failing > time.Second {
		t.Errorf("failing took %v, want at most 1 s", failing)
	}

	redis.start()
	eventually(t, "the store is ready", patience, func() error { return s.Ping(t.Context()) })
	h := newHandle()
	create(t, s, h, record("sealed"))
	get(t, s, h)
	if down, up := log.count("cannot be reached"), log.count("redis answers"); down != 1 || up != 1 {
		t.Errorf("%d lines that Redis cannot be reached and %d that it answers, want 1 and 1", down, up)
	}
}

// Redis is killed and comes back with what it had written down: sessions in
// memory go on for StaleFor and no longer, others get an error, and afterwards
// all are read again, without a restart.
func TestKilledAndRestarted(t *testing.T) {
	const staleFor = 4 * time.Second
	redis := startRedis(t, "--appendonly", "yes", "--appendfsync", "always")
	var log logBuffer
	s := newStore(t, redis.url(), usual, logTo(&log), func(cfg *Config) { cfg.StaleFor = staleFor })
	known, unknown := newHandle(), newHandle()
	create(t, s, known, record("known"))
	create(t, s, unknown, record("unknown"))
	get(t, s, known)

	killed := time.Now()
	redis.kill()
	var all []time.Duration
	for time.Since(killed) < time.Second {
		start := time.Now()
		if got, err := s.Get(t.Context(), known); err != nil || string(got.Sealed) != "known" {
			t.Fatalf("%v after the kill: Get of a session in memory: %v", time.Since(killed), err)
		}
		_, err := s.Get(t.Context(), unknown)
		cannotAnswer(t, "Get of a session not in memory", err)
		all = append(all, time.Since(start))
	}
	slices.Sort(all)
	if median := all[len(all)/2]; median > quickly {
		t.Errorf("two Gets took %v", median)
	}
	eventually(t, "sessions in memory are used no longer", patience, func() error {
		_, err := s.Get(t.Context(), known)
		return want(errors.Is(err, ErrUnavailable), "Get = %v", err)
	})
	if lasted := time.Since(killed); lasted > staleFor+hanging {
		t.Errorf("a session in memory was used for %v, want about %v", lasted, staleFor)
	}
	failing := quickest(func() {
		_, err := s.Get(t.Context(), known)
		cannotAnswer(t, "Get after StaleFor", err)
	})
	if failing > quickly {
		t.Errorf("failing fast took %v", failing)
	}

	redis.start()
	eventually(t, "the store answers again", patience, func() error {
		_, err := s.Get(t.Context(), unknown)
		return err
	})
	get(t, s, known)
	if err := s.Ping(t.Context()); err != nil {
		t.Errorf("Ping: %v", err)
	}
	if down, up := log.count("failing fast"), log.count("answers again"); down != 1 || up != 1 {
		t.Errorf("%d lines of the outage's beginning and %d of its end, want 1 and 1", down, up)
	}
}

// Redis comes back empty: its answer counts, not our memory.
func TestRestartedEmpty(t *testing.T) {
	redis := startRedis(t)
	s := newStore(t, redis.url(), func(cfg *Config) { cfg.StaleFor = time.Hour })
	h := newHandle()
	create(t, s, h, record("sealed"))
	get(t, s, h)
	redis.kill()
	get(t, s, h)
	redis.start()
	eventually(t, "the session is gone", pushed, func() error {
		_, err := s.Get(t.Context(), h)
		return want(errors.Is(err, session.ErrNotFound), "Get = %v", err)
	})
}

// A use that cannot be written down does not cost the session its place in
// memory; a sign-out does.
func TestWritesDuringOutage(t *testing.T) {
	redis := startRedis(t)
	s := newStore(t, redis.url(), func(cfg *Config) { cfg.StaleFor = time.Hour })
	h := newHandle()
	create(t, s, h, record("sealed"))
	r := get(t, s, h)
	redis.kill()
	for range threshold + 1 {
		cannotAnswer(t, "Replace", s.Replace(t.Context(), h, r))
	}
	get(t, s, h)
	cannotAnswer(t, "Delete", s.Delete(t.Context(), h))
	_, err := s.Get(t.Context(), h)
	cannotAnswer(t, "Get after a Delete that was not confirmed", err)
}

// ST-03: connections stay open and nothing answers. The first requests wait for
// the budget, the others hardly at all; nothing has to be restarted.
func TestST03BlackHole(t *testing.T) {
	redis := startRedis(t)
	s := newStore(t, redis.url(), usual, func(cfg *Config) { cfg.StaleFor = time.Hour })
	known, unknown := newHandle(), newHandle()
	create(t, s, known, record("known"))
	create(t, s, unknown, record("unknown"))
	get(t, s, known)

	redis.signal(syscall.SIGSTOP)
	t.Cleanup(func() { redis.signal(syscall.SIGCONT) })
	start := time.Now()
	var wg sync.WaitGroup
	for range 100 {
		wg.Go(func() {
			_, err := s.Get(t.Context(), unknown)
			cannotAnswer(t, "Get", err)
		})
	}
	wg.Wait()
	if took := time.Since(start); took < DefaultTimeout/2 || took > hanging {
		t.Errorf("100 requests at once took %v, want about %v", took, DefaultTimeout)
	}
	var all []time.Duration // a busy machine may hold up one or another
	for stopped := time.Now(); time.Since(stopped) < 3*time.Second; {
		start := time.Now()
		_, err := s.Get(t.Context(), unknown)
		if !errors.Is(err, ErrUnavailable) {
			t.Fatalf("Get = %v, want ErrUnavailable", err)
		}
		cannotAnswer(t, "Create", s.Create(t.Context(), newHandle(), record("x")))
		get(t, s, known)
		all = append(all, time.Since(start))
	}
	slices.Sort(all)
	if median, worst := all[len(all)/2], all[len(all)-1]; median > quickly/4 || worst > hanging {
		t.Fatalf("failing fast took %v, at worst %v; want less than %v, and never %v", median, worst, quickly/4, hanging)
	}

	redis.signal(syscall.SIGCONT)
	eventually(t, "the store answers again", patience, func() error {
		_, err := s.Get(t.Context(), unknown)
		return err
	})
	get(t, s, known)
	if err := s.Create(t.Context(), newHandle(), record("x")); err != nil {
		t.Errorf("Create afterwards: %v", err)
	}
}

// A silent connection is noticed even if every request is answered from memory.
func TestBlackHoleIsNoticedByItself(t *testing.T) {
	redis := startRedis(t)
	s := newStore(t, redis.url(), func(cfg *Config) { cfg.StaleFor = -1 })
	h := newHandle()
	create(t, s, h, record("sealed"))
	get(t, s, h)
	redis.signal(syscall.SIGSTOP)
	t.Cleanup(func() { redis.signal(syscall.SIGCONT) })
	start := time.Now()
	eventually(t, "the session in memory is no longer confirmed", patience, func() error {
		_, err := s.Get(t.Context(), h)
		return want(err != nil, "still served from memory")
	})
	t.Logf("a silent connection was noticed after %v", time.Since(start))
}

// What was deleted while this replica was cut off is gone once it is back, and
// at no time afterwards alive again.
func TestDeletedWhileDisconnected(t *testing.T) {
	redis := startRedis(t)
	a := newStore(t, redis.url())
	b := newStore(t, redis.url(), func(cfg *Config) { cfg.StaleFor = time.Hour })
	for range 100 {
		h := newHandle()
		create(t, a, h, record("sealed"))
		get(t, b, h)
		var wg sync.WaitGroup
		wg.Go(func() { redis.must("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes") })
		wg.Go(func() {
			eventually(t, "the deletion gets through", patience, func() error { return a.Delete(t.Context(), h) })
		})
		wg.Wait()
		eventually(t, "the session is gone on the other replica", pushed, func() error {
			_, err := b.Get(t.Context(), h)
			return want(errors.Is(err, session.ErrNotFound), "Get = %v", err)
		})
		for range 10 {
			if _, err := b.Get(t.Context(), h); !errors.Is(err, session.ErrNotFound) {
				t.Fatalf("a deleted session came back: %v", err)
			}
		}
	}
}

func TestFlushedIsGone(t *testing.T) {
	redis := startRedis(t)
	s := newStore(t, redis.url())
	h := newHandle()
	create(t, s, h, record("sealed"))
	get(t, s, h)
	redis.must("FLUSHALL")
	eventually(t, "the session is gone", pushed, func() error {
		_, err := s.Get(t.Context(), h)
		return want(errors.Is(err, session.ErrNotFound), "Get = %v", err)
	})
}

// Redis forgets who has what when its table is full, and says so: the records
// are read again.
func TestSmallTrackingTable(t *testing.T) {
	redis := startRedis(t, "--tracking-table-max-keys", "5")
	a, b := newStore(t, redis.url()), newStore(t, redis.url())
	var handles []session.Handle
	for range 200 {
		h := newHandle()
		create(t, a, h, record("sealed"))
		get(t, b, h)
		handles = append(handles, h)
	}
	for _, h := range handles {
		if err := a.Delete(t.Context(), h); err != nil {
			t.Fatal(err)
		}
	}
	for _, h := range handles {
		eventually(t, "the session is gone", pushed, func() error {
			_, err := b.Get(t.Context(), h)
			return want(errors.Is(err, session.ErrNotFound), "Get = %v", err)
		})
	}
}

// A caller that gives up says nothing about Redis.
func TestCallersGivingUpOpenNothing(t *testing.T) {
	redis := startRedis(t)
	s := newStore(t, redis.url())
	h := newHandle()
	create(t, s, h, record("sealed"))
	redis.signal(syscall.SIGSTOP)
	for range 10 * threshold {
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		if _, err := s.Get(ctx, h); !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, ErrUnavailable) {
			t.Errorf("Get = %v, want the caller's own deadline", err)
		}
		cancel()
	}
	redis.signal(syscall.SIGCONT)
	get(t, s, h)
}

func TestCloseLeavesNothing(t *testing.T) {
	redis := startRedis(t)
	before := runtime.NumGoroutine()
	for range 3 {
		s := newStore(t, redis.url())
		create(t, s, newHandle(), record("sealed"))
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		_, err := s.Get(t.Context(), newHandle())
		cannotAnswer(t, "Get after Close", err)
		cannotAnswer(t, "Ping after Close", s.Ping(t.Context()))
	}
	eventually(t, "all goroutines have ended", patience, func() error {
		return want(runtime.NumGoroutine() <= before, "%d goroutines, %d before", runtime.NumGoroutine(), before)
	})
}
