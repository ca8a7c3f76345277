package oidcrp

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
)

const (
	// logoutEvent is the member of events that makes a token a logout token.
	logoutEvent = "http://schemas.openid.net/event/backchannel-logout"
	// logoutTokenAge is how old a logout token may be, beside clockSkew: it is sent at
	// once, and its jti is remembered for as long.
	logoutTokenAge = 3 * time.Minute
	// maxSessionID bounds sid and jti, in bytes.
	maxSessionID = 255
)

// logoutToken is what a verified logout token asks for (OpenID Connect Back-Channel
// Logout 1.0 §2.4). At least one of sid and subject is not empty.
type logoutToken struct {
	issuer, subject, sid, jti string
}

// verifyLogoutToken does the whole of Back-Channel Logout 1.0 §2.6 but for the
// replay, which needs the store. It asks for iat, exp and jti in every token; who
// captured one could otherwise use it for ever.
func (c *Client) verifyLogoutToken(ctx context.Context, raw string) (logoutToken, error) {
	claims, err := c.openLogoutToken(ctx, raw)
	if err != nil {
		return logoutToken{}, err
	}
	return c.readLogoutToken(claims)
}

// readLogoutToken checks the claims, which the provider has stated.
func (c *Client) readLogoutToken(claims object) (logoutToken, error) {
	if err := c.checkAudience(claims); err != nil {
		return logoutToken{}, err
	}
	if err := checkLogoutEvent(claims); err != nil {
		return logoutToken{}, err
	}
	if err := c.checkLogoutTimes(claims); err != nil {
		return logoutToken{}, err
	}
	t := logoutToken{}
	t.issuer, _ = claims.text("iss")
	for name, to := range map[string]*string{"sub": &t.subject, "sid": &t.sid, "jti": &t.jti} {
		text, ok := claims.text(name)
		if _, there := claims[name]; there && (!ok || text == "" || len(text) > maxSessionID) {
			return logoutToken{}, fmt.Errorf("its %s is not a string of 1 to %d bytes", name, maxSessionID)
		}
		*to = text
	}
	switch {
	case t.jti == "":
		return logoutToken{}, errors.New("it has no jti, so that it could be sent again and again")
	case t.subject == "" && t.sid == "":
		return logoutToken{}, errors.New("it has neither sub nor sid, so that it is about nobody")
	}
	return t, nil
}

// openLogoutToken verifies the signature and reads the claims. go-oidc parses the
// token and has the keys verify it; it lets encoding/json fold names and knows
// nothing of typ, iat and nonce, so what it finds is looked at again.
func (c *Client) openLogoutToken(ctx context.Context, raw string) (object, error) {
	if err := checkJOSEHeader(raw, logoutTokenTypes[:], c.cfg.SigningAlgs); err != nil {
		return nil, err
	}
	keys := &keysWitness{KeySet: c.unsolicited}
	verifier := oidc.NewVerifier(c.cfg.Issuer, keys, &oidc.Config{
		SupportedSigningAlgs: c.cfg.SigningAlgs,
		SkipIssuerCheck:      true,
		SkipClientIDCheck:    true,
		SkipExpiryCheck:      true,
	})
	token, err := verifier.VerifyLogout(ctx, raw)
	switch {
	case keys.err != nil:
		return nil, keys.err
	case err != nil && !keys.asked:
		return nil, errors.New("it is not a well-formed signed JWT")
	case err != nil: // its text may quote claims, which are not logged
		return nil, errors.New("its payload is not that of a logout token (Back-Channel Logout 1.0 §2.4)")
	}
	var payload rawClaims
	if err := token.Claims(&payload); err != nil {
		return nil, errors.New("its payload cannot be read")
	}
	claims, err := parseObject(payload)
	if err != nil {
		return nil, fmt.Errorf("its payload: %w", err)
	}
	return claims, nil
}

// checkLogoutEvent tells a logout token from an ID token, which anybody who has one
// could send here.
func checkLogoutEvent(claims object) error {
	if _, there := claims["nonce"]; there {
		return errors.New("it has a nonce, so it is an ID token")
	}
	events, err := parseObject(claims["events"])
	if err != nil {
		return errors.New("its events is not a JSON object")
	}
	if _, err := parseObject(events[logoutEvent]); err != nil {
		return fmt.Errorf("its events has no object %s", logoutEvent)
	}
	return nil
}

// checkLogoutTimes wants a token that is valid and was made a moment ago.
func (c *Client) checkLogoutTimes(claims object) error {
	issued, err := c.checkValidity(claims)
	if err != nil {
		return err
	}
	if now := c.now(); issued.Before(now.Add(-logoutTokenAge - clockSkew)) {
		return clockError("it was issued at %s, which is more than %s ago at %s here", stamp(issued), logoutTokenAge, stamp(now))
	}
	return nil
}
