package oidcrp

import (
	"context"
	"time"

	"github.com/sallyport/sallyport/internal/secret"
	"github.com/sallyport/sallyport/session"
)

// LogoutHint says which ID tokens a provider takes as the id_token_hint of a
// sign-out. RP-Initiated Logout 1.0 §4 wants expired ones accepted; not every
// provider does.
type LogoutHint string

// The values of SALLYPORT_OIDC_LOGOUT_HINT.
const (
	LogoutHintAny   LogoutHint = "any"
	LogoutHintFresh LogoutHint = "fresh" // none, or an expired one, ends in an error page there
)

// hintMargin is how long an ID token must still be good: the browser takes it to the
// provider, whose clock may differ.
const hintMargin = clockSkew

// hintWithin is how long a person waits for a better hint. The session has ended by
// then, so that a provider that is slow or away delays no more than the redirect.
const hintWithin = 3 * time.Second

// signOutGrant returns the grant of a session that has ended, with an ID token that
// the provider takes as a hint; ok is false when there is none to be had. An expired
// one is exchanged by a last refresh, where the provider is that strict.
func (c *Client) signOutGrant(ctx context.Context, ended *session.Session) (g session.Grant, ok bool) {
	g = ended.Grant
	if c.cfg.LogoutHint != LogoutHintFresh || c.isFresh(g.IDToken) {
		return g, true
	}
	if !g.RefreshToken.IsEmpty() {
		// What the refresh brings has to be revoked, also when the browser goes away.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), hintWithin)
		defer cancel()
		r, err := c.Refresh(ctx, ended)
		if err == nil {
			g = r.Grant
		}
	}
	if c.isFresh(g.IDToken) {
		return g, true
	}
	c.log.InfoContext(ctx, "sign-out: the ID token has expired and the provider would show an error, so that the sign-out stays local",
		"variable", "SALLYPORT_OIDC_LOGOUT_HINT", "session", ended.Handle, requestID(ctx))
	return g, false
}

// isFresh reads exp without looking at the signature: the token is one of ours.
func (c *Client) isFresh(idToken secret.Text) bool {
	exp, err := unverifiedClaims(idToken).time("exp")
	return err == nil && c.now().Add(hintMargin).Before(exp)
}
