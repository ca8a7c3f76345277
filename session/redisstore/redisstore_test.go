package redisstore

import (
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/sallyport/sallyport/session"
	"github.com/sallyport/sallyport/session/storetest"
)

func TestContract(t *testing.T) {
	redis := startRedis(t)
	storetest.Run(t, harness(redis.url(), 2000))
}

// harness makes stores on one Redis; handles are random, so they do not meet.
func harness(url string, races int) storetest.Harness {
	return storetest.Harness{
		New: func(t *testing.T, now func() time.Time) session.Store {
			return newStore(t, url, func(cfg *Config) { cfg.Now = now })
		},
		Shared: true,
		Races:  races,
	}
}

// In the steady state a request costs Redis nothing, on every replica.
func TestSteadyStateAsksNothing(t *testing.T) {
	redis := startRedis(t)
	a, b := newStore(t, redis.url()), newStore(t, redis.url())
	var handles []session.Handle
	for range 50 {
		h := newHandle()
		create(t, a, h, record("sealed"))
		get(t, a, h)
		get(t, b, h)
		handles = append(handles, h)
	}
	redis.must("CONFIG", "RESETSTAT")
	for range 200 {
		for _, h := range handles {
			get(t, a, h)
			get(t, b, h)
		}
	}
	for name, n := range redis.calls() {
		// rueidis asks a silent connection for a sign of life once a second.
		if name != "ping" && name != "info" && name != "config|resetstat" {
			t.Errorf("%d × %s for 20,000 Gets, want none", n, name)
		}
	}
}

// One request that finds nothing in memory is one round trip (ST-04).
func TestMissIsOneRoundTrip(t *testing.T) {
	redis := startRedis(t)
	a, b := newStore(t, redis.url()), newStore(t, redis.url())
	h := newHandle()
	create(t, a, h, record("sealed"))
	if err := b.Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
	redis.must("CONFIG", "RESETSTAT")
	get(t, b, h)
	calls := redis.calls()
	if calls["get"] != 1 || calls["client|caching"] != 1 {
		t.Errorf("calls = %v, want one get and the client caching that goes with it", calls)
	}
}

// A sign-out on one replica reaches the other within milliseconds.
func TestDeleteReachesOtherReplica(t *testing.T) {
	const sessions = 1000
	redis := startRedis(t)
	a, b := newStore(t, redis.url()), newStore(t, redis.url())
	took, deletes := make([]time.Duration, 0, sessions), make([]time.Duration, 0, sessions)
	for range sessions {
		h := newHandle()
		create(t, a, h, record("sealed"))
		get(t, a, h)
		get(t, b, h)
		begun := time.Now()
		if err := a.Delete(t.Context(), h); err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		deletes = append(deletes, start.Sub(begun))
		for {
			_, err := b.Get(t.Context(), h)
			if errors.Is(err, session.ErrNotFound) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			if time.Since(start) > pushed {
				t.Fatal("the other replica goes on with a deleted session")
			}
		}
		took = append(took, time.Since(start))
		if _, err := a.Get(t.Context(), h); !errors.Is(err, session.ErrNotFound) {
			t.Fatalf("Get on the replica that deleted: %v, want ErrNotFound", err)
		}
	}
	slices.Sort(took)
	slices.Sort(deletes)
	p99 := took[sessions*99/100]
	t.Logf("deleted on A until ErrNotFound on B, over %d: median %v, p99 %v, most %v", sessions, took[sessions/2], p99, took[sessions-1])
	// On a busy machine a round trip to Redis takes long, too.
	if limit := max(50*time.Millisecond, 10*deletes[sessions*99/100]); p99 > limit {
		t.Errorf("p99 = %v, want at most %v", p99, limit)
	}
}

// What one replica wrote, the other reads, without waiting for anything else.
func TestReplaceReachesOtherReplica(t *testing.T) {
	redis := startRedis(t)
	a, b := newStore(t, redis.url()), newStore(t, redis.url())
	h, r := newHandle(), record("one")
	create(t, a, h, r)
	get(t, b, h)
	r.Version, r.Sealed = 1, []byte("two")
	if err := a.Replace(t.Context(), h, r); err != nil {
		t.Fatal(err)
	}
	if got := get(t, a, h); string(got.Sealed) != "two" || got.Version != 2 {
		t.Errorf("the writer reads %q, version %d, of its own write", got.Sealed, got.Version)
	}
	eventually(t, "the other replica reads what was written", pushed, func() error {
		got := get(t, b, h)
		return want(string(got.Sealed) == "two" && got.Version == 2, "%q, version %d", got.Sealed, got.Version)
	})
}

// Writing down a use does not send the session again.
func TestUseSendsHeaderOnly(t *testing.T) {
	redis := startRedis(t)
	a, b := newStore(t, redis.url()), newStore(t, redis.url())
	h, r := newHandle(), record(string(make([]byte, 4096)))
	create(t, a, h, r)
	r = get(t, a, h)
	redis.must("CONFIG", "RESETSTAT")
	r.LastSeen, r.ExpiresAt = r.LastSeen.Add(time.Minute), r.ExpiresAt.Add(time.Minute)
	if err := a.Replace(t.Context(), h, r); err != nil {
		t.Fatal(err)
	}
	if calls := redis.calls(); calls["setrange"] != 1 || calls["set"] != 0 {
		t.Errorf("calls = %v, want one setrange and no set", calls)
	}
	got := get(t, b, h)
	if got.Version != 2 || len(got.Sealed) != 4096 || !got.LastSeen.Equal(r.LastSeen) || got.ExpiresAt.Before(r.ExpiresAt) {
		t.Errorf("read back version %d, %d bytes, seen %v, until %v", got.Version, len(got.Sealed), got.LastSeen, got.ExpiresAt)
	}
	ttl := time.Duration(redis.number("PTTL", recordKey(h))) * time.Millisecond
	if ttl < time.Hour || ttl > time.Hour+time.Minute {
		t.Errorf("Redis keeps it for %v, want an hour and nearly a minute", ttl)
	}
}

// ST-14: no write leaves a key without a time to live.
func TestST14EveryKeyExpires(t *testing.T) {
	redis := startRedis(t)
	s := newStore(t, redis.url())
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for j := range 25 {
				h, r := newHandle(), record("sealed")
				switch (i + j) % 3 {
				case 1:
					r.ExpiresAt = time.Now().Add(-time.Hour)
				case 2:
					r.ExpiresAt = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)
				}
				if err := s.Create(t.Context(), h, r); err != nil {
					t.Error(err)
				}
				if _, _, err := s.TryLock(t.Context(), h, time.Minute); err != nil {
					t.Error(err)
				}
				r.Version = 1
				if err := s.Replace(t.Context(), h, r); err != nil && !errors.Is(err, session.ErrNotFound) {
					t.Error(err)
				}
				if got, err := s.Get(t.Context(), h); err == nil {
					if err := s.Replace(t.Context(), h, got); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	wg.Wait()
	m := redis.must("KEYS", "*")
	keys, err := m.AsStrSlice()
	if err != nil || len(keys) < 200 {
		t.Fatalf("%d keys, %v; want at least 200", len(keys), err)
	}
	for _, key := range keys {
		if ttl := redis.number("PTTL", key); ttl == -1 {
			t.Errorf("%s has no time to live", key)
		}
	}
}

// ST-11: what Redis holds names no session and shows none.
func TestST11KeysAreHandles(t *testing.T) {
	redis := startRedis(t)
	s := newStore(t, redis.url())
	h := newHandle()
	create(t, s, h, record("sealed"))
	m := redis.must("KEYS", "*")
	keys, err := m.AsStrSlice()
	if err != nil || len(keys) != 1 || keys[0] != "sallyport:{"+h.String()+"}" {
		t.Errorf("keys = %q, %v", keys, err)
	}
}

func TestLocker(t *testing.T) {
	redis := startRedis(t)
	a, b := newStore(t, redis.url()), newStore(t, redis.url())
	h := newHandle()
	lock, ok, err := a.TryLock(t.Context(), h, time.Minute)
	if err != nil || !ok {
		t.Fatalf("TryLock = %v, %v", ok, err)
	}
	if _, ok, err := b.TryLock(t.Context(), h, time.Minute); err != nil || ok {
		t.Fatalf("TryLock while another holds it = %v, %v; want false", ok, err)
	}
	if _, ok, err := b.TryLock(t.Context(), newHandle(), time.Minute); err != nil || !ok {
		t.Fatalf("TryLock of another record = %v, %v", ok, err)
	}
	if err := lock.Renew(t.Context(), time.Hour); err != nil {
		t.Fatalf("Renew: %v", err)
	}
	if ttl := redis.number("PTTL", lockKey(h)); ttl < time.Minute.Milliseconds() {
		t.Errorf("after Renew the lock lasts %d ms", ttl)
	}
	if err := lock.Unlock(t.Context()); err != nil {
		t.Fatalf("Unlock: %v", err)
	}
	theirs, ok, err := b.TryLock(t.Context(), h, time.Minute)
	if err != nil || !ok {
		t.Fatalf("TryLock after Unlock = %v, %v", ok, err)
	}
	if err := lock.Renew(t.Context(), time.Minute); !errors.Is(err, session.ErrNotFound) {
		t.Errorf("Renew of a lost lock = %v, want ErrNotFound", err)
	}
	if err := lock.Unlock(t.Context()); err != nil {
		t.Errorf("Unlock of a lost lock = %v, want nil", err)
	}
	if err := theirs.Renew(t.Context(), time.Minute); err != nil {
		t.Errorf("the other's lock is gone: %v", err)
	}
	short := newHandle()
	if _, ok, err := a.TryLock(t.Context(), short, 20*time.Millisecond); err != nil || !ok {
		t.Fatalf("TryLock = %v, %v", ok, err)
	}
	eventually(t, "the lock of a dead holder is free again", patience, func() error {
		_, ok, err := b.TryLock(t.Context(), short, time.Minute)
		return errors.Join(err, want(ok, "still held"))
	})
}
