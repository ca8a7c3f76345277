package session

import (
	"sync"
	"time"
)

// pace lets something happen once in a while, the first time at once. It is safe
// for concurrent use.
type pace struct {
	mu   sync.Mutex
	next time.Time
}

// due reports whether it may happen now, and if so not again before every is over.
func (p *pace) due(now time.Time, every time.Duration) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if now.Before(p.next) {
		return false
	}
	p.next = now.Add(every)
	return true
}
