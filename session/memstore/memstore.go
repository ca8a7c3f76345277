package memstore

import (
	"bytes"
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/sallyport/sallyport/session"
)

// DefaultMaxRecords is the bound of a Config that names none. Full, with some
// 4 KiB in each record and its marks, a store of that size takes half a gigabyte.
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
		s.shards[i].reset()
		s.indexes[i].reset()
		s.indexes[i].claims = make(map[session.Tag]int64)
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
	return s.CreateMarked(ctx, h, r, nil, time.Time{})
}

// CreateMarked implements session.Indexer. The marks go with the record, so until
// is of no matter.
func (s *Store) CreateMarked(ctx context.Context, h session.Handle, r session.Record, marks []session.Mark, _ time.Time) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	now := s.now()
	sh := s.shard(h)
	sh.mu.Lock()
	var expired session.Record
	old := sh.find(h)
	if old != nil {
		if old.alive(now) {
			sh.mu.Unlock()
			return fmt.Errorf("creating session record: %w", session.ErrConflict)
		}
		expired = sh.record(old)
		s.drop(sh, h)
	}
	s.insert(sh, h, r, marks)
	sh.tidy()
	sh.mu.Unlock()
	if old != nil {
		s.tell(h, expired, false)
		return nil
	}
	if s.count.Add(1) > s.max {
		s.evict(h, now)
	}
	s.sweep.start(s)
	return nil
}

// insert puts a record in that is not there, with its marks. The caller holds the
// shard's lock.
func (s *Store) insert(sh *shard, h session.Handle, r session.Record, marks []session.Mark) {
	slot := sh.take(h)
	rest := sh.put(slot, h, r.Sealed, sizeOfMarks(marks))
	for i, m := range marks {
		rest = putMark(rest, m, s.index(m.Tag).add(m.Tag, carrier{shard: h[0], mark: uint16(i), slot: slot}))
	}
	sh.entries[slot].set(1, r)
}

// drop takes a record out with its marks. The caller holds the shard's lock.
func (s *Store) drop(sh *shard, h session.Handle) {
	for m, link := range sh.marks(sh.find(h)).each() {
		s.index(m.Tag).remove(m.Tag, link)
	}
	sh.drop(h)
}

// Get implements session.Store. The record's Sealed is the store's own: read only, and
// whoever keeps it keeps a page.
func (s *Store) Get(ctx context.Context, h session.Handle) (session.Record, error) {
	if err := ctx.Err(); err != nil {
		return session.Record{}, err
	}
	now := s.now()
	sh := s.shard(h)
	sh.mu.RLock()
	defer sh.mu.RUnlock()
	e := sh.find(h)
	if e == nil || !e.alive(now) {
		return session.Record{}, session.ErrNotFound
	}
	return sh.record(e), nil
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
	e := sh.find(h)
	switch {
	case e == nil || !e.alive(now):
		return session.ErrNotFound
	case e.version != r.Version:
		return session.ErrConflict
	}
	if !bytes.Equal(sh.record(e).Sealed, r.Sealed) { // else a use was written down, nothing more
		sh.replace(e, r.Sealed)
	}
	e.set(r.Version+1, r)
	return nil
}

// Delete implements session.Store.
func (s *Store) Delete(ctx context.Context, h session.Handle) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	sh := s.shard(h)
	sh.mu.Lock()
	known := sh.find(h) != nil
	if known {
		s.drop(sh, h)
		sh.tidy()
	}
	sh.mu.Unlock()
	if known {
		s.count.Add(-1)
	}
	return nil
}

func (s *Store) shard(h session.Handle) *shard { return &s.shards[h[0]] }

// tell reports a record that the store dropped by itself.
func (s *Store) tell(h session.Handle, r session.Record, evicted bool) {
	if s.forget != nil {
		s.forget(h, r, evicted)
	}
}
