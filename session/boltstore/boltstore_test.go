package boltstore

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/sallyport/sallyport/session"
	"github.com/sallyport/sallyport/session/storetest"
	"go.etcd.io/bbolt"
)

func TestContract(t *testing.T) {
	storetest.Run(t, storetest.Harness{
		New:   func(t *testing.T, now func() time.Time) session.Store { return openNew(t, now) },
		Races: 1000, // each is a few writes to the disk
	})
}

func TestSurvivesRestart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sallyport.db")
	s := openAt(t, path, nil)
	want := record("kept", time.Hour)
	if err := s.Create(t.Context(), handle(1), want); err != nil {
		t.Fatal(err)
	}
	if err := s.Create(t.Context(), handle(2), record("deleted", time.Hour)); err != nil {
		t.Fatal(err)
	}
	if err := s.Delete(t.Context(), handle(2)); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}

	s = openAt(t, path, nil)
	got, err := s.Get(t.Context(), handle(1))
	if err != nil {
		t.Fatal(err)
	}
	want.Version = 1
	if diff := cmp.Diff(want, got, cmpopts.EquateApproxTime(0)); diff != "" {
		t.Errorf("record after restart (-want +got):\n%s", diff)
	}
	if _, err := s.Get(t.Context(), handle(2)); !errors.Is(err, session.ErrNotFound) {
		t.Errorf("deleted record after restart: %v, want ErrNotFound", err)
	}
	if got := s.Count(); got != 1 {
		t.Errorf("Count after restart = %d, want 1", got)
	}
}

func TestFileMode(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sallyport.db")
	openAt(t, path, nil)
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if got := info.Mode().Perm(); got != 0o600 {
		t.Errorf("mode = %o, want 600", got)
	}
}

func TestParallelWritesAreAllAcknowledged(t *testing.T) {
	const writers, each = 32, 20
	path := filepath.Join(t.TempDir(), "sallyport.db")
	s := openAt(t, path, nil)
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for i := range each {
				h := handle(w*each + i)
				if err := s.Create(t.Context(), h, record("x", time.Hour)); err != nil {
					t.Errorf("Create: %v", err)
				}
				if _, err := s.Get(t.Context(), h); err != nil {
					t.Errorf("Get right after Create: %v", err)
				}
			}
		})
	}
	wg.Wait()
	if got := s.Count(); got != writers*each {
		t.Errorf("Count = %d, want %d", got, writers*each)
	}
	if err := s.db.View(func(tx *bbolt.Tx) error {
		var first error
		for err := range tx.Check() {
			if first == nil {
				first = err
			}
		}
		return first
	}); err != nil {
		t.Errorf("checking the file: %v", err)
	}
}

// A write of somebody who has gone is not waited for, and one that has not begun
// is not made.
func TestContextEndsWait(t *testing.T) {
	s := openNew(t, nil)
	if err := s.Create(t.Context(), handle(1), record("x", time.Hour)); err != nil {
		t.Fatal(err)
	}
	tx, err := s.db.Begin(true) // the disk is busy
	if err != nil {
		t.Fatal(err)
	}
	busy := make(chan error, 1)
	go func() { busy <- s.Create(t.Context(), handle(2), record("x", time.Hour)) }()

	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := s.Delete(ctx, handle(1)); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Delete on a busy disk: %v, want deadline exceeded", err)
	}
	if _, err := s.Get(t.Context(), handle(1)); err != nil {
		t.Errorf("Get on a busy disk: %v", err)
	}
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	if err := <-busy; err != nil {
		t.Errorf("Create once the disk answers: %v", err)
	}
	if _, err := s.Get(t.Context(), handle(1)); err != nil {
		t.Errorf("Get after a Delete that was given up in the queue: %v", err)
	}
}

func TestClosed(t *testing.T) {
	s := openNew(t, nil)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Get(t.Context(), handle(1)); !errors.Is(err, ErrClosed) {
		t.Errorf("Get: %v, want ErrClosed", err)
	}
	if err := s.Create(t.Context(), handle(1), record("x", time.Hour)); !errors.Is(err, ErrClosed) {
		t.Errorf("Create: %v, want ErrClosed", err)
	}
	if err := s.Close(); err != nil {
		t.Errorf("second Close: %v", err)
	}
}

// Expired records go by themselves, a few at a time; those whose life was
// prolonged stay.
func TestPurge(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sallyport.db")
	synctest.Test(t, func(t *testing.T) {
		s := openAt(t, path, nil)
		const short = 3*purgeBatch + 5
		for i := range short {
			if err := s.Create(t.Context(), handle(i), record("short", 90*time.Second)); err != nil {
				t.Fatal(err)
			}
		}
		long := handle(short)
		if err := s.Create(t.Context(), long, record("long", 90*time.Second)); err != nil {
			t.Fatal(err)
		}
		next := record("longer", time.Hour)
		next.Version = 1
		if err := s.Replace(t.Context(), long, next); err != nil {
			t.Fatal(err)
		}

		time.Sleep(90 * time.Second)
		if _, err := s.Get(t.Context(), handle(0)); !errors.Is(err, session.ErrNotFound) {
			t.Errorf("Get of an expired record: %v, want ErrNotFound", err)
		}
		if got := s.Count(); got != short+1 {
			t.Errorf("Count before the purge = %d, want %d", got, short+1)
		}
		time.Sleep(purgeEvery)
		synctest.Wait()
		if got := s.Count(); got != 1 {
			t.Errorf("Count after the purge = %d, want 1", got)
		}
		if _, err := s.Get(t.Context(), long); err != nil {
			t.Errorf("Get of the prolonged record: %v", err)
		}
		if records, expiry := keys(t, s); records != 1 || expiry != 1 {
			t.Errorf("%d records and %d index entries in the file, want 1 of each", records, expiry)
		}
	})
}

// keys counts what the buckets hold.
func keys(t *testing.T, s *Store) (records, expiry int) {
	t.Helper()
	if err := s.db.View(func(tx *bbolt.Tx) error {
		records, expiry = tables(tx).records.Stats().KeyN, tables(tx).expiry.Stats().KeyN
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return records, expiry
}

func TestDeleteLeavesNothing(t *testing.T) {
	s := openNew(t, nil)
	for i := range 10 {
		r := record("x", time.Hour)
		if err := s.Create(t.Context(), handle(i), r); err != nil {
			t.Fatal(err)
		}
		r.Version, r.ExpiresAt = 1, r.ExpiresAt.Add(time.Minute)
		if err := s.Replace(t.Context(), handle(i), r); err != nil {
			t.Fatal(err)
		}
		if err := s.Delete(t.Context(), handle(i)); err != nil {
			t.Fatal(err)
		}
	}
	if records, expiry := keys(t, s); records != 0 || expiry != 0 {
		t.Errorf("%d records and %d index entries in the file, want none", records, expiry)
	}
}
