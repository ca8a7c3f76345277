package oidcrp

import (
	"cmp"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/oauth2"

	"github.com/sallyport/sallyport/session"
)

// authorizationRequest is the authentication request (OpenID Connect Core
// §3.1.2.1) with PKCE S256 (RFC 7636), whatever the metadata promise. It holds no
// secret: of the verifier only the hash.
//
// x/oauth2 could write it too, but allows no parameter twice, as RFC 8707 does
// with resource.
func (c *Client) authorizationRequest(p session.Pending, b beginning) url.Values {
	q := url.Values{}
	maps.Copy(q, c.cfg.ExtraParams)
	for name, value := range map[string]string{
		"prompt":     c.prompt(b.prompt),
		"acr_values": cmp.Or(strings.Join(b.acr, " "), strings.Join(c.cfg.ACRValues, " ")),
		"ui_locales": strings.Join(c.cfg.UILocales, " "),
		"login_hint": b.loginHint,
	} {
		if value != "" {
			q.Set(name, value)
		}
	}
	if maxAge := c.maxAge(b.maxAge); maxAge != nil {
		q.Set("max_age", strconv.FormatInt(int64(*maxAge/time.Second), 10))
	}
	if len(c.cfg.Resource) > 0 {
		q["resource"] = c.cfg.Resource
	}
	// Last, so that nothing replaces them.
	q.Set("response_type", "code")
	q.Set("client_id", c.cfg.ClientID)
	q.Set("redirect_uri", c.cfg.RedirectURL)
	q.Set("scope", strings.Join(c.cfg.Scopes, " "))
	q.Set("state", p.State)
	q.Set("nonce", p.Nonce)
	q.Set("code_challenge", oauth2.S256ChallengeFromVerifier(p.Verifier))
	q.Set("code_challenge_method", "S256")
	return q
}

// promptLogin is the prompt (Core §3.1.2.1) that comes back as auth_time.
const promptLogin = "login"

// prompt is what one sign-in asks for, or else what is configured. A configured login
// stays in any case, because the answer is held to it.
func (c *Client) prompt(asked string) string {
	if asked == "" {
		return strings.Join(c.cfg.Prompt, " ")
	}
	if asked != promptLogin && slices.Contains(c.cfg.Prompt, promptLogin) {
		return promptLogin + " " + asked
	}
	return asked
}

// withQuery adds parameters to an address that may have some of its own
// (RFC 6749 §3.1).
func withQuery(address string, q url.Values) string {
	switch {
	case !strings.Contains(address, "?"):
		return address + "?" + q.Encode()
	case strings.HasSuffix(address, "?"), strings.HasSuffix(address, "&"):
		return address + q.Encode()
	}
	return address + "&" + q.Encode()
}
