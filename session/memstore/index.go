package memstore

import (
	"context"
	"encoding/binary"
	"sync"

	"github.com/sallyport/sallyport/session"
)

// indexShard is what is found by the tags, and claimed under them, that begin with
// one byte. Its lock is taken while that of a record's shard is held, never the
// other way round.
type indexShard struct {
	mu     sync.Mutex
	first  map[prefix]uint32
	links  []link                // by number; the first is none
	spare  uint32                // a link that is not in use, and its next; 0 = none
	claims map[session.Tag]int64 // remembered until then, in Unix microseconds
}

// prefix is enough of a tag to look it up by. A list can hold marks of several tags,
// if it has to; the whole tag is in the blob.
type prefix uint64

func prefixOf(t session.Tag) prefix { return prefix(binary.BigEndian.Uint64(t[1:])) }

// carrier says which mark of which record it is.
type carrier struct {
	shard uint8
	mark  uint16
	slot  uint32
}

// link is a mark in the list of all that have its prefix: the sessions that many
// people share an account for are as quickly taken out as any other.
type link struct {
	of         carrier
	prev, next uint32 // 0 = none
}

func (s *Store) index(t session.Tag) *indexShard { return &s.indexes[t[0]] }

// reset forgets all links. The caller holds the lock, or is the only one.
func (ix *indexShard) reset() {
	ix.first, ix.links, ix.spare = make(map[prefix]uint32), make([]link, 1), 0
}

// add has a record found by a mark, and returns the number of its link. The caller
// holds the lock of the record's shard.
func (ix *indexShard) add(t session.Tag, of carrier) uint32 {
	ix.mu.Lock()
	defer ix.mu.Unlock()
	n := ix.spare
	if n == 0 {
		n = uint32(len(ix.links))
		ix.links = append(ix.links, link{})
	}
	ix.spare = ix.links[n].next
	next := ix.first[prefixOf(t)]
	ix.links[n] = link{of: of, next: next}
	if next != 0 {
		ix.links[next].prev = n
	}
	ix.first[prefixOf(t)] = n
	return n
}

// remove is the reverse, for the same caller.
func (ix *indexShard) remove(t session.Tag, n uint32) {
	ix.mu.Lock()
	defer ix.mu.Unlock()
	l := ix.links[n]
	switch {
	case l.prev != 0:
		ix.links[l.prev].next = l.next
	case l.next != 0:
		ix.first[prefixOf(t)] = l.next
	default:
		delete(ix.first, prefixOf(t))
	}
	if l.next != 0 {
		ix.links[l.next].prev = l.prev
	}
	ix.links[n], ix.spare = link{next: ix.spare}, n
	if len(ix.first) == 0 {
		ix.reset()
	}
}

// list returns what may have a mark of that tag.
func (ix *indexShard) list(t session.Tag) (all []carrier) {
	ix.mu.Lock()
	defer ix.mu.Unlock()
	for n := ix.first[prefixOf(t)]; n != 0; n = ix.links[n].next {
		all = append(all, ix.links[n].of)
	}
	return all
}

// Find implements session.Indexer. The notes are the store's own: read only.
func (s *Store) Find(ctx context.Context, t session.Tag) ([]session.Found, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	all := s.index(t).list(t)
	now := s.now()
	found := make([]session.Found, 0, len(all))
	for _, of := range all {
		sh := &s.shards[of.shard]
		sh.mu.RLock()
		f, ok := sh.found(of, t)
		sh.mu.RUnlock()
		if ok && now.Before(f.ExpiresAt) {
			found = append(found, f)
		}
	}
	return found, nil
}

// found returns the record that has a mark of that tag there. Since the list was made,
// the slot may have got another record: what is found is what is there now.
func (sh *shard) found(of carrier, t session.Tag) (f session.Found, ok bool) {
	if int(of.slot) >= len(sh.entries) || sh.entries[of.slot].place == (place{}) {
		return f, false
	}
	e, n := &sh.entries[of.slot], uint16(0)
	for m := range sh.marks(e).each() {
		if n == of.mark && m.Tag == t {
			r := sh.record(e)
			return session.Found{Handle: sh.blob(e).handle(), Note: m.Note, LastSeen: r.LastSeen, ExpiresAt: r.ExpiresAt}, true
		}
		n++
	}
	return f, false
}
