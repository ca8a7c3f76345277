package boltstore

import (
	"encoding/binary"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/sallyport/sallyport/session"
	"go.etcd.io/bbolt"
)

// tag numbers a tag.
func tag(n int) session.Tag {
	var t session.Tag
	binary.BigEndian.PutUint64(t[:], uint64(n))
	return t
}

func createMarked(t testing.TB, s *Store, h session.Handle, ttl time.Duration, marks ...session.Mark) {
	t.Helper()
	if err := s.CreateMarked(t.Context(), h, record("x", ttl), marks, time.Now().Add(12*time.Hour)); err != nil {
		t.Fatal(err)
	}
}

// finds fails unless exactly those are found, in any order, with their notes.
func finds(t *testing.T, s *Store, of session.Tag, want map[session.Handle]string) {
	t.Helper()
	found, err := s.Find(t.Context(), of)
	if err != nil {
		t.Fatal(err)
	}
	got := make(map[session.Handle]string)
	for _, f := range found {
		got[f.Handle] = string(f.Note)
	}
	if diff := cmp.Diff(want, got); diff != "" || len(got) != len(found) {
		t.Errorf("Find = %d records (-want +got):\n%s", len(found), diff)
	}
}

func claim(t *testing.T, s *Store, of session.Tag, want bool) {
	t.Helper()
	if first, err := s.Claim(t.Context(), of, time.Now().Add(10*time.Minute)); err != nil || first != want {
		t.Errorf("Claim = %t, %v; want %t", first, err, want)
	}
}

// stored counts what each bucket holds.
func stored(t *testing.T, s *Store) map[string]int {
	t.Helper()
	n := make(map[string]int)
	if err := s.db.View(func(tx *bbolt.Tx) error {
		for _, name := range buckets() {
			if keys := tx.Bucket([]byte(name)).Stats().KeyN; keys > 0 {
				n[name] = keys
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestMarksAndClaimsSurviveRestart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sallyport.db")
	s := openAt(t, path, nil)
	createMarked(t, s, handle(1), time.Hour, session.Mark{Tag: tag(1), Note: []byte("one")}, session.Mark{Tag: tag(2)})
	createMarked(t, s, handle(2), time.Hour, session.Mark{Tag: tag(1), Note: []byte("two")})
	claim(t, s, tag(1), true)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = openAt(t, path, nil)
	finds(t, s, tag(1), map[session.Handle]string{handle(1): "one", handle(2): "two"})
	finds(t, s, tag(2), map[session.Handle]string{handle(1): ""})
	claim(t, s, tag(1), false)
	claim(t, s, tag(2), true)
}

// Whatever ends a record takes its marks along, and claims go when their time is
// over: nothing is left in the file.
func TestMarksAndClaimsGo(t *testing.T) {
	marks := func(i int) []session.Mark {
		return []session.Mark{{Tag: tag(0), Note: []byte("note")}, {Tag: tag(i + 1)}}
	}
	path := filepath.Join(t.TempDir(), "sallyport.db")
	synctest.Test(t, func(t *testing.T) {
		s := openAt(t, path, nil)
		const many = 2*purgeBatch + 5
		for i := range many {
			createMarked(t, s, handle(i), time.Hour, marks(i)...)
			claim(t, s, tag(i), true)
		}
		for i := range many {
			claim(t, s, tag(i), false)
		}
		want := map[string]int{
			recordsBucket: many, expiryBucket: many, marksBucket: 2 * many, markedBucket: many, claimsBucket: many, claimedBucket: many,
		}
		if diff := cmp.Diff(want, stored(t, s)); diff != "" {
			t.Errorf("in the file (-want +got):\n%s", diff)
		}
		for i := range many / 2 {
			if err := s.Delete(t.Context(), handle(i)); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(time.Hour) // the others expire, and so do the claims
		createMarked(t, s, handle(many-1), time.Hour, session.Mark{Tag: tag(many + 1)})
		finds(t, s, tag(0), map[session.Handle]string{})
		finds(t, s, tag(many), map[session.Handle]string{})
		claim(t, s, tag(0), true)
		time.Sleep(2 * purgeEvery)
		synctest.Wait()
		want = map[string]int{recordsBucket: 1, expiryBucket: 1, marksBucket: 1, markedBucket: 1, claimsBucket: 1, claimedBucket: 1}
		if diff := cmp.Diff(want, stored(t, s)); diff != "" {
			t.Errorf("in the file after the purge (-want +got):\n%s", diff)
		}
		if s.Count() != 1 {
			t.Errorf("Count = %d, want 1", s.Count())
		}
	})
}

// A file of a version without marks goes on being used.
func TestOpensFileWithoutMarks(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sallyport.db")
	s := openAt(t, path, nil)
	if err := s.Create(t.Context(), handle(1), record("old", time.Hour)); err != nil {
		t.Fatal(err)
	}
	if err := s.db.Update(func(tx *bbolt.Tx) error {
		for _, name := range buckets()[2:] {
			if err := tx.DeleteBucket([]byte(name)); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = openAt(t, path, nil)
	createMarked(t, s, handle(2), time.Hour, session.Mark{Tag: tag(1), Note: []byte("new")})
	finds(t, s, tag(1), map[session.Handle]string{handle(2): "new"})
	if err := s.Delete(t.Context(), handle(1)); err != nil {
		t.Fatal(err)
	}
	if s.Count() != 1 {
		t.Errorf("Count = %d, want 1", s.Count())
	}
}

// A damaged record is not found; its marks go with it.
func TestFindPassesOverDamage(t *testing.T) {
	s := openNew(t, nil)
	createMarked(t, s, handle(1), time.Hour, session.Mark{Tag: tag(1)})
	createMarked(t, s, handle(2), time.Hour, session.Mark{Tag: tag(1)})
	if err := s.db.Update(func(tx *bbolt.Tx) error {
		h, ours := handle(1), tag(1)
		if err := tables(tx).marks.Put(ours[:], []byte("too short a key")); err != nil {
			return err
		}
		return tables(tx).records.Put(h[:], []byte("short"))
	}); err != nil {
		t.Fatal(err)
	}
	finds(t, s, tag(1), map[session.Handle]string{handle(2): ""})
	for i := range 2 {
		if err := s.Delete(t.Context(), handle(i+1)); err != nil {
			t.Fatal(err)
		}
	}
	finds(t, s, tag(1), map[session.Handle]string{})
	if n := stored(t, s)[markedBucket]; n != 0 {
		t.Errorf("%d records have marks still", n)
	}
}
