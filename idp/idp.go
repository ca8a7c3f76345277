// Package idp says what a protocol that brings identity asks of the rest of
// Sallyport. Each protocol is a folder of its own: oidcrp is the OpenID Connect
// relying party.
//
// A protocol makes a Provider for each identity provider of a site. Providers are all
// of them: it gives the proxy a Login that begins a sign-in for a navigation without a
// session, and the Routes of all endpoints. Those that providers have in common
// (login, logout) are answered here, as far as they are the same for every protocol:
// which provider is meant, or the page that asks; the end of the session and the way
// to its provider's sign-out. What is one provider's alone (callback, logout told by
// the provider) it answers itself, at addresses of its own, so that an answer of one
// cannot be taken for one of another (RFC 9700 §4.4).
//
// Both ask for the interfaces below; cmd/sallyport hands them over, so that protocols
// and proxy never import each other.
//
// # Trust
//
// Everything that arrives at a protocol's endpoints comes through a browser and
// may be forged; everything that an identity provider answers may be wrong.
package idp

import (
	"context"
	"net/http"
	"time"

	"github.com/sallyport/sallyport/internal/fault"
	"github.com/sallyport/sallyport/session"
)

// Sessions is what a protocol asks of the session layer; session.Manager is one.
type Sessions interface {
	Peek(r *http.Request) (*session.Session, error)
	Start(w http.ResponseWriter, r *http.Request, l session.Login) (*session.Session, error)
	End(w http.ResponseWriter, r *http.Request, why session.Reason) (*session.Session, error)
}

// Ends ends sessions that are not the request's; session.Manager is one if its store
// finds sessions.
type Ends interface {
	// EndSID ends every session that began in that session of the provider's, and
	// EndSubject every one of somebody. They return how many.
	EndSID(ctx context.Context, issuer, sid string, why session.Reason) (int, error)
	EndSubject(ctx context.Context, issuer, subject string, why session.Reason) (int, error)
	// Used reports whether FirstUse was asked about a value for that purpose.
	Used(ctx context.Context, purpose, value string) (bool, error)
	// FirstUse reports whether a value is used for a purpose for the first time, on
	// any replica, and remembers it until then. On an error it counts as used.
	FirstUse(ctx context.Context, purpose, value string, until time.Time) (bool, error)
}

// Logins keeps sign-ins under way in the browser; session.Manager is one.
type Logins interface {
	BeginLogin(w http.ResponseWriter, r *http.Request, p session.Pending) error
	Pending(r *http.Request, state string) (session.Pending, error)
	ClearPending(w http.ResponseWriter, r *http.Request, state string)
	// AskForAccount has the browser remember, until its next sign-in, that this must
	// ask which account; AsksForAccount reports whether it does.
	AskForAccount(w http.ResponseWriter)
	AsksForAccount(r *http.Request) bool
}

// Browsers remember at which provider they signed in; session.Manager reads it.
type Browsers interface {
	// LastProvider is the ID of the last one, as the browser says; "" when it does not.
	LastProvider(r *http.Request) string
}

// Pages is what a protocol shows to people; pages.Renderer is one. Each method
// writes a whole answer: HTML, or problem+json for those who do not accept it.
type Pages interface {
	Fault(w http.ResponseWriter, r *http.Request, e *fault.Error)
}

// SitePages is what Providers show beside that.
type SitePages interface {
	Pages
	// SignedOut is the page after a sign-out. signInURL is a path of ours that
	// begins a new sign-in; idpSessionRemains says that the provider offers no
	// sign-out, so that its own session goes on and the page must say so.
	SignedOut(w http.ResponseWriter, r *http.Request, signInURL string, idpSessionRemains bool)
	// ConfirmSignOut asks before a sign-out that another site may have caused;
	// its form posts rd to action.
	ConfirmSignOut(w http.ResponseWriter, r *http.Request, action, rd string)
	// ChooseProvider asks which provider to sign in at.
	ChooseProvider(w http.ResponseWriter, r *http.Request, c Choice)
}

// Route is one endpoint below SALLYPORT_PREFIX.
type Route struct {
	Path    string   // relative to the prefix, e.g. "/callback"
	Name    string   // bounded label for metrics and logs, e.g. "callback"
	Methods []string // any other method gets 405
	Handler http.Handler
}
