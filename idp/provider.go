package idp

import (
	"context"
	"net/http"

	"github.com/sallyport/sallyport/session"
)

// Provider is one identity provider that people may sign in at; oidcrp.Client is
// one. Its methods are safe for concurrent use.
type Provider interface {
	// About says what tells it from the others. It never changes.
	About() About
	// AdmitsIssuer reports whether iss is an issuer of this provider's, byte for byte.
	AdmitsIssuer(iss string) bool
	// Issued reports whether a session may be one of this provider's, by whatever name
	// it was known: it is of its issuer and, where its ID token says, for its client.
	Issued(s *session.Session) bool
	// Ready returns nil once people can be sent there, else why not yet.
	Ready() error

	// Begin answers a navigation that needs a sign-in: a redirect to the provider that
	// later leads to where it wanted to go, or a page that says why there is none.
	Begin(w http.ResponseWriter, r *http.Request, s session.SignIn)
	// Login is GET /login once it is known that the sign-in is to be here.
	Login(w http.ResponseWriter, r *http.Request)
	// SignOut revokes what ended has at the provider, and returns the address of the
	// provider's own sign-out, which the browser has to visit; "" = there is none.
	// ended is nil when nobody was signed in. state comes back to GET /logout/callback.
	SignOut(ctx context.Context, ended *session.Session, state string) (address string)
	// Routes are the endpoints that are this provider's alone.
	Routes() []Route

	// Mode names how far sessions follow the provider's own (contract §7): s, or those
	// of sign-ins at present when it is nil. "" = not known yet.
	Mode(s *session.Session) string
	session.Refresher
	session.Revoker
}

// About says what tells a provider from the others of a site.
type About struct {
	// ID names it in addresses, metrics, logs and sessions: SALLYPORT_OIDC_ID.
	ID string
	// Title is what people know it by, in plain text: SALLYPORT_OIDC_TITLE.
	Title string
	// EmailDomains are those whose people belong there, in lower case; nil = nobody
	// knows.
	EmailDomains []string
	// Draft says that it is being tried: nobody is sent there unless a link names it,
	// and nobody sees it where one is chosen.
	Draft bool
}
