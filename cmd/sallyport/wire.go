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
	"github.com/sallyport/sallyport/internal/secret"
	"github.com/sallyport/sallyport/proxy"
	"github.com/sallyport/sallyport/proxy/pages"
	"github.com/sallyport/sallyport/session"
)

// parts are what the objects of one process share.
type parts struct {
	now      func() time.Time
	logger   *slog.Logger
	build    build
	registry *prometheus.Registry
}

// app is everything that one process runs.
type app struct {
	parts
	settings *settings
	ready    *readiness
	site     *proxy.Site
	client   *oidcrp.Client
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
	provider := new(refresher)
	if a.manager, err = newManager(s, p, keys, a.store.Store, provider); err != nil {
		return err
	}
	renderer, err := pages.New(pages.Config{PublicURL: s.publicURL, LogoutPath: s.path("/logout")})
	if err != nil {
		return fmt.Errorf("making the pages: %w", err)
	}
	live := newLiveSecrets(s)
	if a.client, err = newClient(s, p, a.manager, renderer, live); err != nil {
		return fmt.Errorf("making the relying party: %w", err)
	}
	provider.client = a.client
	if a.site, err = newSite(s, p, keys, a.manager, a.client, renderer); err != nil {
		return fmt.Errorf("making the site: %w", err)
	}
	a.ready = &readiness{checks: []readyCheck{
		{"provider", func(context.Context) error { return a.client.Ready() }},
		{"store", a.manager.Ready},
	}}
	a.admin = newAdmin(a.ready, p.registry, s.Logging.Pprof, a.sessionAPI(&live.adminToken), p.logger)
	if a.server, err = newServer(s, p, a.store.within(a.site)); err != nil {
		return err
	}
	a.secrets = newSecretWatch(s, keys, live, p.logger)
	a.workers = []func(context.Context){a.client.Run, a.client.WatchExpiry, a.secrets.run}
	return nil
}

// sessionAPI is nil when it is not configured or has nothing to work with.
func (a *app) sessionAPI(token *atomic.Pointer[secret.Text]) *sessionAPI {
	if token.Load().IsEmpty() || !a.manager.Finds() {
		return nil
	}
	return &sessionAPI{sessions: a.manager, token: token, audit: newAuditLog(a.logger)}
}

// refresher hands the protocol to the session layer, which is made before it. The
// client is set once, before anything is served.
type refresher struct{ client *oidcrp.Client }

// Refresh implements session.Refresher.
func (r *refresher) Refresh(ctx context.Context, s *session.Session) (session.Renewal, error) {
	return r.client.Refresh(ctx, s)
}

// Revoke implements session.Revoker.
func (r *refresher) Revoke(s *session.Session) { r.client.Revoke(s) }

func newManager(s *settings, p parts, keys *session.KeyRing, store session.Store, provider *refresher) (*session.Manager, error) {
	cfg := session.Config{
		Store: store, Keys: keys, Cookies: s.cookies,
		MaxAge: s.Session.MaxAge, Idle: s.Session.Idle, Home: s.returns.Home(),
		RefreshEvery: s.refreshEvery, Grace: s.Session.Grace, RequireBound: s.Session.Binding == bindingIdP,
		Revoker: provider,
		Now:     p.now, Logger: p.logger, Audit: newAuditLog(p.logger), Registerer: p.registry,
	}
	if s.Session.Binding != bindingIndependent {
		cfg.Refresher = provider
	}
	m, err := session.NewManager(cfg)
	if err != nil {
		return nil, fmt.Errorf("making the session manager: %w", err)
	}
	return m, nil
}

func newClient(s *settings, p parts, manager *session.Manager, renderer *pages.Renderer, live *liveSecrets) (*oidcrp.Client, error) {
	o, r := s.OIDC, s.Request
	template, fallback := s.signOut()
	key, err := newClientKey(o, p.now, p.logger)
	if err != nil {
		return nil, err
	}
	claims := s.claimsConfig()
	var ends idp.Ends // a nil interface unless the store can do it
	if manager.Finds() && manager.Remembers() {
		ends = manager
	}
	return oidcrp.New(oidcrp.Config{
		Name: o.Provider, Issuer: o.Issuer, AllowedTenants: o.Tenants, DiscoveryURL: o.DiscoveryURL, Demands: s.demands,
		ClientID: o.ClientID, ClientAuth: oidcrp.ClientAuth(o.ClientAuth),
		ClientSecret: live.clientSecret, PreviousSecret: live.previousSecret, SecretExpires: o.expires(), ClientKey: key,
		AssertionAudience: oidcrp.AssertionAudience(o.AssertionAudience),
		SigningAlgs:       o.SigningAlgs, Scopes: o.Scopes,
		PushedRequests: oidcrp.PushedRequests(r.PAR),
		Prompt:         r.Prompt, ACRValues: r.ACRValues, MaxAge: r.MaxAge, UILocales: r.UILocales, Resource: r.Resource, ExtraParams: s.extraParams,
		StepUpACRs: s.policy.ACRs(),
		Userinfo:   oidcrp.UserinfoMode(o.Userinfo), AccessTokenOptional: !o.AccessTokenRequired,
		Claims: claims.Claims, MoreClaims: claims.MoreClaims,
		EmailVerified: claims.EmailVerified, EmailRequired: claims.EmailRequired, GroupsLimit: claims.GroupsLimit,
		Remedies:  s.preset.Remedies,
		LogoutURL: template, LogoutFallback: fallback, LogoutHint: oidcrp.LogoutHint(o.LogoutHint), RefreshBound: s.refreshBound(),
		RedirectURL: s.endpoint("/callback"), PostLogoutRedirectURL: s.endpoint("/logout/callback"),
		Prefix: s.path(""), CA: s.idpCA, Timeout: o.Timeout,
		SignOutClears: s.signOutClears(),
		Ends:          ends, Sessions: manager, Logins: manager, Pages: renderer, Returns: s.returns, IsNavigation: proxy.IsNavigation,
		Now: p.now, Logger: p.logger, Registerer: p.registry,
	})
}

// signOutClears are the types of Clear-Site-Data; none is none.
func (s *settings) signOutClears() []string {
	return slices.DeleteFunc(slices.Clone(s.Session.SignOutClears), func(t string) bool { return t == "none" })
}

// claimsConfig is the part of the relying party's configuration that makes an
// identity of claims.
func (s *settings) claimsConfig() oidcrp.Config {
	c := s.Claims
	return oidcrp.Config{
		Claims:        oidcrp.ClaimNames{User: c.User, Email: c.Email, Name: c.Name, Groups: c.Groups, EmailVerified: c.VerifiedClaim},
		MoreClaims:    s.moreClaims(),
		EmailVerified: oidcrp.EmailVerified(c.EmailVerified), EmailRequired: c.EmailRequired, GroupsLimit: c.GroupsLimit,
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
func (s *settings) refreshBound() *bool {
	switch {
	case s.Session.Binding == bindingIndependent, s.OIDC.RefreshBound == "no":
		return new(bool)
	case s.OIDC.RefreshBound == "yes":
		return new(true)
	}
	return nil
}

func newSite(s *settings, p parts, keys *session.KeyRing, manager *session.Manager, client *oidcrp.Client, renderer *pages.Renderer) (*proxy.Site, error) {
	var own proxy.Sessions
	if manager.Finds() {
		own = manager
	}
	cfg := proxy.Config{
		PublicURL: s.publicURL, Prefix: s.Network.Prefix,
		AllowedHosts: s.Network.AllowedHosts, AllowedOrigins: s.Access.AllowedOrigins, PassPreflights: s.Access.PassPreflights,
		ForwardAuth: proxy.ForwardAuth(s.Upstream.ForwardAuth),
		Upstream:    s.upstream, UpstreamTimeout: s.Upstream.Timeout, UpstreamCA: s.upstreamCA, PassHost: s.Upstream.PassHost,
		Trusted: s.trusted, TrustUnix: s.trustUnix,
		PassClientHeaders: s.Headers.PassClientHeaders,
		PassAccessToken:   s.Headers.PassAccessToken, PassIDToken: s.Headers.PassIDToken,
		PassAuthorization: proxy.Authorization(s.Headers.PassAuthorization), ClaimHeaders: s.claimHeaders,
		Policy: s.policy, Cookies: s.cookies, Returns: s.returns,
		Auth: manager, Refresh: manager, Sessions: own, Login: client, Pages: renderer, Routes: routes(client.Routes()), Mode: client.Mode,
		AccessLog: s.Logging.AccessLog,
		Now:       p.now, Logger: p.logger, Registerer: p.registry,
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
