package redisstore

import (
	"time"

	"github.com/sallyport/sallyport/session"
)

// OnChange implements session.Notifier.
//
// f is called with each record that this process has read and that was then changed,
// deleted, or forgotten by Redis, once, until it is read again; so the caller should
// read it. It does not matter whether the record is in memory here still: Redis
// tells of every key that was read on the connection. It also tells of writes of
// this process, and of records that it has no room to keep track of
// (tracking-table-max-keys).
//
// After a connection was lost, f is called with the zero Handle as soon as Redis
// answers; and once more after Config.StaleFor, because in a cluster another server
// may have answered, and what is read in the meantime may be from memory.
func (s *Store) OnChange(f func(h session.Handle)) {
	s.onChange = f
	s.link.spawn(s.tellLosses)
}

// tellChanged is called by the client's reader.
func (s *Store) tellChanged(h session.Handle) {
	if s.onChange != nil {
		s.onChange(h)
	}
}

// tellLost is called by the client's reader.
func (s *Store) tellLost() {
	select {
	case s.losses <- struct{}{}:
	default: // one waits to be told already
	}
}

// tellLosses calls onChange for what tellLost was called for, until the store is
// closed.
func (s *Store) tellLosses() {
	var again <-chan time.Time
	for {
		select {
		case <-s.losses:
			if !s.awaitAnswer() {
				return
			}
			again = time.After(max(s.cache.staleFor, 0))
		case <-again:
			again = nil
		case <-s.link.life.Done():
			return
		}
		s.onChange(session.Handle{})
	}
}

// awaitAnswer waits until Redis answers or nothing is used any more that it did not
// confirm. It returns false once the store is closed.
func (s *Store) awaitAnswer() bool {
	deadline := time.Now().Add(s.cache.staleFor)
	for s.link.ping(s.link.life) != nil && time.Now().Before(deadline) {
		if !s.link.pause(retryEvery) {
			return false
		}
	}
	return s.link.life.Err() == nil
}
