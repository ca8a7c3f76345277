package boltstore

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"time"

	"github.com/sallyport/sallyport/session"
	"go.etcd.io/bbolt"
)

// Claims are kept to the second, rounded up.
const (
	claimsBucket  = "sallyport.claims.1"  // tag → until (Unix seconds, big endian)
	claimedBucket = "sallyport.claimed.1" // until, tag → nothing
)

// Claim implements session.Claimer. The first claim is on the disk when it is
// acknowledged.
func (s *Store) Claim(ctx context.Context, tag session.Tag, until time.Time) (bool, error) {
	err := s.do(ctx, func(t table) (int, error) { return 0, t.claim(tag, until, s.now()) })
	if errors.Is(err, session.ErrConflict) {
		return false, nil
	}
	return err == nil, s.explain("writing", err)
}

// Claimed implements session.Claimer. It waits for no write.
func (s *Store) Claimed(ctx context.Context, tag session.Tag) (claimed bool, _ error) {
	if err := ctx.Err(); err != nil {
		return false, err
	}
	err := guard(func() error {
		return s.db.View(func(tx *bbolt.Tx) error {
			claimed = lasts(tables(tx).claims.Get(tag[:]), s.now())
			return nil
		})
	})
	return claimed, s.explain("reading", err)
}

// claim is session.ErrConflict if somebody has claimed the tag before.
func (t table) claim(tag session.Tag, until, now time.Time) error {
	if before := bytes.Clone(t.claims.Get(tag[:])); len(before) == 8 {
		if lasts(before, now) {
			return session.ErrConflict
		}
		if err := t.claimed.Delete(append(before, tag[:]...)); err != nil {
			return err
		}
	}
	second := binary.BigEndian.AppendUint64(nil, uint64(max(until.Add(time.Second-1).Unix(), 0)))
	if err := t.claims.Put(tag[:], second); err != nil {
		return err
	}
	return t.claimed.Put(append(bytes.Clone(second), tag[:]...), nil)
}

// lasts reports whether a claim until then, as it is stored, is not over.
func lasts(until []byte, now time.Time) bool {
	return len(until) == 8 && now.Unix() < int64(binary.BigEndian.Uint64(until))
}

// purgeClaims forgets at most limit claims whose time is over. more is true when
// there may be others.
func (t table) purgeClaims(now time.Time, limit int) (more bool, err error) {
	over := due(t.claimed, now, limit)
	for _, k := range over {
		if err := t.claimed.Delete(k); err != nil {
			return false, err
		}
		if err := t.claims.Delete(k[min(8, len(k)):]); err != nil {
			return false, err
		}
	}
	return len(over) == limit, nil
}
