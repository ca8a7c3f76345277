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
	return eachCandidate(m, r, func(value string) (*Session, error) {
		now := m.now()
		o, rec, err := m.find(r.Context(), value, now)
		if err != nil {
			return nil, err
		}
		if use && now.Unix() >= o.nextUse.Load() {
			if o, err = m.used(r.Context(), value, o, rec, now); err != nil {
				return nil, err
			}
		}
		if due := o.session.RefreshAt; use && (!due.IsZero() && !now.Before(due) || m.outdated(o.session, now)) {
			return m.keepUp(r.Context(), o, now)
		}
		return o.session, nil
	})
}

// lookup is Peek for those who need the ticket, too.
func (m *Manager) lookup(r *http.Request) (*opened, error) {
	return eachCandidate(m, r, func(value string) (*opened, error) {
		o, _, err := m.find(r.Context(), value, m.now())
		return o, err
	})
}

// eachCandidate tries the session cookies of a request until one opens a session.
// A store that could not say ends the search: its session may be the right one.
func eachCandidate[T any](m *Manager, r *http.Request, try func(value string) (T, error)) (none T, _ error) {
	found := findCookie(r.Header, m.cookies.session, maxTicketValue)
	if !found.sent {
		return none, &NoSessionError{Why: NoCookie}
	}
	var refusal *NoSessionError
	for _, value := range found.all() {
		result, err := try(value)
		if err == nil {
			return result, nil
		}
		no, ok := errors.AsType[*NoSessionError](err)
		if !ok {
			return none, err
		}
		if refusal == nil || refusal.Why == CookieInvalid {
			refusal = no
		}
	}
	if refusal == nil {
		refusal = &NoSessionError{Why: CookieInvalid}
	}
	return none, refusal
}

// find opens the session that one cookie value stands for, as the store has it now.
func (m *Manager) find(ctx context.Context, value string, now time.Time) (*opened, Record, error) {
	keys := m.keys.current.Load()
	o := m.cache.get(value, keys.generation)
	if o == nil {
		t, ok := openTicket(keys, m.cookies.session, value)
		if !ok {
			m.cache.drop(value)
			return nil, Record{}, &NoSessionError{Why: CookieInvalid}
		}
		o = &opened{generation: keys.generation, ticket: t, handle: t.handle()}
	}
	rec, err := m.store.get(ctx, o.handle)
	if errors.Is(err, ErrNotFound) {
		m.cache.drop(value)
		return nil, Record{}, m.gone(o, now)
	}
	if err != nil {
		return nil, Record{}, err
	}
	if m.stale(o, rec) {
		if o, err = m.openRecord(o, rec); err != nil {
			m.logger.ErrorContext(ctx, "session record cannot be opened; the person has to sign in again",
				"session", o.handle, "error", err)
			return nil, Record{}, &NoSessionError{Why: SessionGone}
		}
		m.cache.put(value, o, now)
	}
	if why := ended(o.session, now); why != "" {
		m.cache.drop(value)
		m.expire(ctx, o.session, why)
		return nil, Record{}, &NoSessionError{Why: why}
	}
	return o, rec, nil
}

// stale reports whether o does not hold the session of rec. A version says so, but
// not where requests bring records that were written beside each other.
func (m *Manager) stale(o *opened, rec Record) bool {
	if o.session == nil || o.version != rec.Version {
		return true
	}
	return m.carried != nil && (o.seal != sealOf(rec.Sealed) || !o.session.LastSeen.Equal(rec.LastSeen))
}

// openRecord returns what o becomes with that record; on an error, o itself. A record
// of which only the times have changed is not opened again.
func (m *Manager) openRecord(o *opened, rec Record) (*opened, error) {
	s, seal := o.session, sealOf(rec.Sealed)
	if s == nil || o.seal != seal {
		var err error
		if s, err = openSession(&o.ticket, rec.Sealed); err != nil {
			return o, err
		}
	}
	next := m.withRecord(o, s, rec.Version, rec.LastSeen)
	next.seal = seal
	return next, nil
}

// withRecord returns a copy of o that holds s at that version.
func (m *Manager) withRecord(o *opened, s *Session, version uint64, lastSeen time.Time) *opened {
	next := &opened{
		generation: o.generation, version: version, seal: o.seal,
		ticket: o.ticket, handle: o.handle,
	}
	fresh := *s
	if fresh.Memo == nil && o.session != nil {
		fresh.Memo = o.session.Memo
	}
	next.session = m.timed(fresh, lastSeen)
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
