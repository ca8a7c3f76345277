package redisstore

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/sallyport/sallyport/session"
)

func newTestCache(records int, staleFor time.Duration) *cache {
	return newCache(records, staleFor, time.Now)
}

func (c *cache) fill(h session.Handle, sealed string) {
	f, _ := c.board(h)
	c.land(h, f, session.Record{Version: 1, Sealed: []byte(sealed), LastSeen: time.Now(), ExpiresAt: time.Now().Add(time.Hour)}, nil)
}

func (c *cache) is(t *testing.T, when string, h session.Handle, want freshness) {
	t.Helper()
	if _, got := c.get(h); got != want {
		t.Errorf("%s: freshness = %d, want %d", when, got, want)
	}
}

// An answer that left Redis before a change arrives after the change was told:
// it must not be kept.
func TestCacheAnswerOlderThanChange(t *testing.T) {
	c, h := newTestCache(1000, time.Hour), newHandle()
	asked, _ := c.board(h)
	c.changed(h)
	c.land(h, asked, record("old"), nil)
	c.is(t, "after a change", h, absent)

	asked, _ = c.board(h)
	c.lose()
	c.land(h, asked, record("old"), nil)
	c.is(t, "after a loss", h, absent)

	c.fill(h, "new")
	c.is(t, "asked afterwards", h, confirmed)
}

// StaleFor counts from the loss of the connection that confirmed the record, not
// from a later one.
func TestCacheStaleWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, h, later := newTestCache(1000, 15*time.Second), newHandle(), newHandle()
		c.fill(h, "x")
		time.Sleep(time.Minute)
		c.is(t, "connected", h, confirmed)
		c.lose()
		c.is(t, "just lost", h, stale)
		time.Sleep(10 * time.Second)
		c.fill(later, "x")
		c.is(t, "read on the next connection", later, confirmed)
		c.lose()
		c.is(t, "10 s after its loss", h, stale)
		c.is(t, "just lost", later, stale)
		time.Sleep(5 * time.Second)
		c.is(t, "15 s after its loss", h, absent)
		c.is(t, "5 s after its loss", later, stale)
		for range keptLosses {
			c.lose()
		}
		c.is(t, "many losses later", later, absent)
		c.fill(later, "x")
		c.is(t, "read again", later, confirmed)
	})
}

func TestCacheNeverStale(t *testing.T) {
	c, h := newTestCache(1000, -1), newHandle()
	c.fill(h, "x")
	c.lose()
	c.is(t, "after a loss", h, absent)
}

func TestCacheExpiry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, h := newTestCache(1000, time.Hour), newHandle()
		c.fill(h, "x")
		time.Sleep(time.Hour)
		c.is(t, "expired", h, absent)
	})
}

// The bound holds, and what is no longer confirmed or was not seen for long
// gives way first.
func TestCacheBound(t *testing.T) {
	const bound = 4 * cacheShards
	c := newTestCache(bound, time.Hour)
	for range 20 * bound {
		c.fill(newHandle(), "x")
	}
	n := 0
	for i := range c.shards {
		n += len(c.shards[i].records)
	}
	if n > bound {
		t.Errorf("%d records, want at most %d", n, bound)
	}

	c = newTestCache(cacheShards, time.Hour) // one to a shard
	old, next := session.Handle{0, 1}, session.Handle{0, 2}
	c.fill(old, "x")
	c.fill(next, "x")
	c.is(t, "the one before", old, absent)
	c.is(t, "the newest", next, confirmed)
}
