package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/sallyport/sallyport/idp"
	"github.com/sallyport/sallyport/idp/oidcrp"
	"github.com/sallyport/sallyport/internal/accesslog"
	"github.com/sallyport/sallyport/internal/secret"
	"github.com/sallyport/sallyport/proxy"
	"github.com/sallyport/sallyport/proxy/pages"
	"github.com/sallyport/sallyport/session"
	"github.com/sallyport/sallyport/session/cookiestore"
)

// parts are what the objects of one process share.
type parts struct {
	now      func() time.Time
	logger   *slog.Logger
	lines    *accesslog.Log // where logger writes, and where the lines of requests wait
	build    build
	registry *prometheus.Registry
}

// app is everything that one process runs.
type app struct {
	parts
	settings *settings
	ready    *readiness
	site     *proxy.Site
	clients  []*oidcrp.Client
	manager  *session.Manager
	server   *http.Server // faces browsers
	admin    *http.Server
	secrets  *secretWatch
	workers  []func(context.Context) // run until their context ends
	store    storage
}

// assemble makes the objects that settings ask for and hands each what it
// declares to need. Nothing runs yet and nothing is fetched.
func assemble(s *settings, p parts) (*app, error) {
	p.registry = newRegistry(p.build)
	keys, err := session.NewKeyRing(s.keys, s.scope())
	if err != nil {
		return nil, fmt.Errorf("making the key ring: %w", err)
	}
	store, err := openStore(s, keys, p.now, p.logger)
	if err != nil {
		return nil, err
	}
	a := &app{parts: p, settings: s, store: store}
	if err := a.assemble(keys); err != nil {
		return nil, errors.Join(err, store.close())
	}
	return a, nil
}

// assemble makes the objects around the store.
func (a *app) assemble(keys *session.KeyRing) (err error) {
	s, p := a.settings, a.parts
	late := new(lateProviders)
	if a.manager, err = newManager(s, p, keys, a.store.Store, late); err != nil {
		return err
	}
	renderer, err := pages.New(pages.Config{PublicURL: s.publicURL, LogoutPath: s.path("/logout")})
	if err != nil {
		return fmt.Errorf("making the pages: %w", err)
	}
	live := newLiveSecrets(s)
	for i, c := range s.providers {
		client, err := newClient(c, p, a.manager, renderer, live.providers[i])
		if err != nil {
			return fmt.Errorf("making the relying party for %s: %w", c.id(), err)
		}
		a.clients = append(a.clients, client)
	}
	if late.Providers, err = newProviders(s, p, a.clients, a.manager, renderer); err != nil {
		return fmt.Errorf("making the sign-in: %w", err)
	}
	if a.site, err = newSite(s, p, keys, a.manager, late.Providers, renderer, live.basic); err != nil {
		return fmt.Errorf("making the site: %w", err)
	}
	if a.ready, err = a.newReadiness(late.Ready); err != nil {
		return err
	}
	a.admin = newAdmin(a.ready, p.registry, s.Logging.Pprof, a.sessionAPI(&live.adminToken), p.logger)
	if a.server, err = newServer(s, p, a.store.within(a.site)); err != nil {
		return err
	}
	a.secrets = newSecretWatch(s, keys, live, p.logger)
	a.workers = []func(context.Context){a.secrets.run}
	for _, c := range a.clients {
		a.workers = append(a.workers, c.Run, c.WatchExpiry)
	}
	return nil
}

// newReadiness names what has to work before traffic may come.
func (a *app) newReadiness(provider func() error) (*readiness, error) {
	r := &readiness{checks: []readyCheck{
		{"provider", func(context.Context) error { return provider() }},
		{"store", a.manager.Ready},
	}}
	probe, err := a.settings.healthProbe()
	if err != nil {
		return nil, fmt.Errorf("making the probe of SALLYPORT_UPSTREAM_HEALTH: %w", err)
	}
	if probe != nil {
		h := &upstreamHealth{ask: probe.Healthy, timeout: a.settings.Upstream.HealthTimeout, now: a.now, log: a.logger}
		r.checks = append(r.checks, readyCheck{"upstream", h.check})
	}
	return r, nil
}

// sessionAPI is nil when it is not configured or has nothing to work with.
func (a *app) sessionAPI(token *atomic.Pointer[secret.Text]) *sessionAPI {
	if token.Load().IsEmpty() || !a.manager.Finds() {
		return nil
	}
	return &sessionAPI{sessions: a.manager, token: token, audit: newAuditLog(a.logger)}
}

// lateProviders hands the providers to the session layer, which is made before them.
// They are set once, before anything is served.
type lateProviders struct{ *idp.Providers }

func newManager(s *settings, p parts, keys *session.KeyRing, store session.Store, late *lateProviders) (*session.Manager, error) {
	cfg := session.Config{
		Store: store, Keys: keys, Cookies: s.cookies,
		MaxAge: s.Session.MaxAge, Idle: s.Session.Idle, Home: s.returns.Home(),
		RefreshEvery: s.refreshEvery, Grace: s.Session.Grace, RequireBound: s.Session.Binding == bindingIdP,
		Revoker: late, RemembersProvider: len(s.providers) > 1,
		Now: p.now, Logger: p.logger, Audit: newAuditLog(p.logger), Registerer: p.registry,
	}
	if s.Session.Binding != bindingIndependent {
		cfg.Refresher = late
	}
	m, err := session.NewManager(cfg)
	if err != nil {
		return nil, fmt.Errorf("making the session manager: %w", err)
	}
	return m, nil
}

func newClient(c *provider, p parts, manager *session.Manager, renderer *pages.Renderer, live *liveClient) (*oidcrp.Client, error) {
	s, o, r := c.site, c.OIDC, c.Request
	logger := c.Names.logger(p.logger)
	template, fallback := c.signOut()
	key, err := newClientKey(o, p.now, logger)
	if err != nil {
		return nil, err
	}
	claims := c.claimsConfig()
	var ends idp.Ends // a nil interface unless the store can do it
	if manager.Finds() && manager.Remembers() {
		ends = manager
	}
	return oidcrp.New(oidcrp.Config{
		ID: c.id(), Title: c.title(), EmailDomains: claims.EmailDomains, Draft: o.Draft, OwnPaths: c.Number > 0,
		Issuer: o.Issuer, AllowedTenants: o.Tenants, DiscoveryURL: o.DiscoveryURL, Demands: c.demands,
		ClientID: o.ClientID, ClientAuth: oidcrp.ClientAuth(o.ClientAuth),
		ClientSecret: live.secret, PreviousSecret: live.previousSecret, SecretExpires: o.expires(), ClientKey: key,
		AssertionAudience: oidcrp.AssertionAudience(o.AssertionAudience),
		SigningAlgs:       o.SigningAlgs, Scopes: o.Scopes,
		PushedRequests: oidcrp.PushedRequests(r.PAR),
		Prompt:         r.Prompt, ACRValues: r.ACRValues, MaxAge: r.MaxAge, UILocales: r.UILocales, Resource: r.Resource, ExtraParams: c.extraParams,
		StepUpACRs: s.policy.ACRs(),
		Userinfo:   oidcrp.UserinfoMode(o.Userinfo), AccessTokenOptional: !o.AccessTokenRequired,
		Claims: claims.Claims, MoreClaims: claims.MoreClaims,
		EmailVerified: claims.EmailVerified, EmailRequired: claims.EmailRequired, GroupsLimit: claims.GroupsLimit,
		Remedies:  c.preset.Remedies,
		LogoutURL: template, LogoutFallback: fallback, LogoutHint: oidcrp.LogoutHint(o.LogoutHint), RefreshBound: c.refreshBound(),
		RedirectURL: c.endpoint("/callback"), PostLogoutRedirectURL: s.endpoint("/logout/callback"),
		Prefix: s.path(""), CA: c.idpCA, Timeout: o.Timeout,
		Ends: ends, Sessions: manager, Logins: manager, Pages: namedPages{renderer, c.Names}, Returns: s.returns, IsNavigation: proxy.IsNavigation,
		Now: p.now, Logger: logger, Registerer: p.registry,
	})
}

// newProviders puts the relying parties together that one site has.
func newProviders(s *settings, p parts, clients []*oidcrp.Client, manager *session.Manager, renderer *pages.Renderer) (*idp.Providers, error) {
	cfg := idp.ProvidersConfig{
		Prefix: s.path(""), LoginURL: s.endpoint("/login"), SignOutClears: s.signOutClears(),
		Sessions: manager, Logins: manager, Browsers: manager, Pages: signInPages{renderer}, Returns: s.returns, IsNavigation: proxy.IsNavigation,
		Now: p.now, Logger: p.logger, Registerer: p.registry,
	}
	for i, c := range clients {
		cfg.Providers = append(cfg.Providers, namedProvider{c, s.providers[i].Names})
	}
	return idp.NewProviders(cfg)
}

// signOutClears are the types of Clear-Site-Data; none is none.
func (s *settings) signOutClears() []string {
	return slices.DeleteFunc(slices.Clone(s.Session.SignOutClears), func(t string) bool { return t == "none" })
}

// claimsConfig is the part of the relying party's configuration that makes an
// identity of claims.
func (p *provider) claimsConfig() oidcrp.Config {
	c := p.Claims
	return oidcrp.Config{
		Claims:        oidcrp.ClaimNames{User: c.User, Email: c.Email, Name: c.Name, Groups: c.Groups, EmailVerified: c.VerifiedClaim},
		MoreClaims:    p.site.moreClaims(),
		EmailVerified: oidcrp.EmailVerified(c.EmailVerified), EmailRequired: c.EmailRequired, GroupsLimit: c.GroupsLimit,
		EmailDomains: p.emailDomains,
	}
}

// moreClaims are the claims that rules look at or the app is told of.
func (s *settings) moreClaims() []string {
	all := append(s.policy.Claims(), s.claimHeaders.Claims()...)
	slices.Sort(all)
	return slices.Compact(all)
}

// refreshBound is nil where the provider's answers show whether its refresh tokens
// end with the person's session there.
func (p *provider) refreshBound() *bool {
	switch {
	case p.site.Session.Binding == bindingIndependent, p.OIDC.RefreshBound == "no":
		return new(bool)
	case p.OIDC.RefreshBound == "yes":
		return new(true)
	}
	return nil
}

func newSite(s *settings, p parts, keys *session.KeyRing, manager *session.Manager, providers *idp.Providers, renderer *pages.Renderer, basicPassword func() secret.Text) (*proxy.Site, error) {
	var own proxy.Sessions
	if manager.Finds() {
		own = manager
	}
	cfg := proxy.Config{
		PublicURL: s.publicURL, Prefix: s.Network.Prefix,
		AllowedHosts: s.Network.AllowedHosts, AllowedOrigins: s.Access.AllowedOrigins, PassPreflights: s.Access.PassPreflights,
		CORS:        s.cors,
		ForwardAuth: proxy.ForwardAuth(s.Upstream.ForwardAuth),
		Upstream:    s.upstream, UpstreamTimeout: s.Upstream.Timeout, UpstreamCA: s.upstreamCA, PassHost: s.Upstream.PassHost,
		Trusted: s.trusted, TrustUnix: s.trustUnix,
		PassClientHeaders: s.Headers.PassClientHeaders,
		PassAccessToken:   s.Headers.PassAccessToken, PassIDToken: s.Headers.PassIDToken,
		PassAuthorization: proxy.Authorization(s.Headers.PassAuthorization),
		BasicUser:         proxy.BasicUser(s.Headers.BasicUser), BasicPassword: basicPassword, ClaimHeaders: s.claimHeaders,
		HeaderEncoding: proxy.HeaderEncoding(s.Headers.Encoding),
		Policy:         s.policy, Cookies: s.cookies, Returns: s.returns,
		Auth: manager, Refresh: manager, Sessions: own, Login: providers, Pages: renderer, Routes: routes(providers.Routes()), Mode: providers.Mode,
		Now: p.now, Logger: p.logger, Registerer: p.registry,
	}
	if s.Logging.AccessLog && s.logLevel <= slog.LevelInfo {
		cfg.AccessLog = p.lines
	}
	if s.Session.Store == storeCookie {
		cfg.CookieParts = cookiestore.MaxParts
	}
	if s.Headers.PassAssertion {
		cfg.AssertionKeys, cfg.AssertionAudience = keys.AssertionKeys, s.Headers.AssertionAudience
	}
	if s.Access.KeepForms && !s.forwardAuthOnly() {
		cfg.Forms, cfg.FormPages = manager, renderer
	}
	return proxy.New(cfg)
}

// routes hands a protocol's endpoints to the proxy, which must not know it.
func routes(list []idp.Route) []proxy.Route {
	out := make([]proxy.Route, len(list))
	for i, r := range list {
		out[i] = proxy.Route(r)
	}
	return out
}

func newServer(s *settings, p parts, handler http.Handler) (*http.Server, error) {
	cfg := proxy.ServerConfig{
		Handler: handler, MaxHeaderBytes: s.Limits.MaxHeaderBytes, HeaderTimeout: s.Limits.HeaderTimeout, Logger: p.logger,
	}
	if s.Network.TLSCertFile != "" {
		c, err := newCertificate(s.Network.TLSCertFile, s.Network.TLSKeyFile, p.now, p.logger)
		if err != nil {
			return nil, err
		}
		cfg.TLS = serverTLS(c)
	}
	server, err := proxy.NewServer(cfg)
	if err != nil {
		return nil, fmt.Errorf("making the server: %w", err)
	}
	return server, nil
}
