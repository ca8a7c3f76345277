package main

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/sallyport/sallyport/proxy"
)

// checkRegistration shows what the provider has to know, character for
// character.
func checkRegistration(p *provider, f *findings) {
	if p.OIDC.Draft {
		f.ok("draft", "nobody is sent here; try it at %s, and then remove SALLYPORT_OIDC_DRAFT", p.loginEndpoint())
	}
	f.ok("register", "redirect URI:             %s", p.endpoint("/callback"))
	f.ok("register", "post-logout redirect URI: %s", p.site.endpoint("/logout/callback"))
	if findsSessions(p.site.Session.Store) {
		f.ok("register", "back-channel logout URI:  %s, or front-channel %s", p.endpoint("/logout/backchannel"), p.endpoint("/logout/frontchannel"))
	}
}

// upstreamTimeout bounds the probe of the app.
const upstreamTimeout = 5 * time.Second

// checkUpstream asks the app for its start page, as the proxy would.
func checkUpstream(ctx context.Context, s *settings, f *findings) {
	const probe, variable = "upstream", "SALLYPORT_UPSTREAM"
	if s.forwardAuthOnly() {
		f.ok(probe, "none, because SALLYPORT_FORWARD_AUTH is only: the proxies in front serve the app and ask at %s", s.endpoint("/auth"))
		return
	}
	ctx, cancel := context.WithTimeout(ctx, min(upstreamTimeout, s.Upstream.Timeout))
	defer cancel()
	app, err := s.newProbe("/")
	if err != nil {
		f.fail(probe, variable, "cannot be asked: %v", err)
		return
	}
	code, status, err := app.Ask(ctx)
	switch {
	case err != nil:
		f.fail(probe, variable, "%s does not answer: %v; %s", s.Upstream.URL, err, app.Remedy(err))
	case code >= http.StatusInternalServerError:
		f.warn(probe, variable, "%s answers %s", s.Upstream.URL, status)
	default:
		f.ok(probe, "%s answers %s", s.Upstream.URL, status)
	}
}

func checkCookies(s *settings, f *findings) {
	where := "this host alone"
	if s.Session.Domain != "" {
		where = "every host of " + s.Session.Domain
	}
	secure := "Secure"
	if s.publicURL.Scheme != "https" {
		secure = "not Secure, because the public URL is http://"
	}
	f.ok("cookies", "%s, for %s, SameSite=%s, HttpOnly, %s", s.cookies.SessionName(), where, s.Session.SameSite, secure)
}

// checkSurface shows what works without a sign-in, and whom we believe.
func checkSurface(s *settings, f *findings) {
	const public = "SALLYPORT_PUBLIC_PATHS"
	if len(s.Access.PublicPaths) == 0 {
		f.ok("anonymous", "nothing of the app is reachable without a sign-in")
	} else {
		f.warn("anonymous", public, "reachable without a sign-in: %s", strings.Join(s.Access.PublicPaths, " "))
	}
	if len(s.Access.AllowedEmails)+len(s.Access.AllowedDomains)+len(s.Access.AllowedGroups) == 0 {
		f.ok("access", "everybody whom the provider signs in may pass; SALLYPORT_ALLOWED_EMAILS, SALLYPORT_ALLOWED_EMAIL_DOMAINS and SALLYPORT_ALLOWED_GROUPS would narrow that")
	} else {
		f.ok("access", "limited to %d e-mail address(es), %d e-mail domain(s) and %d group(s)", len(s.Access.AllowedEmails), len(s.Access.AllowedDomains), len(s.Access.AllowedGroups))
	}
	const trusted = "SALLYPORT_TRUSTED_PROXIES"
	switch {
	case len(s.Network.TrustedProxies) > 0:
		f.ok("proxies", "forwarding headers are believed from %s", strings.Join(s.Network.TrustedProxies, ", "))
	case s.publicURL.Scheme == "https" && s.Network.TLSCertFile == "":
		f.warn("proxies", trusted, "the public URL is https:// and no certificate is set, so something in front ends TLS; until its network is listed, the app sees its address as every client's")
	default:
		f.ok("proxies", "forwarding headers are believed from nobody")
	}
	if mode := s.Network.ProxyProtocol; mode == string(proxy.ProxyProtocolRequire) {
		f.ok("proxies", "every connection has to begin with a PROXY protocol header of theirs")
	}
}
