package proxy

import (
	"log/slog"
	"net/http"
	"net/http/httputil"
	"strings"
	"sync"
	"time"

	"github.com/sallyport/sallyport/session"
)

// forwarder hands requests to the app.
type forwarder struct {
	proxy *httputil.ReverseProxy
	app   *appTransport

	strip        stripper
	tell         teller
	trust        *trust
	upstream     upstream
	passHost     bool
	publicScheme string
	cookies      session.Cookies

	site   *Site
	now    func() time.Time
	log    *slog.Logger
	warned rarely
}

func newForwarder(cfg *Config, t *trust, assert *asserter, site *Site) (*forwarder, error) {
	pass, err := exceptions(cfg.PassClientHeaders, cfg.ClaimHeaders)
	if err != nil {
		return nil, err
	}
	up, err := newUpstream(cfg.Upstream)
	if err != nil {
		return nil, err
	}
	tell := newTeller(cfg, assert, forwardedNames)
	f := &forwarder{
		strip: stripper{
			pass: pass, claims: cfg.ClaimHeaders, cookies: cfg.Cookies,
			replaceAuthorization: tell.replacesAuthorization(),
		},
		tell:  tell,
		trust: t, upstream: up, passHost: cfg.PassHost, publicScheme: cfg.PublicURL.Scheme,
		cookies: cfg.Cookies, site: site, now: cfg.Now, log: cfg.Logger,
	}
	if f.app, err = newAppTransport(cfg, up, f.warnOfSurplus); err != nil {
		return nil, err
	}
	f.proxy = &httputil.ReverseProxy{
		Rewrite:        f.rewrite,
		Transport:      f.app,
		BufferPool:     newBufferPool(),
		ModifyResponse: f.answered,
		ErrorHandler:   f.failed,
		ErrorLog:       slog.NewLogLogger(cfg.Logger.Handler(), slog.LevelDebug),
	}
	return f, nil
}

// warnOfSurplus tells the operator of an app that sends too much.
func (f *forwarder) warnOfSurplus() {
	if f.warned.pass(f.now()) {
		f.log.Warn("the app sent more than its answer; the rest was dropped with the connection, since it could have become somebody else's answer. Usual causes are a body with 204 or 304 or for HEAD, and a wrong Content-Length")
	}
}

// serve forwards the request of x, which has been decided on.
func (f *forwarder) serve(x *exchange) {
	f.settleUpgrade(x)
	defer f.openCall(x).leave()
	if x.body.pending() && x.in.ProtoMajor == 1 {
		// The app may answer before it has read everything; net/http would
		// otherwise first read on by itself and could wait for ever.
		_ = http.NewResponseController(x.ResponseWriter).EnableFullDuplex()
	}
	f.proxy.ServeHTTP(x, x.in)
	f.cleanTrailers(x.Header())
}

// settleUpgrade lets one kind of upgrade through: a WebSocket handshake of
// somebody who is signed in. Any other token ("h2c") would open a tunnel in
// which nobody is asked again, so the request goes on without it.
func (f *forwarder) settleUpgrade(x *exchange) {
	h := x.in.Header
	if len(h["Upgrade"]) == 0 {
		return
	}
	if f.upstream.multiplexed || x.decision.Session == nil || !asksForWebSocket(x.in) {
		delete(h, "Upgrade")
		delete(h, "Http2-Settings")
	}
}

// asksForWebSocket reports whether r is the opening handshake of RFC 6455 §4.1
// and of nothing else.
func asksForWebSocket(r *http.Request) bool {
	up := r.Header["Upgrade"]
	return r.Method == http.MethodGet && r.ProtoMajor == 1 && r.ProtoMinor == 1 &&
		len(up) == 1 && strings.EqualFold(up[0], "websocket") && len(r.Header["Sec-Websocket-Key"]) == 1
}

// rewrite makes the request to the app. httputil has removed the fields of a
// single hop before, so that naming one of ours in Connection takes nothing away.
func (f *forwarder) rewrite(pr *httputil.ProxyRequest) {
	x, out := exchangeOf(pr.In.Context()), pr.Out
	f.upstream.address(out.URL)
	out.URL.RawQuery = pr.In.URL.RawQuery // httputil drops what it cannot parse
	out.Trailer = nil                     // an app may take trailers for fields
	out.Host = ""
	if f.passHost {
		out.Host = x.host
	}
	f.strip.strip(out.Header, x.trusted)
	f.setForwarding(out.Header, pr.In.Header, x)
	if s := x.decision.Session; s != nil {
		f.tell.tell(out.Header, x, s)
	}
	x.upstreamStart = f.now()
}

// bufferPool keeps the buffers that answers are copied through. It holds
// pointers to arrays, which go in and out of an interface without allocation.
type bufferPool struct{ pool sync.Pool }

type copyBuffer [32 << 10]byte

func newBufferPool() *bufferPool {
	return &bufferPool{pool: sync.Pool{New: func() any { return new(copyBuffer) }}}
}

// Get implements httputil.BufferPool.
func (p *bufferPool) Get() []byte { return p.pool.Get().(*copyBuffer)[:] }

// Put implements httputil.BufferPool.
func (p *bufferPool) Put(b []byte) {
	if len(b) == len(copyBuffer{}) {
		p.pool.Put((*copyBuffer)(b))
	}
}
