package oidcrp

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"github.com/sallyport/sallyport/idp"
	"github.com/sallyport/sallyport/session"
)

// frontChannelLogout is GET /logout/frontchannel (OpenID Connect Front-Channel Logout
// 1.0 §2): the provider has the browser open it in a frame when its session ends. It
// needs no cookie, which browsers keep from frames of other sites: the sid says
// which session it is about, and whoever does not know that ends nothing.
//
// The answer is the same whatever became of it, so that nobody learns whether a
// session exists. Nothing is revoked: a frame is no proof of the provider.
func (c *Client) frontChannelLogout(w http.ResponseWriter, r *http.Request) {
	if c.methodNotAllowed(w, r, "GET", http.MethodGet) {
		return
	}
	idp.NoStore(w)
	if n, err := c.endInFront(r); err != nil {
		c.log.WarnContext(r.Context(), "front-channel logout: not all sessions were ended", "audit", true, "cause", err, requestID(r.Context()))
	} else if n > 0 {
		c.metrics.loggedOut(idp.LogoutFrontChannel)
		c.log.InfoContext(r.Context(), "front-channel logout", "audit", true, "sessions", n, requestID(r.Context()))
	}
	h := w.Header()
	h.Set("Content-Security-Policy", "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors "+c.frameAncestors())
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	_, _ = w.Write([]byte("<!doctype html><title>Signed out</title>\n"))
}

// endInFront ends the sessions of sid, if there is one, and if iss is ours or is not
// given: Entra ID sends none.
func (c *Client) endInFront(r *http.Request) (n int, err error) {
	q, err := idp.ParseParameters(r.URL.RawQuery, "iss", "sid")
	if err != nil {
		return 0, nil // somebody else's, or nobody's
	}
	sid := q.Get("sid")
	if sid == "" || len(sid) > maxSessionID || q.Has("iss") && !c.cfg.admitsFrontIssuer(q.Get("iss")) {
		return 0, nil
	}
	issuers := c.cfg.issuers()
	if c.cfg.admitsIssuer(q.Get("iss")) {
		issuers = []string{q.Get("iss")}
	}
	ctx := context.WithoutCancel(r.Context())
	for _, issuer := range issuers {
		ended, endErr := c.cfg.Ends.EndSID(ctx, issuer, sid, session.EndedByFrontChannel)
		n += ended
		if endErr != nil {
			err = endErr
		}
	}
	return n, err
}

// admitsFrontIssuer also takes scheme and host of the issuer alone, which is what
// authentik sends. The sid is what proves something here.
func (c *Config) admitsFrontIssuer(iss string) bool {
	return c.admitsIssuer(iss) || strings.TrimSuffix(iss, "/") == hostPort(c.Issuer)
}

// issuers are those that tokens of this provider may have.
func (c *Config) issuers() []string {
	if !strings.Contains(c.Issuer, TenantPlaceholder) {
		return []string{c.Issuer}
	}
	var all []string
	for _, tenant := range c.AllowedTenants {
		all = append(all, c.issuerOf(tenant))
	}
	return all
}

// frameAncestors are the origins that may frame the answer: those of the provider's
// issuer and of its sign-out.
func (c *Client) frameAncestors() string {
	addresses := []string{c.cfg.Issuer}
	if p := c.provider.Load(); p != nil {
		addresses = append(addresses, p.EndSessionEndpoint, p.AuthorizationEndpoint)
	}
	var origins []string
	seen := make(map[string]bool)
	for _, address := range addresses {
		u, err := url.Parse(address)
		if err != nil || u.Host == "" || strings.ContainsAny(u.Host, " ;,'\"*") {
			continue
		}
		if origin := u.Scheme + "://" + u.Host; !seen[origin] {
			seen[origin] = true
			origins = append(origins, origin)
		}
	}
	if len(origins) == 0 {
		return "'none'"
	}
	return strings.Join(origins, " ")
}
