package main

import "log/slog"

// announce writes what an operator wants to see at start: each listener, and
// the settings that decide who gets in.
func (a *app) announce(ls listeners) {
	a.logger.Info("listening", "listener", "proxy", "address", addressOf(ls.proxy), "tls", a.settings.Network.TLSCertFile != "", "proxy_protocol", a.settings.Network.ProxyProtocol)
	if ls.admin != nil {
		a.logger.Info("listening", "listener", "admin", "address", addressOf(ls.admin))
	}
	s := a.settings
	a.logger.Info("configured",
		"version", a.build.Version,
		"public_url", s.Network.PublicURL,
		"upstream", s.Upstream.URL,
		"forward_auth", s.Upstream.ForwardAuth,
		"post_logout_redirect_uri", s.endpoint("/logout/callback"),
		"session_store", s.storePlace(),
		"session_max_age", s.Session.MaxAge.String(),
		"session_idle", s.Session.Idle.String(),
		"session_refresh", s.Session.Refresh,
		"session_grace", s.Session.Grace.String(),
		"session_binding", s.Session.Binding,
		"cookie", s.cookies.SessionName(),
		"allowed", slog.GroupValue(
			slog.Int("emails", len(s.Access.AllowedEmails)),
			slog.Int("email_domains", len(s.Access.AllowedDomains)),
			slog.Int("groups", len(s.Access.AllowedGroups)),
		),
		"public_paths", s.Access.PublicPaths,
		"trusted_proxies", s.Network.TrustedProxies,
	)
	for _, p := range s.providers {
		a.logger.Info("provider configured", "idp", p.id(), "issuer", p.OIDC.Issuer, "client_id", p.OIDC.ClientID, "redirect_uri", p.endpoint("/callback"))
	}
	switch s.Session.Store {
	case storeMemory:
		a.logger.Info(memoryNote, "variable", "SALLYPORT_SESSION_STORE")
	case storeCookie:
		a.logger.Info(cookieNote, "variable", "SALLYPORT_SESSION_STORE")
	}
	if !a.manager.Finds() {
		a.logger.Info(noIndexNote, "variable", "SALLYPORT_SESSION_STORE")
	}
	for _, w := range s.warnings() {
		a.logger.Warn(w.Message, "variable", w.Variable)
	}
}

// storePlace names the store and where it is, without credentials.
func (s *settings) storePlace() string {
	switch s.Session.Store {
	case storeFile:
		return s.Session.Store + " " + s.Session.File
	case storeRedis:
		return s.Session.Store + " " + s.redis.String()
	}
	return s.Session.Store
}
