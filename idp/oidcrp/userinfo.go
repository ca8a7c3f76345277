package oidcrp

import (
	"context"
	"errors"
	"fmt"
	"mime"
	"net/http"

	"github.com/sallyport/sallyport/internal/fault"
	"github.com/sallyport/sallyport/internal/secret"
)

// errOtherSubject says that userinfo is about somebody else. Such a sign-in fails
// whether or not userinfo was needed: something is being mixed up.
var errOtherSubject = errors.New("the sub of userinfo is not that of the ID token")

// userinfo returns what the userinfo endpoint adds (OpenID Connect Core §5.3), nil
// when it was not asked. In mode auto it is asked once, when the ID token lacks a
// wanted claim, and a sign-in goes on without it when it fails; in mode always the
// sign-in fails. The error is a *fault.Error.
func (c *Client) userinfo(ctx context.Context, provider *metadata, token secret.Text, claims object) (object, error) {
	switch c.cfg.Userinfo {
	case UserinfoNever:
		return nil, nil
	case UserinfoAuto:
		if provider.UserinfoEndpoint == "" || c.hasWanted(claims) {
			return nil, nil
		}
	}
	info, err := c.fetchUserinfo(ctx, provider, token, claims)
	if err == nil {
		return info, nil
	}
	if c.cfg.Userinfo == UserinfoAlways || errors.Is(err, errOtherSubject) {
		return nil, callFault(fmt.Errorf("asking for userinfo: %w", err), fault.UserinfoInvalid)
	}
	c.log.WarnContext(ctx, "userinfo could not be used; the sign-in goes on with the ID token alone", "cause", err, requestID(ctx))
	return nil, nil
}

func (c *Client) fetchUserinfo(ctx context.Context, provider *metadata, token secret.Text, claims object) (object, error) {
	if provider.UserinfoEndpoint == "" {
		return nil, errors.New("SALLYPORT_OIDC_USERINFO is always, and the provider's metadata have no userinfo_endpoint")
	}
	if token.IsEmpty() {
		return nil, errors.New("the provider gave no access token to ask the userinfo endpoint with")
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, provider.UserinfoEndpoint, nil)
	if err != nil {
		return nil, fmt.Errorf("making the request: %w", err)
	}
	req.Header.Set("Authorization", "Bearer "+token.Reveal())
	req.Header.Set("Accept", "application/json")
	// Access tokens that are bound to a certificate want to see it (RFC 8705 §3).
	a, err := c.caller.callAsClient(req, atUserinfo, maxAnswer)
	if err != nil {
		return nil, err
	}
	if err := a.success(atUserinfo); err != nil {
		return nil, err
	}
	// A signed answer (Core §5.3.2) would need its own registration at the
	// provider; TLS says as much about where the answer comes from.
	if media, _, _ := mime.ParseMediaType(a.header.Get("Content-Type")); media == "application/jwt" {
		return nil, errors.New("the userinfo endpoint answers with a signed JWT; set the client's userinfo_signed_response_alg to none at the provider, or SALLYPORT_OIDC_USERINFO=never")
	}
	info, err := parseObject(a.body)
	if err != nil {
		return nil, fmt.Errorf("reading userinfo: %w", err)
	}
	want, _ := claims.text("sub")
	if sub, _ := info.text("sub"); sub != want {
		return nil, errOtherSubject
	}
	return info, nil
}

// hasWanted reports whether the ID token has every claim that is asked for.
func (c *Client) hasWanted(claims object) bool {
	wanted := []string{c.cfg.Claims.User, c.cfg.Claims.Email, c.cfg.Claims.Name, c.cfg.Claims.Groups}
	for _, name := range append(wanted, c.cfg.MoreClaims...) {
		if name != "" && claims.lookup(name) == nil {
			return false
		}
	}
	return true
}
