package session

import (
	"context"
	"errors"
	"time"
)

// earlyWait is how long requests wait for the refresh of a session that is Carried
// while its access token is still good: only an answer can take the renewed grant to
// the browser. What comes later leaves with a later answer.
const earlyWait = 2 * time.Second

// keepUpCarried is keepUp with a Carried store.
func (m *Manager) keepUpCarried(ctx context.Context, o *opened, now time.Time) (*Session, error) {
	o, err := m.renewCarried(ctx, o, now, false)
	if none, ok := errors.AsType[*NoSessionError](err); ok {
		return nil, none
	}
	return m.unrefreshed(o.session, m.now(), err)
}

// renewCarried renews o, by this request or another of this process, and has the
// request's answer carry it. Its result is the latest of it that is known, also
// with an error, which is a *NoSessionError or a *RefreshError.
func (m *Manager) renewCarried(ctx context.Context, o *opened, now time.Time, forced bool) (*opened, error) {
	if s := m.renewals.after(o.session, now); s != nil {
		var err error
		if o, err = m.adopt(ctx, o, s); err != nil || s.RefreshAt.IsZero() || now.Before(s.RefreshAt) {
			return o, err
		}
	}
	f := m.refreshes.begin(m, o, now, forced)
	if f == nil {
		return o, m.refreshes.whyResting(o.handle)
	}
	waiting := ctx
	if !forced && !o.session.GrantExpired(now) {
		early, cancel := context.WithTimeout(ctx, earlyWait-now.Sub(f.begun))
		defer cancel()
		waiting = early
	}
	err := f.wait(waiting)
	m.metrics.refreshWait.Observe(m.now().Sub(now).Seconds())
	if err != nil {
		return o, &RefreshError{Outcome: RefreshUnavailable, Err: err}
	}
	if f.err == nil {
		return m.adopt(ctx, o, f.session)
	}
	if _, over := errors.AsType[*NoSessionError](f.err); over {
		m.forgetCarried(ctx, o.handle)
	}
	return o, f.err
}

// outdated reports whether a request brought s although this process has renewed it.
func (m *Manager) outdated(s *Session, now time.Time) bool {
	return m.carried != nil && m.renewals.after(s, now) != nil
}

// forgetCarried has the request's answer clear a session that is over. That it is
// over does not depend on it.
func (m *Manager) forgetCarried(ctx context.Context, h Handle) {
	if err := m.store.delete(context.WithoutCancel(ctx), h); err != nil {
		m.logger.WarnContext(ctx, "the cookies of a session that is over were not cleared", "session", h, "error", err)
	}
}

// adopt has the answer to the request that o came with carry s. Should it not, s is
// kept for a later one.
func (m *Manager) adopt(ctx context.Context, o *opened, s *Session) (*opened, error) {
	next := m.withRecord(o, s, o.version, o.session.LastSeen)
	s = next.session
	sealed, err := m.seal(&o.ticket, s)
	if err == nil {
		err = m.store.replace(context.WithoutCancel(ctx), o.handle, Record{
			Version: o.version, Sealed: sealed, LastSeen: s.LastSeen, ExpiresAt: storeUntil(s),
		})
	}
	now := m.now()
	switch {
	case err == nil:
		next.version++
		next.seal = sealOf(sealed)
		m.renewals.given(s, now)
	case errors.Is(err, ErrNotFound):
		return o, &NoSessionError{Why: SessionGone}
	case m.notGiven.due(now, alarmEvery):
		m.logger.ErrorContext(ctx, "a renewed session could not be given to the browser; it goes on as long as this process remembers it", "session", o.handle, "error", err)
	}
	return next, nil
}

// refreshCarried is refresh with a Carried store: it asks the provider on a context
// of its own, and leaves the record to the requests that wait or come later.
func (m *Manager) refreshCarried(o *opened, f *flight) {
	ctx, cancel := context.WithTimeout(context.Background(), refreshWithin)
	defer cancel()
	start := m.now()
	// A flight that ended just before this one began has done it already.
	if s := m.renewals.after(o.session, start); s != nil {
		m.settle(f, s, nil, outcomeAdopted)
		return
	}
	renewal, err := m.refresher.Refresh(ctx, o.session)
	now := m.now()
	m.metrics.refreshSeconds.Observe(now.Sub(start).Seconds())
	if err != nil {
		m.refreshFailed(o, nil, f, err)
		return
	}
	m.refreshes.healths.at(o.session.IdP).breaker.answered()
	next := *o.session
	next.Identity, next.Grant = renewal.Identity, renewal.Grant
	if next.Grant.ObtainedAt.IsZero() {
		next.Grant.ObtainedAt = now
	}
	// As a record keeps it, so that what comes back is not taken for older.
	next.Grant.ObtainedAt = fromMilli(toMilli(next.Grant.ObtainedAt))
	s := m.timed(next, o.session.LastSeen)
	// In this order: a sign-out looks for it after it has deleted the session.
	m.renewals.put(s, now)
	if m.carried.Deleted(o.handle) {
		m.revoke(s) // the sign-out revoked the old tokens
		m.settle(f, nil, &NoSessionError{Why: SessionGone}, outcomeDropped)
		return
	}
	m.settle(f, s, nil, outcomeRenewed)
}

// latest is what this process knows of a session that has just ended, which may be
// newer than what its request brought.
func (m *Manager) latest(s *Session) *Session {
	if s == nil || m.carried == nil {
		return s
	}
	if renewed := m.renewals.after(s, m.now()); renewed != nil {
		return renewed
	}
	return s
}

// touchCarried is Touch with a Carried store: the answer has begun, so the use is
// noted for the open streams alone.
func (m *Manager) touchCarried(s *Session, now time.Time) error {
	if m.carried.Deleted(s.Handle) {
		return &NoSessionError{Why: SessionGone}
	}
	if !now.Before(s.ExpiresAt) {
		return &NoSessionError{Why: SessionAged}
	}
	m.watches.use(s.Handle, now.Truncate(time.Second))
	return nil
}

// watchedCarried is watched with a Carried store, which cannot be asked without a
// request: it goes by the uses that this process has seen.
func (m *Manager) watchedCarried(e *watch) {
	now := m.now()
	s := m.timed(*e.session, m.watches.lastUse(e))
	if m.carried.Deleted(s.Handle) || ended(s, now) != "" {
		m.watches.fire(s.Handle)
		return
	}
	m.watches.rearm(e, storeUntil(s).Sub(now))
}
