package session

import (
	"context"
	"errors"
	"net/http"
	"time"
)

// freshTicket is how young a ticket is whose missing session means that the
// sign-in did not hold.
const freshTicket = 30 * time.Second

// Authenticate returns the session of a request and counts as its use. Without
// one the error is a *NoSessionError; when the store could not say, it is a
// *StoreError.
//
// The store is asked every time, so that a sign-out holds at once. Use is
// written down at most every sixtieth of the idle limit (at least a second), so
// LastSeen is coarse by that much, and a session ends up to that much after the
// idle limit, never before it.
func (m *Manager) Authenticate(r *http.Request) (*Session, error) {
	return m.fromRequest(r, true)
}

// Peek is Authenticate that never prolongs the idle time.
func (m *Manager) Peek(r *http.Request) (*Session, error) {
	return m.fromRequest(r, false)
}

func (m *Manager) fromRequest(r *http.Request, use bool) (*Session, error) {
	found := findCookie(r.Header, m.cookies.session, maxTicketValue)
	if !found.sent {
		return nil, &NoSessionError{Why: NoCookie}
	}
	var refusal *NoSessionError
	for _, value := range found.all() {
		s, err := m.fromValue(r.Context(), value, use)
		if err == nil {
			return s, nil
		}
		no, ok := errors.AsType[*NoSessionError](err)
		if !ok {
			return nil, err
		}
		if refusal == nil || refusal.Why == CookieInvalid {
			refusal = no
		}
	}
	if refusal == nil {
		refusal = &NoSessionError{Why: CookieInvalid}
	}
	return nil, refusal
}

// fromValue returns the session that one cookie value opens.
func (m *Manager) fromValue(ctx context.Context, value string, use bool) (*Session, error) {
	now, keys := m.now(), m.keys.current.Load()
	o := m.cache.get(value, keys.generation)
	if o == nil {
		t, ok := openTicket(keys, m.cookies.session, value)
		if !ok {
			m.cache.drop(value)
			return nil, &NoSessionError{Why: CookieInvalid}
		}
		o = &opened{generation: keys.generation, ticket: t, handle: t.handle()}
	}
	rec, err := m.store.get(ctx, o.handle)
	if errors.Is(err, ErrNotFound) {
		m.cache.drop(value)
		return nil, m.gone(o, now)
	}
	if err != nil {
		return nil, err
	}
	if o.session == nil || o.version != rec.Version {
		if o, err = m.openRecord(o, rec); err != nil {
			m.logger.ErrorContext(ctx, "session record cannot be opened; the person has to sign in again",
				"session", o.handle, "error", err)
			return nil, &NoSessionError{Why: SessionGone}
		}
		m.cache.put(value, o, now)
	}
	if why := ended(o.session, now); why != "" {
		m.cache.drop(value)
		m.expire(ctx, o.handle, why)
		return nil, &NoSessionError{Why: why}
	}
	if use && now.Unix() >= o.nextUse.Load() {
		return m.used(ctx, value, o, rec, now)
	}
	return o.session, nil
}

// openRecord returns what o becomes with that record; on an error, o itself.
func (m *Manager) openRecord(o *opened, rec Record) (*opened, error) {
	s, err := openSession(&o.ticket, rec.Sealed)
	if err != nil {
		return o, err
	}
	return m.withRecord(o, s, rec.Version, rec.LastSeen), nil
}

// withRecord returns a copy of o that holds s at that version.
func (m *Manager) withRecord(o *opened, s *Session, version uint64, lastSeen time.Time) *opened {
	next := &opened{
		generation: o.generation, version: version,
		ticket: o.ticket, handle: o.handle,
		session: m.timed(*s, lastSeen),
	}
	next.nextUse.Store(lastSeen.Add(m.useEvery).Unix())
	return next
}

// gone explains a session that the store does not know.
func (m *Manager) gone(o *opened, now time.Time) *NoSessionError {
	created := time.Unix(o.ticket.created, 0)
	switch {
	case o.session != nil && ended(o.session, now) != "":
		return &NoSessionError{Why: ended(o.session, now)}
	case now.Sub(created) > m.maxAge:
		return &NoSessionError{Why: SessionAged}
	case now.Sub(created) < freshTicket:
		return &NoSessionError{Why: SessionGone, Attempt: int(o.ticket.attempt) + 1}
	}
	return &NoSessionError{Why: SessionGone}
}

// ended says which limit s has reached, if any.
func ended(s *Session, now time.Time) NoSession {
	switch {
	case !now.Before(s.ExpiresAt):
		return SessionAged
	case !s.IdleAt.IsZero() && !now.Before(s.IdleAt):
		return SessionIdle
	}
	return ""
}
