package oidcrp

import (
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/sallyport/sallyport/idp"
	"github.com/sallyport/sallyport/internal/secret"
	"github.com/sallyport/sallyport/session"
)

// UserinfoMode says when the userinfo endpoint is asked.
type UserinfoMode string

// The values of SALLYPORT_OIDC_USERINFO.
const (
	UserinfoAuto   UserinfoMode = "auto"   // when the ID token lacks a wanted claim
	UserinfoAlways UserinfoMode = "always" // and a sign-in without it fails
	UserinfoNever  UserinfoMode = "never"
)

// EmailVerified says what the email_verified claim means for a sign-in.
type EmailVerified string

// The values of SALLYPORT_EMAIL_VERIFIED.
const (
	EmailRequireVerified EmailVerified = "require"
	EmailAllowMissing    EmailVerified = "allow_missing" // false refuses, absence does not
	EmailIgnoreVerified  EmailVerified = "ignore"
)

// ClaimNames says which claims make an identity. Each is looked up by its
// literal name first and then as a dotted path; "" is never looked up.
type ClaimNames struct {
	User, Email, Name, Groups string
	// EmailVerified says whether somebody has verified Email; "" = email_verified.
	EmailVerified string
}

// Config makes a Client. Fields without a note are required.
type Config struct {
	// ID names the provider in logs, metrics, cookies and sessions, e.g. "generic". It
	// is a bounded label, and part of addresses with OwnPaths.
	ID string
	// Title is what people know it by, in plain text; "" = ID.
	Title string
	// EmailDomains are those that it may vouch for addresses of, in lower case; nil =
	// all.
	EmailDomains []string
	// Draft says that it is being tried (idp.About).
	Draft bool
	// OwnPaths puts its endpoints below a path segment of its own, its ID; false = it
	// is the one whose redirect URI has none.
	OwnPaths bool

	// Issuer is SALLYPORT_OIDC_ISSUER, compared byte for byte. It may contain
	// TenantPlaceholder; then AllowedTenants says whose tokens are accepted.
	Issuer         string
	AllowedTenants []string
	DiscoveryURL   string   // "" = issuer and the well-known path
	Demands        []Demand // of every ID token; may be empty
	ClientID       string
	// ClientSecret and ClientKey are asked for each request, because their files
	// may change. Of the two, the one that ClientAuth uses is required.
	ClientSecret func() secret.Text
	ClientKey    func() *ClientKey
	ClientAuth   ClientAuth
	// PreviousSecret is a second client secret, for when the provider refuses the
	// first; it may be nil or answer nothing.
	PreviousSecret func() secret.Text
	SecretExpires  time.Time // when the provider stops accepting ClientSecret; zero = not known
	// AssertionAudience says whom PrivateKeyJWT is made out to; "" = the issuer.
	AssertionAudience AssertionAudience
	SigningAlgs       []string // of signingAlgs

	PushedRequests PushedRequests // "" = auto

	// What the authorization request asks for. All but Scopes may be empty.
	Scopes    []string
	Prompt    []string
	ACRValues []string       // the ID token's acr must be one of them
	MaxAge    *time.Duration // whole seconds; auth_time must not be older
	// StepUpACRs are those that a sign-in may ask for beside ACRValues.
	StepUpACRs  []string
	UILocales   []string
	ExtraParams url.Values
	Resource    []string // RFC 8707

	// AccessTokenOptional takes a token response without an access token for good;
	// then there is nothing to ask the userinfo endpoint with.
	AccessTokenOptional bool

	Userinfo UserinfoMode
	Claims   ClaimNames
	// MoreClaims are the names of claims that go into Identity.Claims.
	MoreClaims    []string
	EmailVerified EmailVerified
	// EmailRequired refuses a sign-in without a usable e-mail address.
	EmailRequired bool
	// GroupsLimit is how many groups the provider states at most: so many count as
	// a list that was cut short. 0 = it states them all.
	GroupsLimit int

	// RefreshBound is what is known of the provider's refresh tokens: whether they
	// end with the person's session there. nil = not known: one that was not asked
	// for with offline_access counts as bound.
	RefreshBound *bool

	// LogoutURL is a template that replaces the discovered end_session_endpoint:
	// {client_id}, {post_logout_redirect_uri}, {id_token} and {state} are filled
	// in, escaped for a query; {provider} at its beginning is scheme and host of
	// the authorization endpoint. "" = as discovered, LogoutNone = no sign-out.
	LogoutURL string
	// LogoutFallback is such a template for when LogoutURL is "" and the metadata
	// name no end_session_endpoint; "" = then there is no sign-out.
	LogoutFallback string
	LogoutHint     LogoutHint // "" = any

	// Remedies are what the log says beside the cause of some faults.
	Remedies Remedies

	RedirectURL           string // of the callback, as registered at the provider
	PostLogoutRedirectURL string // of the logout callback, likewise
	// Prefix is the path of our endpoints as browsers see it: base path and
	// SALLYPORT_PREFIX, e.g. "/app/oauth2".
	Prefix string

	CA *x509.CertPool // trust for calls to the provider; nil = the system's
	// Timeout bounds one call to the provider, from connecting to the last byte.
	Timeout time.Duration

	// Ends ends sessions when the provider says so; nil = the store cannot find them,
	// and the provider's logout endpoints are not offered.
	Ends     idp.Ends
	Sessions idp.Sessions
	Logins   idp.Logins
	Pages    idp.Pages
	Returns  *session.ReturnPolicy
	// IsNavigation reports whether a person caused a GET request, so that a
	// redirect to the provider leads somewhere.
	IsNavigation func(*http.Request) bool

	Now        func() time.Time      // nil = time.Now
	Logger     *slog.Logger          // nil = nothing is logged
	Registerer prometheus.Registerer // nil = the metrics are not exported
}

// signingAlgs are the asymmetric algorithms of RFC 7518 §3.1. None and HS* are
// not among them: anyone, or anyone who knows the client secret, can make those.
var signingAlgs = [...]string{"RS256", "RS384", "RS512", "ES256", "ES384", "ES512", "PS256", "PS384", "PS512"}

// check reports every fault at once.
func (c *Config) check() error {
	var faults []error
	need := func(ok bool, what string) {
		if !ok {
			faults = append(faults, errors.New("oidcrp: "+what))
		}
	}
	need(c.ID != "", "Config.ID is missing")
	need(c.Issuer != "", "SALLYPORT_OIDC_ISSUER is missing")
	need(!strings.Contains(c.Issuer, TenantPlaceholder) || len(c.AllowedTenants) > 0 && c.DiscoveryURL != "",
		"SALLYPORT_OIDC_ISSUER is a template: SALLYPORT_OIDC_ALLOWED_TENANTS and SALLYPORT_OIDC_DISCOVERY_URL are needed")
	need(c.ClientID != "", "SALLYPORT_OIDC_CLIENT_ID is missing")
	need(slices.Contains(c.Scopes, "openid"), "SALLYPORT_OIDC_SCOPES must contain openid, without which there is no ID token")
	need(c.RedirectURL != "" && c.PostLogoutRedirectURL != "", "Config.RedirectURL and PostLogoutRedirectURL are needed")
	need(strings.HasPrefix(c.Prefix, "/") && !strings.HasSuffix(c.Prefix, "/"), `Config.Prefix must begin with "/" and not end with it`)
	need(c.Timeout > 0, "SALLYPORT_OIDC_TIMEOUT must be above zero")
	need(c.MaxAge == nil || *c.MaxAge >= 0, "SALLYPORT_OIDC_MAX_AGE must not be negative")
	need(c.Sessions != nil, "Config.Sessions is missing")
	need(c.Logins != nil, "Config.Logins is missing")
	need(c.Pages != nil, "Config.Pages is missing")
	need(c.Returns != nil, "Config.Returns is missing")
	need(c.IsNavigation != nil, "Config.IsNavigation is missing")
	return errors.Join(append(faults, c.checkChoices()...)...)
}

func (c *Config) checkChoices() []error {
	faults := c.checkClientAuth()
	switch c.Userinfo {
	case UserinfoAuto, UserinfoAlways, UserinfoNever:
	default:
		faults = append(faults, fmt.Errorf("SALLYPORT_OIDC_USERINFO is %q; use auto, always or never", c.Userinfo))
	}
	switch c.EmailVerified {
	case EmailRequireVerified, EmailAllowMissing, EmailIgnoreVerified:
	default:
		faults = append(faults, fmt.Errorf("SALLYPORT_EMAIL_VERIFIED is %q; use require, allow_missing or ignore", c.EmailVerified))
	}
	switch c.PushedRequests {
	case "", PushedAuto, PushedAlways:
	default:
		faults = append(faults, fmt.Errorf("SALLYPORT_OIDC_PAR is %q; use auto or always", c.PushedRequests))
	}
	if len(c.SigningAlgs) == 0 {
		faults = append(faults, errors.New("SALLYPORT_OIDC_SIGNING_ALGS is empty"))
	}
	for _, alg := range c.SigningAlgs {
		if !slices.Contains(signingAlgs[:], alg) {
			faults = append(faults, fmt.Errorf("SALLYPORT_OIDC_SIGNING_ALGS contains %q; use of %s", alg, strings.Join(signingAlgs[:], ", ")))
		}
	}
	return faults
}
