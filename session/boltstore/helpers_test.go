package boltstore

import (
	"encoding/binary"
	"path/filepath"
	"testing"
	"time"

	"github.com/sallyport/sallyport/session"
)

func openAt(t testing.TB, path string, now func() time.Time) *Store {
	t.Helper()
	s, err := New(Config{Path: path, Now: now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func openNew(t testing.TB, now func() time.Time) *Store {
	t.Helper()
	return openAt(t, filepath.Join(t.TempDir(), "sallyport.db"), now)
}

// handle numbers a handle.
func handle(n int) session.Handle {
	var h session.Handle
	h[0] = byte(n * 37) // so that neighbours are not neighbours in the file
	binary.BigEndian.PutUint64(h[8:], uint64(n))
	return h
}

func record(sealed string, ttl time.Duration) session.Record {
	now := time.Now()
	return session.Record{Sealed: []byte(sealed), LastSeen: now.Truncate(time.Second), ExpiresAt: now.Add(ttl)}
}
