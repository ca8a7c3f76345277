package proxy

import (
	"context"
	"crypto/ecdsa"
	"crypto/x509"
	"errors"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/sallyport/sallyport/internal/accesslog"
	"github.com/sallyport/sallyport/internal/fault"
	"github.com/sallyport/sallyport/internal/secret"
	"github.com/sallyport/sallyport/proxy/pages"
	"github.com/sallyport/sallyport/proxy/policy"
	"github.com/sallyport/sallyport/session"
)

// Authenticator says who sent a request; session.Manager is one.
type Authenticator interface {
	// Authenticate returns the request's session and counts as its use, or a
	// *session.NoSessionError or *session.StoreError.
	Authenticate(r *http.Request) (*session.Session, error)
	// Peek is Authenticate without prolonging the idle time.
	Peek(r *http.Request) (*session.Session, error)
	// Touch counts activity on an open stream as use of its session.
	Touch(ctx context.Context, s *session.Session) error
	// OnEnd calls f once when s ends, so that a stream of s can be closed.
	OnEnd(s *session.Session, f func()) (stop func())
}

// Refresher renews a session when a person's app asks for it; session.Manager is
// one.
type Refresher interface {
	// Refresh renews the grant of the request's session now and returns the
	// session as it is afterwards. The error is a *session.NoSessionError, a
	// *session.StoreError, or a *session.RefreshError: then the session goes on.
	Refresh(r *http.Request) (*session.Session, error)
}

// Login begins a sign-in; the OpenID Connect relying party is one.
type Login interface {
	// Begin answers a navigation that needs a sign-in: a redirect to the identity
	// provider that later leads to where it wanted to go, or a page saying why not.
	Begin(w http.ResponseWriter, r *http.Request, s session.SignIn)
}

// Pages renders failures and our own pages; pages.Renderer is one.
type Pages interface {
	Fault(w http.ResponseWriter, r *http.Request, e *fault.Error)
	Sessions(w http.ResponseWriter, r *http.Request, l pages.OwnSessions)
	SignedIn(w http.ResponseWriter, r *http.Request, s pages.SignedIn)
}

// Route is one endpoint below SALLYPORT_PREFIX that a protocol brings along.
type Route struct {
	Path    string   // relative to the prefix, e.g. "/callback"
	Name    string   // bounded label for metrics and logs, e.g. "callback"
	Methods []string // any other method gets 405; HEAD follows GET; nil = every one that passes
	Handler http.Handler
}

// Authorization says what becomes of the Authorization field on its way to the
// app.
type Authorization string

// The values of SALLYPORT_PASS_AUTHORIZATION. "" means AuthorizationClient.
const (
	AuthorizationClient      Authorization = "none"         // the client's own passes
	AuthorizationAccessToken Authorization = "access_token" // Bearer and the access token
	AuthorizationIDToken     Authorization = "id_token"     // Bearer and the ID token
	AuthorizationBasic       Authorization = "basic"        // Basic, the person's name and one password for all
)

// ForwardAuth says whether other proxies may ask about requests.
type ForwardAuth string

// The values of SALLYPORT_FORWARD_AUTH. "" means ForwardAuthOn.
const (
	ForwardAuthOn   ForwardAuth = "on"   // GET /auth is there
	ForwardAuthOff  ForwardAuth = "off"  // it is not
	ForwardAuthOnly ForwardAuth = "only" // likewise, and no app is behind us
)

// Config makes a Site.
type Config struct {
	PublicURL      *url.URL // origin and optional base path that browsers use
	Prefix         string   // e.g. "/oauth2"; below the base path
	AllowedHosts   []string // hosts served beside PublicURL's
	AllowedOrigins []string // origins beside our own whose WebSockets pass
	PassPreflights bool     // CORS preflights without a session go to the app
	CORS           CORS     // pages of other origins, whose preflights are answered here

	ForwardAuth ForwardAuth

	Upstream        *url.URL // http, https, h2c, or unix with a path; unused with ForwardAuthOnly
	UpstreamTimeout time.Duration
	UpstreamCA      *x509.CertPool // nil = the system's
	PassHost        bool           // keep the client's Host

	Trusted []netip.Prefix // peers whose forwarding headers are believed
	// TrustUnix believes the forwarding headers of peers on a unix socket,
	// which have no address that Trusted could name.
	TrustUnix         bool
	PassClientHeaders []string // exceptions to the list of removed names
	PassAccessToken   bool
	PassIDToken       bool
	PassAuthorization Authorization
	BasicUser         BasicUser          // the user name of AuthorizationBasic
	BasicPassword     func() secret.Text // its password, never empty; needed for it alone
	ClaimHeaders      ClaimHeaders       // further fields that tell the app of claims
	HeaderEncoding    HeaderEncoding     // of claims in fields
	// AssertionKeys returns the ES256 keys of X-Sallyport-Assertion, newest first and
	// at least one; nil = there is neither that nor GET /jwks.
	AssertionKeys     func() []*ecdsa.PrivateKey
	AssertionAudience string // aud; "" = PublicURL

	Policy  *policy.Policy
	Cookies session.Cookies
	// CookieParts is how many numbered parts of the session cookie an answer may set,
	// with a store that keeps sessions in them; 0 = none.
	CookieParts int
	Returns     *session.ReturnPolicy
	Auth        Authenticator
	Refresh     Refresher // nil = there is no POST /session/refresh
	// Sessions lets people see and end their own; nil = /sessions is not there.
	Sessions Sessions
	Login    Login
	Pages    Pages
	Routes   []Route
	// Forms and FormPages keep a half-filled form over a sign-in; nil = such a form
	// is refused like any request without a session.
	Forms     Forms
	FormPages FormPages
	// Mode names how far a session follows the one at its identity provider
	// ("full", "not_bound", "degraded"), for GET /session. nil = not said.
	Mode func(*session.Session) string

	AccessLog  *accesslog.Log // gets the line of each request; nil = there are none
	Now        func() time.Time
	Logger     *slog.Logger
	Registerer prometheus.Registerer // nil = metrics are kept and not registered
}

// check names every part that New cannot do without.
func (c *Config) check() error {
	var faults []error
	need := func(ok bool, what string) {
		if !ok {
			faults = append(faults, errors.New("proxy: Config."+what))
		}
	}
	need(c.PublicURL != nil && c.PublicURL.Host != "", "PublicURL has no host")
	need(len(c.Prefix) > 1 && c.Prefix[0] == '/' && c.Prefix[len(c.Prefix)-1] != '/', `Prefix must begin with "/", name something and not end with "/"`)
	if c.ForwardAuth != ForwardAuthOnly {
		need(c.Upstream != nil, "Upstream is missing")
		need(c.UpstreamTimeout > 0, "UpstreamTimeout must be above zero")
	}
	need(c.Policy != nil, "Policy is missing")
	need(c.Returns != nil, "Returns is missing")
	need(c.Auth != nil, "Auth is missing")
	need(c.Login != nil, "Login is missing")
	need(c.Pages != nil, "Pages is missing")
	need(c.Forms == nil || c.FormPages != nil, "FormPages is missing")
	need(c.Now != nil, "Now is missing")
	need(c.Logger != nil, "Logger is missing")
	switch c.ForwardAuth {
	case "", ForwardAuthOn, ForwardAuthOff, ForwardAuthOnly:
	default:
		need(false, "ForwardAuth (SALLYPORT_FORWARD_AUTH) must be on, off or only")
	}
	switch c.HeaderEncoding {
	case "", EncodingUTF8, EncodingPercent:
	default:
		need(false, "HeaderEncoding (SALLYPORT_HEADER_ENCODING) must be utf-8 or percent")
	}
	switch c.PassAuthorization {
	case "", AuthorizationClient, AuthorizationAccessToken, AuthorizationIDToken:
	case AuthorizationBasic:
		need(c.BasicPassword != nil, "BasicPassword (SALLYPORT_BASIC_PASSWORD) is missing")
	default:
		need(false, "PassAuthorization (SALLYPORT_PASS_AUTHORIZATION) must be none, access_token, id_token or basic")
	}
	switch c.BasicUser {
	case "", BasicUserUser, BasicUserEmail, BasicUserName:
	default:
		need(false, "BasicUser (SALLYPORT_BASIC_USER) must be user, email or name")
	}
	return errors.Join(faults...)
}
