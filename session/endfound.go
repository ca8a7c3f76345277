package session

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/sallyport/sallyport/internal/reqid"
)

// endFoundWithin bounds how long sessions that were found are ended for, which
// goes on when whoever asked for it has gone away.
const endFoundWithin = 30 * time.Second

// errNotFoundOut accompanies the error of a store that could not say what there is
// to end.
var errNotFoundOut = errors.New("which sessions there are is not known")

// Revoker is the protocol's part of ending a session that its browser did not sign
// out of.
type Revoker interface {
	// Revoke has the provider revoke the tokens of s, which has ended. It returns
	// at once.
	Revoke(s *Session)
}

// EndSID ends every session that began in one of the provider's own sessions, and
// returns how many. The error is a *StoreError, then some may live on until this
// process reaches the store, or ErrNoIndex.
func (m *Manager) EndSID(ctx context.Context, issuer, sid string, why Reason) (int, error) {
	return m.endAtIdP(ctx, bySID(issuer, sid), why)
}

// EndSubject ends every session of one person at one provider; otherwise it is as
// EndSID.
func (m *Manager) EndSubject(ctx context.Context, issuer, subject string, why Reason) (int, error) {
	return m.endAtIdP(ctx, bySubject(issuer, subject), why)
}

// endAtIdP ends what the provider has ended. It does not say so twice, so what the
// store does not find now is ended later, without what has begun since.
func (m *Manager) endAtIdP(ctx context.Context, of facet, why Reason) (int, error) {
	asked := m.now()
	begun := func(l located) bool { return !l.note.CreatedAt.After(asked) }
	n, err := m.endFacet(ctx, of, begun, why)
	if errors.Is(err, errNotFoundOut) {
		id := reqid.From(ctx)
		m.later(slog.String("sessions_of", of.kind), func(ctx context.Context) error {
			_, err := m.endFacet(reqid.With(ctx, id), of, begun, why)
			if errors.Is(err, errNotFoundOut) {
				return err
			}
			return nil // each of those found is tried by itself
		})
	}
	return n, err
}

// EndUser ends every session of whoever is called that, as OfUser finds them, and
// returns how many. The error is a *StoreError or ErrNoIndex.
func (m *Manager) EndUser(ctx context.Context, user string, why Reason) (int, error) {
	return m.endFacet(ctx, byUser(user), nil, why)
}

// EndOwn ends one session of the person whose session the request has, and reports
// whether there was one: a session of anybody else is none. The error is a
// *NoSessionError, a *StoreError, or ErrNoIndex.
func (m *Manager) EndOwn(r *http.Request, h Handle, why Reason) (bool, error) {
	n, err := m.endOwn(r, why, func(l located, _ *Session) bool { return l.Handle == h })
	return n > 0, err
}

// EndOthers ends every session of the person whose session the request has, but
// that one, and returns how many. The errors are those of EndOwn.
func (m *Manager) EndOthers(r *http.Request, why Reason) (int, error) {
	return m.endOwn(r, why, func(l located, current *Session) bool { return l.Handle != current.Handle })
}

func (m *Manager) endOwn(r *http.Request, why Reason, choose func(l located, current *Session) bool) (int, error) {
	s, err := m.Peek(r)
	if err != nil {
		return 0, err
	}
	return m.endFacet(r.Context(), bySubject(s.Identity.Issuer, s.Identity.Subject),
		func(l located) bool { return choose(l, s) }, why)
}

// EndHandle ends one session, and reports whether there was one. The error is a
// *StoreError.
func (m *Manager) EndHandle(ctx context.Context, h Handle, why Reason) (bool, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), finishWithin)
	defer cancel()
	if _, err := m.store.get(ctx, h); err != nil {
		if errors.Is(err, ErrNotFound) {
			m.watches.fire(h)
			return false, nil
		}
		return false, err
	}
	return true, m.endHandle(ctx, h, "", why)
}

// endFacet ends the sessions of a facet that are chosen; nil chooses all. It tries
// every one, whatever becomes of the others.
func (m *Manager) endFacet(ctx context.Context, of facet, choose func(located) bool, why Reason) (n int, _ error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), endFoundWithin)
	defer cancel()
	found, err := m.locate(ctx, of)
	if err != nil {
		return 0, errors.Join(err, errNotFoundOut)
	}
	var failed error
	for _, l := range found {
		if choose != nil && !choose(l) {
			continue
		}
		if err := m.endHandle(ctx, l.Handle, l.note.Subject, why); err != nil {
			failed = err
			continue
		}
		n++
	}
	return n, failed
}

// endHandle deletes a record, and has the provider revoke its tokens if this
// process has it opened: they are sealed under a key that only the browser keeps.
// subject is whose it is, "" if only that would tell.
func (m *Manager) endHandle(ctx context.Context, h Handle, subject string, why Reason) error {
	o := m.cache.remove(h)
	if subject == "" {
		subject = o.subject()
	}
	// A front-channel logout comes from a browser, so it takes nothing else along.
	if o != nil && why != EndedByFrontChannel {
		m.revoke(o.session)
	}
	if err := m.store.delete(ctx, h); err != nil {
		m.endLater(ctx, h, subject, why)
		return err
	}
	m.ended(ctx, h, subject, why)
	return nil
}

// revoke has the provider revoke what a session that is over still has of it.
func (m *Manager) revoke(s *Session) {
	if m.revoker != nil {
		m.revoker.Revoke(s)
	}
}

// endLater has a session end once the store answers again. For the streams here it
// is over already.
func (m *Manager) endLater(asked context.Context, h Handle, subject string, why Reason) {
	m.watches.fire(h)
	m.later(slog.Any("session", h), func(ctx context.Context) error {
		if err := m.store.delete(ctx, h); err != nil {
			return err
		}
		m.ended(context.WithoutCancel(asked), h, subject, why)
		return nil
	})
}
