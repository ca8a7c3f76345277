package session

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"math"
	"time"
)

const (
	ticketVersion = 2
	ticketSize    = 1 + 32 + 32 + 8 + 1 + 16
)

// ticket is what the session cookie holds, sealed. It never changes while the
// session lives, so that a lost Set-Cookie loses nothing.
type ticket struct {
	id      [32]byte // the store knows only its hash
	key     [32]byte // seals the record; nobody but the browser keeps it
	created int64    // Unix seconds
	attempt uint8    // sign-ins in a row that did not hold before this one
	whose   whose    // tells whether a form that comes later is of the same person
}

// newTicket makes a ticket with a new id and key.
func newTicket(now time.Time, attempt int, w whose) ticket {
	t := ticket{created: now.Unix(), attempt: uint8(min(max(attempt, 0), math.MaxUint8)), whose: w}
	rand.Read(t.id[:]) // never fails: crypto/rand ends the process instead
	rand.Read(t.key[:])
	return t
}

// handle names the session in the store.
func (t *ticket) handle() Handle { return sha256.Sum256(t.id[:]) }

// seal returns the value of the session cookie of that name.
func (t *ticket) seal(keys *keySet, name string) (string, error) {
	b := make([]byte, 0, ticketSize)
	b = append(b, ticketVersion)
	b = append(b, t.id[:]...)
	b = append(b, t.key[:]...)
	b = binary.BigEndian.AppendUint64(b, uint64(t.created))
	b = append(b, t.attempt)
	b = append(b, t.whose[:]...)
	return keys.ticket.seal(name, b)
}

// openTicket reads a session cookie. Anything but an unchanged value of ours
// gets the same answer.
func openTicket(keys *keySet, name, value string) (ticket, bool) {
	b, ok := keys.ticket.open(name, value)
	if !ok || len(b) != ticketSize || b[0] != ticketVersion {
		return ticket{}, false
	}
	var t ticket
	copy(t.id[:], b[1:])
	copy(t.key[:], b[33:])
	t.created = int64(binary.BigEndian.Uint64(b[65:]))
	t.attempt = b[73]
	copy(t.whose[:], b[74:])
	return t, true
}
