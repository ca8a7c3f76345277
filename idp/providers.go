package idp

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/sallyport/sallyport/session"
)

// ProvidersConfig makes Providers. Fields without a note are required.
type ProvidersConfig struct {
	Providers []Provider // at least one, in the order in which people see them

	// Prefix is the path of our endpoints as browsers see it, e.g. "/app/oauth2", and
	// LoginURL the whole address of GET /login: another host may have asked.
	Prefix   string
	LoginURL string
	// SignOutClears are the types of Clear-Site-Data ("cache", "storage") that a
	// sign-out here sends; empty = none. "cookies" is for nobody: it would take those
	// of the sign-out itself along, and those of every host of the domain.
	SignOutClears []string

	Sessions Sessions
	Logins   Logins
	Browsers Browsers
	Pages    SitePages
	Returns  *session.ReturnPolicy
	// IsNavigation reports whether a person caused a GET request.
	IsNavigation func(*http.Request) bool

	Now        func() time.Time      // nil = time.Now
	Logger     *slog.Logger          // nil = nothing is logged
	Registerer prometheus.Registerer // nil = the metrics are not exported
}

// Providers are all the providers of a site: it answers the endpoints that they have
// in common and hands everything else to the one that a request or a session is
// about. With one provider nobody is ever asked which. It is safe for concurrent use.
type Providers struct {
	cfg     ProvidersConfig
	all     []Provider
	open    []Provider // all but the drafts
	byID    map[string]Provider
	now     func() time.Time
	log     *slog.Logger
	logouts *Logouts
}

// NewProviders validates the configuration and registers the metrics.
func NewProviders(cfg ProvidersConfig) (*Providers, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	s := &Providers{
		cfg: cfg, all: slices.Clone(cfg.Providers), byID: make(map[string]Provider, len(cfg.Providers)),
		now: cfg.Now, log: cfg.Logger,
	}
	for _, p := range s.all {
		about := p.About()
		if !isID(about.ID) {
			return nil, fmt.Errorf("the provider %q: SALLYPORT_OIDC_ID must have 1 to %d of the characters a-z, 0-9 and -", about.ID, maxID)
		}
		if s.byID[about.ID] != nil {
			return nil, fmt.Errorf("two providers have the SALLYPORT_OIDC_ID %q", about.ID)
		}
		s.byID[about.ID] = p
		if !about.Draft {
			s.open = append(s.open, p)
		}
	}
	if len(s.open) == 0 {
		return nil, errors.New("every provider is a draft (SALLYPORT_OIDC_DRAFT), so that nobody could sign in")
	}
	var err error
	s.logouts, err = NewLogouts(cfg.Registerer)
	return s, err
}

func (c *ProvidersConfig) check() error {
	var faults []error
	need := func(ok bool, what string) {
		if !ok {
			faults = append(faults, errors.New("idp: ProvidersConfig."+what))
		}
	}
	need(len(c.Providers) > 0 && !slices.Contains(c.Providers, nil), "Providers is empty or has a nil")
	need(strings.HasPrefix(c.Prefix, "/") && !strings.HasSuffix(c.Prefix, "/"), `Prefix must begin with "/" and not end with it`)
	need(c.LoginURL != "", "LoginURL is missing")
	need(c.Sessions != nil, "Sessions is missing")
	need(c.Logins != nil, "Logins is missing")
	need(c.Browsers != nil, "Browsers is missing")
	need(c.Pages != nil, "Pages is missing")
	need(c.Returns != nil, "Returns is missing")
	need(c.IsNavigation != nil, "IsNavigation is missing")
	return errors.Join(faults...)
}

// maxID bounds About.ID, in bytes: it is part of addresses and a metric label.
const maxID = 32

func isID(id string) bool {
	return id != "" && len(id) <= maxID && strings.Trim(id, "abcdefghijklmnopqrstuvwxyz0123456789-") == ""
}

// Routes are the endpoints of all providers, relative to SALLYPORT_PREFIX.
func (s *Providers) Routes() []Route {
	get, both := []string{http.MethodGet}, []string{http.MethodGet, http.MethodPost}
	routes := []Route{
		{Path: "/login", Name: "login", Methods: get, Handler: http.HandlerFunc(s.login)},
		{Path: "/logout", Name: "logout", Methods: both, Handler: http.HandlerFunc(s.logout)},
		{Path: "/logout/callback", Name: "logout_callback", Methods: get, Handler: http.HandlerFunc(s.logoutCallback)},
	}
	for _, p := range s.all {
		routes = append(routes, p.Routes()...)
	}
	return routes
}

// only is the provider of a site where people have no choice, else nil. Drafts are no
// choice.
func (s *Providers) only() Provider {
	if len(s.open) == 1 {
		return s.open[0]
	}
	return nil
}

// Ready returns nil once people can sign in at one provider at least that is no draft,
// else why they cannot at any.
func (s *Providers) Ready() error {
	var faults []error
	for _, p := range s.open {
		err := p.Ready()
		if err == nil {
			return nil
		}
		if len(s.open) > 1 {
			err = fmt.Errorf("%s: %w", p.About().ID, err)
		}
		faults = append(faults, err)
	}
	return errors.Join(faults...)
}

// of is the provider that a session is of; nil = it is not configured any more. One whose
// ID is not there may go by another now: then it is the only one that can have issued it.
func (s *Providers) of(x *session.Session) Provider {
	if p := s.byID[x.IdP]; p != nil {
		return p
	}
	var found Provider
	for _, p := range s.all {
		if !p.Issued(x) {
			continue
		}
		if found != nil {
			return nil
		}
		found = p
	}
	return found
}

// Mode is Provider.Mode of the provider that s is of. Nothing binds a session any more
// whose provider is not configured.
func (s *Providers) Mode(x *session.Session) string {
	if p := s.of(x); p != nil {
		return p.Mode(x)
	}
	return string(session.ModeDegraded)
}

// Refresh implements session.Refresher. A session whose provider is not configured any
// more goes on for as long as its access token would have, and then ends: nobody can
// say any more whether the person may still come in.
func (s *Providers) Refresh(ctx context.Context, x *session.Session) (session.Renewal, error) {
	if p := s.of(x); p != nil {
		return p.Refresh(ctx, x)
	}
	e := &session.RefreshError{
		Outcome: session.RefreshEnded,
		Err:     fmt.Errorf("the session comes from the provider %q, which no SALLYPORT_OIDC_ID and no SALLYPORT_OIDC_<n>_ID names any more", x.IdP),
	}
	if until := x.Grant.ExpiresAt; s.now().Before(until) {
		e.Outcome, e.RetryAfter = session.RefreshUnavailable, until.Sub(s.now())
	}
	return session.Renewal{}, e
}

// Revoke implements session.Revoker. The tokens of a provider that is not configured
// any more are left to expire.
func (s *Providers) Revoke(x *session.Session) {
	if p := s.of(x); p != nil {
		p.Revoke(x)
	}
}
