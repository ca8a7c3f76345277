package demoidp

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"

	"github.com/zitadel/oidc/v3/pkg/op"
)

// Paths of the endpoints, relative to the issuer.
const (
	authorizePath  = "/authorize"
	loginPath      = "/login"
	tokenPath      = "/token"
	userinfoPath   = "/userinfo"
	revokePath     = "/revoke"
	introspectPath = "/introspect"
	endSessionPath = "/end_session"
	keysPath       = "/keys"
	accountPath    = "/account"
	accountEndPath = "/account/end"
)

// Provider is an OpenID provider in memory. Its methods may be called
// concurrently.
type Provider struct {
	cfg      Config
	basePath string // path of the issuer, "" or "/…"
	store    *storage
	op       *engine
	log      *slog.Logger
	handler  http.Handler

	tokenCalls atomic.Int64
	refreshes  atomic.Int64
	deliveries sync.WaitGroup // logout tokens on their way
}

// New returns a provider with a fresh signing key, or every fault of cfg.
func New(cfg Config) (*Provider, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, fmt.Errorf("checking the demo provider's configuration: %w", err)
	}
	store, err := newStorage(cfg)
	if err != nil {
		return nil, err
	}
	engine, err := newEngine(store)
	if err != nil {
		return nil, fmt.Errorf("drawing the key of the codes: %w", err)
	}
	issuer, err := url.Parse(cfg.Issuer)
	if err != nil {
		return nil, fmt.Errorf("parsing issuer: %w", err)
	}
	p := &Provider{cfg: cfg, basePath: issuer.Path, store: store, op: engine, log: cfg.Logger}
	p.handler = p.routes()
	return p, nil
}

// Handler serves every endpoint of the issuer, below the issuer's path.
func (p *Provider) Handler() http.Handler { return p.handler }

func (p *Provider) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", p.discovery)
	mux.HandleFunc("GET "+keysPath, func(w http.ResponseWriter, r *http.Request) { op.Keys(w, r, p.store) })
	mux.HandleFunc(authorizePath, p.authorize)
	mux.HandleFunc("GET "+loginPath, p.showLogin)
	mux.HandleFunc("POST "+tokenPath, p.token)
	mux.HandleFunc(userinfoPath, func(w http.ResponseWriter, r *http.Request) { op.Userinfo(w, r, p.op) })
	mux.HandleFunc("POST "+revokePath, func(w http.ResponseWriter, r *http.Request) { op.Revoke(w, r, p.op) })
	mux.HandleFunc("POST "+introspectPath, func(w http.ResponseWriter, r *http.Request) { op.Introspect(w, r, p.op) })
	mux.HandleFunc(endSessionPath, p.endSession)
	mux.HandleFunc("GET "+accountPath, p.account)
	mux.Handle("GET /{$}", http.RedirectHandler(p.cfg.Issuer+accountPath, http.StatusFound))

	// Forms of our own pages; the endpoints above may be called from anywhere.
	own := http.NewCrossOriginProtection()
	mux.Handle("POST "+loginPath, own.Handler(http.HandlerFunc(p.submitLogin)))
	mux.Handle("POST "+accountEndPath, own.Handler(http.HandlerFunc(p.endOwnSession)))

	withIssuer := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mux.ServeHTTP(w, r.WithContext(op.ContextWithIssuer(r.Context(), p.cfg.Issuer)))
	})
	return http.StripPrefix(p.basePath, withIssuer)
}
