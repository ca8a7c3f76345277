package oidcrp

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strings"

	"github.com/sallyport/sallyport/internal/fault"
	"github.com/sallyport/sallyport/internal/secret"
	"github.com/sallyport/sallyport/session"
)

// scopeOffline asks for a refresh token that outlives the provider's session
// (OpenID Connect Core §11).
const scopeOffline = "offline_access"

// Mode says how s hangs together with the provider's session; "" until discovery
// has succeeded and for a session from before that was computed. A nil session
// asks what sign-ins bring at present: before the first one, no more than the
// metadata allow.
func (c *Client) Mode(s *session.Session) string {
	if s != nil && s.Grant.Mode != "" {
		return string(s.Grant.Mode)
	}
	found := c.provider.Load()
	if found == nil {
		return ""
	}
	return string(c.modeOf(found, c.bound.Load()))
}

// modeOf is the mode of a session whose refresh token is or is not bound to the
// provider's. A bound one of a provider without a sign-out counts as degraded:
// the session follows the provider's all the same, but a sign-out is local.
func (c *Client) modeOf(m *metadata, bound bool) session.Mode {
	switch {
	case !c.signOutStyle(m).offered():
		return session.ModeDegraded
	case bound:
		return session.ModeFull
	}
	return session.ModeNotBound
}

// bindsSession reports whether the refresh token among t ends with the provider's
// session. No specification lets a provider say so: Config.RefreshBound does where
// that is known, and otherwise every refresh token counts that is not an offline
// one.
func (c *Client) bindsSession(t *tokens) bool {
	granted := t.scope
	if granted == nil {
		granted = c.cfg.Scopes
	}
	switch {
	case t.refreshToken.IsEmpty(), isOffline(t.refreshToken):
		return false
	case c.cfg.RefreshBound != nil:
		return *c.cfg.RefreshBound
	}
	return !slices.Contains(granted, scopeOffline)
}

// isOffline recognises Keycloak's offline tokens by the typ in their payload. A
// refresh token is none of our business otherwise, so its signature is not
// verified: a wrong reading makes the session count as less bound, never as more.
func isOffline(refreshToken secret.Text) bool {
	typ, _ := unverifiedClaims(refreshToken).text("typ")
	return typ == "Offline"
}

// unverifiedClaims reads the payload of a JWT without looking at its signature;
// nil for what is no JWT.
func unverifiedClaims(jwt secret.Text) object {
	segments := strings.Split(jwt.Reveal(), ".")
	if len(segments) != 3 {
		return nil
	}
	payload, err := base64.RawURLEncoding.DecodeString(segments[1])
	if err != nil {
		return nil
	}
	claims, err := parseObject(payload)
	if err != nil {
		return nil
	}
	return claims
}

// bind fills in the mode of a grant and remembers, for the metrics, what the token
// endpoint gives.
func (c *Client) bind(g *session.Grant, provider *metadata, bound bool) {
	c.bound.Store(bound)
	g.Mode = c.modeOf(provider, bound)
	c.metrics.provider(g.Mode)
}

// notBound says why SALLYPORT_SESSION_BINDING=idp refuses the session that g would
// have made.
func notBound(g session.Grant, refused error) *fault.Error {
	missing := "the provider publishes no end_session_endpoint, and SALLYPORT_OIDC_LOGOUT_URL is not set"
	switch {
	case g.RefreshToken.IsEmpty():
		missing = "the provider gave no refresh token; let it give this client some, or set SALLYPORT_SESSION_BINDING to auto"
	case g.Mode == session.ModeNotBound:
		missing = "the provider gave a refresh token that outlives its session; take offline_access out of SALLYPORT_OIDC_SCOPES, or set SALLYPORT_SESSION_BINDING to auto"
	}
	return fault.New(fault.SessionNotBound, fmt.Errorf("%s (%w)", missing, refused))
}
