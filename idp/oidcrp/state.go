package oidcrp

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"sync"
	"time"

	"github.com/sallyport/sallyport/session"
)

// stateKind is the first character of a state: what the state was made for. It is
// not secret and may be forged; a forged one matches no cookie.
type stateKind byte

const (
	stateFirst     stateKind = '1' // a sign-in
	stateRestarted stateKind = '2' // a sign-in that began again by itself: never twice
)

// stateSize is the length of every state: the kind and 256 random bits.
const stateSize = 1 + 43

// newState returns a state of unpredictable base64url, which even providers that
// decode it once too often return unchanged.
func newState(kind stateKind) string { return string(kind) + randomText() }

// parseState returns the kind of a state that could be ours.
func parseState(s string) (kind stateKind, ok bool) {
	if len(s) != stateSize {
		return 0, false
	}
	// The length once decoded matters, too: line breaks are skipped even by Strict.
	bits, err := base64.RawURLEncoding.Strict().DecodeString(s[1:])
	if err != nil || len(bits) != 256/8 {
		return 0, false
	}
	switch kind = stateKind(s[0]); kind {
	case stateFirst, stateRestarted:
		return kind, true
	}
	return 0, false
}

// randomText returns 256 random bits in base64url.
func randomText() string {
	var b [32]byte
	rand.Read(b[:]) // never fails: crypto/rand ends the process instead
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// maxSpent bounds how many states of one generation are remembered.
const maxSpent = 1 << 16

// spentStates remembers which states have been used, for as long as their cookies
// would be accepted: a copy of a cookie, or a browser that sends a callback twice,
// gets no second try. States are kept in two generations; a full generation ages
// early, and what is forgotten then still cannot redeem its code twice, because
// the provider does not let it. It is safe for concurrent use.
type spentStates struct {
	now func() time.Time

	mu            sync.Mutex
	began         time.Time
	young, former map[[16]byte]struct{}
}

func newSpentStates(now func() time.Time) *spentStates {
	return &spentStates{now: now, began: now(), young: map[[16]byte]struct{}{}}
}

// spend marks a state as used and reports whether it was unused.
func (s *spentStates) spend(state string) bool {
	sum := sha256.Sum256([]byte(state))
	key := [16]byte(sum[:])
	s.mu.Lock()
	defer s.mu.Unlock()
	if now := s.now(); now.Sub(s.began) >= session.PendingTTL || len(s.young) >= maxSpent {
		s.began, s.former, s.young = now, s.young, map[[16]byte]struct{}{}
	}
	if _, used := s.young[key]; used {
		return false
	}
	if _, used := s.former[key]; used {
		return false
	}
	s.young[key] = struct{}{}
	return true
}
