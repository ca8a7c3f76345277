package oidcrp

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/sallyport/sallyport/session"
)

// Refresh implements session.Refresher: a token request (RFC 6749 §6), and what its
// answer means. Once the provider has answered with tokens the refresh has
// succeeded, because the old refresh token may be spent: whatever of the rest
// cannot be used leaves the identity as it was. Only the provider's word that the
// person is somebody else, or may not sign in any more, ends the session.
//
// The scope is not sent: leaving it out asks for what was granted before, whereas
// a scope that the provider narrowed at the sign-in would be refused.
func (c *Client) Refresh(ctx context.Context, s *session.Session) (session.Renewal, error) {
	provider, err := c.refreshable(s)
	if err != nil {
		return session.Renewal{}, err
	}
	asked := c.now()
	a, err := c.post(ctx, atToken, provider.TokenEndpoint, url.Values{
		"grant_type":    {"refresh_token"},
		"refresh_token": {s.Grant.RefreshToken.Reveal()},
	})
	if err != nil {
		return session.Renewal{}, unavailable(err)
	}
	if a.status != http.StatusOK {
		return session.Renewal{}, c.refreshRefused(a)
	}
	t, err := c.readTokens(a.body, c.now())
	if err != nil {
		return session.Renewal{}, c.refreshUnread(a, err)
	}
	return c.renewal(ctx, provider, s, t, asked)
}

// refreshable returns the provider's metadata when s can be refreshed there. The
// refresh token of another issuer is not sent to this one.
func (c *Client) refreshable(s *session.Session) (*metadata, error) {
	if !c.cfg.admitsIssuer(s.Identity.Issuer) {
		return nil, ended(fmt.Errorf("the session comes from the issuer %q and SALLYPORT_OIDC_ISSUER is %q now", loggable(s.Identity.Issuer), c.cfg.Issuer))
	}
	if s.Grant.RefreshToken.IsEmpty() {
		return nil, misconfigured(errors.New("the session has no refresh token"))
	}
	provider := c.provider.Load()
	if provider == nil {
		return nil, unavailable(c.Ready())
	}
	return provider, nil
}

// renewalGrant is the new grant, with what the provider did not repeat carried over
// (RFC 6749 §6).
func (c *Client) renewalGrant(provider *metadata, s *session.Session, t *tokens) session.Grant {
	g := t.grant()
	bound := s.Grant.Mode != session.ModeNotBound // an offline token stays one
	if g.RefreshToken.IsEmpty() {
		g.RefreshToken = s.Grant.RefreshToken
		bound = bound && !isOffline(g.RefreshToken)
	} else {
		bound = bound && c.bindsSession(t)
	}
	c.bind(&g, provider, bound)
	return g
}
