package session

import (
	"context"
	"time"
)

// Refresher is the protocol's part of keeping a session as long as the
// person's own session at the identity provider: it knows how to renew a grant.
// Manager decides when, and sees to it that it happens once.
type Refresher interface {
	// Refresh asks the provider once for a new grant of s. It does not retry:
	// a refresh token may be good for a single use. The context has its own
	// deadline and does not end with the request that caused it. The error is a
	// *RefreshError.
	Refresh(ctx context.Context, s *Session) (Renewal, error)
}

// Renewal is what a refresh brought: complete, with what the provider did not
// repeat carried over from before (RFC 6749 §6).
type Renewal struct {
	Identity Identity
	Grant    Grant
}

// RefreshOutcome says what a failed refresh means for the session.
type RefreshOutcome string

// The outcomes of a failed refresh. They are metric labels, too.
const (
	// RefreshEnded: the provider ended the session or names somebody else
	// (invalid_grant; another iss, sub or aud). Signing in again helps.
	RefreshEnded RefreshOutcome = "ended"
	// RefreshMisconfigured: the provider refuses this client (invalid_client
	// and its like). The session goes on; an operator has to act.
	RefreshMisconfigured RefreshOutcome = "misconfigured"
	// RefreshUnavailable: no usable answer (network, 5xx, 429). The session goes
	// on for the grace period.
	RefreshUnavailable RefreshOutcome = "unavailable"
)

// RefreshError says why a grant was not renewed.
type RefreshError struct {
	Outcome RefreshOutcome
	// RetryAfter is how long the provider asked to be left alone; 0 = it did
	// not say.
	RetryAfter time.Duration
	Err        error // for the operator's log; holds no token
}

// Error implements error.
func (e *RefreshError) Error() string { return "refreshing session: " + e.Err.Error() }

// Unwrap returns the cause.
func (e *RefreshError) Unwrap() error { return e.Err }
