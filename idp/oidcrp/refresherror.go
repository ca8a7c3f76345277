package oidcrp

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/sallyport/sallyport/session"
)

// maxRetryAfter bounds how long a provider can ask to be left alone: beyond it the
// grace period of sessions would pass without anybody asking.
const maxRetryAfter = 5 * time.Minute

func ended(err error) *session.RefreshError {
	return &session.RefreshError{Outcome: session.RefreshEnded, Err: err}
}

func misconfigured(err error) *session.RefreshError {
	return &session.RefreshError{Outcome: session.RefreshMisconfigured, Err: err}
}

func unavailable(err error) *session.RefreshError {
	return &session.RefreshError{Outcome: session.RefreshUnavailable, Err: err}
}

// refreshRefused decides what an answer that is no success means, by its status
// and the error of RFC 6749 §5.2. A session ends by invalid_grant and by the errors
// that ask for the person, and not from a server that says that it is out of order.
// Whatever else the provider has against this client's requests keeps sessions
// alive: a client secret that is being replaced must not sign everybody out.
func (c *Client) refreshRefused(a *answer) *session.RefreshError {
	switch {
	case a.status >= 500, a.status == http.StatusTooManyRequests, a.status == http.StatusRequestTimeout:
		e := unavailable(a.success(atToken))
		e.RetryAfter = retryAfter(a.header.Get("Retry-After"), c.now())
		return e
	case a.status < 400:
		return unavailable(a.success(atToken)) // a redirect, to a maintenance page perhaps
	}
	if o, err := parseObject(a.body); err == nil && o.has("error") {
		return c.refreshOAuthError(o)
	}
	return misconfigured(fmt.Errorf("%w and no OAuth error; %s", a.success(atToken), c.credentialsRemedy()))
}

// refreshOAuthError translates the error of RFC 6749 §5.2.
func (c *Client) refreshOAuthError(o object) *session.RefreshError {
	f := c.tokenErrorFault(o)
	name, _ := o.text("error")
	switch name {
	case "invalid_grant":
		return ended(errors.New(saidBy(o) + ": its session, or the refresh token, has ended"))
	case "interaction_required", "login_required", "consent_required", "account_selection_required":
		// OpenID Connect Core §3.1.2.6; Entra ID answers so when it wants another factor.
		return ended(errors.New(saidBy(o) + ": the person has to sign in again"))
	case "server_error", "temporarily_unavailable":
		return unavailable(f.Cause)
	}
	return misconfigured(f.Cause)
}

// refreshUnread decides about an answer with status 200 that cannot be read.
func (c *Client) refreshUnread(a *answer, err error) *session.RefreshError {
	if o, parseErr := parseObject(a.body); parseErr == nil && o.has("error") {
		return c.refreshOAuthError(o)
	}
	return unavailable(err)
}

// retryAfter reads a Retry-After of seconds or of a date (RFC 9110 §10.2.3): at
// least 0, at most maxRetryAfter, and 0 for anything else.
func retryAfter(value string, now time.Time) time.Duration {
	value = strings.TrimSpace(value)
	wait := time.Duration(0)
	if seconds, err := strconv.ParseInt(value, 10, 64); err == nil {
		if seconds > int64(maxRetryAfter/time.Second) {
			return maxRetryAfter
		}
		wait = time.Duration(seconds) * time.Second
	} else if date, err := http.ParseTime(value); err == nil {
		wait = date.Sub(now)
	}
	return min(max(wait, 0), maxRetryAfter)
}
