package demoidp

import (
	"context"
	"crypto/rand"
	"errors"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"
)

const (
	requestTTL = 10 * time.Minute // from /authorize to the end of the login
	codeTTL    = time.Minute      // RFC 6749 §4.1.2: short-lived
	sweepEvery = time.Minute
)

var (
	errUnknownRequest = errors.New("no such sign-in under way: it is finished, or it took longer than ten minutes")
	errUnknownCode    = errors.New("code is unknown, expired or already redeemed")
)

// storage is what pkg/op reads and writes, all of it in memory behind one lock.
type storage struct {
	cfg Config

	mu       sync.Mutex
	clients  map[string]*registered
	people   map[string]Person
	key      *signingKey
	requests map[string]*authRequest  // by id
	codes    map[string]*issuedCode   // by code
	access   map[string]*accessToken  // by token id
	refresh  map[string]*refreshToken // by token
	sessions map[string]*session      // by cookie value
	swept    time.Time
}

var (
	_ op.Storage                   = (*storage)(nil)
	_ op.CanSetUserinfoFromRequest = (*storage)(nil)
)

// issuedCode stays until it expires, so that a second use is recognised.
type issuedCode struct {
	requestID string
	expires   time.Time
	used      bool
	grant     *grant // what it was redeemed for, nil before
}

func newStorage(cfg Config) (*storage, error) {
	key, err := newSigningKey()
	if err != nil {
		return nil, err
	}
	s := &storage{
		cfg:      cfg,
		clients:  map[string]*registered{},
		people:   map[string]Person{},
		key:      key,
		requests: map[string]*authRequest{},
		codes:    map[string]*issuedCode{},
		access:   map[string]*accessToken{},
		refresh:  map[string]*refreshToken{},
		sessions: map[string]*session{},
		swept:    cfg.Now(),
	}
	for _, c := range cfg.Clients {
		s.clients[c.ID] = &registered{Client: c, idTokenTTL: cfg.IDTokenTTL, loginURL: cfg.Issuer + loginPath}
	}
	for _, p := range cfg.People {
		s.people[p.ID] = p.clone()
	}
	return s, nil
}

// CreateAuthRequest keeps a request that pkg/op found valid, unless it lacks
// PKCE with S256 or asks for a response mode that this provider does not have.
func (s *storage) CreateAuthRequest(_ context.Context, asked *oidc.AuthRequest, hintSubject string) (op.AuthRequest, error) {
	if asked.CodeChallenge == "" || asked.CodeChallengeMethod != oidc.CodeChallengeMethodS256 {
		return nil, oidc.ErrInvalidRequest().WithDescription("PKCE is required: send code_challenge with code_challenge_method=S256")
	}
	if m := asked.ResponseMode; m != "" && m != oidc.ResponseModeQuery && m != oidc.ResponseModeFormPost {
		return nil, oidc.ErrInvalidRequest().WithDescription("response_mode must be query or form_post")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sweep()
	req := &authRequest{
		id:          rand.Text(),
		asked:       *asked,
		hintSubject: hintSubject,
		expires:     s.cfg.Now().Add(requestTTL),
	}
	s.requests[req.id] = req
	return req, nil
}

func (s *storage) AuthRequestByID(_ context.Context, id string) (op.AuthRequest, error) {
	return s.pending(id)
}

// pending returns the request that waits for a login, or errUnknownRequest.
func (s *storage) pending(id string) (*authRequest, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	req := s.requests[id]
	if req == nil || req.Done() || s.cfg.Now().After(req.expires) {
		return nil, errUnknownRequest
	}
	return req, nil
}

// complete ties a pending request to the session that answers it; only the
// first of two clicks succeeds.
func (s *storage) complete(id string, with *session) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	req := s.requests[id]
	if req == nil || req.Done() || s.cfg.Now().After(req.expires) {
		return errUnknownRequest
	}
	req.session, req.authTime, req.acr = with, with.authTime, with.acr
	with.clients[req.asked.ClientID] = true
	return nil
}

// drop forgets a request that ended without a code.
func (s *storage) drop(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.requests, id)
}

func (s *storage) SaveAuthCode(_ context.Context, id, code string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	req := s.requests[id]
	if req == nil {
		return errUnknownRequest
	}
	req.code = code
	s.codes[code] = &issuedCode{requestID: id, expires: s.cfg.Now().Add(codeTTL)}
	return nil
}

// AuthRequestByCode spends the code: whatever happens next, it works no second
// time. A second use revokes what the first one gave (RFC 6749 §4.1.2).
func (s *storage) AuthRequestByCode(_ context.Context, code string) (op.AuthRequest, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.codes[code]
	if c == nil || s.cfg.Now().After(c.expires) {
		return nil, errUnknownCode
	}
	if c.used {
		if c.grant != nil {
			c.grant.revoked = true
		}
		return nil, errUnknownCode
	}
	c.used = true
	req := s.requests[c.requestID]
	if req == nil {
		return nil, errUnknownCode
	}
	return req, nil
}

func (s *storage) DeleteAuthRequest(_ context.Context, id string) error {
	s.drop(id)
	return nil
}

func (s *storage) GetClientByClientID(_ context.Context, id string) (op.Client, error) {
	c, err := s.client(id)
	if err != nil {
		return nil, err
	}
	return c, nil
}

func (s *storage) AuthorizeClientIDSecret(_ context.Context, id, secret string) error {
	c, err := s.client(id)
	if err != nil {
		return err
	}
	if !c.secretIs(secret) {
		return errors.New("client secret is wrong")
	}
	return nil
}

// client returns a registered client. Clients never change after New.
func (s *storage) client(id string) (*registered, error) {
	c := s.clients[id]
	if c == nil {
		return nil, errors.New("client is not registered")
	}
	return c, nil
}

// Health is always good: there is nothing outside this process.
func (s *storage) Health(context.Context) error { return nil }

// GetKeyByIDAndClientID finds no key: private_key_jwt is not offered.
func (s *storage) GetKeyByIDAndClientID(context.Context, string, string) (*jose.JSONWebKey, error) {
	return nil, errors.New("clients have no keys here")
}

// ValidateJWTProfileScopes refuses: the JWT profile grant is not offered.
func (s *storage) ValidateJWTProfileScopes(context.Context, string, []string) ([]string, error) {
	return nil, oidc.ErrUnsupportedGrantType()
}
