package boltstore

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/sallyport/sallyport/session"
	"go.etcd.io/bbolt"
)

// The buckets. The number is the layout's; another layout takes another one.
const (
	recordsBucket = "sallyport.records.1" // handle → header, sealed
	expiryBucket  = "sallyport.expiry.1"  // expiry (seconds, big endian), handle → nothing
)

const (
	// headerSize: version, expiry (seconds and nanoseconds), last seen.
	headerSize = 8 + 8 + 4 + 8
	indexSize  = 8 + len(session.Handle{})
)

// buckets are all that a file of ours has. One of an earlier version has fewer.
func buckets() []string {
	return []string{recordsBucket, expiryBucket, marksBucket, markedBucket, claimsBucket, claimedBucket}
}

// table is the buckets within one transaction.
type table struct {
	records, expiry, marks, marked, claims, claimed *bbolt.Bucket
}

func tables(tx *bbolt.Tx) table {
	return table{
		records: tx.Bucket([]byte(recordsBucket)), expiry: tx.Bucket([]byte(expiryBucket)),
		marks: tx.Bucket([]byte(marksBucket)), marked: tx.Bucket([]byte(markedBucket)),
		claims: tx.Bucket([]byte(claimsBucket)), claimed: tx.Bucket([]byte(claimedBucket)),
	}
}

// live returns the record, or session.ErrNotFound once it is absent or expired.
func (t table) live(h session.Handle, now time.Time) (session.Record, error) {
	value := t.records.Get(h[:])
	if value == nil {
		return session.Record{}, session.ErrNotFound
	}
	r, err := decode(value)
	if err != nil {
		return session.Record{}, err
	}
	if !now.Before(r.ExpiresAt) {
		return session.Record{}, session.ErrNotFound
	}
	// The value is the mapped file's, and only until the transaction ends.
	r.Sealed = bytes.Clone(r.Sealed)
	return r, nil
}

func (t table) put(h session.Handle, r session.Record) error {
	if err := t.records.Put(h[:], encode(r)); err != nil {
		return err
	}
	return t.expiry.Put(indexKey(h, r.ExpiresAt), nil)
}

// replace is put that takes old's place in the index away.
func (t table) replace(h session.Handle, old, next session.Record) error {
	if old.ExpiresAt.Unix() != next.ExpiresAt.Unix() {
		if err := t.expiry.Delete(indexKey(h, old.ExpiresAt)); err != nil {
			return err
		}
	}
	return t.put(h, next)
}

// remove deletes a record with its marks, if there is one, and returns what that
// adds to the count.
func (t table) remove(h session.Handle) (int, error) {
	value := t.records.Get(h[:])
	if value == nil {
		return 0, nil
	}
	// A damaged record leaves its place in the index to purge.
	if old, err := decode(value); err == nil {
		if err := t.expiry.Delete(indexKey(h, old.ExpiresAt)); err != nil {
			return 0, err
		}
	}
	if err := t.unmark(h); err != nil {
		return 0, err
	}
	return -1, t.records.Delete(h[:])
}

// purge deletes at most limit records that have expired, the oldest first. more
// is true when there may be others.
func (t table) purge(now time.Time, limit int) (removed int, more bool, err error) {
	over := due(t.expiry, now, limit)
	for _, k := range over {
		n, err := t.purgeOne(k, now)
		if err != nil {
			return 0, false, err
		}
		removed -= n
	}
	return removed, len(over) == limit, nil
}

// due returns at most limit keys of a bucket whose keys begin with a time that is
// over, the oldest first.
func due(b *bbolt.Bucket, now time.Time, limit int) [][]byte {
	over := make([][]byte, 0, limit)
	c := b.Cursor()
	for k, _ := c.First(); k != nil && expired(k, now) && len(over) < limit; k, _ = c.Next() {
		over = append(over, bytes.Clone(k)) // a cursor does not survive deletions
	}
	return over
}

// purgeOne deletes one entry of the index, and its record unless that lives on
// under a later entry.
func (t table) purgeOne(k []byte, now time.Time) (int, error) {
	if err := t.expiry.Delete(k); err != nil || len(k) != indexSize {
		return 0, err
	}
	h := session.Handle(k[8:])
	value := t.records.Get(h[:])
	if value == nil {
		return 0, nil
	}
	if r, err := decode(value); err == nil && now.Before(r.ExpiresAt) {
		return 0, nil
	}
	return t.remove(h)
}

// expired reports whether the second that such a key begins with is over.
func expired(k []byte, now time.Time) bool {
	return len(k) < 8 || int64(binary.BigEndian.Uint64(k)) < now.Unix()
}

func indexKey(h session.Handle, expiresAt time.Time) []byte {
	k := make([]byte, 0, indexSize)
	k = binary.BigEndian.AppendUint64(k, uint64(max(expiresAt.Unix(), 0)))
	return append(k, h[:]...)
}

func encode(r session.Record) []byte {
	b := make([]byte, 0, headerSize+len(r.Sealed))
	b = binary.BigEndian.AppendUint64(b, r.Version)
	b = binary.BigEndian.AppendUint64(b, uint64(r.ExpiresAt.Unix()))
	b = binary.BigEndian.AppendUint32(b, uint32(r.ExpiresAt.Nanosecond()))
	b = binary.BigEndian.AppendUint64(b, uint64(r.LastSeen.Unix()))
	return append(b, r.Sealed...)
}

// decode is the reverse; Sealed points into b.
func decode(b []byte) (session.Record, error) {
	if len(b) < headerSize {
		return session.Record{}, fmt.Errorf("%w: %d bytes", errDamaged, len(b))
	}
	seconds, nanos := int64(binary.BigEndian.Uint64(b[8:])), int64(binary.BigEndian.Uint32(b[16:]))
	return session.Record{
		Version:   binary.BigEndian.Uint64(b),
		ExpiresAt: time.Unix(seconds, nanos).UTC(),
		LastSeen:  time.Unix(int64(binary.BigEndian.Uint64(b[20:])), 0).UTC(),
		Sealed:    b[headerSize:],
	}, nil
}
