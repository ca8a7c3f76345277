package session

import (
	"sync"
	"time"
)

const (
	breakAfter  = 5 // failures in a row, of whichever sessions
	firstRest   = 2 * time.Second
	longestRest = 30 * time.Second
)

// breaker leaves a provider alone that does not answer, so that it is not
// hammered and no request waits for it. After each rest one refresh tries. It is
// safe for concurrent use, and asked only when a refresh is due.
type breaker struct {
	mu       sync.Mutex
	failures int
	rest     time.Duration
	until    time.Time
}

// allows reports whether a refresh may ask the provider. After a rest it says yes
// once and then rests again, until that one has failed or succeeded.
func (b *breaker) allows(now time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.failures < breakAfter {
		return true
	}
	if now.Before(b.until) {
		return false
	}
	b.until = now.Add(b.rest)
	return true
}

func (b *breaker) succeeded() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.failures, b.rest = 0, 0
}

// failed notes that the provider did not answer, and reports whether it is left
// alone from now on.
func (b *breaker) failed(now time.Time) (opened bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.failures++
	if b.failures < breakAfter {
		return false
	}
	opened = b.rest == 0
	b.rest = min(max(2*b.rest, firstRest), longestRest)
	b.until = now.Add(b.rest)
	return opened
}
