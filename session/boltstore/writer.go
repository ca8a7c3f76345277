package boltstore

import (
	"context"
	"errors"
	"time"

	"go.etcd.io/bbolt"
)

const (
	// maxBatch bounds how many writes share a transaction.
	maxBatch = 256
	// purgeEvery is how often expired records and claims are looked for, and
	// purgeBatch how many of each one transaction deletes, so that no write waits
	// for long.
	purgeEvery = time.Minute
	purgeBatch = 128
)

// write is one caller's change. apply returns what it adds to the count.
type write struct {
	ctx   context.Context
	apply func(t table) (added int, err error)
	added int
	err   error
	done  chan struct{}
}

// do has the writer apply a change and waits until it is on the disk. When the
// context ends first, the change may have been made or not.
func (s *Store) do(ctx context.Context, apply func(t table) (int, error)) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	w := &write{ctx: ctx, apply: apply, done: make(chan struct{})}
	select {
	case s.writes <- w:
	case <-ctx.Done():
		return ctx.Err()
	case <-s.quit:
		return ErrClosed
	}
	select {
	case <-w.done:
		return w.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// writer is the goroutine that writes, until Close.
func (s *Store) writer() {
	defer close(s.finished)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case w := <-s.writes:
			s.commit(s.gather(w))
		case <-timer.C:
			timer.Reset(s.purge())
		case <-s.quit:
			return
		}
	}
}

// gather adds everybody who waits already to first's transaction.
func (s *Store) gather(first *write) []*write {
	batch := []*write{first}
	for len(batch) < maxBatch {
		select {
		case w := <-s.writes:
			batch = append(batch, w)
		default:
			return batch
		}
	}
	return batch
}

// commit applies a batch in one transaction and tells everybody.
func (s *Store) commit(batch []*write) {
	err := guard(func() error {
		return s.db.Update(func(tx *bbolt.Tx) error {
			t := tables(tx)
			for _, w := range batch {
				if w.err = w.ctx.Err(); w.err != nil {
					continue
				}
				w.added, w.err = w.apply(t)
				if w.err != nil && !isAnswer(w.err) && !errors.Is(w.err, errDamaged) {
					return w.err // it may have changed one bucket and not the other
				}
			}
			return nil
		})
	})
	for _, w := range batch {
		switch {
		case err != nil:
			w.err = err
		case w.err == nil:
			s.count.Add(int64(w.added))
		}
		close(w.done)
	}
}

// purge deletes some expired records and claims and returns when to do so again.
func (s *Store) purge() time.Duration {
	var (
		removed           int
		more, moreClaimed bool
	)
	now := s.now()
	err := guard(func() error {
		if !s.anyExpired(now) {
			return nil // a transaction that changes nothing would cost an fsync too
		}
		return s.db.Update(func(tx *bbolt.Tx) (err error) {
			t := tables(tx)
			if removed, more, err = t.purge(now, purgeBatch); err != nil {
				return err
			}
			moreClaimed, err = t.purgeClaims(now, purgeBatch)
			return err
		})
	})
	if err != nil {
		return purgeEvery // the disk is full or worse: whoever writes is told
	}
	s.count.Add(-int64(removed))
	if more || moreClaimed {
		return 0
	}
	return purgeEvery
}

func (s *Store) anyExpired(now time.Time) (found bool) {
	_ = s.db.View(func(tx *bbolt.Tx) error {
		t := tables(tx)
		found = len(due(t.expiry, now, 1))+len(due(t.claimed, now, 1)) > 0
		return nil
	})
	return found
}
