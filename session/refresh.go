package session

import (
	"context"
	"errors"
	"net/http"
	"time"
)

const (
	// refreshWait is how long a request whose access token has expired waits for
	// the refresh, and then goes on by the rules of the grace period.
	refreshWait = 10 * time.Second
	// refreshUnknown is how often a grant is refreshed whose provider does not
	// say how long its access tokens live.
	refreshUnknown = 5 * time.Minute
	// refreshMargin is the least time that an early refresh leaves itself before
	// the access token expires, where the token lives long enough for that.
	refreshMargin = 30 * time.Second
	// forcedEvery is how often, at most, a forced refresh asks the provider.
	forcedEvery = 5 * time.Second
)

// GrantExpired reports whether the access token of s is past its lifetime, so
// that it should not be handed on. A provider that gave no lifetime is believed
// until the next refresh says otherwise.
func (s *Session) GrantExpired(now time.Time) bool {
	return !s.Grant.ExpiresAt.IsZero() && !now.Before(s.Grant.ExpiresAt)
}

// refreshAt is when the grant of s is renewed early: after 70 to 85 percent of
// the access token's life, but 30 seconds before its end where that leaves half
// of it, or after SALLYPORT_SESSION_REFRESH if that comes first. The handle
// decides where in that span, so that sessions which began together do not all
// refresh together, and every replica means the same moment. The zero time means
// never.
func (m *Manager) refreshAt(s *Session) time.Time {
	g := &s.Grant
	if m.refresher == nil || g.RefreshToken.IsEmpty() {
		return time.Time{}
	}
	obtained := g.ObtainedAt
	if obtained.IsZero() {
		obtained = s.CreatedAt // of a record from before grants said so
	}
	spread := time.Duration(s.Handle[1]) // 0 to 255
	life := refreshUnknown
	if !g.ExpiresAt.IsZero() {
		life = max(g.ExpiresAt.Sub(obtained), 0)
	}
	at := life*7/10 + life*15/100*spread/255
	if life >= 2*refreshMargin {
		at = min(at, life-refreshMargin)
	}
	if m.refreshEvery > 0 {
		at = min(at, m.refreshEvery*9/10+m.refreshEvery/10*spread/255)
	}
	return obtained.Add(at)
}

// keepUp is the way of a request whose session is due for a refresh. While the
// access token is good the refresh goes on beside the request; only once it has
// expired does the request wait. A renewal that is known but not yet stored serves
// at once.
func (m *Manager) keepUp(ctx context.Context, o *opened, now time.Time) (*Session, error) {
	if m.carried != nil {
		return m.keepUpCarried(ctx, o, now)
	}
	s := o.session
	f := m.refreshes.begin(m, o, now, false)
	switch {
	case f == nil:
		return m.unrefreshed(s, now, nil)
	case f.over():
	case !s.GrantExpired(now):
		return s, nil
	default:
		err := f.wait(ctx)
		waited := m.now()
		m.metrics.refreshWait.Observe(waited.Sub(now).Seconds())
		if err != nil {
			return m.unrefreshed(s, waited, nil)
		}
		now = waited
	}
	if none, ok := errors.AsType[*NoSessionError](f.err); ok {
		return nil, none
	}
	if f.err == nil {
		s = f.session
	}
	return m.unrefreshed(s, now, f.err)
}

// unrefreshed decides about a session that was not renewed just now, because of
// err if that is known. While its access token is good there is nothing to decide.
// After that, an outage is not a logout: the session goes on for the grace period.
// Its record stays even then, so that it lives again if the provider confirms it
// later; until it does, nobody is signed in by it.
//
// Where the provider refuses this client there is no such end, and a store that
// could not say never makes one.
func (m *Manager) unrefreshed(s *Session, now time.Time, err error) (*Session, error) {
	if !s.GrantExpired(now) || now.Before(s.Grant.ExpiresAt.Add(m.grace)) {
		return s, nil
	}
	if down, ok := errors.AsType[*StoreError](err); ok {
		return nil, down
	}
	failed, ok := errors.AsType[*RefreshError](err)
	if !ok {
		failed = m.refreshes.lastFailure(s.Handle)
	}
	if failed != nil && failed.Outcome == RefreshMisconfigured {
		return s, nil
	}
	return nil, &NoSessionError{Why: SessionUnconfirmed}
}

// Refresh renews the grant of a request's session now and returns the session as
// it is afterwards. It joins a refresh that is under way. Within five seconds of the
// last renewal, and of the last failure or for as long as the provider then asked to
// be left alone, it does not ask again and answers the same. The error is a
// *NoSessionError, a *StoreError, or a *RefreshError: then the session goes on.
func (m *Manager) Refresh(r *http.Request) (*Session, error) {
	o, err := m.lookup(r)
	if err != nil {
		return nil, err
	}
	s, now := o.session, m.now()
	if s.RefreshAt.IsZero() {
		return s, nil
	}
	if age := now.Sub(s.Grant.ObtainedAt); age >= 0 && age < forcedEvery {
		return s, nil
	}
	if m.carried != nil {
		if o, err = m.renewCarried(r.Context(), o, now, true); err != nil {
			return nil, err
		}
		return o.session, nil
	}
	f := m.refreshes.begin(m, o, now, true)
	if f == nil {
		return nil, m.refreshes.whyResting(s.Handle)
	}
	if err := f.wait(r.Context()); err != nil {
		return nil, &RefreshError{Outcome: RefreshUnavailable, Err: err}
	}
	return f.session, f.err
}

var (
	errProviderRests = errors.New("the provider failed a moment ago and is left alone for a while")
	errStillAsking   = errors.New("the provider has not answered yet")
)

// wait returns once the outcome is known, with ctx, or after refreshWait.
func (f *flight) wait(ctx context.Context) error {
	timer := time.NewTimer(refreshWait)
	defer timer.Stop()
	select {
	case <-f.known:
		return nil
	case <-timer.C:
		return errStillAsking
	case <-ctx.Done():
		return ctx.Err()
	}
}
