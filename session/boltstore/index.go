package boltstore

import (
	"bytes"
	"context"
	"time"

	"github.com/sallyport/sallyport/session"
	"go.etcd.io/bbolt"
)

// The marks go with the record, so that none is left over.
const (
	marksBucket  = "sallyport.marks.1"  // tag, handle → note
	markedBucket = "sallyport.marked.1" // handle → its tags, one after the other
	tagSize      = len(session.Tag{})
	markKeySize  = tagSize + len(session.Handle{})
)

// CreateMarked implements session.Indexer. The record and its marks are one write,
// and go together, so until is of no matter.
func (s *Store) CreateMarked(ctx context.Context, h session.Handle, r session.Record, marks []session.Mark, _ time.Time) error {
	return s.create(ctx, h, r, marks)
}

// Find implements session.Indexer. It waits for no write.
func (s *Store) Find(ctx context.Context, t session.Tag) ([]session.Found, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	var found []session.Found
	err := guard(func() error {
		return s.db.View(func(tx *bbolt.Tx) error {
			found = tables(tx).find(t, s.now())
			return nil
		})
	})
	if err != nil {
		return nil, s.explain("reading", err)
	}
	return found, nil
}

// find returns the records of a tag. A damaged one is none.
func (t table) find(tag session.Tag, now time.Time) (found []session.Found) {
	c := t.marks.Cursor()
	for k, note := c.Seek(tag[:]); bytes.HasPrefix(k, tag[:]); k, note = c.Next() {
		if len(k) != markKeySize {
			continue
		}
		h := session.Handle(k[tagSize:])
		r, err := decode(t.records.Get(h[:]))
		if err == nil && now.Before(r.ExpiresAt) {
			found = append(found, session.Found{Handle: h, Note: bytes.Clone(note), LastSeen: r.LastSeen, ExpiresAt: r.ExpiresAt})
		}
	}
	return found
}

// mark has a record found by its marks.
func (t table) mark(h session.Handle, marks []session.Mark) error {
	if len(marks) == 0 {
		return nil
	}
	tags := make([]byte, 0, len(marks)*tagSize)
	for _, m := range marks {
		if err := t.marks.Put(markKey(m.Tag[:], h), m.Note); err != nil {
			return err
		}
		tags = append(tags, m.Tag[:]...)
	}
	return t.marked.Put(h[:], tags)
}

// unmark is the reverse.
func (t table) unmark(h session.Handle) error {
	tags := bytes.Clone(t.marked.Get(h[:]))
	if tags == nil {
		return nil
	}
	for ; len(tags) >= tagSize; tags = tags[tagSize:] {
		if err := t.marks.Delete(markKey(tags[:tagSize], h)); err != nil {
			return err
		}
	}
	return t.marked.Delete(h[:])
}

func markKey(tag []byte, h session.Handle) []byte { return append(bytes.Clone(tag), h[:]...) }
