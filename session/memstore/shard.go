package memstore

import (
	"sync"
	"time"

	"github.com/sallyport/sallyport/session"
)

// shard holds the records whose handles begin with one byte. Its methods are called
// with its lock held.
type shard struct {
	mu      sync.RWMutex
	slots   map[session.Handle]uint32
	entries []entry  // by slot
	spare   []uint32 // slots without a record
	pages   pages
}

// entry is what changes of a record from one use to the next, and where the rest is. In
// a slot without a record it is the zero value.
type entry struct {
	version           uint64
	lastSeen, expires int64 // Unix microseconds
	place             place
	sealed            uint32 // bytes
}

func (e *entry) alive(now time.Time) bool { return now.UnixMicro() < e.expires }

// set takes over what r says beside its content.
func (e *entry) set(version uint64, r session.Record) {
	e.version, e.lastSeen, e.expires = version, r.LastSeen.UnixMicro(), r.ExpiresAt.UnixMicro()
}

func (sh *shard) reset() {
	sh.slots, sh.entries, sh.spare, sh.pages = make(map[session.Handle]uint32), nil, nil, newPages()
}

// find returns the entry of a record, or nil; it stays where it is until the next
// take.
func (sh *shard) find(h session.Handle) *entry {
	slot, ok := sh.slots[h]
	if !ok {
		return nil
	}
	return &sh.entries[slot]
}

// take returns a slot for a new record.
func (sh *shard) take(h session.Handle) uint32 {
	if len(sh.spare) == 0 {
		sh.spare = append(sh.spare, uint32(len(sh.entries)))
		sh.entries = append(sh.entries, entry{})
	}
	last := len(sh.spare) - 1
	slot := sh.spare[last]
	sh.spare = sh.spare[:last]
	sh.slots[h] = slot
	return slot
}

// blob returns a record's blob.
func (sh *shard) blob(e *entry) blob { return blobAt(sh.pages.at(e.place)) }

// marks returns a record's marks.
func (sh *shard) marks(e *entry) marked { return marked(sh.blob(e)[blobSealed+int(e.sealed):]) }

// record returns a record; its Sealed is a piece of a page.
func (sh *shard) record(e *entry) session.Record {
	end := blobSealed + int(e.sealed)
	return session.Record{
		Version: e.version, Sealed: sh.pages.at(e.place)[blobSealed:end:end],
		LastSeen: time.UnixMicro(e.lastSeen), ExpiresAt: time.UnixMicro(e.expires),
	}
}

// put appends a blob with that content for a slot and makes its entry say so. It
// returns where size bytes of marks belong.
func (sh *shard) put(slot uint32, h session.Handle, sealed []byte, size int) []byte {
	where, room := sh.pages.add(blobSealed + len(sealed) + size)
	rest := blob(room).begin(slot, h)
	e := &sh.entries[slot]
	e.place, e.sealed = where, uint32(len(sealed))
	return rest[copy(rest, sealed):]
}

// replace gives a record other content. Its marks stay.
func (sh *shard) replace(e *entry, sealed []byte) {
	old, where, marks := sh.blob(e), e.place, sh.marks(e)
	copy(sh.put(old.slot(), old.handle(), sealed, len(marks)), marks)
	sh.pages.remove(where, len(old))
	sh.tidy()
}

// drop takes a record out; its marks are no longer in the index. What follows is tidy,
// at once or after several.
func (sh *shard) drop(h session.Handle) {
	slot := sh.slots[h]
	e := &sh.entries[slot]
	sh.pages.remove(e.place, len(sh.blob(e)))
	*e = entry{}
	delete(sh.slots, h)
	if len(sh.slots) == 0 {
		sh.reset() // neither maps nor slices become smaller by themselves
		return
	}
	sh.spare = append(sh.spare, slot)
}

// tidy empties a page if there are too many holes, and reports whether there were. Once
// after each change is enough: what that page has of them is more than the change can
// have made.
func (sh *shard) tidy() bool {
	n, ok := sh.pages.emptiest()
	if !ok {
		return false
	}
	for from, rest := uint32(0), sh.pages.all[n].bytes; len(rest) > 0; {
		b := blobAt(rest)
		if e := &sh.entries[b.slot()]; e.place == (place{n, from}) {
			where, room := sh.pages.add(len(b))
			copy(room, b)
			e.place = where
			sh.pages.remove(place{n, from}, len(b))
		}
		from, rest = from+uint32(len(b)), rest[len(b):]
	}
	return true
}
