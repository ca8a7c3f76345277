package boltstore

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/session"
	"go.etcd.io/bbolt"
)

func TestCannotOpen(t *testing.T) {
	tests := []struct {
		name string
		make func(t *testing.T, path string) string // returns the path to open
		want string                                 // beside the variable's name
	}{
		{"no name", func(*testing.T, string) string { return "" }, "is empty"},
		{"no directory", func(_ *testing.T, p string) string { return filepath.Join(p, "absent", "x.db") }, "directory"},
		{"a directory", func(_ *testing.T, p string) string { return filepath.Dir(p) }, "is a directory"},
		{"a file as directory", func(t *testing.T, p string) string {
			writeFile(t, p, []byte("x"))
			return filepath.Join(p, "x.db")
		}, "not a directory"},
		{"text", func(t *testing.T, p string) string {
			writeFile(t, p, []byte(strings.Repeat("no session file\n", 4096)))
			return p
		}, "damaged"},
		{"a few bytes", func(t *testing.T, p string) string {
			writeFile(t, p, []byte("abc"))
			return p
		}, "damaged"},
		{"cut off", func(t *testing.T, p string) string {
			fill(t, p, 200)
			if err := os.Truncate(p, int64(3*os.Getpagesize())); err != nil {
				t.Fatal(err)
			}
			return p
		}, "damaged"},
		{"zeros after the first pages", func(t *testing.T, p string) string {
			fill(t, p, 200)
			blank(t, p, 2*int64(os.Getpagesize()))
			return p
		}, "damaged"},
		{"another program's", func(t *testing.T, p string) string {
			db, err := bbolt.Open(p, 0o600, nil)
			if err != nil {
				t.Fatal(err)
			}
			if err := db.Update(func(tx *bbolt.Tx) error {
				_, err := tx.CreateBucket([]byte("theirs"))
				return err
			}); err != nil {
				t.Fatal(err)
			}
			if err := db.Close(); err != nil {
				t.Fatal(err)
			}
			return p
		}, "another program"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			path := tt.make(t, filepath.Join(t.TempDir(), "sallyport.db"))
			s, err := New(Config{Path: path})
			if err == nil {
				s.Close()
				t.Fatal("it opened")
			}
			for _, part := range []string{"SALLYPORT_SESSION_FILE", tt.want} {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("error %q does not say %q", err, part)
				}
			}
		})
	}
}

func TestSecondOpener(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sallyport.db")
	openAt(t, path, nil)
	start := time.Now()
	_, err := New(Config{Path: path})
	if !errors.Is(err, ErrInUse) || !strings.Contains(err.Error(), "SALLYPORT_SESSION_FILE") {
		t.Errorf("second New: %v, want ErrInUse that names SALLYPORT_SESSION_FILE", err)
	}
	if took := time.Since(start); took > 10*time.Second {
		t.Errorf("second New took %v, want about half a second", took)
	}
}

// A record that makes no sense is an error to its own session and to nobody
// else, and it can be deleted.
func TestDamagedRecord(t *testing.T) {
	s := openNew(t, nil)
	for i := range 2 {
		if err := s.Create(t.Context(), handle(i), record("x", time.Hour)); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.db.Update(func(tx *bbolt.Tx) error {
		h := handle(0)
		return tables(tx).records.Put(h[:], []byte("short"))
	}); err != nil {
		t.Fatal(err)
	}
	_, err := s.Get(t.Context(), handle(0))
	if err == nil || errors.Is(err, session.ErrNotFound) || !strings.Contains(err.Error(), "damaged") {
		t.Errorf("Get of the damaged record: %v, want an error that says damaged", err)
	}
	if err := s.Replace(t.Context(), handle(0), session.Record{Version: 1}); err == nil || isAnswer(err) {
		t.Errorf("Replace of the damaged record: %v, want an error", err)
	}
	if _, err := s.Get(t.Context(), handle(1)); err != nil {
		t.Errorf("Get of its neighbour: %v", err)
	}
	if err := s.Delete(t.Context(), handle(0)); err != nil {
		t.Errorf("Delete of the damaged record: %v", err)
	}
	if _, err := s.Get(t.Context(), handle(0)); !errors.Is(err, session.ErrNotFound) {
		t.Errorf("Get after Delete: %v, want ErrNotFound", err)
	}
}

// A file that is cut off under the running process is an error, not the end of
// the process.
func TestCutOffWhileOpen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sallyport.db")
	fill(t, path, 500)
	s := openAt(t, path, nil)
	if err := os.Truncate(path, int64(2*os.Getpagesize())); err != nil {
		t.Fatal(err)
	}
	failed := 0
	for i := range 500 {
		if _, err := s.Get(t.Context(), handle(i)); err != nil {
			failed++
		}
	}
	if failed == 0 {
		t.Error("every Get succeeded on a file that is no longer there")
	}
}

func fill(t *testing.T, path string, n int) {
	t.Helper()
	s, err := New(Config{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	for i := range n {
		w := &write{ctx: t.Context(), done: make(chan struct{}), apply: func(tb table) (int, error) {
			return 1, tb.put(handle(i), record(strings.Repeat("x", 700), time.Hour))
		}}
		s.writes <- w
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// blank overwrites the file with zeros from an offset on.
func blank(t *testing.T, path string, from int64) {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteAt(make([]byte, info.Size()-from), from); err != nil {
		t.Fatal(err)
	}
}

func writeFile(t *testing.T, path string, b []byte) {
	t.Helper()
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
}
