package session

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"time"
)

// The errors of a Store, to be told apart with errors.Is. Every other error
// means that the store could not answer: the session may well be alive.
var (
	// ErrNotFound: absent, deleted or expired.
	ErrNotFound = errors.New("session not in store")
	// ErrConflict: Replace met another version, or Create an existing record.
	ErrConflict = errors.New("session record was changed by someone else")
)

// Handle names a record in a store: the SHA-256 of the ticket's session id. A
// stolen list of handles opens nothing. The zero value names no session.
type Handle [sha256.Size]byte

// ParseHandle reads what String wrote: 43 characters of unpadded base64url.
func ParseHandle(s string) (Handle, error) {
	var h Handle
	b, err := base64.RawURLEncoding.Strict().DecodeString(s)
	if err != nil {
		return Handle{}, fmt.Errorf("parsing session handle: %w", err)
	}
	if len(b) != len(h) {
		return Handle{}, fmt.Errorf("parsing session handle: %d bytes instead of %d", len(b), len(h))
	}
	copy(h[:], b)
	return h, nil
}

// String returns the handle in unpadded base64url.
func (h Handle) String() string { return base64.RawURLEncoding.EncodeToString(h[:]) }

// MarshalText implements encoding.TextMarshaler, for logs and JSON: as String.
func (h Handle) MarshalText() ([]byte, error) { return []byte(h.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler: as ParseHandle.
func (h *Handle) UnmarshalText(b []byte) error {
	parsed, err := ParseHandle(string(b))
	if err != nil {
		return err
	}
	*h = parsed
	return nil
}

// Record is what a store keeps. It arrives sealed: a store cannot read it and
// does not need to.
type Record struct {
	// Version counts the writes of a record: Create stores 1, whatever it is
	// given; Replace stores one more than it is given.
	Version uint64
	// Sealed is the session under the ticket's own key. The caller does not
	// change it after handing it over, nor what Get returned.
	Sealed []byte
	// LastSeen is when a request last used the session. A store keeps it, and
	// ExpiresAt, to the second or finer.
	LastSeen time.Time
	// ExpiresAt is when the store forgets the record by itself: the earlier of
	// the absolute and the idle limit.
	ExpiresAt time.Time
}

// Store keeps records. Its methods are safe for concurrent use, honour the
// context's deadline, and answer with ErrNotFound, ErrConflict, nil or an error
// that means "could not answer".
//
// A deleted record never comes back: Replace after Delete is ErrNotFound, so
// that a sign-out beats whatever else was in flight.
//
// Every Store passes storetest.
type Store interface {
	// Create stores a new record. An existing handle is ErrConflict.
	Create(ctx context.Context, h Handle, r Record) error
	// Get returns the record, or ErrNotFound once it is absent or expired: at
	// ExpiresAt or later.
	Get(ctx context.Context, h Handle) (Record, error)
	// Replace stores r if the stored record still has r.Version, else
	// ErrConflict; ErrNotFound once it is absent or expired.
	Replace(ctx context.Context, h Handle, r Record) error
	// Delete forgets the record; deleting an absent one is nil.
	Delete(ctx context.Context, h Handle) error
}

// Counter is a Store that knows how many records it holds.
type Counter interface {
	Count() int
}

// Pinger is a Store that can be out of reach; readiness asks it.
type Pinger interface {
	Ping(ctx context.Context) error
}

// Forgetter is a Store of this process that drops records by itself and says
// so. OnForget is called once, before the store is used. f is called outside
// the store's locks after a record expired, or was evicted because the store
// was full.
type Forgetter interface {
	OnForget(f func(h Handle, r Record, evicted bool))
}

// Carried is a Store whose records travel with the browser's requests. It reaches a
// record only through the context of a request that brings it, and what it is given
// leaves with that request's answer; Delete alone works everywhere. It has little
// room, so it is given compressed records, and answers a *TooLargeError. Several
// versions of a record may be on their way at once, and two of them may have one
// number.
type Carried interface {
	// Deleted reports whether this process remembers that h was deleted.
	Deleted(h Handle) bool
}

// Locker is a Store whose replicas can agree who refreshes a session.
type Locker interface {
	// TryLock takes the record's lock for ttl. ok is false while someone else
	// holds it. The lock stands beside the record: it needs none, and nothing
	// but TryLock heeds it, so a write must still be fenced by its version.
	TryLock(ctx context.Context, h Handle, ttl time.Duration) (lock Lock, ok bool, err error)
}

// Lock is a lock that was taken. It is lost when its time is over.
type Lock interface {
	// Renew holds the lock for ttl from now; ErrNotFound once it is lost.
	Renew(ctx context.Context, ttl time.Duration) error
	// Unlock lets go. It is nil when the lock was lost before, and leaves a
	// lock that somebody else has taken since.
	Unlock(ctx context.Context) error
}
