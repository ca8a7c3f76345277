package oidcrp

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/sallyport/sallyport/internal/secret"
	"github.com/sallyport/sallyport/session"
)

// renewal is what a refresh that began at asked and brought t means for s. The
// error is a *session.RefreshError.
func (c *Client) renewal(ctx context.Context, provider *metadata, s *session.Session, t *tokens, asked time.Time) (session.Renewal, error) {
	r := session.Renewal{Identity: s.Identity, Grant: c.renewalGrant(provider, s, t)}
	claims, err := c.refreshedClaims(ctx, s, t, asked)
	if err != nil {
		return session.Renewal{}, ended(err)
	}
	if claims == nil {
		r.Grant.IDToken = s.Grant.IDToken
	}
	info, err := c.refreshedUserinfo(ctx, provider, s, t.accessToken, claims)
	if errors.Is(err, errOtherSubject) {
		return session.Renewal{}, ended(err)
	}
	if err != nil {
		c.log.WarnContext(ctx, "refresh: userinfo could not be used; groups and other claims stay as they were until the next refresh", "session", s.Handle, "cause", err)
		return r, nil
	}
	if claims == nil && info == nil {
		return r, nil
	}
	if r.Identity, err = c.renewedIdentity(ctx, s, claims, info); err != nil {
		return session.Renewal{}, ended(err)
	}
	return r, nil
}

// refreshedClaims returns the claims of the refreshed ID token, nil when there is
// none or it must be ignored: then it proves nothing, neither for nor against the
// person. The error means that the provider's own signature says that this is not
// the session's person (OpenID Connect Core §12.2).
//
// The nonce is not looked at: Core §12.2 wants none in a refreshed ID token, the
// one of the sign-in is not kept, and it protects nothing here, because the token
// did not come through a browser.
func (c *Client) refreshedClaims(ctx context.Context, s *session.Session, t *tokens, asked time.Time) (object, error) {
	if t.idToken.IsEmpty() {
		return nil, nil
	}
	ignored := func(cause error) {
		c.log.WarnContext(ctx, "refresh: the new ID token is ignored", "session", s.Handle, "cause", cause)
	}
	token, err := c.openIDToken(ctx, t.idToken.Reveal())
	if err != nil {
		ignored(err)
		return nil, nil
	}
	claims := token.claims
	if err := c.checkParties(claims); err != nil {
		return nil, fmt.Errorf("the refreshed ID token: %w", err)
	}
	if iss, _ := claims.text("iss"); iss != s.Identity.Issuer {
		return nil, errors.New("the iss of the refreshed ID token is not that of the session")
	}
	if sub, _ := claims.text("sub"); sub != s.Identity.Subject {
		return nil, errors.New("the sub of the refreshed ID token is not that of the session")
	}
	if err := c.checkTimes(claims, asked); err != nil {
		ignored(err)
		return nil, nil
	}
	if err := token.checkAccessTokenHash(t.accessToken); err != nil {
		ignored(err)
		return nil, nil
	}
	return claims, nil
}

// refreshedUserinfo asks the userinfo endpoint where a sign-in would: always, or in
// mode auto when the ID token is missing or lacks a wanted claim. nil without an
// error means that it was not asked.
func (c *Client) refreshedUserinfo(ctx context.Context, provider *metadata, s *session.Session, token secret.Text, claims object) (object, error) {
	switch {
	case c.cfg.Userinfo == UserinfoNever:
		return nil, nil
	case c.cfg.Userinfo == UserinfoAuto && (provider.UserinfoEndpoint == "" || claims != nil && c.hasWanted(claims)):
		return nil, nil
	}
	return c.fetchUserinfo(ctx, provider, token, subjectClaims(s.Identity.Subject))
}

// renewedIdentity makes the identity of new claims. What a person is called and may
// do is renewed; what describes how the person signed in at the provider stays,
// because a refresh is no sign-in (auth_time: Core §12.2), and sid stays the name
// that the provider's logout will use.
//
// Without an ID token userinfo speaks first, and the last ID token still for what
// userinfo does not have: a provider may put the groups into ID tokens only.
func (c *Client) renewedIdentity(ctx context.Context, s *session.Session, claims, info object) (session.Identity, error) {
	if claims == nil {
		claims, info = info, unverifiedClaims(s.Grant.IDToken) // it was verified when it came
	}
	id, err := c.identityOf(ctx, claims, info)
	if err != nil {
		return session.Identity{}, err
	}
	was := s.Identity
	id.Issuer = was.Issuer // userinfo names none
	id.SID, id.ACR, id.AMR, id.AuthTime = was.SID, was.ACR, was.AMR, was.AuthTime
	return id, nil
}

// subjectClaims are claims that say no more than who somebody is.
func subjectClaims(sub string) object {
	text, err := json.Marshal(sub)
	if err != nil {
		return nil // cannot happen: a string
	}
	return object{"sub": text}
}
