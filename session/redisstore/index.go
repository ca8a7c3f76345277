package redisstore

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/redis/rueidis"
	"github.com/sallyport/sallyport/session"
)

// A tag is a hash: handle → until when the mark is needed and when it was made
// (Unix milliseconds, big endian, 8 bytes each), and the note. Marks are written
// before the record. What they name without there being a record is left over: from
// a record that expired or was deleted, or from a Create that failed.
const (
	tagPrefix  = "sallyport:tag:{"
	markHeader = 8 + 8
	// leftOver is how old a mark must be for Find to drop it when there is no
	// record: until then a Create may be under way, by a clock that differs.
	leftOver = 5 * time.Minute
	// page is about how many marks or records are read with one command or in one
	// round trip.
	page = 256
)

func tagKey(t session.Tag) string { return tagPrefix + t.String() + keySuffix }

// CreateMarked implements session.Indexer, in two round trips: one for all marks,
// each one script, and one for the record. A handle that was used before keeps the
// notes that it was first marked with.
func (s *Store) CreateMarked(ctx context.Context, h session.Handle, r session.Record, marks []session.Mark, until time.Time) error {
	if until.Before(r.ExpiresAt) {
		until = r.ExpiresAt
	}
	made := make([]bool, len(marks))
	err := inParallel(len(marks), func(i int) (err error) {
		made[i], err = s.mark(ctx, h, marks[i], until)
		return err
	})
	if err != nil {
		return fmt.Errorf("marking session record: %w", err)
	}
	err = s.Create(ctx, h, r)
	if errors.Is(err, session.ErrConflict) {
		// The record is another's, which must not be found by these.
		_ = inParallel(len(marks), func(i int) error {
			if made[i] {
				s.unmark(context.WithoutCancel(ctx), marks[i].Tag, []session.Handle{h})
			}
			return nil
		})
	}
	return err
}

// mark has a tag name a record, and reports whether it did not before.
func (s *Store) mark(ctx context.Context, h session.Handle, m session.Mark, until time.Time) (made bool, err error) {
	now := s.now()
	entry := make([]byte, 0, markHeader+len(m.Note))
	entry = binary.BigEndian.AppendUint64(entry, uint64(until.UnixMilli()))
	entry = binary.BigEndian.AppendUint64(entry, uint64(now.UnixMilli()))
	entry = append(entry, m.Note...)
	somewhere := strconv.FormatUint(uint64(rand.Uint32()), 10)
	err = s.exec(ctx, s.scripts.mark, tagKey(m.Tag), milliseconds(now), ttl(until, now), string(h[:]), string(entry), somewhere)
	if errors.Is(err, session.ErrConflict) {
		return false, nil
	}
	return err == nil, err
}

// unmark takes handles out of a tag. If that fails, they are left over.
func (s *Store) unmark(ctx context.Context, t session.Tag, handles []session.Handle) {
	key, fields := tagKey(t), make([]string, len(handles))
	for i, h := range handles {
		fields[i] = string(h[:])
	}
	_, _ = ask(ctx, s.link, key, func(ctx context.Context, c rueidis.Client) (struct{}, error) {
		return struct{}{}, c.Do(ctx, c.B().Hdel().Key(key).Field(fields...).Build().ToRetryable().Pin()).Error()
	})
}

// marked is what a tag says of a record.
type marked struct {
	note []byte
	made time.Time
}

// marks reads a tag, a page at a time.
func (s *Store) marks(ctx context.Context, t session.Tag) (map[session.Handle]marked, error) {
	key, all := tagKey(t), make(map[session.Handle]marked)
	for cursor := uint64(0); ; {
		entry, err := ask(ctx, s.link, key, func(ctx context.Context, c rueidis.Client) (rueidis.ScanEntry, error) {
			return c.Do(ctx, c.B().Hscan().Key(key).Cursor(cursor).Count(page).Build().Pin()).AsScanEntry()
		})
		if err != nil {
			return nil, err
		}
		for i := 0; i+1 < len(entry.Elements); i += 2 {
			name, value := entry.Elements[i], entry.Elements[i+1]
			if len(name) != len(session.Handle{}) || len(value) < markHeader {
				continue // nothing of ours
			}
			m := marked{made: time.UnixMilli(int64(binary.BigEndian.Uint64([]byte(value[8:markHeader]))))}
			if len(value) > markHeader {
				m.note = []byte(value[markHeader:])
			}
			all[session.Handle([]byte(name))] = m
		}
		if cursor = entry.Cursor; cursor == 0 {
			return all, nil
		}
	}
}
