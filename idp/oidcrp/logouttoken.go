package oidcrp

import (
	"context"
	"errors"
	"fmt"
	"time"
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
	token, err := openToken(ctx, c.unsolicited, raw, logoutTokenTypes[:], c.cfg.SigningAlgs)
	if err != nil {
		return logoutToken{}, err
	}
	return c.readLogoutToken(token.claims)
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
