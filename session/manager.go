package session

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Config makes a Manager.
type Config struct {
	Store   Store
	Keys    *KeyRing
	Cookies Cookies
	MaxAge  time.Duration // absolute lifetime; above zero
	Idle    time.Duration // 0 = no idle limit
	// Home is where a sign-in leads whose own address does not fit its cookie:
	// ReturnPolicy.Home. The zero value is "/".
	Home ReturnTo

	// Refresher renews grants; nil = they are used until the session ends.
	Refresher Refresher
	// RefreshEvery is SALLYPORT_SESSION_REFRESH; 0 = from the access token's life.
	RefreshEvery time.Duration
	// Grace is how long a session outlives its access token while the provider
	// cannot be reached: SALLYPORT_SESSION_GRACE.
	Grace time.Duration
	// Revoker revokes the tokens of sessions that are ended from elsewhere; nil =
	// they expire by themselves.
	Revoker Revoker
	// RemembersProvider has browsers remember at which provider they signed in, for
	// LastProvider: there are several.
	RemembersProvider bool
	// RequireBound refuses sessions that do not end with the provider's:
	// SALLYPORT_SESSION_BINDING=idp.
	RequireBound bool

	Now    func() time.Time // nil = time.Now
	Logger *slog.Logger     // nil = nothing is logged
	// Audit gets one line for the end of each session; nil = Logger does.
	Audit      *slog.Logger
	Registerer prometheus.Registerer // nil = the metrics are not exported
}

// Manager knows who is signed in. Its methods are safe for concurrent use.
type Manager struct {
	store   meteredStore
	keys    *KeyRing
	cookies Cookies
	maxAge  time.Duration
	idle    time.Duration
	// useEvery is how old LastSeen may get before a request writes it anew: a
	// sixtieth of the idle limit, at least a second.
	useEvery time.Duration
	home     ReturnTo

	refresher    Refresher
	refreshEvery time.Duration
	grace        time.Duration
	requireBound bool

	remembersProvider bool

	refreshes *flights
	revoker   Revoker

	background background
	waiting    chan struct{} // one for each end that is tried later

	carried  Carried   // the store, if it is one
	renewals *renewals // of sessions that are Carried
	notGiven pace      // how often the log says that one was not given to its browser

	now     func() time.Time
	logger  *slog.Logger
	audit   *slog.Logger
	metrics *metrics
	cache   *cache
	watches *watches
}

// NewManager validates the configuration and registers the metrics.
func NewManager(cfg Config) (*Manager, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	m := &Manager{
		keys: cfg.Keys, cookies: cfg.Cookies, home: cfg.Home,
		maxAge: cfg.MaxAge, idle: cfg.Idle, useEvery: time.Minute,
		now: cfg.Now, logger: cfg.Logger, audit: cfg.Audit,
		cache: newCache(), watches: newWatches(),
		refresher: cfg.Refresher, refreshEvery: cfg.RefreshEvery, grace: cfg.Grace,
		requireBound: cfg.RequireBound, remembersProvider: cfg.RemembersProvider, refreshes: newFlights(), revoker: cfg.Revoker,
		waiting: make(chan struct{}, maxLater), renewals: newRenewals(),
	}
	if m.idle > 0 {
		m.useEvery = max(m.idle/60, time.Second)
	}
	if m.now == nil {
		m.now = time.Now
	}
	if m.logger == nil {
		m.logger = slog.New(slog.DiscardHandler)
	}
	if m.audit == nil {
		m.audit = m.logger.With("audit", true)
	}
	metrics, err := newMetrics(cfg.Registerer, cfg.Store)
	if err != nil {
		return nil, err
	}
	m.metrics = metrics
	m.store = meteredStore{store: cfg.Store, now: m.now, seconds: metrics.storeSeconds}
	m.carried, _ = cfg.Store.(Carried)
	if f, ok := cfg.Store.(Forgetter); ok {
		f.OnForget(m.forgotten)
	}
	if n, ok := cfg.Store.(Notifier); ok {
		n.OnChange(m.watches.look)
	}
	return m, nil
}

func (cfg Config) check() error {
	var faults []error
	if cfg.Store == nil {
		faults = append(faults, errors.New("session: Config.Store is missing"))
	}
	if cfg.Keys == nil {
		faults = append(faults, errors.New("session: Config.Keys is missing"))
	}
	if cfg.Cookies.session == "" {
		faults = append(faults, errors.New("session: Config.Cookies is missing"))
	}
	if cfg.MaxAge <= 0 {
		faults = append(faults, fmt.Errorf("SALLYPORT_SESSION_MAX_AGE is %v, it must be above zero", cfg.MaxAge))
	}
	if cfg.Idle < 0 {
		faults = append(faults, fmt.Errorf("SALLYPORT_SESSION_IDLE is %v, it must be above zero, or 0 for no idle limit", cfg.Idle))
	}
	if cfg.RefreshEvery < 0 {
		faults = append(faults, fmt.Errorf("SALLYPORT_SESSION_REFRESH is %v, it must be above zero, or auto", cfg.RefreshEvery))
	}
	if cfg.Grace < 0 {
		faults = append(faults, fmt.Errorf("SALLYPORT_SESSION_GRACE is %v, it must not be negative", cfg.Grace))
	}
	return errors.Join(faults...)
}

// Drain waits until no refresh is under way or stored and no end of a session waits
// for the store, or until ctx is done. Call it before the process ends: a rotated
// refresh token that was not stored is lost.
func (m *Manager) Drain(ctx context.Context) error { return m.background.wait(ctx) }

// Cookies returns the names and attributes of our cookies.
func (m *Manager) Cookies() Cookies { return m.cookies }

// Ready reports whether the store is in reach; a store that has no Ping always
// is.
func (m *Manager) Ready(ctx context.Context) error {
	p, ok := m.store.store.(Pinger)
	if !ok {
		return nil
	}
	if err := p.Ping(ctx); err != nil {
		return &StoreError{Op: "ping", Err: err}
	}
	return nil
}

// forgotten hears of records that the store dropped by itself.
func (m *Manager) forgotten(h Handle, r Record, evicted bool) {
	reason := EndedByAge
	switch {
	case evicted:
		reason = EndedByStore
	case m.idle > 0 && r.ExpiresAt.Equal(m.idleEnd(r.LastSeen)):
		reason = EndedByIdle
	}
	m.ended(context.Background(), h, "", reason)
}

// idleEnd is when a session ends that was last seen then, as far as the idle
// limit goes. A use up to useEvery later may not have been written, so that
// much is allowed for: a session ends between idle and idle+useEvery after its
// last request, never before.
func (m *Manager) idleEnd(lastSeen time.Time) time.Time {
	return lastSeen.Add(m.idle + m.useEvery)
}

// timed returns s with the times that follow from configuration and use.
func (m *Manager) timed(s Session, lastSeen time.Time) *Session {
	s.LastSeen = lastSeen
	s.ExpiresAt = s.CreatedAt.Add(m.maxAge)
	s.IdleAt = time.Time{}
	if m.idle > 0 {
		s.IdleAt = earlier(s.ExpiresAt, m.idleEnd(lastSeen))
	}
	s.RefreshAt = m.refreshAt(&s)
	if s.Memo == nil {
		s.Memo = new(Memo)
	}
	return &s
}

// storeUntil is when the store may forget the record of s.
func storeUntil(s *Session) time.Time {
	if s.IdleAt.IsZero() {
		return s.ExpiresAt
	}
	return s.IdleAt
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
