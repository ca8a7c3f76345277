package session

import "fmt"

// NoSessionError says that a request has no session, and why. It is an answer,
// not a failure of ours: signing in helps.
type NoSessionError struct {
	Why NoSession
	// Attempt is above zero when the request carries a ticket that we made
	// seconds ago and whose session is nevertheless gone: the number of
	// sign-ins in a row that did not hold. A second replica with a memory
	// store of its own looks like this.
	Attempt int
}

// NoSession is why a request has none.
type NoSession string

// The reasons for having no session.
const (
	NoCookie      NoSession = "no_cookie"      // none was sent
	CookieInvalid NoSession = "cookie_invalid" // not sealed by us, changed, malformed
	SessionGone   NoSession = "session_gone"   // the store no longer knows it
	SessionIdle   NoSession = "session_idle"
	SessionAged   NoSession = "session_expired"
	// SessionEndedAtIdP: the provider refused to refresh it.
	SessionEndedAtIdP NoSession = "idp_session_ended"
	// SessionUnconfirmed: the provider has not answered for longer than the grace
	// period. It may be confirmed later.
	SessionUnconfirmed NoSession = "idp_unreachable"
)

// Ended reports whether the browser was signed in once and its session is over.
func (n NoSession) Ended() bool {
	switch n {
	case SessionGone, SessionIdle, SessionAged, SessionEndedAtIdP:
		return true
	}
	return false
}

// Error implements error.
func (e *NoSessionError) Error() string { return "no session: " + string(e.Why) }

// StoreError says that the store could not answer. The session may be alive:
// nothing is deleted and no cookie is cleared on account of it.
type StoreError struct {
	Op  string // get, create, replace, delete, find, claim, lock, ping
	Err error
}

// Error implements error.
func (e *StoreError) Error() string { return fmt.Sprintf("session store %s: %v", e.Op, e.Err) }

// Unwrap returns the store's own error.
func (e *StoreError) Unwrap() error { return e.Err }

// NotBoundError says that a session was refused because it would not end with the
// person's session at the provider, and SALLYPORT_SESSION_BINDING is idp.
type NotBoundError struct{ Mode Mode }

// Error implements error.
func (e *NotBoundError) Error() string {
	return fmt.Sprintf("the session would be %s and SALLYPORT_SESSION_BINDING is idp: the provider must issue a refresh token that ends with its own session, and publish an end_session_endpoint", e.Mode)
}

// TooLargeError says that a session does not fit where the store keeps it.
type TooLargeError struct{ Size, Limit int } // bytes

// Error implements error.
func (e *TooLargeError) Error() string {
	return fmt.Sprintf("the session takes %d bytes and SALLYPORT_SESSION_STORE=cookie has room for %d: have the provider send fewer claims and groups or shorter tokens (SALLYPORT_OIDC_SCOPES), or choose another store", e.Size, e.Limit)
}
