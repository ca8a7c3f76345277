package memstore

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sallyport/sallyport/session"
)

// DefaultMaxRecords is the bound of a Config that names none. Full, with some
// 4 KiB in each record, a store of that size takes half a gigabyte.
const DefaultMaxRecords = 100_000

const (
	shardCount = 256
	// sample is how many records of a shard an eviction compares.
	sample = 8
)

// Config makes a Store.
type Config struct {
	MaxRecords int              // 0 = DefaultMaxRecords
	Now        func() time.Time // nil = time.Now; called by many goroutines
}

// Store keeps records in the memory of this process: a restart signs everybody
// out, and a second replica knows nothing of them.
//
// It never holds more than Config.MaxRecords (and one more for each Create
// under way): when it is full, a record that has not been used for long gives
// way. That is chosen from a sample, so it is not always the very oldest.
//
// Its methods are safe for concurrent use. They share no lock except those of
// 256 shards, which the handle selects.
type Store struct {
	max    int64
	now    func() time.Time
	forget func(h session.Handle, r session.Record, evicted bool)

	count   atomic.Int64 // records
	claimed atomic.Int64 // claims
	sweep   sweeper
	shards  [shardCount]shard
	indexes [shardCount]indexShard
}

var (
	_ session.Indexer = (*Store)(nil)
	_ session.Claimer = (*Store)(nil)
)

type shard struct {
	mu      sync.RWMutex
	records map[session.Handle]entry
}

type entry struct {
	session.Record
	marked *marked // nil = it has no marks
}

// New makes an empty store.
func New(cfg Config) (*Store, error) {
	if cfg.MaxRecords < 0 {
		return nil, fmt.Errorf("memstore: MaxRecords is %d, it must be above zero, or 0 for %d", cfg.MaxRecords, DefaultMaxRecords)
	}
	s := &Store{max: int64(cfg.MaxRecords), now: cfg.Now}
	if s.max == 0 {
		s.max = DefaultMaxRecords
	}
	if s.now == nil {
		s.now = time.Now
	}
	for i := range s.shards {
		s.shards[i].records = make(map[session.Handle]entry)
		s.indexes[i].first = make(map[prefix]*mark)
		s.indexes[i].claims = make(map[session.Tag]time.Time)
	}
	return s, nil
}

// OnForget implements session.Forgetter.
func (s *Store) OnForget(f func(h session.Handle, r session.Record, evicted bool)) { s.forget = f }

// Count implements session.Counter. Records that expired within the last
// minute or so may be counted still.
func (s *Store) Count() int { return int(s.count.Load()) }

// Create implements session.Store. An existing handle is a
// session.ErrConflict.
func (s *Store) Create(ctx context.Context, h session.Handle, r session.Record) error {
	return s.create(ctx, h, r, nil)
}

func (s *Store) create(ctx context.Context, h session.Handle, r session.Record, marks *marked) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	r.Version, r.Sealed = 1, slices.Clip(bytes.Clone(r.Sealed))
	now := s.now()
	sh := s.shard(h)
	sh.mu.Lock()
	old, exists := sh.records[h]
	if exists && alive(old.Record, now) {
		sh.mu.Unlock()
		return fmt.Errorf("creating session record: %w", session.ErrConflict)
	}
	s.unmark(old.marked)
	sh.records[h] = entry{Record: r, marked: marks}
	s.mark(marks)
	sh.mu.Unlock()
	if exists {
		s.tell(h, old.Record, false)
		return nil
	}
	if s.count.Add(1) > s.max {
		s.evict(h, now)
	}
	s.sweep.start(s)
	return nil
}

// Get implements session.Store. The record's Sealed is the store's own: read
// only.
func (s *Store) Get(ctx context.Context, h session.Handle) (session.Record, error) {
	if err := ctx.Err(); err != nil {
		return session.Record{}, err
	}
	sh := s.shard(h)
	sh.mu.RLock()
	e, ok := sh.records[h]
	sh.mu.RUnlock()
	if !ok || !alive(e.Record, s.now()) {
		return session.Record{}, session.ErrNotFound
	}
	return e.Record, nil
}

// Replace implements session.Store.
func (s *Store) Replace(ctx context.Context, h session.Handle, r session.Record) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	now := s.now()
	sh := s.shard(h)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	old, ok := sh.records[h]
	switch {
	case !ok || !alive(old.Record, now):
		return session.ErrNotFound
	case old.Version != r.Version:
		return session.ErrConflict
	}
	r.Version++
	if bytes.Equal(old.Sealed, r.Sealed) {
		r.Sealed = old.Sealed // a use was written down, nothing else
	} else {
		r.Sealed = slices.Clip(bytes.Clone(r.Sealed))
	}
	sh.records[h] = entry{Record: r, marked: old.marked}
	return nil
}

// Delete implements session.Store.
func (s *Store) Delete(ctx context.Context, h session.Handle) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	sh := s.shard(h)
	sh.mu.Lock()
	_, ok := sh.records[h]
	s.drop(sh, h)
	sh.mu.Unlock()
	if ok {
		s.count.Add(-1)
	}
	return nil
}

// drop takes a record out with its marks. The caller holds the shard's lock.
func (s *Store) drop(sh *shard, h session.Handle) {
	s.unmark(sh.records[h].marked)
	delete(sh.records, h)
}

func (s *Store) shard(h session.Handle) *shard { return &s.shards[h[0]] }

func alive(r session.Record, now time.Time) bool { return now.Before(r.ExpiresAt) }

// tell reports a record that the store dropped by itself.
func (s *Store) tell(h session.Handle, r session.Record, evicted bool) {
	if s.forget != nil {
		s.forget(h, r, evicted)
	}
}
