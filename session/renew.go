package session

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"
)

const (
	// refreshWithin bounds one refresh from taking the lock to the provider's
	// answer. Storing the answer has no bound but the session's own end.
	refreshWithin = 45 * time.Second
	// lockFor is how long a lock lasts unless it is renewed: how long the other
	// replicas wait for one that was killed.
	lockFor = 6 * time.Second
	// firstPause to longestPause are those between two looks at a record that
	// another replica is refreshing, and between two attempts to store.
	firstPause   = 50 * time.Millisecond
	longestPause = time.Second
)

// The outcomes of refreshes_total beside those of RefreshError.
const (
	outcomeRenewed = "renewed"
	outcomeAdopted = "adopted" // another replica had done it
	outcomeDropped = "dropped" // the session ended meanwhile
	outcomeUnread  = "store_error"
)

// refresh renews a session's grant, on a context of its own: a client that goes
// away loses nothing. It sets the flight's outcome, and returns once that is
// stored or cannot be.
func (m *Manager) refresh(o *opened, f *flight) {
	if m.carried != nil {
		m.refreshCarried(o, f)
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), refreshWithin)
	defer cancel()
	cur, unlock, err := m.turn(ctx, o)
	if err != nil || cur == nil || newer(cur.session, o.session) {
		outcome := outcomeAdopted
		switch {
		case err == nil && cur == nil:
			outcome, err = outcomeDropped, &NoSessionError{Why: SessionGone}
		case err != nil:
			outcome = outcomeUnread
		}
		var s *Session
		if err == nil {
			s = cur.session
		}
		m.settle(f, s, err, outcome)
		return
	}
	defer unlock()
	start := m.now()
	renewal, err := m.refresher.Refresh(ctx, cur.session)
	m.metrics.refreshSeconds.Observe(m.now().Sub(start).Seconds())
	if err != nil {
		m.refreshFailed(o, cur, f, err)
		return
	}
	m.refreshes.healths.at(cur.session.IdP).breaker.answered()
	m.storeRenewal(o, cur, f, renewal)
}

// settle makes a flight's outcome known.
func (m *Manager) settle(f *flight, s *Session, err error, outcome string) {
	f.session, f.err = s, err
	m.metrics.refreshes.WithLabelValues(outcome).Inc()
	close(f.known)
}

// standing is a record with the session in it.
type standing struct {
	record  Record
	session *Session
}

// newer reports whether a holds a later grant than b.
func newer(a, b *Session) bool {
	return a.Grant.RefreshToken.Reveal() != b.Grant.RefreshToken.Reveal() || a.Grant.ObtainedAt.After(b.Grant.ObtainedAt)
}

// turn waits until it is this replica's turn to refresh, and returns the record as
// it stands then, with the lock's release. It returns without a lock once another
// replica has renewed the grant, and nil once the session is gone.
func (m *Manager) turn(ctx context.Context, o *opened) (*standing, func(), error) {
	locker, shared := m.store.store.(Locker)
	unlock := func() {}
	for pause, locked := firstPause, !shared; ; pause = min(2*pause, longestPause) {
		cur, err := m.stands(ctx, o)
		if err != nil || cur == nil || newer(cur.session, o.session) {
			unlock()
			return cur, func() {}, err
		}
		if locked {
			return cur, unlock, nil
		}
		lock, ok, err := locker.TryLock(ctx, o.handle, lockFor)
		if err != nil {
			return nil, nil, &StoreError{Op: "lock", Err: err}
		}
		if ok {
			// Look at the record once more: whoever had the lock may have renewed
			// the grant.
			unlock, locked = m.hold(lock, o.handle), true
			continue
		}
		if err := sleep(ctx, pause); err != nil {
			return nil, nil, &RefreshError{Outcome: RefreshUnavailable, Err: fmt.Errorf("another replica has been refreshing for %s", refreshWithin)}
		}
	}
}

// stands reads a record; nil without an error says that it is gone. The error is a
// *StoreError.
func (m *Manager) stands(ctx context.Context, o *opened) (*standing, error) {
	rec, err := m.store.get(ctx, o.handle)
	if errors.Is(err, ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	s, err := openSession(&o.ticket, rec.Sealed)
	if err != nil {
		m.logger.ErrorContext(ctx, "session record cannot be opened, nor refreshed; the person has to sign in again", "session", o.handle, "error", err)
		return nil, nil // as Authenticate sees it
	}
	return &standing{record: rec, session: m.timed(*s, rec.LastSeen)}, nil
}

// hold renews a lock until the returned function releases it.
func (m *Manager) hold(lock Lock, h Handle) (unlock func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		for sleep(ctx, lockFor/3) == nil {
			if err := lock.Renew(ctx, lockFor); err != nil && ctx.Err() == nil {
				m.logger.Warn("the lock of a refresh was not renewed; should another replica refresh as well, the store keeps the first", "session", h, "error", err)
			}
		}
	}()
	return func() {
		cancel()
		<-done
		ctx, cancel := context.WithTimeout(context.Background(), finishWithin)
		defer cancel()
		if err := lock.Unlock(ctx); err != nil {
			m.logger.Warn("the lock of a refresh was not released; it ends by itself", "session", h, "error", err)
		}
	}
}

// refreshFailed decides what a failed refresh means, by its type alone.
func (m *Manager) refreshFailed(o *opened, cur *standing, f *flight, err error) {
	failed, ok := errors.AsType[*RefreshError](err)
	if !ok {
		failed = &RefreshError{Outcome: RefreshUnavailable, Err: err}
	}
	now, provider := m.now(), m.refreshes.healths.at(o.session.IdP)
	if failed.Outcome == RefreshUnavailable {
		level := m.logger.Info
		if provider.breaker.failed(o.handle, now) {
			level = m.logger.Error
		}
		level("the provider did not refresh a session; it goes on for SALLYPORT_SESSION_GRACE", "idp", o.session.IdP, "session", o.handle, "error", failed.Err)
		m.settle(f, nil, failed, string(failed.Outcome))
		return
	}
	provider.breaker.answered()
	if failed.Outcome == RefreshEnded {
		m.endedAtIdP(o, cur, f, failed)
		return
	}
	if provider.alarm.due(now, alarmEvery) {
		m.logger.Error("the provider refuses to refresh sessions for this client; they go on, but nobody can sign in. Check SALLYPORT_OIDC_CLIENT_SECRET and SALLYPORT_OIDC_CLIENT_AUTH",
			"idp", o.session.IdP, "session", o.handle, "error", failed.Err)
	}
	m.settle(f, nil, failed, string(failed.Outcome))
}

// endedAtIdP ends a session that the provider has ended, unless somebody else has
// meanwhile stored a newer grant: then the refresh token was not refused but
// spent. While the store cannot say which, nothing ends. cur is nil where no record
// can be looked at again, because the store is Carried.
func (m *Manager) endedAtIdP(o *opened, cur *standing, f *flight, failed *RefreshError) {
	ctx, cancel := context.WithTimeout(context.Background(), finishWithin)
	defer cancel()
	if cur != nil {
		again, err := m.stands(ctx, o)
		switch {
		case err != nil:
			m.settle(f, nil, err, outcomeUnread)
			return
		case again == nil:
			m.settle(f, nil, &NoSessionError{Why: SessionGone}, outcomeDropped)
			return
		case newer(again.session, cur.session):
			m.settle(f, again.session, nil, outcomeAdopted)
			return
		}
	}
	if err := m.store.delete(ctx, o.handle); err != nil {
		m.logger.Warn("a session that ended at the provider was not deleted; the next refresh tries again", "session", o.handle, "cause", failed.Err, "error", err)
	} else {
		m.ended(ctx, o.handle, o.subject(), EndedByIdP, slog.Any("cause", failed.Err))
	}
	m.settle(f, nil, &NoSessionError{Why: SessionEndedAtIdP}, string(RefreshEnded))
}

// storeRenewal stores what a refresh brought. A session that was ended meanwhile
// stays ended. A store that does not answer is asked again until it does: the old
// refresh token may be spent, and this process is the only one to know the new
// one. Requests go on with it meanwhile.
func (m *Manager) storeRenewal(o *opened, cur *standing, f *flight, r Renewal) {
	next := *cur.session
	next.Identity, next.Grant = r.Identity, r.Grant
	if next.Grant.ObtainedAt.IsZero() {
		next.Grant.ObtainedAt = m.now()
	}
	sealed, err := m.seal(&o.ticket, &next)
	if err != nil {
		m.settle(f, nil, &RefreshError{Outcome: RefreshUnavailable, Err: err}, string(RefreshUnavailable))
		return
	}
	s, known := m.timed(next, cur.record.LastSeen), false
	for pause := firstPause; ; pause = min(2*pause, longestPause) {
		s, err = m.tryStoring(o, cur, s, sealed)
		if _, down := errors.AsType[*StoreError](err); !down {
			break
		}
		if !known {
			known = true
			m.logger.Warn("a renewed grant could not be stored; it is kept here until the store answers", "session", o.handle, "error", err)
			m.settle(f, s, nil, outcomeRenewed)
		}
		if !m.now().Before(next.ExpiresAt) {
			return
		}
		_ = sleep(context.Background(), pause)
	}
	if err != nil { // signed out meanwhile, and the sign-out revoked the old tokens
		m.revoke(&next)
	}
	switch {
	case known:
	case err != nil:
		m.settle(f, nil, err, outcomeDropped)
	default:
		m.settle(f, s, nil, outcomeRenewed)
	}
}

// tryStoring writes the renewed session once, whatever else was written to the
// record meanwhile, and returns the session that the store then has. The error is
// a *NoSessionError when it was ended, or a *StoreError.
func (m *Manager) tryStoring(o *opened, cur *standing, s *Session, sealed []byte) (*Session, error) {
	ctx, cancel := context.WithTimeout(context.Background(), finishWithin)
	defer cancel()
	for {
		err := m.store.replace(ctx, o.handle, Record{
			Version: cur.record.Version, Sealed: sealed, LastSeen: cur.record.LastSeen, ExpiresAt: storeUntil(s),
		})
		switch {
		case err == nil:
			return s, nil
		case errors.Is(err, ErrNotFound):
			return nil, &NoSessionError{Why: SessionGone}
		case !errors.Is(err, ErrConflict):
			return s, err
		}
		again, err := m.stands(ctx, o)
		switch {
		case err != nil:
			return s, err
		case again == nil:
			return nil, &NoSessionError{Why: SessionGone}
		case !bytes.Equal(again.record.Sealed, cur.record.Sealed):
			return again.session, nil // somebody else's renewal came first
		}
		// Only its use was written down.
		cur.record = again.record
		s = m.timed(*s, again.record.LastSeen)
	}
}

// sleep waits, or returns ctx's error.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
