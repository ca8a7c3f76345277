package session

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"time"
)

const (
	watchShards = 64
	// watchRetry is how long a stream's timer waits after the store could not
	// say whether the session goes on.
	watchRetry = 5 * time.Second
	// watchSettle is how long a stream lasts before the store is asked about its session:
	// most are over by then.
	watchSettle = 500 * time.Millisecond
	// lookAllWithin is how long the streams take to look all at once.
	lookAllWithin = 2 * time.Second
)

// watches are the streams that want to know when their session ends.
type watches struct {
	shards [watchShards]watchShard
}

type watchShard struct {
	mu sync.Mutex
	of map[Handle]map[*watch]struct{}
}

// watch is one stream's interest. It is registered until it fires or stops.
type watch struct {
	session *Session
	f       func()
	timer   *time.Timer // guarded by the shard's lock
	seen    time.Time   // when the session was last used, of one that is Carried; likewise
}

func newWatches() *watches {
	w := &watches{}
	for i := range w.shards {
		w.shards[i].of = make(map[Handle]map[*watch]struct{})
	}
	return w
}

func (w *watches) shard(h Handle) *watchShard { return &w.shards[h[0]%watchShards] }

// add registers e and runs check in a goroutine, soon.
func (w *watches) add(e *watch, check func()) {
	s := w.shard(e.session.Handle)
	s.mu.Lock()
	defer s.mu.Unlock()
	set := s.of[e.session.Handle]
	if set == nil {
		set = make(map[*watch]struct{})
		s.of[e.session.Handle] = set
	}
	set[e] = struct{}{}
	e.timer = time.AfterFunc(watchSettle, check)
}

// rearm has e's check run again after d, unless e is no longer registered.
func (w *watches) rearm(e *watch, d time.Duration) {
	s := w.shard(e.session.Handle)
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.of[e.session.Handle][e]; ok {
		e.timer.Reset(d)
	}
}

// use notes that the session of h was used.
func (w *watches) use(h Handle, at time.Time) {
	s := w.shard(h)
	s.mu.Lock()
	defer s.mu.Unlock()
	for e := range s.of[h] {
		e.seen = at
	}
}

// lastUse is when the session of e was last used, as far as it knows.
func (w *watches) lastUse(e *watch) time.Time {
	s := w.shard(e.session.Handle)
	s.mu.Lock()
	defer s.mu.Unlock()
	if e.seen.After(e.session.LastSeen) {
		return e.seen
	}
	return e.session.LastSeen
}

// remove takes e out; f will not be called unless it has been already.
func (w *watches) remove(e *watch) {
	s := w.shard(e.session.Handle)
	s.mu.Lock()
	defer s.mu.Unlock()
	e.timer.Stop()
	set := s.of[e.session.Handle]
	delete(set, e)
	if len(set) == 0 {
		delete(s.of, e.session.Handle)
	}
}

// fire calls everybody who watches h, once, each in a goroutine of its own.
func (w *watches) fire(h Handle) {
	s := w.shard(h)
	s.mu.Lock()
	set := s.of[h]
	delete(s.of, h)
	for e := range set {
		e.timer.Stop()
	}
	s.mu.Unlock()
	for e := range set {
		go e.f()
	}
}

// look has the streams of h ask the store again; with the zero Handle those of all
// sessions, over a while, because the store has just come back.
func (w *watches) look(h Handle) {
	if h != (Handle{}) {
		s := w.shard(h)
		s.mu.Lock()
		defer s.mu.Unlock()
		for e := range s.of[h] {
			e.timer.Reset(0)
		}
		return
	}
	for i := range w.shards {
		w.shards[i].lookAll()
	}
}

func (s *watchShard) lookAll() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, set := range s.of {
		for e := range set {
			e.timer.Reset(rand.N(lookAllWithin))
		}
	}
}

// OnEnd calls f once, in a goroutine of its own, when s ends by anything that
// this process knows: a sign-out or a new sign-in here, the absolute and the
// idle limit, an eviction. It also asks the store after half a second and at each limit, and
// whenever a Notifier says that the record changed, so that a session that was
// ended by another process is noticed at once, or by then. stop releases what
// OnEnd holds, and f is not called unless the end came first. It is meant for
// streams and calls, not for every request.
func (m *Manager) OnEnd(s *Session, f func()) (stop func()) {
	e := &watch{session: s, f: f}
	// Soon, because s may have ended since the caller got it.
	m.watches.add(e, func() { m.watched(e) })
	return func() { m.watches.remove(e) }
}

// watched looks whether the session of e goes on, and until when.
func (m *Manager) watched(e *watch) {
	if m.carried != nil {
		m.watchedCarried(e)
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), finishWithin)
	defer cancel()
	h, now := e.session.Handle, m.now()
	rec, err := m.store.get(ctx, h)
	switch {
	case errors.Is(err, ErrNotFound), !now.Before(e.session.ExpiresAt):
		m.watches.fire(h)
	case err != nil:
		m.watches.rearm(e, min(watchRetry, e.session.ExpiresAt.Sub(now)))
	default:
		s := m.timed(*e.session, rec.LastSeen)
		if ended(s, now) != "" {
			m.watches.fire(h)
			return
		}
		m.watches.rearm(e, storeUntil(s).Sub(now))
	}
}
