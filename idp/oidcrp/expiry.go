package oidcrp

import (
	"context"
	"fmt"
	"log/slog"
	"time"
)

const day = 24 * time.Hour

// Urgency says how near the end of a credential is.
type Urgency int

// The levels of Urgency: each is reached at its time before the end.
const (
	Distant  Urgency = iota // more than 30 days
	InAMonth                // 30 days
	InAWeek                 // 7 days
	InADay                  // 1 day
	Expired
)

// Expiry is when a credential of this client ends: after it nobody can sign in.
type Expiry struct {
	At       time.Time // zero = not known
	Variable string    // that holds the credential
}

// ExpiryOf returns when the client's credential ends: the certificate of a key says
// so itself, of a secret only the operator can.
func ExpiryOf(auth ClientAuth, secretExpires time.Time, key *ClientKey) Expiry {
	switch {
	case auth.UsesSecret():
		return Expiry{At: secretExpires, Variable: "SALLYPORT_OIDC_CLIENT_SECRET"}
	case auth.UsesKey() && key != nil && key.Certificate() != nil:
		return Expiry{At: key.Certificate().NotAfter, Variable: "SALLYPORT_OIDC_CLIENT_CERT_FILE"}
	}
	return Expiry{}
}

// Urgency reports how near the end is; one that is not known is distant.
func (e Expiry) Urgency(now time.Time) Urgency {
	left := e.At.Sub(now)
	switch {
	case e.At.IsZero(), left > 30*day:
		return Distant
	case left > 7*day:
		return InAMonth
	case left > day:
		return InAWeek
	case left > 0:
		return InADay
	}
	return Expired
}

// Sentence says what an operator has to know; "" = the end is not known.
func (e Expiry) Sentence(now time.Time) string {
	at := e.At.UTC().Format(time.RFC3339)
	switch e.Urgency(now) {
	case Expired:
		return fmt.Sprintf("%s expired at %s: NOBODY can sign in at this provider until it is replaced; who is signed in stays so, without refreshes", e.Variable, at)
	case Distant:
		if e.At.IsZero() {
			return ""
		}
		return fmt.Sprintf("%s expires at %s", e.Variable, at)
	}
	left := e.At.Sub(now).Round(time.Hour)
	return fmt.Sprintf("%s expires in %d days and %d hours, at %s: from then on NOBODY can sign in at this provider; replace it before", e.Variable, left/day, left%day/time.Hour, at)
}

// How often the end of the credential is looked at, and how often the log repeats
// that it has passed.
const (
	expiryEvery   = time.Hour
	expiredRepeat = day
)

// WatchExpiry warns in the log when the end of the client's credential comes near, at
// 30, 7 and 1 days and once a day after it, and keeps its metric, until ctx ends.
func (c *Client) WatchExpiry(ctx context.Context) {
	ticker := time.NewTicker(expiryEvery)
	defer ticker.Stop()
	said, saidAt := Distant, time.Time{}
	for {
		now := c.now()
		e := c.expiry()
		c.metrics.expires(e.At)
		if u := e.Urgency(now); u != said || u == Expired && now.Sub(saidAt) >= expiredRepeat {
			c.warnOfExpiry(ctx, e, now)
			said, saidAt = u, now
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

func (c *Client) warnOfExpiry(ctx context.Context, e Expiry, now time.Time) {
	level := slog.LevelWarn
	switch e.Urgency(now) {
	case Distant: // it was replaced
		level = slog.LevelInfo
	case InADay, Expired:
		level = slog.LevelError
	}
	if sentence := e.Sentence(now); sentence != "" {
		c.log.Log(ctx, level, sentence, "expires", e.At.UTC())
	}
}

// expiry is that of the credential in force.
func (c *Client) expiry() Expiry {
	var key *ClientKey
	if c.cfg.ClientKey != nil {
		key = c.cfg.ClientKey()
	}
	return ExpiryOf(c.cfg.ClientAuth, c.cfg.SecretExpires, key)
}
