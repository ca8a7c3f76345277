package oidcrp

import (
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
	m, err := newMetrics(cfg.Registerer, cfg.Name, cfg.Issuer)
	if err != nil {
		return nil, err
	}
	c := &Client{
		cfg: cfg, now: cfg.Now, log: cfg.Logger.With("idp", cfg.Name),
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

// Routes returns the endpoints of this protocol, relative to SALLYPORT_PREFIX.
func (c *Client) Routes() []idp.Route {
	get, both := []string{http.MethodGet}, []string{http.MethodGet, http.MethodPost}
	routes := []idp.Route{
		{Path: "/login", Name: "login", Methods: get, Handler: http.HandlerFunc(c.login)},
		{Path: "/callback", Name: "callback", Methods: both, Handler: http.HandlerFunc(c.callback)},
		{Path: "/logout", Name: "logout", Methods: both, Handler: http.HandlerFunc(c.logout)},
		{Path: "/logout/callback", Name: "logout_callback", Methods: get, Handler: http.HandlerFunc(c.logoutCallback)},
	}
	if c.cfg.Ends == nil {
		return routes
	}
	return append(routes,
		idp.Route{Path: "/logout/backchannel", Name: "logout_backchannel", Methods: []string{http.MethodPost}, Handler: http.HandlerFunc(c.backChannelLogout)},
		idp.Route{Path: "/logout/frontchannel", Name: "logout_frontchannel", Methods: get, Handler: http.HandlerFunc(c.frontChannelLogout)},
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
