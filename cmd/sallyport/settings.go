package main

import (
	"crypto/x509"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"time"

	"github.com/sallyport/sallyport/proxy"
	"github.com/sallyport/sallyport/proxy/policy"
	"github.com/sallyport/sallyport/session"
	"github.com/sallyport/sallyport/session/redisstore"
)

// settings is a Config whose every value has been judged and parsed.
type settings struct {
	Config

	providers  []*provider // at least one
	publicURL  *url.URL
	upstream   *url.URL
	upstreamCA *x509.CertPool // nil = the system's
	trusted    []netip.Prefix
	trustUnix  bool
	keys       []session.Key
	redis      redisstore.URL
	// refreshEvery is SALLYPORT_SESSION_REFRESH; 0 = auto.
	refreshEvery time.Duration
	cookies      session.Cookies
	returns      *session.ReturnPolicy
	policy       *policy.Policy
	claimHeaders proxy.ClaimHeaders
	cors         proxy.CORS
	logLevel     slog.Level
}

// resolve judges c. The error joins what f already holds with every fault found
// here; each names its variable and the remedy.
func (c Config) resolve(f *faults) (*settings, error) {
	s := &settings{Config: c}
	requireValues(c.values(), nil, f)
	checkWords(c.values(), f)
	s.resolveNetwork(f)
	s.resolveUpstream(f)
	s.resolveProviders(f)
	s.resolveSession(f)
	s.resolveAccess(f)
	s.resolveHeaders(f)
	s.resolveLimits(f)
	checkText(c.values(), f)
	if err := f.err(); err != nil {
		return nil, err
	}
	return s, nil
}

// load reads and judges an environment.
func load(environ []string) (*settings, error) {
	c, f := readConfig(environ)
	return c.resolve(f)
}

// forwardAuthOnly reports whether there is no app behind us.
func (s *settings) forwardAuthOnly() bool {
	return s.Upstream.ForwardAuth == string(proxy.ForwardAuthOnly)
}

// endpoint returns the public address of one of our own endpoints, character
// for character as it is registered at the provider.
func (s *settings) endpoint(path string) string {
	return origin(s.publicURL) + s.path(path)
}

// path returns the path of one of our own endpoints as browsers see it.
func (s *settings) path(path string) string {
	return trimSlash(s.publicURL.EscapedPath()) + s.Network.Prefix + path
}

// scope names this deployment: cookies of one mean nothing in another. It holds of
// providers the first alone, so that another can be added without a sign-out.
func (s *settings) scope() string { return origin(s.publicURL) + "|" + s.providers[0].OIDC.ClientID }

func sameSite(word string) http.SameSite {
	switch word {
	case "strict":
		return http.SameSiteStrictMode
	case "none":
		return http.SameSiteNoneMode
	}
	return http.SameSiteLaxMode
}
