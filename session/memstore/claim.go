package memstore

import (
	"context"
	"fmt"
	"time"

	"github.com/sallyport/sallyport/session"
)

// Claim implements session.Claimer. A store remembers as many claims as it holds
// records; beyond that it fails, because forgetting one would let it count twice.
func (s *Store) Claim(ctx context.Context, t session.Tag, until time.Time) (bool, error) {
	if err := ctx.Err(); err != nil {
		return false, err
	}
	now := s.now()
	ix := s.index(t)
	ix.mu.Lock()
	defer ix.mu.Unlock()
	before, claimed := ix.claims[t]
	if claimed && now.UnixMicro() < before {
		return false, nil
	}
	if !claimed && s.claimed.Add(1) > s.max {
		s.claimed.Add(-1)
		return false, fmt.Errorf("memstore: %d values are claimed already, which is the bound", s.max)
	}
	ix.claims[t] = until.UnixMicro()
	s.sweep.start(s)
	return true, nil
}

// Claimed implements session.Claimer.
func (s *Store) Claimed(ctx context.Context, t session.Tag) (bool, error) {
	if err := ctx.Err(); err != nil {
		return false, err
	}
	now := s.now()
	ix := s.index(t)
	ix.mu.Lock()
	defer ix.mu.Unlock()
	until, claimed := ix.claims[t]
	return claimed && now.UnixMicro() < until, nil
}

// forgetClaims drops the claims of a shard whose time is over.
func (s *Store) forgetClaims(ix *indexShard) {
	now := s.now().UnixMicro()
	ix.mu.Lock()
	defer ix.mu.Unlock()
	for t, until := range ix.claims {
		if now >= until {
			delete(ix.claims, t)
			s.claimed.Add(-1)
		}
	}
}
