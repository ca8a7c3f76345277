package proxy

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"sync/atomic"
	"time"

	"github.com/sallyport/sallyport/internal/accesslog"
	"github.com/sallyport/sallyport/internal/fault"
	"github.com/sallyport/sallyport/internal/reqid"
	"github.com/sallyport/sallyport/proxy/policy"
	"github.com/sallyport/sallyport/session"
)

// statusClientGone is what the log and the metrics say of a request whose client
// left before an answer; it is never sent.
const statusClientGone = 499

// Site is one public URL in front of one app: an http.Handler, safe for
// concurrent use. Only New makes a usable one.
type Site struct {
	gate    *gate
	trust   *trust
	routes  *routes
	decider *decider
	forward *forwarder   // nil = there is no app behind us
	ask     *forwardAuth // nil = no other proxy may ask
	streams *streams
	cors    *cors // nil = no field of CORS is ours
	metrics *metrics

	auth    Authenticator
	login   Login
	pages   Pages
	forms   *formKeeper // nil = forms are not kept
	returns *session.ReturnPolicy
	leaving atomic.Bool // answers end their connections

	loginPath string
	challenge string         // the WWW-Authenticate field
	accessLog *accesslog.Log // nil = there is none
	now       func() time.Time
	log       *slog.Logger
}

// New makes a Site. Its error names the SALLYPORT_ variable to change.
func New(cfg Config) (*Site, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	s := &Site{
		trust: &trust{peers: cfg.Trusted, unix: cfg.TrustUnix}, streams: newStreams(cfg.Auth),
		auth: cfg.Auth, login: cfg.Login, pages: cfg.Pages, returns: cfg.Returns,
		accessLog: cfg.AccessLog, now: cfg.Now, log: cfg.Logger,
	}
	own := &identityEndpoints{auth: cfg.Auth, refresher: cfg.Refresh, now: cfg.Now, mode: cfg.Mode, refuse: s.refuseOwn}
	list := append(own.routes(), sessionScript(), newSessionEvents(cfg.Auth, s.streams, s.refuseOwn).route(), s.signedIn(&cfg))
	list = append(list, cfg.Routes...)
	if cfg.Forms != nil {
		s.forms = &formKeeper{
			forms: cfg.Forms, pages: cfg.FormPages, auth: cfg.Auth, returns: cfg.Returns,
			prefix: basePath(cfg.PublicURL) + cfg.Prefix, refuse: s.refuseOwn,
		}
		list = append(list, s.forms.routes()...)
	}
	assert := newAsserter(&cfg)
	if assert != nil {
		list = append(list, assert.routes()...)
	}
	if s.ask = newForwardAuth(&cfg, s, assert); s.ask != nil {
		list = append(list, s.ask.routes()...)
	}
	if cfg.Sessions != nil {
		list = append(list, s.sessionsEndpoints(&cfg).routes()...)
	}
	var err, faults error
	s.gate, err = newGate(cfg.PublicURL, cfg.AllowedHosts)
	faults = errors.Join(faults, err)
	s.routes, err = newRoutes(cfg.PublicURL, cfg.Prefix, list)
	faults = errors.Join(faults, err)
	s.cors, err = newCORS(cfg.CORS)
	faults = errors.Join(faults, err)
	s.decider, err = newDecider(&cfg)
	faults = errors.Join(faults, err)
	if cfg.ForwardAuth != ForwardAuthOnly {
		s.forward, err = newForwarder(&cfg, s.trust, assert, s)
		faults = errors.Join(faults, err)
	}
	s.metrics, err = newMetrics(cfg.Registerer, list, cfg.Policy.Reporting())
	if faults = errors.Join(faults, err); faults != nil {
		return nil, faults
	}
	s.loginPath = s.routes.prefix + "/login"
	s.challenge = fmt.Sprintf(`Cookie realm="%s://%s%s", form-action="%s", cookie-name="%s"`,
		cfg.PublicURL.Scheme, s.gate.public, s.routes.base, s.loginPath, cfg.Cookies.SessionName())
	return s, nil
}

func (s *Site) sessionsEndpoints(cfg *Config) *sessionsEndpoints {
	return &sessionsEndpoints{
		auth: cfg.Auth, sessions: cfg.Sessions, pages: cfg.Pages, now: cfg.Now, log: cfg.Logger, refuse: s.refuseOwn,
		refusePage: s.refusePage, prefix: basePath(cfg.PublicURL) + cfg.Prefix,
	}
}

// Leave has each answer from now on end its connection, so that the client's next request
// goes to another process. HTTP/2 makes a GOAWAY of it; upgraded connections go on.
func (s *Site) Leave() { s.leaving.Store(true) }

// CloseStreams ends every WebSocket and every other stream, and those that still
// begin, and waits until they are gone or ctx is done. http.Server.Shutdown knows
// nothing of WebSockets and would wait for event streams until its own limit.
func (s *Site) CloseStreams(ctx context.Context) error { return s.streams.closeAll(ctx) }

// Close releases the unused connections to the app. Requests under way are not
// touched.
func (s *Site) Close() {
	if s.forward != nil {
		s.forward.app.CloseIdleConnections()
	}
}

// ServeHTTP implements http.Handler.
func (s *Site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	x := s.begin(w, r)
	defer func() { s.finish(x, recover()) }()
	s.serve(x)
}

// begin opens the exchange. The request identifier is the client's only when a
// trusted peer passed it on.
func (s *Site) begin(w http.ResponseWriter, r *http.Request) *exchange {
	x := &exchange{ResponseWriter: w, site: s, start: s.now()}
	x.peer, x.trusted = s.trust.peer(r.RemoteAddr)
	if x.trusted {
		x.id = single(r.Header, reqid.Header)
	}
	if !reqid.Valid(x.id) {
		x.id = reqid.New()
	}
	x.ctx = exchangeContext{r.Context(), x}
	x.in = r.WithContext(&x.ctx)
	x.watchBody()
	s.metrics.inFlight.Inc()
	return x
}

// serve is the way of a request: gate, own endpoints, decision, action.
func (s *Site) serve(x *exchange) {
	var refused *fault.Error
	if x.target, refused = s.gate.check(x.in, x.requestedHost()); refused != nil {
		x.handler = handlerRefused
		if s.routes.isAuth(x.path) {
			s.ask.render(x, nil, refuse(nil, refused))
			return
		}
		s.act(x, refuse(nil, refused))
		return
	}
	switch at, own := s.routes.find(x.path); at {
	case atOwn:
		s.serveOwn(x, own)
		return
	case atNowhere:
		x.handler = handlerRefused
		s.act(x, refuse(nil, fault.New(fault.NotFound, errors.New("the path is, or could be read as, one of ours or outside the base path"))))
		return
	}
	if ours, refused := s.cors.preflight(x.in); refused != nil {
		s.act(x, refuse(nil, refused))
		return
	} else if ours {
		s.act(x, Decision{Kind: Preflight, Reason: reasonPreflight})
		return
	}
	if s.forward == nil {
		x.handler = handlerRefused
		s.act(x, refuse(nil, fault.New(fault.NotFound, errors.New("SALLYPORT_FORWARD_AUTH=only has no app; have the proxy in front send this request to the app itself"))))
		return
	}
	s.act(x, s.judge(x, x.in, s.decider.rule(x.in.Method, x.path)))
}

// judge decides about r, which the ruling is about: x's own request, or the one that
// another proxy asks about.
func (s *Site) judge(x *exchange, r *http.Request, ruling policy.Ruling) Decision {
	if ruling.Public() {
		s.reportPublic(x, r, ruling)
		return Decision{Kind: Forward, Reason: reasonPublic}
	}
	who, err := s.auth.Authenticate(r)
	s.report(x, ruling, who)
	return s.decider.decide(r, ruling, who, err, s.now())
}

// requestedHost is the host that the browser used. A trusted peer may have
// replaced the Host field and says so.
func (x *exchange) requestedHost() string {
	if x.trusted {
		if host := single(x.in.Header, "X-Forwarded-Host"); host != "" {
			return host
		}
	}
	return x.in.Host
}

// finish records the exchange, and deals with a panic of anything below it.
func (s *Site) finish(x *exchange, panicked any) {
	abort := panicked != nil
	if abort && panicked != http.ErrAbortHandler {
		s.log.Error("panic while serving a request; this is a fault of Sallyport", "request_id", x.id,
			"panic", fmt.Sprint(panicked), "stack", string(debug.Stack()))
		if abort = x.status != 0; !abort {
			s.fail(x, fault.New(fault.Internal, nil))
		}
	}
	switch {
	case x.gone, abort && x.status == 0:
		x.status = statusClientGone
	case x.status == 0:
		x.status = http.StatusOK
	}
	x.leaveBody()
	if x.hijacked && !abort {
		x.ResponseWriter = nil // with the connection's buffers
		return
	}
	s.record(x)
	if abort {
		panic(http.ErrAbortHandler)
	}
}

// record tells metrics and log of an exchange that is over.
func (s *Site) record(x *exchange) {
	s.metrics.inFlight.Dec()
	ended := s.now()
	s.metrics.observe(x.handler, x.in.Method, x.status, ended.Sub(x.start))
	if s.accessLog != nil {
		s.logAccess(x, ended)
	}
}
