package session

import (
	"strconv"
	"testing"
	"time"
)

func TestCacheIsBounded(t *testing.T) {
	c, now := newCache(), time.Unix(1_800_000_000, 0)
	alive := &Session{ExpiresAt: now.Add(time.Hour)}
	for i := range 10 * cacheShards * cachePerShard {
		value := strconv.Itoa(i)
		c.put(value, &opened{generation: 1, session: alive}, now)
		if c.get(value, 1) == nil {
			t.Fatalf("entry %d is gone at once", i)
		}
	}
	for i := range c.shards {
		if n := len(c.shards[i].entries); n > cachePerShard {
			t.Errorf("shard %d has %d entries, want at most %d", i, n, cachePerShard)
		}
	}
}

// Entries of no further use give way before living ones.
func TestCacheDropsWhatHasEnded(t *testing.T) {
	c, now := newCache(), time.Unix(1_800_000_000, 0)
	alive, over := &Session{ExpiresAt: now.Add(time.Hour)}, &Session{ExpiresAt: now}
	idle := &Session{ExpiresAt: now.Add(time.Hour), IdleAt: now}
	s := c.shard("x")
	for i := 0; len(s.entries) < 4; i++ {
		value := strconv.Itoa(i)
		if c.shard(value) != s {
			continue
		}
		o := &opened{generation: 2, session: []*Session{over, idle, alive, alive}[len(s.entries)]}
		if len(s.entries) == 3 {
			o.generation = 1 // opened by keys that are no longer in force
		}
		s.entries[value] = o
	}
	c.put("x", &opened{generation: 2, session: alive}, now)
	if len(s.entries) != 2 {
		t.Errorf("%d entries left, want the living one and the new one", len(s.entries))
	}
	for _, o := range s.entries {
		if o.session != alive || o.generation != 2 {
			t.Error("an entry of no use was kept")
		}
	}
}

func TestCacheOfAnotherGeneration(t *testing.T) {
	c, now := newCache(), time.Unix(1_800_000_000, 0)
	c.put("x", &opened{generation: 1, session: &Session{ExpiresAt: now.Add(time.Hour)}}, now)
	if c.get("x", 2) != nil {
		t.Error("an entry opened by other keys is used")
	}
	c.drop("x")
	if c.get("x", 1) != nil {
		t.Error("a dropped entry is used")
	}
}
