package memstore

import (
	"bytes"
	"context"
	"encoding/binary"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/sallyport/sallyport/session"
)

// footprint adds up what the shards hold, in bytes, and what of it is in use.
func (s *Store) footprint() (held, live int) {
	for i := range s.shards {
		sh := &s.shards[i]
		sh.mu.RLock()
		held += sh.pages.held
		live += sh.pages.live
		sh.mu.RUnlock()
	}
	return held, live
}

// contentOf is what a record of that number and version holds: a size and bytes that no
// other has.
func contentOf(number, version uint64, size int) []byte {
	b := bytes.Repeat([]byte{byte(version)}, 16+size)
	binary.LittleEndian.PutUint64(b, number)
	binary.LittleEndian.PutUint64(b[8:], version)
	return b
}

// Records that a refresh replaces with other sizes leave holes. However the sizes go,
// these stay a part of what is in use, and every record stays what it is, with its marks.
func TestHolesAreBounded(t *testing.T) {
	const records, rounds = 2000, 12
	random := rand.New(rand.NewPCG(1, 2))
	for name, size := range map[string]func(round int) int{
		"alike":          func(int) int { return 2000 },
		"growing":        func(round int) int { return 500 + 300*round },
		"shrinking":      func(round int) int { return 9000 >> round },
		"random":         func(int) int { return random.IntN(4000) },
		"few large ones": func(int) int { return 200 + 30_000*(random.IntN(50)/49) },
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t, 0)
			var handles [records]session.Handle
			var sizes [records]int
			expires := time.Now().Add(time.Hour)
			for i := range handles {
				// All in four shards, so that each has many pages.
				handles[i] = session.Handle{byte(i % 4), byte(i >> 8), byte(i), 1}
				sizes[i] = size(0)
				r := session.Record{Sealed: contentOf(uint64(i), 1, sizes[i]), ExpiresAt: expires}
				marks := []session.Mark{{Tag: session.Tag(handles[i]), Note: contentOf(uint64(i), 0, 50)}}
				if err := s.CreateMarked(t.Context(), handles[i], r, marks, expires); err != nil {
					t.Fatal(err)
				}
			}
			for round := 1; round <= rounds; round++ {
				for _, i := range random.Perm(records) {
					sizes[i] = size(round)
					r := session.Record{Version: uint64(round), Sealed: contentOf(uint64(i), uint64(round)+1, sizes[i]), ExpiresAt: expires}
					if err := s.Replace(t.Context(), handles[i], r); err != nil {
						t.Fatal(err)
					}
				}
				held, live := s.footprint()
				// Beside the holes, each of the four has a current page, and the last change.
				if most := live + live/maxHoles + 4*2*maxPage; held > most {
					t.Fatalf("round %d: %d bytes held for %d in use, want at most %d", round, held, live, most)
				}
			}
			for i, h := range handles {
				got, err := s.Get(t.Context(), h)
				if err != nil || !bytes.Equal(got.Sealed, contentOf(uint64(i), rounds+1, sizes[i])) {
					t.Fatalf("record %d: %d bytes and %v", i, len(got.Sealed), err)
				}
				found, err := s.Find(t.Context(), session.Tag(h))
				if err != nil || len(found) != 1 || found[0].Handle != h || !bytes.Equal(found[0].Note, contentOf(uint64(i), 0, 50)) {
					t.Fatalf("the mark of record %d: %v and %v", i, found, err)
				}
			}
		})
	}
}

// After a sweep, too, holes are a part of what is in use.
func TestSweepLeavesFewHoles(t *testing.T) {
	now := time.Now()
	s, err := New(Config{Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	const records = 4000
	for i := range uint64(records) {
		// All in one shard, and of ten nine expire, those of a page among others.
		h, expires := session.Handle{0, byte(i >> 8), byte(i)}, now.Add(time.Minute)
		if i%10 == 0 {
			expires = now.Add(time.Hour)
		}
		if err := s.Create(t.Context(), h, session.Record{Sealed: contentOf(i, 1, 2000), ExpiresAt: expires}); err != nil {
			t.Fatal(err)
		}
	}
	now = now.Add(2 * time.Minute)
	s.expire(&s.shards[0])
	if n := s.Count(); n != records/10 {
		t.Fatalf("%d records are left, want %d", n, records/10)
	}
	if held, live := s.footprint(); held > live+live/maxHoles+maxPage {
		t.Errorf("%d bytes held for %d in use", held, live)
	}
	for i := uint64(0); i < records; i += 10 {
		got, err := s.Get(t.Context(), session.Handle{0, byte(i >> 8), byte(i)})
		if err != nil || !bytes.Equal(got.Sealed, contentOf(i, 1, 2000)) {
			t.Fatalf("record %d: %d bytes and %v", i, len(got.Sealed), err)
		}
	}
}

// A store from which all records are gone holds nothing for them.
func TestEmptyStoreGivesBack(t *testing.T) {
	s := open(t, 0)
	var handles []session.Handle
	for range 3000 {
		handles = append(handles, createMarked(t, s, time.Hour, fourTags(session.Tag{1})...))
	}
	for _, h := range handles {
		if err := s.Delete(t.Context(), h); err != nil {
			t.Fatal(err)
		}
	}
	if held, live := s.footprint(); held != 0 || live != 0 {
		t.Errorf("%d bytes held, %d in use", held, live)
	}
	for i := range s.shards {
		if sh, ix := &s.shards[i], &s.indexes[i]; len(sh.entries)+len(sh.spare) != 0 || len(ix.links) != 1 {
			t.Fatalf("shard %d has %d entries and %d spare ones, and %d links", i, len(sh.entries), len(sh.spare), len(ix.links)-1)
		}
	}
}

// What Get has returned stays what it was while its record is replaced, dropped, and
// moved about.
func TestWhatWasReadStays(t *testing.T) {
	s, expires := open(t, 0), time.Now().Add(time.Hour)
	read, stop := context.WithCancel(t.Context())
	defer stop()
	const records = 64
	handle := func(i uint64) session.Handle { return session.Handle{1, byte(i)} }
	for i := range uint64(records) {
		if err := s.Create(t.Context(), handle(i), session.Record{Sealed: contentOf(i, 1, 500), ExpiresAt: expires}); err != nil {
			t.Fatal(err)
		}
	}
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			for i := uint64(0); read.Err() == nil; i = (i + 1) % records {
				r, err := s.Get(t.Context(), handle(i))
				if err != nil {
					continue // between a Delete and a Create
				}
				if n := binary.LittleEndian.Uint64(r.Sealed); n != i || !bytes.Equal(r.Sealed, contentOf(i, r.Version, len(r.Sealed)-16)) {
					t.Errorf("record %d at version %d holds what was not written as that", i, r.Version)
					return
				}
			}
		})
	}
	random := rand.New(rand.NewPCG(3, 4))
	for range 5000 {
		i := random.Uint64N(records)
		r, err := s.Get(t.Context(), handle(i))
		if err != nil {
			t.Fatal(err)
		}
		next := session.Record{Version: r.Version, Sealed: contentOf(i, r.Version+1, random.IntN(3000)), ExpiresAt: expires}
		if random.IntN(4) > 0 {
			err = s.Replace(t.Context(), handle(i), next)
		} else if err = s.Delete(t.Context(), handle(i)); err == nil {
			next.Sealed = contentOf(i, 1, random.IntN(3000))
			err = s.Create(t.Context(), handle(i), next)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	stop()
	wg.Wait()
}
