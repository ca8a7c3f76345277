package oidcrp

import (
	"context"

	"github.com/sallyport/sallyport/internal/secret"
	"github.com/sallyport/sallyport/session"
)

// maxLogoutURL is how long the address of the provider's sign-out may become, in
// bytes; longer ones are refused by many servers. The id_token_hint gives way.
const maxLogoutURL = 8 << 10

// SignOut implements idp.Provider: RP-initiated logout (OpenID Connect RP-Initiated
// Logout 1.0 §2), with the session's ID token as the hint of who is to be signed out,
// in the style of the provider.
func (c *Client) SignOut(ctx context.Context, ended *session.Session, state string) (address string) {
	provider := c.provider.Load()
	var hint secret.Text
	atProvider := c.cfg.LogoutHint != LogoutHintFresh
	if ended != nil {
		var grant session.Grant
		grant, atProvider = c.signOutGrant(ctx, ended)
		hint = grant.IDToken
		c.revoke(ctx, provider, grant)
	}
	if !atProvider {
		return ""
	}
	return c.endSessionURL(ctx, provider, hint, state)
}

// endSessionURL returns the address of the provider's sign-out, "" when it offers
// none.
func (c *Client) endSessionURL(ctx context.Context, provider *metadata, hint secret.Text, state string) string {
	style := c.signOutStyle(provider)
	if !style.offered() {
		return ""
	}
	address := style.address(&c.cfg, hint, state)
	if len(address) > maxLogoutURL {
		c.log.WarnContext(ctx, "sign-out: the ID token is too long for an address, so that the provider may ask the person to confirm", requestID(ctx))
		address = style.address(&c.cfg, secret.Text{}, state)
	}
	return address
}
