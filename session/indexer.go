package session

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"time"
)

// Tag is what a store finds records by: a keyed hash of, say, an issuer and a
// subject (KeyRing makes it), so that a stolen store names nobody. The zero value
// is no tag.
type Tag [sha256.Size]byte

// String returns the tag in unpadded base64url.
func (t Tag) String() string { return base64.RawURLEncoding.EncodeToString(t[:]) }

// Mark makes a record findable by a tag.
type Mark struct {
	Tag Tag
	// Note comes back with what is found. It arrives sealed, under a key that
	// follows from what the tag was made of; nil = none. The caller does not
	// change it after handing it over.
	Note []byte
}

// Found is one record that carries a mark.
type Found struct {
	Handle    Handle
	Note      []byte
	LastSeen  time.Time
	ExpiresAt time.Time
}

// Indexer is a Store that finds records by marks: without one nobody can be signed
// out who does not ask for it himself. Its methods keep to what Store says of its
// own.
type Indexer interface {
	// CreateMarked is Create of a record that Find finds by each of the marks, as
	// long as it lives and until that time at least: the record's absolute limit.
	// No two marks have the same tag. If it fails, the record was not created, or is
	// not known to have been, and Find finds no record that is not there. Marks
	// never change.
	CreateMarked(ctx context.Context, h Handle, r Record, marks []Mark, until time.Time) error
	// Find returns the records of that mark that are alive, in no order; none is no
	// error. A record that is created or deleted meanwhile may or may not be among
	// them.
	Find(ctx context.Context, t Tag) ([]Found, error)
}

// Claimer is a Store that remembers which values were used, for all its replicas.
type Claimer interface {
	// Claim reports whether nobody has claimed t before, and remembers it until
	// then at least. Of any number of calls with one tag exactly one is the first.
	// On an error nobody knows, and the caller must take it for used.
	Claim(ctx context.Context, t Tag, until time.Time) (first bool, err error)
	// Claimed reports whether somebody has claimed t, for a time that is not over.
	Claimed(ctx context.Context, t Tag) (bool, error)
}

// Notifier is a Store that hears what other processes write to it.
type Notifier interface {
	// OnChange is called once, before the store is used. f is called when the
	// record of h may have been changed or deleted by another process, and with
	// the zero Handle when any may have been: what was missed is not known. f does
	// not block and asks the store nothing before it has returned.
	OnChange(f func(h Handle))
}
