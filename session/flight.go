package session

import (
	"errors"
	"sync"
	"time"
)

const (
	flightShards = 64
	// flightTidy is how many entries of a shard make it look for those that have
	// nothing to say any more.
	flightTidy = 256
	// sessionRests is how long a session is not tried again after the provider
	// failed; sessionRestsMost is for further failures in a row. With a breaker before
	// it, a dead provider is not hammered.
	sessionRests     = 30 * time.Second
	sessionRestsMost = time.Minute
	// misconfiguredRests is the same after the provider refused this client:
	// only an operator can change that.
	misconfiguredRests = time.Minute
	maxRest            = 10 * time.Minute // whatever Retry-After says
	// alarmEvery is how often the log says that the provider refuses this client,
	// whatever the number of sessions.
	alarmEvery = time.Minute
)

// flight is one refresh under way. known is closed once its outcome is: session
// or err is then set. It may still be under way, storing.
type flight struct {
	begun   time.Time
	known   chan struct{}
	session *Session
	err     error
}

// over reports whether the outcome is known.
func (f *flight) over() bool {
	select {
	case <-f.known:
		return true
	default:
		return false
	}
}

// flights sees to it that each session has at most one refresh under way in this
// process, and remembers which sessions to leave alone. It is safe for concurrent
// use; no lock is shared by all sessions.
type flights struct {
	healths healths // of the providers
	shards  [flightShards]flightShard
}

type flightShard struct {
	mu sync.Mutex
	of map[Handle]*refreshState
}

// refreshState is what is known of one session's refreshes.
type refreshState struct {
	under  *flight       // nil: none is under way
	rest   time.Time     // not tried again before
	forced time.Time     // nor by force before
	failed *RefreshError // the last failure; nil = the store failed, not the provider
	tries  int           // failures in a row
}

// restsUntil is when the session may be tried again.
func (s *refreshState) restsUntil(forced bool) time.Time {
	if forced {
		return s.forced
	}
	return s.rest
}

func newFlights() *flights {
	f := &flights{}
	for i := range f.shards {
		f.shards[i].of = make(map[Handle]*refreshState)
	}
	return f
}

func (f *flights) shard(h Handle) *flightShard { return &f.shards[h[0]%flightShards] }

// begin joins the refresh of a session that is under way, or starts one. It
// returns nil while the session or the provider is being left alone. A forced
// refresh cuts the session's rest short, but not what the provider asked for.
func (f *flights) begin(m *Manager, o *opened, now time.Time, forced bool) *flight {
	s := f.shard(o.handle)
	s.mu.Lock()
	defer s.mu.Unlock()
	state := s.of[o.handle]
	if state != nil && state.under != nil {
		return state.under
	}
	if state != nil && now.Before(state.restsUntil(forced)) || !f.healths.at(o.session.IdP).breaker.allows(now) {
		return nil
	}
	if state == nil {
		s.tidy(now)
		state = &refreshState{}
		s.of[o.handle] = state
	}
	state.under = &flight{begun: now, known: make(chan struct{})}
	under := state.under
	m.background.Go(func() {
		m.refresh(o, under)
		f.end(o.handle, under, m.now())
	})
	return under
}

// tidy drops what is neither under way nor resting. The caller holds the lock.
func (s *flightShard) tidy(now time.Time) {
	if len(s.of) < flightTidy {
		return
	}
	for h, state := range s.of {
		if state.under == nil && !now.Before(state.rest) && !now.Before(state.forced) {
			delete(s.of, h)
		}
	}
}

// end notes how a refresh went.
func (f *flights) end(h Handle, fl *flight, now time.Time) {
	s := f.shard(h)
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, none := errors.AsType[*NoSessionError](fl.err); none || fl.err == nil {
		delete(s.of, h)
		return
	}
	state := s.of[h]
	state.under, state.forced = nil, now.Add(forcedEvery)
	failed, ok := errors.AsType[*RefreshError](fl.err)
	if !ok {
		return // the store's business
	}
	state.failed = failed
	state.tries++
	rest := sessionRests
	switch {
	case failed.Outcome == RefreshMisconfigured:
		rest = misconfiguredRests
	case state.tries > 1:
		rest = sessionRestsMost
	}
	asked := min(failed.RetryAfter, maxRest)
	state.rest = now.Add(max(rest, asked))
	state.forced = now.Add(max(forcedEvery, asked))
}

// whyResting is why begin starts no refresh.
func (f *flights) whyResting(h Handle) *RefreshError {
	if failed := f.lastFailure(h); failed != nil {
		return failed
	}
	return &RefreshError{Outcome: RefreshUnavailable, Err: errProviderRests}
}

// lastFailure is why a session was not renewed when it was last tried; nil when
// that is not known.
func (f *flights) lastFailure(h Handle) *RefreshError {
	s := f.shard(h)
	s.mu.Lock()
	defer s.mu.Unlock()
	if state := s.of[h]; state != nil {
		return state.failed
	}
	return nil
}
