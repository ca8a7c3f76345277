package redisstore

import (
	"bytes"
	"crypto/rand"
	"errors"
	"log/slog"
	"math"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sallyport/sallyport/session"
)

const (
	// patience bounds waiting for what has to happen. It is long because machines are
	// shared, and costs nothing where things work.
	patience = time.Minute
	// pushed is far above what one replica's write takes to the other one's memory, and below
	// DefaultStaleFor, after which memory is trusted no longer anyhow.
	pushed = 10 * time.Second
	// hanging is above all that is bounded here, and how long a busy machine may hold up one call.
	hanging = 5 * time.Second
)

// quickest returns the shortest of several runs of f: a busy machine holds up one or another,
// and what is slow by itself is slow each time.
func quickest(f func()) time.Duration {
	best := time.Duration(math.MaxInt64)
	for range 5 {
		start := time.Now()
		f()
		best = min(best, time.Since(start))
	}
	return best
}

// newStore opens a store and lets change complete its configuration. Without a Timeout its
// budget is longer than there may be: a test that is about something else must not fail
// because the machine is busy.
func newStore(t testing.TB, url string, change ...func(*Config)) *Store {
	t.Helper()
	u, err := ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	cfg := Config{URL: u, Logger: slog.New(slog.DiscardHandler)}
	for _, f := range change {
		f(&cfg)
	}
	s, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if cfg.Timeout == 0 {
		s.link.budget = hanging
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// usual is for a test of how fast a store fails.
func usual(cfg *Config) { cfg.Timeout = DefaultTimeout }

// logTo has a store write its log into b.
func logTo(b *logBuffer) func(*Config) {
	return func(cfg *Config) { cfg.Logger = slog.New(slog.NewTextHandler(b, nil)) }
}

// logBuffer is a log that goroutines write and a test reads.
type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logBuffer) count(part string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.b.String(), part)
}

func newHandle() session.Handle {
	var h session.Handle
	rand.Read(h[:])
	return h
}

func record(sealed string) session.Record {
	now := time.Now()
	return session.Record{Sealed: []byte(sealed), LastSeen: now.Truncate(time.Second), ExpiresAt: now.Add(time.Hour)}
}

func create(t testing.TB, s *Store, h session.Handle, r session.Record) {
	t.Helper()
	if err := s.Create(t.Context(), h, r); err != nil {
		t.Fatalf("Create: %v", err)
	}
}

func get(t testing.TB, s *Store, h session.Handle) session.Record {
	t.Helper()
	r, err := s.Get(t.Context(), h)
	if err != nil {
		t.Fatalf("Get: %v", err)
	}
	return r
}

// cannotAnswer fails unless err means that the store does not know.
func cannotAnswer(t testing.TB, what string, err error) {
	t.Helper()
	if err == nil || errors.Is(err, session.ErrNotFound) || errors.Is(err, session.ErrConflict) {
		t.Errorf("%s = %v, want an error that means: could not answer", what, err)
	}
}
