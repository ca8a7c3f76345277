package memstore

import (
	"crypto/rand"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sallyport/sallyport/session"
)

func open(t *testing.T, bound int) *Store {
	t.Helper()
	s, err := New(Config{MaxRecords: bound})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func createMarked(t *testing.T, s *Store, ttl time.Duration, marks ...session.Mark) session.Handle {
	t.Helper()
	var h session.Handle
	rand.Read(h[:])
	r := session.Record{LastSeen: time.Now(), ExpiresAt: time.Now().Add(ttl)}
	if err := s.CreateMarked(t.Context(), h, r, marks, r.ExpiresAt); err != nil {
		t.Fatal(err)
	}
	return h
}

// finds fails unless exactly those are found.
func finds(t *testing.T, s *Store, tag session.Tag, want ...session.Handle) {
	t.Helper()
	found, err := s.Find(t.Context(), tag)
	if err != nil {
		t.Fatal(err)
	}
	got := make(map[session.Handle]bool)
	for _, f := range found {
		got[f.Handle] = true
	}
	for _, h := range want {
		if !got[h] {
			t.Errorf("%s is not found", h)
		}
	}
	if len(found) != len(want) || len(got) != len(want) {
		t.Errorf("%d found, want %d", len(found), len(want))
	}
}

// tags counts what the index holds.
func (s *Store) tags() (n int) {
	for i := range s.indexes {
		s.indexes[i].mu.Lock()
		n += len(s.indexes[i].first)
		s.indexes[i].mu.Unlock()
	}
	return n
}

// The records of a tag go in any order, and the others stay.
func TestMarksGoInAnyOrder(t *testing.T) {
	tag := session.Tag{1}
	for name, order := range map[string][]int{
		"first in, first out": {0, 1, 2, 3}, "last in, first out": {3, 2, 1, 0}, "from within": {1, 2, 0, 3},
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t, 0)
			var handles []session.Handle
			left := make(map[session.Handle]bool)
			for range order {
				h := createMarked(t, s, time.Hour, session.Mark{Tag: session.Tag{2}}, session.Mark{Tag: tag})
				handles, left[h] = append(handles, h), true
			}
			for _, i := range order {
				if err := s.Delete(t.Context(), handles[i]); err != nil {
					t.Fatal(err)
				}
				delete(left, handles[i])
				var want []session.Handle
				for h := range left {
					want = append(want, h)
				}
				finds(t, s, tag, want...)
			}
			if n := s.tags(); n != 0 {
				t.Errorf("%d tags left of records that are gone", n)
			}
		})
	}
}

// Expiry and eviction take the marks along.
func TestMarksGoWithTheirRecords(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t, 100)
		shared := session.Tag{1}
		for range 400 { // of which 300 are evicted
			createMarked(t, s, time.Hour, fourTags(shared)...)
		}
		if n := s.tags(); n != 301 || s.Count() != 100 {
			t.Errorf("%d tags of %d records, want 301 of 100", n, s.Count())
		}
		if found, _ := s.Find(t.Context(), shared); len(found) != 100 {
			t.Errorf("%d found, want 100", len(found))
		}
		time.Sleep(time.Hour)
		finds(t, s, shared)
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		if n := s.tags(); n != 0 || s.Count() != 0 {
			t.Errorf("%d tags of %d records after all expired", n, s.Count())
		}
	})
}

// fourTags are marks under one tag that all share and three of one's own.
func fourTags(shared session.Tag) []session.Mark {
	marks := make([]session.Mark, 4)
	for i := range marks {
		rand.Read(marks[i].Tag[:])
	}
	marks[0].Tag = shared
	return marks
}

// What takes the place of an expired record is found by its own marks alone.
func TestMarksOfSuccessor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t, 0)
		before, after := session.Tag{1}, session.Tag{2}
		h := createMarked(t, s, time.Millisecond, session.Mark{Tag: before})
		time.Sleep(time.Millisecond)
		r := session.Record{ExpiresAt: time.Now().Add(time.Hour)}
		if err := s.CreateMarked(t.Context(), h, r, []session.Mark{{Tag: after}}, r.ExpiresAt); err != nil {
			t.Fatal(err)
		}
		finds(t, s, before)
		finds(t, s, after, h)
		if err := s.Delete(t.Context(), h); err != nil {
			t.Fatal(err)
		}
	})
}

func claim(t *testing.T, s *Store, tag session.Tag, until time.Duration) (bool, error) {
	t.Helper()
	return s.Claim(t.Context(), tag, time.Now().Add(until))
}

// Claims go by themselves, in a store without records too, and the sweep rests
// afterwards.
func TestClaimsGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t, 0)
		for i := range 1000 {
			var tag session.Tag
			rand.Read(tag[:])
			if first, err := claim(t, s, tag, time.Duration(i%2+1)*time.Hour); !first || err != nil {
				t.Fatalf("Claim = %t, %v", first, err)
			}
		}
		for _, want := range []int64{500, 0} {
			time.Sleep(time.Hour + 2*time.Minute)
			synctest.Wait()
			if n := s.claimed.Load(); n != want {
				t.Errorf("%d claims remembered, want %d", n, want)
			}
		}
		if s.sweep.running.Load() {
			t.Error("the sweep goes on in an empty store")
		}
	})
}

// A store that is full of claims forgets none: nobody knows, so it is an error.
func TestClaimsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t, 2)
		for i := range 2 {
			if first, err := claim(t, s, session.Tag{byte(i)}, time.Minute); !first || err != nil {
				t.Fatalf("Claim = %t, %v", first, err)
			}
		}
		if first, err := claim(t, s, session.Tag{2}, time.Minute); first || err == nil {
			t.Errorf("Claim in a full store = %t, %v; want an error", first, err)
		}
		if first, err := claim(t, s, session.Tag{0}, time.Minute); first || err != nil {
			t.Errorf("Claim of what is claimed = %t, %v", first, err)
		}
		time.Sleep(3 * time.Minute)
		synctest.Wait()
		if first, err := claim(t, s, session.Tag{2}, time.Minute); !first || err != nil {
			t.Errorf("Claim later = %t, %v; want true", first, err)
		}
		time.Sleep(3 * time.Minute)
	})
}

// Tags that begin alike share a list, and are found apart all the same.
func TestTagsOfOnePrefix(t *testing.T) {
	s := open(t, 100)
	tags := []session.Tag{{7, 1}, {7, 1, 31: 1}, {7, 1, 31: 2}}
	var handles []session.Handle
	for _, tag := range tags {
		if prefixOf(tag) != prefixOf(tags[0]) {
			t.Fatal("the tags do not begin alike")
		}
		handles = append(handles, createMarked(t, s, time.Hour, session.Mark{Tag: tag, Note: tag[31:]}))
	}
	for i, tag := range tags {
		finds(t, s, tag, handles[i])
	}
	if err := s.Delete(t.Context(), handles[1]); err != nil {
		t.Fatal(err)
	}
	finds(t, s, tags[0], handles[0])
	finds(t, s, tags[1])
	finds(t, s, tags[2], handles[2])
}
