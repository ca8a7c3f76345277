package redisstore

import (
	"sync"
	"testing"
	"time"

	"github.com/sallyport/sallyport/session"
)

// told collects what a store says has changed.
type told struct {
	mu    sync.Mutex
	times map[session.Handle]int
}

// listen is what a caller of OnChange does: it reads again whatever has changed.
func listen(s *Store) *told {
	w := &told{times: make(map[session.Handle]int)}
	s.OnChange(func(h session.Handle) {
		w.mu.Lock()
		w.times[h]++
		w.mu.Unlock()
	})
	return w
}

func (w *told) of(h session.Handle) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.times[h]
}

// eventually waits until h was told more often than before.
func (w *told) eventually(t *testing.T, what string, h session.Handle, before int) {
	t.Helper()
	eventually(t, what, patience, func() error {
		n := w.of(h)
		return want(n > before, "told %d times", n)
	})
}

// What another replica does to a record that was read here is told here, also when
// the record had to give way in memory, and as often as it is read again.
func TestOnChange(t *testing.T) {
	redis := startRedis(t)
	other := newStore(t, redis.url())
	s := newStore(t, redis.url(), func(cfg *Config) { cfg.CacheRecords = 1 })
	w := listen(s)
	kept, evicted := session.Handle{0, 1}, session.Handle{0, 2} // of one shard, which holds one
	for _, h := range []session.Handle{evicted, kept} {
		create(t, other, h, record("sealed"))
		get(t, s, h)
	}
	if _, fresh := s.cache.get(evicted); fresh != absent {
		t.Fatal("the record that should have given way is in memory")
	}
	for _, h := range []session.Handle{kept, evicted} {
		for range 3 {
			before := w.of(h)
			if err := other.Replace(t.Context(), h, get(t, other, h)); err != nil {
				t.Fatal(err)
			}
			w.eventually(t, "a change is told", h, before)
			get(t, s, h)
		}
		before := w.of(h)
		if err := other.Delete(t.Context(), h); err != nil {
			t.Fatal(err)
		}
		w.eventually(t, "a deletion is told", h, before)
	}
	if n := w.of(session.Handle{}); n != 0 {
		t.Errorf("told %d times that anything may have changed", n)
	}
}

// Redis itself forgets a record when its time is over, and tells.
func TestOnChangeOfExpiry(t *testing.T) {
	redis := startRedis(t)
	s, h := newStore(t, redis.url()), newHandle()
	w := listen(s)
	r := record("sealed")
	r.ExpiresAt = time.Now().Add(2 * time.Second)
	create(t, s, h, r)
	before := w.of(h)
	get(t, s, h)
	w.eventually(t, "the expiry is told", h, before)
}

// What happened while the connection was lost is unknown: anything may have changed.
func TestOnChangeAfterLoss(t *testing.T) {
	const staleFor = 500 * time.Millisecond
	redis := startRedis(t)
	s := newStore(t, redis.url(), func(cfg *Config) { cfg.StaleFor = staleFor })
	w := listen(s)
	get1 := func() { h := newHandle(); create(t, s, h, record("x")); get(t, s, h) }
	get1()
	anything := session.Handle{}
	redis.must("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
	w.eventually(t, "a lost connection is told", anything, 0)
	w.eventually(t, "and again when nothing stale is used any more", anything, 1)
	if n := w.of(anything); n != 2 {
		t.Errorf("told %d times, want 2", n)
	}

	get1()
	before := w.of(anything)
	redis.kill()
	w.eventually(t, "Redis is down for longer than anything is used without it", anything, before)
	eventually(t, "the loss was told for the last time", patience, func() error {
		n := w.of(anything)
		return want(n == before+2, "told %d times", n-before)
	})
	redis.start()
	eventually(t, "the store is ready", patience, func() error { return s.Ping(t.Context()) })
}

// The handle of a record that Redis has no room to keep track of is told, so that
// whoever wants to know reads it again.
func TestOnChangeOfUntracked(t *testing.T) {
	redis := startRedis(t, "--tracking-table-max-keys", "1")
	s := newStore(t, redis.url())
	w := listen(s)
	first := newHandle()
	create(t, s, first, record("x"))
	get(t, s, first)
	for range 20 {
		h := newHandle()
		create(t, s, h, record("x"))
		get(t, s, h)
	}
	w.eventually(t, "what is no longer tracked is told", first, 0)
}
