package boltstore

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sallyport/sallyport/session"
	"go.etcd.io/bbolt"
)

var (
	// ErrInUse: another process has the file open.
	ErrInUse = errors.New("another process has the session file open")
	// ErrClosed: the store was closed.
	ErrClosed = errors.New("session file is closed")
)

// errDamaged marks a record that is there but makes no sense.
var errDamaged = errors.New("session record in the file is damaged")

// Config makes a Store.
type Config struct {
	// Path of the file; it is made with mode 0600 when it is absent. Its
	// directory must exist. Not on a network file system: the lock and the
	// mapping of the file are of this machine.
	Path string
	// Now is the clock; nil = time.Now.
	Now func() time.Time
}

var (
	_ session.Indexer = (*Store)(nil)
	_ session.Claimer = (*Store)(nil)
)

// Store keeps records in a file. Its methods are safe for concurrent use.
type Store struct {
	db    *bbolt.DB
	path  string
	now   func() time.Time
	count atomic.Int64

	writes   chan *write
	quit     chan struct{}
	finished chan struct{}
	closing  sync.Once
	closeErr error
}

// New opens the file, or makes it. The errors name SALLYPORT_SESSION_FILE. When
// another process has the file, that is ErrInUse after half a second.
func New(cfg Config) (*Store, error) {
	db, err := open(cfg.Path)
	if err != nil {
		return nil, err
	}
	s := &Store{
		db: db, path: cfg.Path, now: cfg.Now,
		writes: make(chan *write), quit: make(chan struct{}), finished: make(chan struct{}),
	}
	if s.now == nil {
		s.now = time.Now
	}
	if err := s.prepare(); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	go s.writer()
	return s, nil
}

// Close finishes the writes under way and closes the file. Whatever is called
// afterwards gets ErrClosed.
func (s *Store) Close() error {
	s.closing.Do(func() {
		close(s.quit)
		<-s.finished
		if err := s.db.Close(); err != nil {
			s.closeErr = fmt.Errorf("closing session file %q: %w", s.path, err)
		}
	})
	return s.closeErr
}

// Count implements session.Counter. Records that expired within the last minute
// or so may be counted still.
func (s *Store) Count() int { return int(s.count.Load()) }

// Get implements session.Store. It waits for no write.
func (s *Store) Get(ctx context.Context, h session.Handle) (session.Record, error) {
	if err := ctx.Err(); err != nil {
		return session.Record{}, err
	}
	var r session.Record
	err := guard(func() error {
		return s.db.View(func(tx *bbolt.Tx) error {
			var err error
			r, err = tables(tx).live(h, s.now())
			return err
		})
	})
	if err != nil {
		return session.Record{}, s.explain("reading", err)
	}
	return r, nil
}

// Create implements session.Store. An existing handle is a session.ErrConflict.
func (s *Store) Create(ctx context.Context, h session.Handle, r session.Record) error {
	return s.create(ctx, h, r, nil)
}

func (s *Store) create(ctx context.Context, h session.Handle, r session.Record, marks []session.Mark) error {
	r.Version = 1
	err := s.do(ctx, func(t table) (int, error) {
		_, err := t.live(h, s.now())
		switch {
		case err == nil:
			return 0, fmt.Errorf("creating session record: %w", session.ErrConflict)
		case !errors.Is(err, session.ErrNotFound):
			return 0, err
		}
		dropped, err := t.remove(h)
		if err != nil {
			return 0, err
		}
		if err := t.mark(h, marks); err != nil {
			return 0, err
		}
		return 1 + dropped, t.put(h, r)
	})
	return s.explain("writing", err)
}

// Replace implements session.Store.
func (s *Store) Replace(ctx context.Context, h session.Handle, r session.Record) error {
	err := s.do(ctx, func(t table) (int, error) {
		old, err := t.live(h, s.now())
		if err != nil {
			return 0, err
		}
		if old.Version != r.Version {
			return 0, session.ErrConflict
		}
		next := r
		next.Version++
		return 0, t.replace(h, old, next)
	})
	return s.explain("writing", err)
}

// Delete implements session.Store. A damaged record is deleted like any other.
func (s *Store) Delete(ctx context.Context, h session.Handle) error {
	err := s.do(ctx, func(t table) (int, error) { return t.remove(h) })
	return s.explain("writing", err)
}

// explain adds the file to an error that is not an answer of the store.
func (s *Store) explain(doing string, err error) error {
	switch {
	case err == nil, isAnswer(err), errors.Is(err, ErrClosed),
		errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	case errors.Is(err, bbolt.ErrDatabaseNotOpen):
		return ErrClosed
	}
	return fmt.Errorf("%s session file %q (SALLYPORT_SESSION_FILE): %w", doing, s.path, err)
}

// isAnswer reports whether err says something of a record and nothing of the
// file.
func isAnswer(err error) bool {
	return errors.Is(err, session.ErrNotFound) || errors.Is(err, session.ErrConflict)
}
