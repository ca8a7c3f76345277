package demoidp

import (
	"encoding/json"
	"net/http"

	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"
)

// metadata is pkg/op's discovery document with what it has no field for.
type metadata struct {
	*oidc.DiscoveryConfiguration
	// IssParameter is RFC 9207 §3.
	IssParameter bool     `json:"authorization_response_iss_parameter_supported"`
	PromptValues []string `json:"prompt_values_supported"`
}

// discovery answers OpenID Connect Discovery 1.0 §4, with only what is offered.
func (p *Provider) discovery(w http.ResponseWriter, r *http.Request) {
	c := op.CreateDiscoveryConfig(r.Context(), p.op, p.store)
	c.DeviceAuthorizationEndpoint = ""
	c.ScopesSupported = []string{oidc.ScopeOpenID, oidc.ScopeProfile, oidc.ScopeEmail, scopeGroups, oidc.ScopeOfflineAccess}
	c.ResponseTypesSupported = []string{string(oidc.ResponseTypeCode)}
	c.ResponseModesSupported = []string{string(oidc.ResponseModeQuery), string(oidc.ResponseModeFormPost)}
	c.GrantTypesSupported = []oidc.GrantType{oidc.GrantTypeCode, oidc.GrantTypeRefreshToken}
	c.ACRValuesSupported = []string{acrBasic, acrElevated}
	c.ClaimsSupported = []string{"sub", "iss", "aud", "exp", "iat", "auth_time", "nonce", "acr", "amr", "azp", "at_hash", "sid",
		"name", "preferred_username", "email", "email_verified", "groups"}
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(metadata{c, true, []string{oidc.PromptNone, oidc.PromptLogin, oidc.PromptSelectAccount}}); err != nil {
		p.log.WarnContext(r.Context(), "writing the discovery document failed", "error", err)
	}
}
