package oidcrp

import (
	"cmp"
	"log/slog"
	"net/http"
	"net/url"
	"sync/atomic"
	"time"

	"github.com/sallyport/sallyport/idp"
	"github.com/sallyport/sallyport/session"
)

// Client is the relying party for one provider. Its methods are safe for
// concurrent use.
type Client struct {
	cfg     Config
	now     func() time.Time
	log     *slog.Logger
	metrics *metrics
	caller  *caller
	secrets *clientSecrets
	keys    *keySet
	// unsolicited verifies what anybody may send us.
	unsolicited *unsolicitedKeys
	spent       *spentStates
	revoker     *revoker
	pauses      pauses

	// provider is what discovery found last; nil until it has found anything.
	provider atomic.Pointer[metadata]
	// lastFailure is why provider is nil.
	lastFailure atomic.Pointer[error]
	// bound is whether the last answer of the token endpoint had a refresh token
	// that is bound to the provider's session.
	bound atomic.Bool
}

// New validates the configuration and registers the metrics. Nothing is fetched
// before Run.
func New(cfg Config) (*Client, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	m, err := newMetrics(cfg.Registerer, cfg.ID, cfg.Issuer)
	if err != nil {
		return nil, err
	}
	c := &Client{
		cfg: cfg, now: cfg.Now, log: cfg.Logger.With("idp", cfg.ID),
		metrics: m, spent: newSpentStates(cfg.Now), pauses: defaultPauses,
	}
	c.secrets = &clientSecrets{current: cfg.ClientSecret, previous: cfg.PreviousSecret, log: c.log}
	c.caller = newCaller(cfg.CA, cfg.Timeout, cfg.Now, m)
	if cfg.ClientAuth.UsesTLS() {
		c.caller.tls = &clientTLS{key: cfg.ClientKey, base: c.caller.client}
	}
	c.keys = newKeySet(c.caller, cfg.Now, c.log)
	c.unsolicited = &unsolicitedKeys{set: c.keys}
	c.revoker = newRevoker(c.log)
	m.expires(c.expiry().At)
	return c, nil
}

// About implements idp.Provider.
func (c *Client) About() idp.About {
	return idp.About{ID: c.cfg.ID, Title: cmp.Or(c.cfg.Title, c.cfg.ID), EmailDomains: c.cfg.EmailDomains, Draft: c.cfg.Draft}
}

// AdmitsIssuer implements idp.Provider.
func (c *Client) AdmitsIssuer(iss string) bool { return c.cfg.admitsIssuer(iss) }

// Issued implements idp.Provider. The session's ID token was verified when it came.
func (c *Client) Issued(s *session.Session) bool {
	if claims := unverifiedClaims(s.Grant.IDToken); claims != nil {
		return c.checkAudience(claims) == nil
	}
	return c.cfg.admitsIssuer(s.Identity.Issuer)
}

// Routes implements idp.Provider. With Config.OwnPaths each ends with the provider's
// ID: an answer that comes to another provider's address is not for this one (RFC 9700
// §4.4.2).
func (c *Client) Routes() []idp.Route {
	own := ""
	if c.cfg.OwnPaths {
		own = "/" + c.cfg.ID
	}
	routes := []idp.Route{
		{Path: "/callback" + own, Name: "callback", Methods: []string{http.MethodGet, http.MethodPost}, Handler: http.HandlerFunc(c.callback)},
	}
	if c.cfg.Ends == nil {
		return routes
	}
	return append(routes,
		idp.Route{Path: "/logout/backchannel" + own, Name: "logout_backchannel", Methods: []string{http.MethodPost}, Handler: http.HandlerFunc(c.backChannelLogout)},
		idp.Route{Path: "/logout/frontchannel" + own, Name: "logout_frontchannel", Methods: []string{http.MethodGet}, Handler: http.HandlerFunc(c.frontChannelLogout)},
	)
}

// loginPath is the path that begins a sign-in leading to to.
func (c *Client) loginPath(to session.ReturnTo) string {
	path := c.cfg.Prefix + "/login"
	if to == c.cfg.Returns.Home() || to == (session.ReturnTo{}) {
		return path
	}
	return path + "?rd=" + escapeQuery(to.String())
}

// askingForAccount makes the provider ask which account, instead of signing in the
// one that it knows, when a path of loginPath is followed.
func askingForAccount(loginPath string) string {
	return withQuery(loginPath, url.Values{"prompt": {"select_account"}})
}
