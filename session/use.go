package session

import (
	"context"
	"errors"
	"time"
)

// used writes down that o is in use, unless another request of this process is
// about to.
func (m *Manager) used(ctx context.Context, value string, o *opened, rec Record, now time.Time) (*opened, error) {
	due := o.nextUse.Load()
	if now.Unix() < due || !o.nextUse.CompareAndSwap(due, now.Add(m.useEvery).Unix()) {
		return o, nil
	}
	s := m.timed(*o.session, now.Truncate(time.Second))
	// A browser that goes away must not take the note of its visit along.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), finishWithin)
	defer cancel()
	err := m.store.replace(ctx, o.handle, Record{
		Version: rec.Version, Sealed: rec.Sealed, LastSeen: s.LastSeen, ExpiresAt: storeUntil(s),
	})
	switch {
	case err == nil:
		next := m.withRecord(o, s, rec.Version+1, s.LastSeen)
		m.cache.put(value, next, now)
		if m.carried != nil {
			m.watches.use(o.handle, s.LastSeen)
		}
		return next, nil
	case errors.Is(err, ErrNotFound):
		m.cache.drop(value)
		return nil, &NoSessionError{Why: SessionGone}
	case !errors.Is(err, ErrConflict): // a conflict: another replica wrote the same
		m.logger.WarnContext(ctx, "use of a session not written down; it may end early if the store stays like this",
			"session", o.handle, "error", err)
		o.nextUse.Store(now.Add(time.Second).Unix())
	}
	return o, nil
}

// Touch counts activity on an open stream as use of its session. The error is a
// *NoSessionError once the session has ended, anywhere, or a *StoreError. It
// asks the store each time: once a minute is often enough.
func (m *Manager) Touch(ctx context.Context, s *Session) error {
	now := m.now()
	if m.carried != nil {
		return m.touchCarried(s, now)
	}
	rec, err := m.store.get(ctx, s.Handle)
	if errors.Is(err, ErrNotFound) {
		return &NoSessionError{Why: SessionGone}
	}
	if err != nil {
		return err
	}
	seen := m.timed(*s, rec.LastSeen)
	if why := ended(seen, now); why != "" {
		m.expire(ctx, s, why)
		return &NoSessionError{Why: why}
	}
	if now.Sub(rec.LastSeen) < m.useEvery {
		return nil
	}
	seen = m.timed(*s, now.Truncate(time.Second))
	rec.LastSeen, rec.ExpiresAt = seen.LastSeen, storeUntil(seen)
	err = m.store.replace(ctx, s.Handle, rec)
	switch {
	case errors.Is(err, ErrNotFound):
		return &NoSessionError{Why: SessionGone}
	case errors.Is(err, ErrConflict):
		return nil
	}
	return err
}

// expire deletes a session that is past a limit which its store does not know:
// the configured limits were lowered, or the store is late.
func (m *Manager) expire(ctx context.Context, s *Session, why NoSession) {
	if err := m.store.delete(ctx, s.Handle); err != nil {
		m.logger.WarnContext(ctx, "expired session not deleted; the store forgets it later", "session", s.Handle, "error", err)
		return
	}
	reason := EndedByIdle
	if why == SessionAged {
		reason = EndedByAge
	}
	m.ended(ctx, s.Handle, s.Identity.Subject, reason)
}
