package demoidp

import (
	"context"
	"errors"
	"slices"

	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"
)

// scopeGroups asks for groups without the rest of the profile.
const scopeGroups = "groups"

var errAccessToken = errors.New("access token is unknown, expired or revoked")

// SetUserinfoFromScopes does nothing; SetUserinfoFromRequest does the work.
func (s *storage) SetUserinfoFromScopes(context.Context, *oidc.UserInfo, string, string, []string) error {
	return nil
}

// SetUserinfoFromRequest fills the ID token's claims about the person and the
// session: sid always, and acr also in ID tokens from a refresh, where pkg/op
// leaves it out.
func (s *storage) SetUserinfoFromRequest(_ context.Context, info *oidc.UserInfo, request op.IDTokenRequest, scopes []string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch r := request.(type) {
	case redeemed:
		info.AppendClaims("sid", r.session.sid)
	case *refreshRequest:
		info.AppendClaims("sid", r.grant.session.sid)
		info.AppendClaims("acr", r.grant.acr)
	}
	return s.describe(info, request.GetSubject(), scopes)
}

// SetUserinfoFromToken answers the userinfo endpoint.
func (s *storage) SetUserinfoFromToken(_ context.Context, info *oidc.UserInfo, tokenID, subject, _ string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, err := s.liveAccessToken(tokenID)
	if err != nil {
		return err
	}
	return s.describe(info, subject, t.scopes)
}

// SetIntrospectionFromToken answers the introspection endpoint; a token of
// another client is shown as inactive.
func (s *storage) SetIntrospectionFromToken(_ context.Context, out *oidc.IntrospectionResponse, tokenID, subject, clientID string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, err := s.liveAccessToken(tokenID)
	if err != nil {
		return err
	}
	if t.grant.clientID != clientID {
		return errAccessToken
	}
	out.Subject = subject
	out.Scope = t.scopes
	out.ClientID = clientID
	out.TokenType = oidc.BearerToken
	out.Expiration = oidc.FromTime(t.expires)
	out.Issuer = s.cfg.Issuer
	return nil
}

// GetPrivateClaimsFromScopes adds nothing: access tokens are opaque.
func (s *storage) GetPrivateClaimsFromScopes(context.Context, string, string, []string) (map[string]any, error) {
	return nil, nil
}

// liveAccessToken needs s.mu.
func (s *storage) liveAccessToken(id string) (*accessToken, error) {
	t := s.access[id]
	if t == nil || s.cfg.Now().After(t.expires) || !s.alive(t.grant) {
		return nil, errAccessToken
	}
	return t, nil
}

// describe sets what scopes allow to say about a person. It needs s.mu.
func (s *storage) describe(info *oidc.UserInfo, personID string, scopes []string) error {
	person, ok := s.people[personID]
	if !ok {
		return errors.New("person does not exist")
	}
	for name, value := range person.Claims {
		info.AppendClaims(name, value)
	}
	info.Subject = person.ID
	if slices.Contains(scopes, oidc.ScopeProfile) {
		info.Name = person.Name
		info.PreferredUsername = person.PreferredUsername
	}
	if slices.Contains(scopes, oidc.ScopeEmail) {
		info.Email = person.Email
		info.EmailVerified = oidc.Bool(person.EmailVerified)
		if !person.EmailVerified {
			// pkg/op leaves a false out; clients should see that it is false.
			info.AppendClaims("email_verified", false)
		}
	}
	if slices.Contains(scopes, oidc.ScopeProfile) || slices.Contains(scopes, scopeGroups) {
		info.AppendClaims("groups", slices.Clone(person.Groups))
	}
	return nil
}
