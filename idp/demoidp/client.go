package demoidp

import (
	"crypto/subtle"
	"net/url"
	"time"

	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"
)

// registered is a Client as pkg/op asks about it.
type registered struct {
	Client
	idTokenTTL time.Duration
	loginURL   string
}

var _ op.Client = (*registered)(nil)

func (c *registered) GetID() string                    { return c.ID }
func (c *registered) RedirectURIs() []string           { return c.Client.RedirectURIs }
func (c *registered) PostLogoutRedirectURIs() []string { return c.Client.PostLogoutRedirectURIs }

// ApplicationType is always web: redirect URIs are exact, also on loopback.
func (c *registered) ApplicationType() op.ApplicationType { return op.ApplicationTypeWeb }

func (c *registered) AuthMethod() oidc.AuthMethod {
	if c.Secret == "" {
		return oidc.AuthMethodNone
	}
	return oidc.AuthMethodBasic
}

func (c *registered) ResponseTypes() []oidc.ResponseType {
	return []oidc.ResponseType{oidc.ResponseTypeCode}
}

func (c *registered) GrantTypes() []oidc.GrantType {
	if c.NoRefreshToken {
		return []oidc.GrantType{oidc.GrantTypeCode}
	}
	return []oidc.GrantType{oidc.GrantTypeCode, oidc.GrantTypeRefreshToken}
}

func (c *registered) LoginURL(id string) string {
	return c.loginURL + "?id=" + url.QueryEscape(id)
}

func (c *registered) AccessTokenType() op.AccessTokenType { return op.AccessTokenTypeBearer }
func (c *registered) IDTokenLifetime() time.Duration      { return c.idTokenTTL }
func (c *registered) DevMode() bool                       { return false }
func (c *registered) ClockSkew() time.Duration            { return 0 }

// IsScopeAllowed adds to the standard scopes the one that groups come under.
func (c *registered) IsScopeAllowed(scope string) bool { return scope == scopeGroups }

// IDTokenUserinfoClaimsAssertion puts name, e-mail and groups into the ID token,
// as most providers can be told to.
func (c *registered) IDTokenUserinfoClaimsAssertion() bool { return true }

func (c *registered) RestrictAdditionalIdTokenScopes() func([]string) []string     { return sameScopes }
func (c *registered) RestrictAdditionalAccessTokenScopes() func([]string) []string { return sameScopes }

func sameScopes(scopes []string) []string { return scopes }

// secretIs compares in constant time; a public client has no secret to match.
func (c *registered) secretIs(secret string) bool {
	return c.Secret != "" && subtle.ConstantTimeCompare([]byte(c.Secret), []byte(secret)) == 1
}
