package redisstore

import (
	"sync/atomic"
)

// threshold is how many questions in a row must stay without an answer.
const threshold = 3

// breaker remembers that a server does not answer, so that only the first
// requests wait to find out. The zero value is closed: questions pass.
type breaker struct {
	failures atomic.Int32
	open     atomic.Pointer[explainedError]
}

// explainedError is an error that an atomic pointer can hold.
type explainedError struct{ error }

// cause returns why questions do not pass; nil if they do.
func (b *breaker) cause() error {
	if open := b.open.Load(); open != nil {
		return open.error
	}
	return nil
}

// failed counts a question without an answer. opened is true for the one that
// opened the breaker: its caller has to have the server probed.
func (b *breaker) failed(err error) (opened bool) {
	if b.failures.Add(1) < threshold {
		return false
	}
	return b.open.CompareAndSwap(nil, &explainedError{err})
}

// still renews the cause of an open breaker.
func (b *breaker) still(err error) { b.open.Store(&explainedError{err}) }

// succeeded closes the breaker.
func (b *breaker) succeeded() {
	if b.failures.Load() != 0 {
		b.failures.Store(0)
	}
	if b.open.Load() != nil {
		b.open.Store(nil)
	}
}
