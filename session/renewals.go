package session

import (
	"time"

	"github.com/sallyport/sallyport/internal/recall"
)

const (
	// renewalKept is how long a renewed session is remembered after an answer took
	// it along: for the requests that were under way with it, and for the next one
	// should that answer be lost.
	renewalKept = 10 * time.Minute
	// maxRenewals bounds how many are remembered, some 8 KiB each.
	maxRenewals = 4096
)

// renewals remember sessions that were renewed, of a store that is Carried: a
// refresh token that was spent must not be spent again by a request that still
// brings it. They are safe for concurrent use.
type renewals struct {
	memory *recall.Memory[Handle, renewed]
}

type renewed struct {
	session *Session
	given   bool // an answer has taken it along
}

func newRenewals() *renewals {
	return &renewals{memory: recall.New[Handle, renewed](maxRenewals)}
}

// put remembers s as long as the session can live without a use.
func (r *renewals) put(s *Session, now time.Time) {
	r.memory.Put(s.Handle, renewed{session: s}, now, storeUntil(s))
}

// given notes that an answer carries s.
func (r *renewals) given(s *Session, now time.Time) {
	known, ok := r.memory.Get(s.Handle, now)
	if !ok || known.given || !known.session.Grant.ObtainedAt.Equal(s.Grant.ObtainedAt) {
		return
	}
	known.given = true
	r.memory.Put(s.Handle, known, now, now.Add(renewalKept))
}

// after returns the session of s with a later grant, or nil.
func (r *renewals) after(s *Session, now time.Time) *Session {
	known, ok := r.memory.Get(s.Handle, now)
	if !ok || !known.session.Grant.ObtainedAt.After(s.Grant.ObtainedAt) {
		return nil
	}
	return known.session
}
