// Package reqid carries the identifier that joins a page, a log line and an
// upstream's log line.
//
// # Trust
//
// An identifier from a client is used only after Valid, and only when the peer
// is a trusted proxy.
package reqid

import (
	"context"
	"math/rand/v2"
)

// Header is the field that carries the identifier in requests and answers.
const Header = "X-Request-Id"

// maxLength bounds an identifier taken over from a trusted proxy, in bytes.
const maxLength = 64

// Key is the key of a context's identifier, a string, for contexts that answer it
// themselves.
type Key struct{}

// New returns a fresh identifier of 26 characters of base32 and 128 random bits. It is
// no secret, so that it needs no cryptographic source.
func New() string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
	const half = 13 // characters of five bits, the last of four
	var id [2 * half]byte
	a, b := rand.Uint64(), rand.Uint64()
	for i := range half {
		id[i], id[half+i] = alphabet[a%32], alphabet[b%32]
		a, b = a/32, b/32
	}
	return string(id[:])
}

// Valid reports whether id is 1 to 64 characters of [A-Za-z0-9-].
func Valid(id string) bool {
	if id == "" || len(id) > maxLength {
		return false
	}
	for i := range len(id) {
		c := id[i]
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' {
			return false
		}
	}
	return true
}

// With returns a context that carries id.
func With(ctx context.Context, id string) context.Context {
	return context.WithValue(ctx, Key{}, id)
}

// From returns the identifier that ctx carries, or "".
func From(ctx context.Context) string {
	id, _ := ctx.Value(Key{}).(string)
	return id
}
