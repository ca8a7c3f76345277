package session

import (
	"context"
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
	// failed: with a breaker before it, a dead provider is not hammered.
	sessionRests = 30 * time.Second
	// misconfiguredRests is the same after the provider refused this client:
	// only an operator can change that.
	misconfiguredRests = time.Minute
	maxRest            = 10 * time.Minute // whatever Retry-After says
)

// flight is one refresh under way. known is closed once its outcome is: session
// or err is then set. It may still be under way, storing.
type flight struct {
	known   chan struct{}
	session *Session
	err     error
}

// flights sees to it that each session has at most one refresh under way in this
// process, and remembers which sessions to leave alone. It is safe for concurrent
// use; no lock is shared by all sessions.
type flights struct {
	breaker breaker
	running sync.WaitGroup
	shards  [flightShards]flightShard
}

type flightShard struct {
	mu sync.Mutex
	of map[Handle]*refreshState
}

// refreshState is what is known of one session's refreshes.
type refreshState struct {
	under   *flight   // nil: none is under way
	rest    time.Time // not tried again before
	outcome RefreshOutcome
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
// returns nil while the session or the provider is being left alone; a forced
// refresh heeds only the provider's rest.
func (f *flights) begin(m *Manager, o *opened, now time.Time, forced bool) *flight {
	s := f.shard(o.handle)
	s.mu.Lock()
	defer s.mu.Unlock()
	state := s.of[o.handle]
	if state != nil && state.under != nil {
		return state.under
	}
	if state != nil && !forced && now.Before(state.rest) || !f.breaker.allows(now) {
		return nil
	}
	if state == nil {
		s.tidy(now)
		state = &refreshState{}
		s.of[o.handle] = state
	}
	state.under = &flight{known: make(chan struct{})}
	under := state.under
	f.running.Go(func() {
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
		if state.under == nil && !now.Before(state.rest) {
			delete(s.of, h)
		}
	}
}

// end notes how a refresh went.
func (f *flights) end(h Handle, fl *flight, now time.Time) {
	s := f.shard(h)
	s.mu.Lock()
	defer s.mu.Unlock()
	state := s.of[h]
	failed, ok := errors.AsType[*RefreshError](fl.err)
	if !ok {
		delete(s.of, h) // renewed, ended, or the store's business
		return
	}
	state.under, state.outcome = nil, failed.Outcome
	rest := sessionRests
	if failed.Outcome == RefreshMisconfigured {
		rest = misconfiguredRests
	}
	state.rest = now.Add(min(max(rest, failed.RetryAfter), maxRest))
}

// misconfigured reports whether the provider refused this client when the session
// was last refreshed.
func (f *flights) misconfigured(h Handle) bool {
	s := f.shard(h)
	s.mu.Lock()
	defer s.mu.Unlock()
	state := s.of[h]
	return state != nil && state.outcome == RefreshMisconfigured
}

// wait returns when no refresh is under way, or with ctx.
func (f *flights) wait(ctx context.Context) error {
	done := make(chan struct{})
	go func() { f.running.Wait(); close(done) }()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
