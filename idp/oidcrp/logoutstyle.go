package oidcrp

import (
	"net/url"
	"strings"

	"github.com/sallyport/sallyport/internal/secret"
)

// LogoutNone is the Config.LogoutURL of a provider whose sign-out is not to be used.
const LogoutNone = "none"

// providerPlaceholder stands at the beginning of a template for scheme and host of
// the authorization endpoint, where providers have their own sign-out, too.
const providerPlaceholder = "{provider}"

// signOutStyle is how a person is signed out at the provider: by a template, or at an
// end_session_endpoint. The zero value is not at all.
type signOutStyle struct{ template, endpoint string }

func (s signOutStyle) offered() bool { return s != signOutStyle{} }

// signOutStyle decides for a provider, which is nil before discovery: what is
// configured comes first, then what the metadata name, then what is known of the
// provider.
func (c *Client) signOutStyle(provider *metadata) signOutStyle {
	template := c.cfg.LogoutURL
	switch {
	case template == LogoutNone:
		return signOutStyle{}
	case template == "" && provider != nil && provider.EndSessionEndpoint != "":
		return signOutStyle{endpoint: provider.EndSessionEndpoint}
	case template == "":
		template = c.cfg.LogoutFallback
	}
	if rest, ok := strings.CutPrefix(template, providerPlaceholder); ok {
		if provider == nil {
			return signOutStyle{}
		}
		template = hostPort(provider.AuthorizationEndpoint) + rest
	}
	return signOutStyle{template: template}
}

// address fills in the values, escaped for a query. An end_session_endpoint gets
// the parameters of OpenID Connect RP-Initiated Logout 1.0 §2; hint may be empty.
func (s signOutStyle) address(cfg *Config, hint secret.Text, state string) string {
	if s.template != "" {
		return strings.NewReplacer(
			"{client_id}", escapeQuery(cfg.ClientID),
			"{post_logout_redirect_uri}", escapeQuery(cfg.PostLogoutRedirectURL),
			"{id_token}", escapeQuery(hint.Reveal()),
			"{state}", escapeQuery(state),
		).Replace(s.template)
	}
	q := url.Values{
		"client_id":                {cfg.ClientID},
		"post_logout_redirect_uri": {cfg.PostLogoutRedirectURL},
		"state":                    {state},
	}
	if !hint.IsEmpty() {
		q.Set("id_token_hint", hint.Reveal())
	}
	return withQuery(s.endpoint, q)
}
