package session

import (
	"hash/maphash"
	"sync"
	"sync/atomic"
	"time"
)

const (
	cacheShards = 64
	// cachePerShard bounds the whole to 8192 sessions, some 8 KiB each.
	cachePerShard = 128
	// cacheLook is how many entries an insertion looks at to find one that is
	// no longer of use.
	cacheLook = 8
)

// cache remembers opened sessions by the cookie value that opens them, so that
// a request costs no decryption while its record is unchanged. It is no
// authority: the store is asked on every request all the same. It is bounded,
// and no lock in it is shared by all requests.
type cache struct {
	seed   maphash.Seed
	shards [cacheShards]cacheShard
}

type cacheShard struct {
	mu      sync.RWMutex
	entries map[string]*opened
}

// opened is an opened ticket with the session of one record version.
type opened struct {
	generation uint64 // of the key set that opened the ticket
	version    uint64 // of the record
	seal       seal   // likewise
	ticket     ticket
	handle     Handle
	session    *Session
	// nextUse is the Unix time from which one request may write LastSeen anew;
	// whoever moves it on is the one.
	nextUse atomic.Int64
}

func newCache() *cache {
	c := &cache{seed: maphash.MakeSeed()}
	for i := range c.shards {
		c.shards[i].entries = make(map[string]*opened)
	}
	return c
}

func (c *cache) shard(value string) *cacheShard {
	return &c.shards[maphash.String(c.seed, value)%cacheShards]
}

// get returns the entry for a cookie value, or nil.
func (c *cache) get(value string, generation uint64) *opened {
	s := c.shard(value)
	s.mu.RLock()
	o := s.entries[value]
	s.mu.RUnlock()
	if o == nil || o.generation != generation {
		return nil
	}
	return o
}

// put remembers o. In a full shard it makes room by dropping an entry, one
// whose session has ended if it meets one.
func (c *cache) put(value string, o *opened, now time.Time) {
	s := c.shard(value)
	s.mu.Lock()
	defer s.mu.Unlock()
	_, known := s.entries[value]
	looked, victim := 0, ""
	for key, other := range s.entries {
		if looked == cacheLook {
			break
		}
		looked++
		if !now.Before(storeUntil(other.session)) || other.generation != o.generation {
			delete(s.entries, key)
		} else if key != value {
			victim = key
		}
	}
	if !known && len(s.entries) >= cachePerShard {
		delete(s.entries, victim)
	}
	s.entries[value] = o
}

// drop forgets a cookie value.
func (c *cache) drop(value string) {
	s := c.shard(value)
	s.mu.Lock()
	delete(s.entries, value)
	s.mu.Unlock()
}

// remove forgets the session of that handle and returns its entry, or nil. It
// looks at every entry, so it is not for requests.
func (c *cache) remove(h Handle) *opened {
	for i := range c.shards {
		s := &c.shards[i]
		s.mu.Lock()
		for key, o := range s.entries {
			if o.handle == h {
				delete(s.entries, key)
				s.mu.Unlock()
				return o
			}
		}
		s.mu.Unlock()
	}
	return nil
}
