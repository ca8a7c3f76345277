package demoidp

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"
)

// grant is one sign-in at one client: everything issued from one code. Revoking
// it ends all its tokens at once.
type grant struct {
	clientID string
	session  *session
	scopes   []string
	authTime time.Time
	acr      string
	offline  bool // offline_access was asked for: outlives the session
	revoked  bool
}

type accessToken struct {
	grant   *grant
	scopes  []string
	expires time.Time
}

type refreshToken struct {
	grant *grant
	used  bool
}

var (
	errRefreshToken = errors.New("refresh token is unknown, revoked, or its session has ended")
	errReused       = errors.New("refresh token was used before: every token of this sign-in is revoked")
)

// alive needs s.mu.
func (s *storage) alive(g *grant) bool {
	return !g.revoked && (g.offline || s.sessionAlive(g.session))
}

// CreateAccessToken issues an access token alone, for clients without refresh
// tokens.
func (s *storage) CreateAccessToken(_ context.Context, request op.TokenRequest) (string, time.Time, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	g, err := s.grantOf(request)
	if err != nil {
		return "", time.Time{}, err
	}
	id, expires := s.newAccessToken(g, g.scopes)
	return id, expires, nil
}

// CreateAccessAndRefreshTokens issues both. current is the refresh token that
// was presented, empty when a code was.
func (s *storage) CreateAccessAndRefreshTokens(_ context.Context, request op.TokenRequest, current string) (string, string, time.Time, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sweep()
	g, err := s.grantOf(request)
	if err != nil {
		return "", "", time.Time{}, err
	}
	scopes := g.scopes
	if r, ok := request.(*refreshRequest); ok {
		scopes = r.scopes
	}
	token, err := s.rotate(g, current)
	if err != nil {
		return "", "", time.Time{}, err
	}
	id, expires := s.newAccessToken(g, scopes)
	return id, token, expires, nil
}

// grantOf returns the grant that request continues, or begins one. It needs s.mu.
func (s *storage) grantOf(request op.TokenRequest) (*grant, error) {
	var g *grant
	switch r := request.(type) {
	case redeemed:
		g = &grant{
			clientID: r.asked.ClientID,
			session:  r.session,
			scopes:   r.asked.Scopes,
			authTime: r.authTime,
			acr:      r.acr,
			offline:  slices.Contains(r.asked.Scopes, oidc.ScopeOfflineAccess),
		}
		if c := s.codes[r.code]; c != nil {
			c.grant = g
		}
	case *refreshRequest:
		g = r.grant
	default:
		return nil, fmt.Errorf("no grant for a %T", request)
	}
	if !s.alive(g) {
		return nil, oidc.ErrInvalidGrant().WithDescription("the session has ended")
	}
	return g, nil
}

// rotate replaces the refresh token current and returns the new one. Two uses
// of one token at the same moment are two uses. It needs s.mu.
func (s *storage) rotate(g *grant, current string) (string, error) {
	if current != "" {
		if s.cfg.FixedRefreshToken {
			return current, nil
		}
		old := s.refresh[current]
		if old == nil || old.used {
			g.revoked = true
			return "", oidc.ErrInvalidGrant().WithParent(errReused)
		}
		old.used = true
	}
	token := rand.Text()
	s.refresh[token] = &refreshToken{grant: g}
	return token, nil
}

// newAccessToken needs s.mu.
func (s *storage) newAccessToken(g *grant, scopes []string) (string, time.Time) {
	id, expires := rand.Text(), s.cfg.Now().Add(s.cfg.AccessTokenTTL)
	s.access[id] = &accessToken{grant: g, scopes: scopes, expires: expires}
	return id, expires
}

// TokenRequestByRefreshToken looks a refresh token up. One that was rotated away
// revokes its whole grant: either the client or a thief holds a stale copy
// (RFC 9700 §4.14.2).
func (s *storage) TokenRequestByRefreshToken(_ context.Context, token string) (op.RefreshTokenRequest, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.refresh[token]
	if t == nil || !s.alive(t.grant) {
		return nil, errRefreshToken
	}
	if t.used {
		t.grant.revoked = true
		return nil, errReused
	}
	return &refreshRequest{grant: t.grant, scopes: t.grant.scopes}, nil
}

// GetRefreshTokenInfo tells pkg/op whether token is a refresh token.
func (s *storage) GetRefreshTokenInfo(_ context.Context, _, token string) (string, string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.refresh[token]
	if t == nil {
		return "", "", op.ErrInvalidRefreshToken
	}
	return t.grant.session.personID, token, nil
}

// RevokeToken ends a token (RFC 7009): an access token alone, a refresh token
// with everything of its grant. An unknown one is revoked already.
func (s *storage) RevokeToken(_ context.Context, token, _, clientID string) *oidc.Error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if t := s.refresh[token]; t != nil {
		if t.grant.clientID != clientID {
			return oidc.ErrInvalidClient().WithDescription("the token belongs to another client")
		}
		t.grant.revoked = true
		return nil
	}
	if t := s.access[token]; t != nil {
		if t.grant.clientID != clientID {
			return oidc.ErrInvalidClient().WithDescription("the token belongs to another client")
		}
		delete(s.access, token)
	}
	return nil
}

// TerminateSession is not used: logout.go ends sessions by sid.
func (s *storage) TerminateSession(_ context.Context, personID, _ string) error {
	s.endWhere(func(x *session) bool { return x.personID == personID })
	return nil
}

// sweep drops what has expired, at most once a minute. It needs s.mu.
func (s *storage) sweep() {
	now := s.cfg.Now()
	if now.Sub(s.swept) < sweepEvery {
		return
	}
	s.swept = now
	for id, r := range s.requests {
		if now.After(r.expires.Add(codeTTL)) {
			delete(s.requests, id)
		}
	}
	for code, c := range s.codes {
		if now.After(c.expires) {
			delete(s.codes, code)
		}
	}
	for id, t := range s.access {
		if now.After(t.expires) || !s.alive(t.grant) {
			delete(s.access, id)
		}
	}
	for token, t := range s.refresh {
		if !s.alive(t.grant) {
			delete(s.refresh, token)
		}
	}
	for cookie, x := range s.sessions {
		if !s.sessionAlive(x) {
			delete(s.sessions, cookie)
		}
	}
}
