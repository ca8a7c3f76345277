package redisstore

import (
	"context"

	"github.com/sallyport/sallyport/session"
)

// flight is one question to Redis for a record, shared by all requests that want
// it meanwhile. It leaves its shard when the record changes, so that whoever comes
// afterwards asks anew and the answer, which may be older, is not kept.
type flight struct {
	era    uint64
	landed chan struct{} // closed once record and err are set
	record session.Record
	err    error
}

// wait returns the answer, or the context's error if that ends first.
func (f *flight) wait(ctx context.Context) (session.Record, error) {
	select {
	case <-f.landed:
		return f.record, f.err
	case <-ctx.Done():
		return session.Record{}, ctx.Err()
	}
}

// board returns the flight that brings a record. first is true for the caller who
// has to ask Redis, and land it.
func (c *cache) board(h session.Handle) (f *flight, first bool) {
	s := c.shard(h)
	s.mu.Lock()
	defer s.mu.Unlock()
	era := c.era.Load()
	if f, ok := s.flights[h]; ok && f.era == era {
		return f, false
	}
	f = &flight{era: era, landed: make(chan struct{})}
	if r, ok := s.records[h]; ok && r.era == era && c.now().Before(r.ExpiresAt) {
		f.record = r.Record // it landed since the caller looked
		close(f.landed)
		return f, false
	}
	s.flights[h] = f
	return f, true
}

// land hands the answer to everybody who waits for it, and keeps it unless it has
// been overtaken by a change or a loss.
func (c *cache) land(h session.Handle, f *flight, r session.Record, err error) {
	s := c.shard(h)
	s.mu.Lock()
	if s.flights[h] == f {
		delete(s.flights, h)
		if err == nil && c.era.Load() == f.era {
			c.put(s, h, cached{Record: r, era: f.era})
		}
	}
	s.mu.Unlock()
	f.record, f.err = r, err
	close(f.landed)
}

// put keeps a record. The caller holds the shard's lock.
func (c *cache) put(s *cacheShard, h session.Handle, r cached) {
	if _, ok := s.records[h]; !ok && len(s.records) >= c.perShard {
		s.evict(r.era)
	}
	s.records[h] = r
}
