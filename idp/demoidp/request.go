package demoidp

import (
	"slices"
	"time"

	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"
)

// authRequest is one authorization request, from /authorize until its code is
// redeemed. The fields below "set by the login" are written once, before code
// is issued, and only read after that.
type authRequest struct {
	id          string
	asked       oidc.AuthRequest
	hintSubject string // sub of the id_token_hint, "" without one
	expires     time.Time

	// set by the login
	session  *session
	authTime time.Time
	acr      string
	code     string
}

var _ op.AuthRequest = (*authRequest)(nil)

func (r *authRequest) GetID() string                      { return r.id }
func (r *authRequest) GetACR() string                     { return r.acr }
func (r *authRequest) GetAMR() []string                   { return authMethods() }
func (r *authRequest) GetAudience() []string              { return []string{r.asked.ClientID} }
func (r *authRequest) GetAuthTime() time.Time             { return r.authTime }
func (r *authRequest) GetClientID() string                { return r.asked.ClientID }
func (r *authRequest) GetNonce() string                   { return r.asked.Nonce }
func (r *authRequest) GetRedirectURI() string             { return r.asked.RedirectURI }
func (r *authRequest) GetResponseType() oidc.ResponseType { return r.asked.ResponseType }
func (r *authRequest) GetResponseMode() oidc.ResponseMode { return r.asked.ResponseMode }
func (r *authRequest) GetScopes() []string                { return r.asked.Scopes }
func (r *authRequest) GetState() string                   { return r.asked.State }
func (r *authRequest) Done() bool                         { return r.session != nil }

func (r *authRequest) GetSubject() string {
	if r.session == nil {
		return ""
	}
	return r.session.personID
}

func (r *authRequest) GetCodeChallenge() *oidc.CodeChallenge {
	return &oidc.CodeChallenge{Challenge: r.asked.CodeChallenge, Method: r.asked.CodeChallengeMethod}
}

// authMethods is the amr of every sign-in here: somebody was there and clicked
// (RFC 8176, "user"), which is all that can be said.
func authMethods() []string { return []string{"user"} }

// redeemed is an authRequest at the token endpoint. pkg/op issues a refresh
// token only where offline_access was granted; ours come without it, as
// Keycloak's do, bound to the IdP session.
type redeemed struct{ *authRequest }

func (r redeemed) GetScopes() []string {
	if slices.Contains(r.asked.Scopes, oidc.ScopeOfflineAccess) {
		return r.asked.Scopes
	}
	return append(slices.Clone(r.asked.Scopes), oidc.ScopeOfflineAccess)
}

// refreshRequest is one refresh_token grant.
type refreshRequest struct {
	grant  *grant
	scopes []string // those asked for, at most those of the grant
}

var _ op.RefreshTokenRequest = (*refreshRequest)(nil)

func (r *refreshRequest) GetAMR() []string                 { return authMethods() }
func (r *refreshRequest) GetAudience() []string            { return []string{r.grant.clientID} }
func (r *refreshRequest) GetAuthTime() time.Time           { return r.grant.authTime }
func (r *refreshRequest) GetClientID() string              { return r.grant.clientID }
func (r *refreshRequest) GetScopes() []string              { return r.scopes }
func (r *refreshRequest) GetSubject() string               { return r.grant.session.personID }
func (r *refreshRequest) SetCurrentScopes(scopes []string) { r.scopes = scopes }
