package redisstore

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/sallyport/sallyport/session"
)

const (
	cacheShards = 64
	// sample is how many records of a full shard are compared to find the one
	// that gives way.
	sample = 8
	// keptLosses is how many losses of a connection a record can have gone
	// through and still be known to have been confirmed a moment ago.
	keptLosses = 256
)

// cache is the records that this process has read and that Redis promised to
// take back when they change.
//
// A record in it is confirmed while no connection was lost since it was read
// (its era is the current one). Afterwards it may have changed without our being
// told.
type cache struct {
	perShard int
	staleFor time.Duration
	now      func() time.Time
	shards   [cacheShards]cacheShard

	era    atomic.Uint64
	losing sync.Mutex
	// lost holds when each of the last eras ended, Unix nanoseconds.
	lost [keptLosses]atomic.Int64
}

type cacheShard struct {
	mu      sync.RWMutex
	records map[session.Handle]cached
	flights map[session.Handle]*flight
}

type cached struct {
	session.Record
	era uint64
}

// freshness is how far a cached record can be relied on.
type freshness int

const (
	absent    freshness = iota
	stale               // only if Redis cannot answer
	confirmed           // as good as Redis's own answer
)

func newCache(records int, staleFor time.Duration, now func() time.Time) *cache {
	c := &cache{perShard: max(records/cacheShards, 1), staleFor: staleFor, now: now}
	for i := range c.shards {
		c.shards[i].records = make(map[session.Handle]cached)
		c.shards[i].flights = make(map[session.Handle]*flight)
	}
	return c
}

func (c *cache) shard(h session.Handle) *cacheShard { return &c.shards[h[0]%cacheShards] }

// get returns the record and what it is worth.
func (c *cache) get(h session.Handle) (session.Record, freshness) {
	s := c.shard(h)
	s.mu.RLock()
	r, ok := s.records[h]
	s.mu.RUnlock()
	if !ok {
		return session.Record{}, absent
	}
	now := c.now()
	switch {
	case !now.Before(r.ExpiresAt):
		return session.Record{}, absent // Redis may know that it was prolonged
	case r.era == c.era.Load():
		return r.Record, confirmed
	case c.servable(r.era, now):
		return r.Record, stale
	}
	return session.Record{}, absent
}

// servable reports whether an era ended so recently that its records may stand
// in for Redis.
func (c *cache) servable(era uint64, now time.Time) bool {
	if current := c.era.Load(); current-era >= keptLosses {
		return false
	}
	return now.UnixNano()-c.lost[era%keptLosses].Load() < int64(c.staleFor)
}

// evict drops one record: of a sample one that is no longer confirmed, or else
// the one that was seen last the longest ago. Go's map iteration begins at a
// random place.
func (s *cacheShard) evict(era uint64) {
	var (
		oldest session.Handle
		seen   time.Time
		looked int
	)
	for h, r := range s.records {
		if r.era != era {
			oldest = h
			break
		}
		if looked == 0 || r.LastSeen.Before(seen) {
			oldest, seen = h, r.LastSeen
		}
		if looked++; looked == sample {
			break
		}
	}
	delete(s.records, oldest)
}

// changed forgets a record, and any answer about it that is still under way.
func (c *cache) changed(h session.Handle) {
	s := c.shard(h)
	s.mu.Lock()
	delete(s.flights, h)
	delete(s.records, h)
	s.mu.Unlock()
}

// lose ends the era: a connection was lost, and with it what Redis would have
// taken back.
func (c *cache) lose() {
	c.losing.Lock()
	defer c.losing.Unlock()
	era := c.era.Load()
	c.lost[era%keptLosses].Store(c.now().UnixNano())
	c.era.Store(era + 1)
}
