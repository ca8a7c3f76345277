package demoidp

import (
	"encoding/json"
	"net/http"

	"github.com/go-jose/go-jose/v4"
	"github.com/zitadel/oidc/v3/pkg/oidc"
)

// metadata is pkg/oidc's discovery document with what it has no field for.
type metadata struct {
	*oidc.DiscoveryConfiguration
	// IssParameter is RFC 9207 §3.
	IssParameter bool     `json:"authorization_response_iss_parameter_supported"`
	PromptValues []string `json:"prompt_values_supported"`
}

// discovery answers OpenID Connect Discovery 1.0 §4, with only what is offered.
func (p *Provider) discovery(w http.ResponseWriter, r *http.Request) {
	at := func(path string) string { return p.cfg.Issuer + path }
	c := &oidc.DiscoveryConfiguration{
		Issuer:                                    p.cfg.Issuer,
		AuthorizationEndpoint:                     at(authorizePath),
		TokenEndpoint:                             at(tokenPath),
		UserinfoEndpoint:                          at(userinfoPath),
		RevocationEndpoint:                        at(revokePath),
		IntrospectionEndpoint:                     at(introspectPath),
		EndSessionEndpoint:                        at(endSessionPath),
		JwksURI:                                   at(keysPath),
		ScopesSupported:                           []string{oidc.ScopeOpenID, oidc.ScopeProfile, oidc.ScopeEmail, scopeGroups, oidc.ScopeOfflineAccess},
		ResponseTypesSupported:                    []string{string(oidc.ResponseTypeCode)},
		ResponseModesSupported:                    []string{string(oidc.ResponseModeQuery), string(oidc.ResponseModeFormPost)},
		GrantTypesSupported:                       []oidc.GrantType{oidc.GrantTypeCode, oidc.GrantTypeRefreshToken},
		ACRValuesSupported:                        []string{acrBasic, acrElevated},
		SubjectTypesSupported:                     []string{"public"},
		IDTokenSigningAlgValuesSupported:          []string{string(jose.RS256)},
		TokenEndpointAuthMethodsSupported:         []oidc.AuthMethod{oidc.AuthMethodNone, oidc.AuthMethodBasic, oidc.AuthMethodPost},
		RevocationEndpointAuthMethodsSupported:    []oidc.AuthMethod{oidc.AuthMethodNone, oidc.AuthMethodBasic, oidc.AuthMethodPost},
		IntrospectionEndpointAuthMethodsSupported: []oidc.AuthMethod{oidc.AuthMethodBasic},
		ClaimsSupported: []string{"sub", "iss", "aud", "exp", "iat", "auth_time", "nonce", "acr", "amr", "azp", "at_hash", "sid",
			"name", "preferred_username", "email", "email_verified", "groups"},
		CodeChallengeMethodsSupported:     []oidc.CodeChallengeMethod{oidc.CodeChallengeMethodS256},
		BackChannelLogoutSupported:        true,
		BackChannelLogoutSessionSupported: true,
	}
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(metadata{c, true, []string{oidc.PromptNone, oidc.PromptLogin, oidc.PromptSelectAccount}}); err != nil {
		p.log.WarnContext(r.Context(), "writing the discovery document failed", "error", err)
	}
}
