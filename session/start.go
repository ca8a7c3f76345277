package session

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"
)

// finishWithin bounds the store's part of a sign-out, which goes on when the
// browser has gone away.
const finishWithin = 5 * time.Second

// maxCleared bounds how many cookies one sign-out clears.
const maxCleared = 32

// Start begins a session for somebody who has just signed in: always with a new
// id and key, whatever the browser brought along, so that nobody can fix it
// beforehand. The browser's previous session ends. The cookie is added to the
// answer once the store has the session; the error is a *StoreError when it
// does not, and then the browser keeps what it has; a *NotBoundError when
// Config.RequireBound refuses the session.
func (m *Manager) Start(w http.ResponseWriter, r *http.Request, l Login) (*Session, error) {
	if l.Identity.Subject == "" {
		return nil, errors.New("starting session: the identity has no subject")
	}
	if m.requireBound && l.Grant.Mode != ModeFull {
		return nil, &NotBoundError{Mode: l.Grant.Mode}
	}
	now := m.now()
	if l.Grant.ObtainedAt.IsZero() {
		l.Grant.ObtainedAt = now
	}
	t := newTicket(now, l.Attempt, whoseOf(l.Identity.Issuer, l.Identity.Subject))
	s := m.timed(Session{
		Handle: t.handle(), IdP: l.IdP, Identity: l.Identity, Grant: l.Grant, CreatedAt: now.UTC().Round(0),
	}, now.Truncate(time.Second))
	sealed, err := m.seal(&t, s)
	if err != nil {
		return nil, fmt.Errorf("starting session: %w", err)
	}
	value, err := t.seal(m.keys.current.Load(), m.cookies.session)
	if err != nil {
		return nil, fmt.Errorf("starting session: %w", err)
	}
	rec := Record{Sealed: sealed, LastSeen: s.LastSeen, ExpiresAt: storeUntil(s)}
	if err := m.create(r, s, rec); err != nil {
		return nil, err
	}
	m.cookies.setSession(w, value)
	m.forgetAccount(w, r)
	m.remember(w, r, s.IdP)
	if _, err := m.endAll(r, EndedByNewOne); err != nil {
		m.logger.WarnContext(r.Context(), "previous session of this browser not deleted; it ends by its own limits", "error", err)
	}
	return s, nil
}

// create stores a new session, to be found later if the store can.
func (m *Manager) create(r *http.Request, s *Session, rec Record) error {
	if !m.Finds() {
		return m.store.create(r.Context(), s.Handle, rec)
	}
	marks, err := m.marks(r, s)
	if err != nil {
		return fmt.Errorf("starting session: %w", err)
	}
	return m.store.createMarked(r.Context(), s.Handle, rec, marks, s.ExpiresAt)
}

// End signs the browser of a request out. It clears our cookies in the answer
// always, and returns the session that ended, nil if there was none. The error
// is a *StoreError when the store did not confirm: the session may then live on
// for whoever else has its cookie, until this process reaches the store.
func (m *Manager) End(w http.ResponseWriter, r *http.Request, why Reason) (*Session, error) {
	m.clearAll(w, r)
	return m.endAll(r, why)
}

// clearAll clears the session cookie and whatever else of ours was sent.
func (m *Manager) clearAll(w http.ResponseWriter, r *http.Request) {
	m.cookies.clear(w, m.cookies.session)
	cleared := map[string]bool{m.cookies.session: true}
	for name := range cookies(r.Header) {
		if !m.cookies.Owns(name) || cleared[name] || name == m.cookies.session+providerName {
			continue
		}
		m.cookies.clear(w, name)
		cleared[name] = true
		if len(cleared) == maxCleared {
			return
		}
	}
}

// endAll deletes every session whose cookie the request carries and returns the
// first.
func (m *Manager) endAll(r *http.Request, why Reason) (first *Session, err error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), finishWithin)
	defer cancel()
	found := findCookie(r.Header, m.cookies.session, maxTicketValue)
	for _, value := range found.all() {
		s, endErr := m.endValue(ctx, value, why)
		err = errors.Join(err, endErr)
		if first == nil {
			first = s
		}
	}
	return first, err
}

func (m *Manager) endValue(ctx context.Context, value string, why Reason) (*Session, error) {
	keys := m.keys.current.Load()
	o := m.cache.get(value, keys.generation)
	m.cache.drop(value)
	if o == nil {
		t, ok := openTicket(keys, m.cookies.session, value)
		if !ok {
			return nil, nil
		}
		o = &opened{generation: keys.generation, ticket: t, handle: t.handle()}
	}
	rec, err := m.store.get(ctx, o.handle)
	if errors.Is(err, ErrNotFound) {
		m.watches.fire(o.handle)
		return nil, nil
	}
	if err == nil && m.stale(o, rec) {
		if o, err = m.openRecord(o, rec); err != nil {
			m.logger.WarnContext(ctx, "session record cannot be opened; it is deleted all the same", "session", o.handle, "error", err)
		}
	}
	if err := m.store.delete(ctx, o.handle); err != nil {
		m.endLater(ctx, o.handle, o.subject(), why)
		return o.session, err
	}
	m.ended(ctx, o.handle, o.subject(), why)
	return m.latest(o.session), nil
}
