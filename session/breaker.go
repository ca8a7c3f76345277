package session

import (
	"slices"
	"sync"
	"time"
)

const (
	breakAfter  = 5 // sessions that failed with no success between them
	firstRest   = 2 * time.Second
	longestRest = 30 * time.Second
)

// breaker leaves a provider alone that does not answer, so that it is not
// hammered and no request waits for it. After each rest one refresh tries. One
// session alone never opens it: what is wrong with that session is not wrong with
// the provider. It is safe for concurrent use, and asked only when a refresh is
// due.
type breaker struct {
	mu      sync.Mutex
	failing []Handle // different ones; breakAfter of them: the provider is left alone
	rest    time.Duration
	until   time.Time
	probing bool // a refresh was let through after a rest
}

func (b *breaker) open() bool { return len(b.failing) >= breakAfter }

// allows reports whether a refresh may ask the provider. After a rest it says yes
// once and then rests again, until that one has failed or succeeded.
func (b *breaker) allows(now time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.open() {
		return true
	}
	if now.Before(b.until) {
		return false
	}
	b.until, b.probing = now.Add(b.rest), true
	return true
}

// answered notes that the provider answered, whatever it said.
func (b *breaker) answered() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.failing, b.rest, b.probing = nil, 0, false
}

// failed notes that the provider did not answer for h, and reports whether it is
// left alone from now on.
func (b *breaker) failed(h Handle, now time.Time) (opened bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case !b.open():
		if !slices.Contains(b.failing, h) {
			b.failing = append(b.failing, h)
		}
		if !b.open() {
			return false
		}
		b.rest, opened = firstRest, true
	case b.probing:
		b.rest, b.probing = min(2*b.rest, longestRest), false
	default:
		return false // it was asked before the provider was left alone
	}
	b.until = now.Add(b.rest)
	return opened
}
