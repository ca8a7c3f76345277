package memstore

import (
	"bytes"
	"context"
	"slices"
	"sync"
	"time"

	"github.com/sallyport/sallyport/session"
)

// indexShard is what is found by the tags, and claimed under them, that begin with
// one byte. Its lock is taken while that of a record's shard is held, never the
// other way round.
type indexShard struct {
	mu      sync.Mutex
	handles map[session.Tag][]session.Handle
	claims  map[session.Tag]time.Time // remembered until then
}

func (s *Store) index(t session.Tag) *indexShard { return &s.indexes[t[0]] }

// CreateMarked implements session.Indexer. The marks go with the record, so until
// is of no matter.
func (s *Store) CreateMarked(ctx context.Context, h session.Handle, r session.Record, marks []session.Mark, _ time.Time) error {
	own := make([]session.Mark, len(marks))
	for i, m := range marks {
		own[i] = session.Mark{Tag: m.Tag, Note: slices.Clip(bytes.Clone(m.Note))}
	}
	return s.create(ctx, h, r, own)
}

// Find implements session.Indexer. The notes are the store's own: read only.
func (s *Store) Find(ctx context.Context, t session.Tag) ([]session.Found, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	ix := s.index(t)
	ix.mu.Lock()
	handles := slices.Clone(ix.handles[t])
	ix.mu.Unlock()
	now := s.now()
	var found []session.Found
	for _, h := range handles {
		sh := s.shard(h)
		sh.mu.RLock()
		e, ok := sh.records[h]
		sh.mu.RUnlock()
		i := slices.IndexFunc(e.marks, func(m session.Mark) bool { return m.Tag == t })
		if !ok || i < 0 || !alive(e.Record, now) {
			continue
		}
		found = append(found, session.Found{Handle: h, Note: e.marks[i].Note, LastSeen: e.LastSeen, ExpiresAt: e.ExpiresAt})
	}
	return found, nil
}

// mark has a record found by its marks. The caller holds its shard's lock.
func (s *Store) mark(h session.Handle, marks []session.Mark) {
	for _, m := range marks {
		ix := s.index(m.Tag)
		ix.mu.Lock()
		ix.handles[m.Tag] = append(ix.handles[m.Tag], h)
		ix.mu.Unlock()
	}
}

// unmark is the reverse, for the same caller.
func (s *Store) unmark(h session.Handle, marks []session.Mark) {
	for _, m := range marks {
		ix := s.index(m.Tag)
		ix.mu.Lock()
		left := ix.handles[m.Tag]
		if i := slices.Index(left, h); i >= 0 {
			left[i] = left[len(left)-1]
			left = left[:len(left)-1]
		}
		if len(left) == 0 {
			delete(ix.handles, m.Tag)
		} else {
			ix.handles[m.Tag] = left
		}
		ix.mu.Unlock()
	}
}

// Claim implements session.Claimer.
func (s *Store) Claim(ctx context.Context, t session.Tag, until time.Time) (bool, error) {
	if err := ctx.Err(); err != nil {
		return false, err
	}
	now := s.now()
	ix := s.index(t)
	ix.mu.Lock()
	defer ix.mu.Unlock()
	before, claimed := ix.claims[t]
	if claimed && now.Before(before) {
		return false, nil
	}
	if !claimed {
		s.claimed.Add(1)
	}
	ix.claims[t] = until
	s.sweep.start(s)
	return true, nil
}

// forgetClaims drops the claims of a shard whose time is over.
func (s *Store) forgetClaims(ix *indexShard) {
	now := s.now()
	ix.mu.Lock()
	defer ix.mu.Unlock()
	for t, until := range ix.claims {
		if !now.Before(until) {
			delete(ix.claims, t)
			s.claimed.Add(-1)
		}
	}
}
