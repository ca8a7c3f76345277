package memstore

const (
	// minPage and maxPage bound the size of a page. In between it is a thirty-second or so
	// of what the shard holds, so that the empty end of its current page is little.
	minPage = 8 << 10
	maxPage = 64 << 10
	// perPage is how many blobs a page has at least. A larger blob gets a page of its
	// own; otherwise the ends of pages, where nothing fits, could be more than maxHoles.
	perPage = 8
	// maxHoles is the part of what is in use that unused bytes may come to.
	maxHoles = 4
)

// place is where a blob is. No blob is at the zero place.
type place struct{ page, offset uint32 }

// page is a piece of memory that fills up with blobs.
type page struct {
	bytes []byte
	live  int // bytes of blobs that are in use
}

// pages are the blobs of one shard, whose lock guards them.
type pages struct {
	all     []page // by number; the first is none, and so are those without bytes
	spare   []uint32
	current uint32 // which is appended to
	held    int    // bytes of all pages
	live    int    // of blobs that are in use
}

func newPages() pages { return pages{all: make([]page, 1)} }

// add makes room for a blob, which the caller writes before the lock is released.
func (p *pages) add(size int) (place, []byte) {
	n := p.current
	if at := &p.all[n]; cap(at.bytes)-len(at.bytes) < size {
		n = p.open(size)
	}
	at := &p.all[n]
	from := len(at.bytes)
	at.bytes = at.bytes[:from+size]
	at.live += size
	p.live += size
	return place{n, uint32(from)}, at.bytes[from:]
}

// open returns a page with room for size bytes, the current one from now on unless it
// is full with that.
func (p *pages) open(size int) uint32 {
	room := minPage
	for room < maxPage && room < p.live/32 {
		room *= 2
	}
	own := size > room/perPage
	if own {
		room = size
	}
	if len(p.spare) == 0 {
		p.spare = append(p.spare, uint32(len(p.all)))
		p.all = append(p.all, page{})
	}
	last := len(p.spare) - 1
	n := p.spare[last]
	p.spare = p.spare[:last]
	p.all[n].bytes = make([]byte, 0, room)
	p.held += room
	if !own {
		p.current = n
	}
	return n
}

// at is the page from that place on.
func (p *pages) at(where place) []byte { return p.all[where.page].bytes[where.offset:] }

// remove counts a blob as unused.
func (p *pages) remove(where place, size int) {
	at := &p.all[where.page]
	at.live -= size
	p.live -= size
	if at.live == 0 {
		p.drop(where.page)
	}
}

// drop leaves a page to the garbage collector, and to those who still read it.
func (p *pages) drop(n uint32) {
	p.held -= cap(p.all[n].bytes)
	p.all[n] = page{}
	p.spare = append(p.spare, n)
	if n == p.current {
		p.current = 0
	}
}

// emptiest returns the page to empty next. ok is false while there are few holes. What
// the current page has of them does not count.
func (p *pages) emptiest() (n uint32, ok bool) {
	now := &p.all[p.current]
	if holes := p.held - p.live - (cap(now.bytes) - now.live); holes <= p.live/maxHoles {
		return 0, false
	}
	most := 0
	for i := range p.all {
		at := &p.all[i]
		if holes := cap(at.bytes) - at.live; holes > most && uint32(i) != p.current {
			n, most = uint32(i), holes
		}
	}
	return n, most > 0
}
