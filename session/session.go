package session

import (
	"time"

	"github.com/sallyport/sallyport/internal/secret"
)

// Identity is what the app is told about a person. Its strings are UTF-8, with
// surrounding white space already trimmed; an absent claim is "".
type Identity struct {
	Issuer  string // iss of the ID token, byte for byte
	Subject string // sub of the ID token; never empty in a session
	SID     string // sid of the ID token: the IdP's own session, "" when it names none

	User   string // the claim of SALLYPORT_CLAIM_USER
	Email  string // the claim of SALLYPORT_CLAIM_EMAIL
	Name   string // the claim of SALLYPORT_CLAIM_NAME
	Groups []string
	// GroupsWithheld says that the IdP knows of groups that it did not state:
	// then there are none in Groups, and nothing follows from that.
	GroupsWithheld bool

	// Claims are further claims that rules or headers look at, by the name that the
	// configuration gives them; nil = none. Nobody changes the map.
	Claims map[string][]string
	// ClaimsWithheld are those of them that the IdP has values of and did not state, or
	// not as texts: they are not in Claims, and nothing follows from that.
	ClaimsWithheld []string

	ACR      string
	AMR      []string
	AuthTime time.Time // zero when the IdP did not say
}

// Grant is what the protocol that made a session keeps to prolong and to end
// it. This package stores it and never looks inside.
type Grant struct {
	AccessToken  secret.Text
	IDToken      secret.Text
	RefreshToken secret.Text
	ExpiresAt    time.Time // of the access token; zero when the IdP did not say
	ObtainedAt   time.Time // when the tokens came; zero in records of an older version
	// Mode says how the session hangs together with the provider's (contract
	// §7): computed by the protocol from metadata and from what came.
	Mode Mode
}

// Mode is how a session is bound to the person's session at the provider.
type Mode string

// The modes of binding.
const (
	// ModeFull: a refresh token that ends with the provider's session, and
	// RP-initiated logout.
	ModeFull Mode = "full"
	// ModeNotBound: RP-initiated logout works, the session does not follow the
	// provider's.
	ModeNotBound Mode = "not_bound"
	// ModeDegraded: neither; a sign-out is local.
	ModeDegraded Mode = "degraded"
)

// Session is one signed-in browser: an immutable snapshot that any number of
// requests may share.
type Session struct {
	Handle    Handle // names the session in the store; safe to log
	IdP       string // which of the configured providers; a bounded label
	Identity  Identity
	Grant     Grant
	CreatedAt time.Time
	LastSeen  time.Time // coarse: see Manager.Authenticate
	ExpiresAt time.Time // absolute; nothing prolongs it
	// IdleAt is when the session ends if no request comes; zero when there is
	// no idle limit. Never after ExpiresAt.
	IdleAt time.Time
	// RefreshAt is when the grant is renewed; zero when it never is.
	RefreshAt time.Time
	// Memo is shared by the snapshots of this session in one process; nil in one
	// that Manager did not make.
	Memo *Memo
}

// Login is what a protocol hands over once it knows who somebody is.
type Login struct {
	IdP      string
	Identity Identity
	Grant    Grant
	Attempt  int // from Pending.Attempt
}

// Reason says why a session ended: a metric label and a word in the log.
type Reason string

// The reasons of session_ends_total.
const (
	EndedByPerson Reason = "logout"   // RP-initiated, here
	EndedByIdle   Reason = "idle"     // SALLYPORT_SESSION_IDLE passed
	EndedByAge    Reason = "max_age"  // SALLYPORT_SESSION_MAX_AGE passed
	EndedByNewOne Reason = "replaced" // the same browser signed in again
	EndedByStore  Reason = "evicted"  // the store was full
	EndedByIdP    Reason = "idp_session_ended"

	EndedByBackChannel  Reason = "backchannel_logout"  // the IdP said so (Back-Channel Logout 1.0)
	EndedByFrontChannel Reason = "frontchannel_logout" // the IdP said so through the browser
	EndedElsewhere      Reason = "logout_elsewhere"    // the person, from another of their sessions
	EndedByAdmin        Reason = "admin"               // an administrator
)

// Reasons lists every Reason, so that each metric series exists from the start.
func Reasons() []Reason {
	return []Reason{
		EndedByPerson, EndedByIdle, EndedByAge, EndedByNewOne, EndedByStore, EndedByIdP,
		EndedByBackChannel, EndedByFrontChannel, EndedElsewhere, EndedByAdmin,
	}
}
