package storetest

import (
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/sallyport/sallyport/session"
)

// indexed are the tests of a store that is a session.Indexer.
func indexed() map[string]func(*fixture, session.Indexer) {
	return map[string]func(*fixture, session.Indexer){
		"find by each mark":             testFind,
		"find several":                  testFindSeveral,
		"find only what lives":          testFindLiving,
		"find what was replaced":        testFindReplaced,
		"a conflict leaves no mark":     testMarkedConflict,
		"marks outlive the idle limit":  testMarksLast,
		"caller keeps its notes":        testNoteAliasing,
		"find with a cancelled ctx":     testFindCancelled,
		"find many":                     testFindMany,
		"find while others come and go": testFindRace,
		"find what another created":     testFindShared,
	}
}

func newTag() session.Tag {
	var t session.Tag
	rand.Read(t[:])
	return t
}

// createMarked creates an ordinary record and returns its handle.
func (f *fixture) createMarked(ix session.Indexer, marks ...session.Mark) session.Handle {
	f.Helper()
	h := newHandle()
	if err := ix.CreateMarked(f.Context(), h, f.record("sealed"), marks, f.Now().Add(12*time.Hour)); err != nil {
		f.Fatalf("CreateMarked: %v", err)
	}
	return h
}

// finds fails unless exactly those are found, and returns them by handle.
func (f *fixture) finds(ix session.Indexer, t session.Tag, want ...session.Handle) map[session.Handle]session.Found {
	f.Helper()
	list, err := ix.Find(f.Context(), t)
	if err != nil {
		f.Fatalf("Find: %v", err)
	}
	found := make(map[session.Handle]session.Found)
	for _, r := range list {
		found[r.Handle] = r
	}
	if len(list) != len(want) || len(found) != len(want) {
		f.Fatalf("%d records found, %d different ones, want %d", len(list), len(found), len(want))
	}
	for _, h := range want {
		if _, ok := found[h]; !ok {
			f.Fatalf("%s is not found", h)
		}
	}
	return found
}

func testFind(f *fixture, ix session.Indexer) {
	a, b, c := newTag(), newTag(), newTag()
	h := f.createMarked(ix, session.Mark{Tag: a, Note: []byte("of a\x00\xff")}, session.Mark{Tag: b}, session.Mark{Tag: c, Note: []byte("of c")})
	f.want(f.get(h), f.record("sealed"), 1)
	for tag, note := range map[session.Tag]string{a: "of a\x00\xff", b: "", c: "of c"} {
		found := f.finds(ix, tag, h)[h]
		if string(found.Note) != note || !sameSecond(found.LastSeen, f.Now()) || !sameSecond(found.ExpiresAt, f.Now().Add(time.Hour)) {
			f.Errorf("found %+v, want the note %q", found, note)
		}
	}
	f.finds(ix, newTag())
	f.finds(ix, session.Tag{})
}

func testFindSeveral(f *fixture, ix session.Indexer) {
	shared, own := newTag(), newTag()
	first := f.createMarked(ix, session.Mark{Tag: shared, Note: []byte("1")})
	second := f.createMarked(ix, session.Mark{Tag: shared, Note: []byte("2")}, session.Mark{Tag: own})
	f.createMarked(ix, session.Mark{Tag: newTag()})
	f.createMarked(ix)
	found := f.finds(ix, shared, first, second)
	if string(found[first].Note) != "1" || string(found[second].Note) != "2" {
		f.Error("the notes are exchanged")
	}
	if err := f.store.Delete(f.Context(), first); err != nil {
		f.Fatal(err)
	}
	f.finds(ix, shared, second)
	f.finds(ix, own, second)
}

func testFindLiving(f *fixture, ix session.Indexer) {
	tag := newTag()
	h := f.createMarked(ix, session.Mark{Tag: tag})
	f.advance(30 * time.Minute)
	f.finds(ix, tag, h)
	f.advance(30 * time.Minute)
	f.finds(ix, tag) // expired by now
	later := f.createMarked(ix, session.Mark{Tag: tag})
	f.finds(ix, tag, later)
}

func testFindReplaced(f *fixture, ix session.Indexer) {
	tag := newTag()
	h := f.createMarked(ix, session.Mark{Tag: tag, Note: []byte("note")})
	f.advance(50 * time.Minute)
	for _, sealed := range []string{"sealed", "another"} { // a use, and a refresh
		r := f.record(sealed)
		r.Version = f.get(h).Version
		f.replace(h, r)
		found := f.finds(ix, tag, h)[h]
		if string(found.Note) != "note" || !sameSecond(found.LastSeen, f.Now()) || !sameSecond(found.ExpiresAt, r.ExpiresAt) {
			f.Errorf("found %+v after a replace", found)
		}
	}
}

func testMarkedConflict(f *fixture, ix session.Indexer) {
	old, other := newTag(), newTag()
	h := f.createMarked(ix, session.Mark{Tag: old, Note: []byte("old")})
	err := ix.CreateMarked(f.Context(), h, f.record("other"),
		[]session.Mark{{Tag: other}, {Tag: old, Note: []byte("other")}}, f.Now().Add(time.Hour))
	if !isConflict(err) {
		f.Fatalf("CreateMarked of an existing handle = %v, want ErrConflict", err)
	}
	f.finds(ix, other)
	if found := f.finds(ix, old, h)[h]; string(found.Note) != "old" {
		f.Errorf("the note became %q, that of the create that failed", found.Note)
	}
	f.want(f.get(h), f.record("sealed"), 1)
}

// Use moves a record's expiry on, up to the absolute limit, and the marks with it.
func testMarksLast(f *fixture, ix session.Indexer) {
	tag := newTag()
	h := f.createMarked(ix, session.Mark{Tag: tag})
	for range 11 {
		f.advance(55 * time.Minute)
		r := f.get(h)
		r.LastSeen, r.ExpiresAt = f.Now(), f.Now().Add(time.Hour)
		f.replace(h, r)
	}
	f.finds(ix, tag, h)
}

func testNoteAliasing(f *fixture, ix session.Indexer) {
	tag, note := newTag(), []byte("note")
	marks := []session.Mark{{Tag: tag, Note: note}}
	h := f.createMarked(ix, marks...)
	note[0], marks[0].Tag = 'x', newTag()
	if found := f.finds(ix, tag, h)[h]; string(found.Note) != "note" {
		f.Errorf("the note became %q with the caller's", found.Note)
	}
}

func testFindCancelled(f *fixture, ix session.Indexer) {
	tag := newTag()
	f.createMarked(ix, session.Mark{Tag: tag})
	if found, err := ix.Find(cancelled(f.T), tag); err == nil || found != nil {
		f.Errorf("Find = %d records, %v; want an error", len(found), err)
	}
	err := ix.CreateMarked(cancelled(f.T), newHandle(), f.record("sealed"), []session.Mark{{Tag: newTag()}}, f.Now().Add(time.Hour))
	if err == nil || isConflict(err) {
		f.Errorf("CreateMarked = %v, want that it could not answer", err)
	}
}

func testFindMany(f *fixture, ix session.Indexer) {
	const many = 700
	tag := newTag()
	var want []session.Handle
	for i := range many {
		want = append(want, f.createMarked(ix, session.Mark{Tag: tag, Note: fmt.Append(nil, i)}))
	}
	for i, found := range f.finds(ix, tag, want...) {
		if string(found.Note) != fmt.Sprint(slices.Index(want, i)) {
			f.Fatalf("the note of record %d is %q", slices.Index(want, i), found.Note)
		}
	}
}

// A record that is there all the time is found whatever happens to others.
func testFindRace(f *fixture, ix session.Indexer) {
	tag := newTag()
	staying := f.createMarked(ix, session.Mark{Tag: tag})
	var stop atomic.Bool
	coming := func() {
		for !stop.Load() {
			h := f.createMarked(ix, session.Mark{Tag: tag})
			if err := f.store.Delete(f.Context(), h); err != nil && !errors.Is(err, session.ErrNotFound) {
				f.Error(err)
			}
		}
	}
	together(coming, coming, func() {
		defer stop.Store(true)
		for range 200 {
			list, err := ix.Find(f.Context(), tag)
			if err != nil || !slices.ContainsFunc(list, func(r session.Found) bool { return r.Handle == staying }) {
				f.Errorf("Find = %d records, %v, without the one that stays", len(list), err)
				return
			}
		}
	})
}

// Stores on one server find what the others created, and no longer what they
// deleted.
func testFindShared(f *fixture, _ session.Indexer) {
	tag, stores := newTag(), f.stores()
	var want []session.Handle
	for _, s := range stores {
		want = append(want, f.createMarked(s.(session.Indexer), session.Mark{Tag: tag}))
	}
	for _, s := range stores {
		f.finds(s.(session.Indexer), tag, want...)
	}
	if err := f.store.Delete(f.Context(), want[len(want)-1]); err != nil {
		f.Fatal(err)
	}
	for _, s := range stores {
		f.finds(s.(session.Indexer), tag, want[:len(want)-1]...)
	}
}
