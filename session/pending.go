package session

import "time"

// PendingTTL is how long a sign-in may take from the first redirect to the
// callback.
const PendingTTL = 10 * time.Minute

// MaxPending is how many sign-ins one browser may have under way; the oldest
// gives way.
const MaxPending = 5

// Pending is a sign-in under way: what must be the same at the callback. It
// travels in a sealed cookie of the browser that began it, so that nobody can
// finish a sign-in that another browser started (RFC 9700 §4.7).
type Pending struct {
	IdP       string    `json:"i"`
	State     string    `json:"s"` // RFC 6749 §10.12; opaque base64url
	Nonce     string    `json:"n"` // OpenID Connect Core §3.1.2.1
	Verifier  string    `json:"v"` // RFC 7636 code_verifier
	ReturnTo  ReturnTo  `json:"r"`
	CreatedAt time.Time `json:"c"`
	// Attempt counts sign-ins in a row that did not hold: see NoSessionError.
	Attempt int `json:"a,omitempty"`
}
