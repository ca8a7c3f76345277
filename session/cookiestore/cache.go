package cookiestore

import (
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sallyport/sallyport/session"
)

const (
	cacheShards = 64
	// cachePerShard bounds the whole to 4096 readings, one for each session, of at
	// most 13 KiB.
	cachePerShard = 64
	// cacheLook is how many readings an insertion looks at to find one that is no
	// longer of use.
	cacheLook = 8
)

// cache remembers what decode made of the parts that came last for each session, so
// that a browser which sends the same bytes again costs no verification. It answers
// for exactly these bytes under exactly these keys; that a session was deleted or has
// expired is not its business. No lock in it is shared by all requests.
type cache struct{ shards [cacheShards]cacheShard }

type cacheShard struct {
	mu       sync.RWMutex
	readings map[session.Handle]*reading
}

// reading is a record that was verified.
type reading struct {
	generation uint64 // of the keys that verified it
	parts      []string
	record     session.Record
	touched    atomic.Pointer[touch] // what an answer made of it last; may be nil
}

func newCache() *cache {
	c := &cache{}
	for i := range c.shards {
		c.shards[i].readings = make(map[session.Handle]*reading)
	}
	return c
}

// shard is by the handle, which is a hash.
func (c *cache) shard(h session.Handle) *cacheShard { return &c.shards[h[0]%cacheShards] }

// get returns what is known of h under these keys, or nil. The caller compares the
// parts.
func (c *cache) get(h session.Handle, generation uint64) *reading {
	s := c.shard(h)
	s.mu.RLock()
	r := s.readings[h]
	s.mu.RUnlock()
	if r == nil || r.generation != generation {
		return nil
	}
	return r
}

// put remembers r, with a copy of its parts: they are cut from a whole header field.
// In a full shard it makes room by dropping a reading, an expired one if it meets one.
func (c *cache) put(h session.Handle, r *reading, now time.Time) {
	r.parts = slices.Clone(r.parts)
	for i := range r.parts {
		r.parts[i] = strings.Clone(r.parts[i])
	}
	s := c.shard(h)
	s.mu.Lock()
	defer s.mu.Unlock()
	_, known := s.readings[h]
	looked, victim := 0, h
	for other, old := range s.readings {
		if looked == cacheLook {
			break
		}
		looked++
		if !now.Before(old.record.ExpiresAt) || old.generation != r.generation {
			delete(s.readings, other)
		} else if other != h {
			victim = other
		}
	}
	if !known && len(s.readings) >= cachePerShard {
		delete(s.readings, victim)
	}
	s.readings[h] = r
}

// drop forgets what is known of h.
func (c *cache) drop(h session.Handle) {
	s := c.shard(h)
	s.mu.Lock()
	delete(s.readings, h)
	s.mu.Unlock()
}
