package memstore

import (
	"context"
	"encoding/binary"
	"fmt"
	"sync"
	"time"

	"github.com/sallyport/sallyport/session"
)

// indexShard is what is found by the tags, and claimed under them, that begin with
// one byte. Its lock is taken while that of a record's shard is held, never the
// other way round.
type indexShard struct {
	mu     sync.Mutex
	first  map[prefix]*mark
	claims map[session.Tag]time.Time // remembered until then
}

// prefix is enough of a tag to look it up by. A list can hold marks of several tags,
// if it has to; that whole tags are not kept twice saves a tenth of what a session costs.
type prefix uint64

func prefixOf(t session.Tag) prefix { return prefix(binary.BigEndian.Uint64(t[1:])) }

// marked is a record's marks.
type marked struct {
	handle session.Handle
	marks  []mark
}

// mark is one of them, in the list of all that have its prefix: the sessions that many
// people share an account for are as quickly taken out as any other.
type mark struct {
	tag        session.Tag
	note       []byte
	of         *marked
	prev, next *mark
}

func (s *Store) index(t session.Tag) *indexShard { return &s.indexes[t[0]] }

// CreateMarked implements session.Indexer. The marks go with the record, so until
// is of no matter.
func (s *Store) CreateMarked(ctx context.Context, h session.Handle, r session.Record, marks []session.Mark, _ time.Time) error {
	if len(marks) == 0 {
		return s.create(ctx, h, r, nil)
	}
	size := 0
	for _, m := range marks {
		size += len(m.Note)
	}
	own, notes := &marked{handle: h, marks: make([]mark, len(marks))}, make([]byte, 0, size)
	for i, m := range marks {
		from := len(notes)
		notes = append(notes, m.Note...)
		own.marks[i] = mark{tag: m.Tag, note: notes[from:len(notes):len(notes)], of: own}
	}
	return s.create(ctx, h, r, own)
}

// Find implements session.Indexer. The notes are the store's own: read only.
func (s *Store) Find(ctx context.Context, t session.Tag) ([]session.Found, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	all := s.index(t).list(t)
	now := s.now()
	found := all[:0]
	for _, f := range all {
		sh := s.shard(f.Handle)
		sh.mu.RLock()
		e, ok := sh.records[f.Handle]
		sh.mu.RUnlock()
		if ok && alive(e.Record, now) {
			f.LastSeen, f.ExpiresAt = e.LastSeen, e.ExpiresAt
			found = append(found, f)
		}
	}
	return found, nil
}

// list returns what has a mark of that tag, without its times.
func (ix *indexShard) list(t session.Tag) (all []session.Found) {
	ix.mu.Lock()
	defer ix.mu.Unlock()
	for m := ix.first[prefixOf(t)]; m != nil; m = m.next {
		if m.tag == t {
			all = append(all, session.Found{Handle: m.of.handle, Note: m.note})
		}
	}
	return all
}

// mark has a record found by its marks; nil has none. The caller holds the lock of
// the record's shard.
func (s *Store) mark(r *marked) {
	if r == nil {
		return
	}
	for i := range r.marks {
		m := &r.marks[i]
		ix, p := s.index(m.tag), prefixOf(m.tag)
		ix.mu.Lock()
		if m.next = ix.first[p]; m.next != nil {
			m.next.prev = m
		}
		ix.first[p] = m
		ix.mu.Unlock()
	}
}

// unmark is the reverse, for the same caller.
func (s *Store) unmark(r *marked) {
	if r == nil {
		return
	}
	for i := range r.marks {
		m := &r.marks[i]
		ix := s.index(m.tag)
		ix.mu.Lock()
		switch {
		case m.prev != nil:
			m.prev.next = m.next
		case m.next != nil:
			ix.first[prefixOf(m.tag)] = m.next
		default:
			delete(ix.first, prefixOf(m.tag))
		}
		if m.next != nil {
			m.next.prev = m.prev
		}
		ix.mu.Unlock()
	}
}

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
	if claimed && now.Before(before) {
		return false, nil
	}
	if !claimed && s.claimed.Add(1) > s.max {
		s.claimed.Add(-1)
		return false, fmt.Errorf("memstore: %d values are claimed already, which is the bound", s.max)
	}
	ix.claims[t] = until
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
	return claimed && now.Before(until), nil
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
