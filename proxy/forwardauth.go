package proxy

import (
	"errors"
	"log/slog"
	"net/http"
	"net/url"

	"github.com/sallyport/sallyport/internal/fault"
	"github.com/sallyport/sallyport/session"
)

// authPath is where other proxies ask, relative to the prefix.
const authPath = "/auth"

// forwardAuth is GET /auth: a proxy that serves the app itself asks what Sallyport
// would do with a request, and is told by a status and header fields (nginx
// auth_request, Traefik forwardAuth, Caddy forward_auth, Envoy ext_authz).
type forwardAuth struct {
	site     *Site
	tell     teller
	complete []string // the fields that every answer has
	parts    []string // those in which the session store repeats its cookies
	origin   string   // of the public URL
	scheme   string   // likewise
	warned   rarely
}

func newForwardAuth(cfg *Config, site *Site, assert *asserter) *forwardAuth {
	if cfg.ForwardAuth == ForwardAuthOff {
		return nil
	}
	a := &forwardAuth{
		site: site, tell: newTeller(cfg, assert, askedNames),
		complete: []string{askedNames.user, askedNames.email, askedNames.preferredUsername, askedNames.groups, askedNames.accessToken, headerGroupsOmitted, headerAssertion},
		origin:   cfg.PublicURL.Scheme + "://" + cfg.PublicURL.Host, scheme: cfg.PublicURL.Scheme,
	}
	a.complete = append(a.complete, cfg.ClaimHeaders.names()...)
	for n := range cfg.CookieParts {
		a.parts = append(a.parts, session.PartField(n))
	}
	if cfg.PassIDToken {
		a.complete = append(a.complete, askedNames.idToken)
	}
	if a.tell.replacesAuthorization() {
		a.complete = append(a.complete, headerAuthorization)
	}
	return a
}

// routes is the endpoint. It takes every method that passes, since Envoy asks with that
// of the request; without a trusted proxy to say so, the method means nothing.
func (a *forwardAuth) routes() []Route {
	return []Route{{Path: authPath, Name: "auth", Handler: http.HandlerFunc(a.answer)}}
}

// answer decides as the proxy would, and renders the decision: 200 with the identity,
// 302 to a sign-in where that is asked for and leads somewhere, else 401 or 403. The
// body is not read: some proxies announce one and send none.
func (a *forwardAuth) answer(_ http.ResponseWriter, r *http.Request) {
	x := exchangeOf(r.Context())
	asked, err := readOriginal(x, r, a.scheme)
	if err != nil {
		a.render(x, asked, refuse(nil, fault.New(fault.BadRequest, err)))
		return
	}
	a.render(x, asked, a.decide(x, asked))
}

func (a *forwardAuth) decide(x *exchange, asked *original) Decision {
	s := a.site
	if asked.located {
		target, refused := s.gate.check(asked.request, asked.request.Host)
		if refused != nil {
			return refuse(nil, refused)
		}
		asked.target, x.asked = target, asked
		if at, _ := s.routes.find(target.path); at != atApp {
			return refuse(nil, fault.New(fault.NotFound, errors.New("the path asked about is, or could be read as, one of Sallyport's own or outside the base path; have the proxy send those to Sallyport and not ask")))
		}
	}
	ruling := s.decider.unknown()
	if asked.complete {
		ruling = s.decider.rule(asked.request.Method, asked.path)
	} else {
		a.warn(x)
	}
	return s.judge(x, asked.request, ruling)
}

// render does what was decided. asked is the request that is asked about; nil where it
// was refused before anybody read it.
func (a *forwardAuth) render(x *exchange, asked *original, d Decision) {
	s := a.site
	if d.Kind == SignIn && x.in.URL.Query().Get("redirect") != "true" {
		d = withoutRedirect(d)
	}
	x.decision = d
	s.metrics.decided(d)
	switch d.Kind {
	case Forward:
		a.pass(x, d.Session)
	case SignIn:
		a.signIn(x, asked, d)
	default:
		f := refusedAsked(d.Fault)
		s.prepare(x)
		s.setRemedy(x, f)
		a.fillIn(x)
		s.render(x, f)
	}
}

// warn tells the operator of a proxy whose questions are not understood. A browser that
// opens the address asks nothing and is no proxy.
func (a *forwardAuth) warn(x *exchange) {
	h := x.in.Header
	if !x.trusted && len(h["X-Forwarded-Uri"]) == 0 && len(h["X-Original-Url"]) == 0 {
		return
	}
	if !a.warned.pass(a.site.now()) {
		return
	}
	remedy := "have it set X-Forwarded-Method and X-Forwarded-Uri, or X-Original-Method and X-Original-URL, in place of what its client sent"
	if !x.trusted {
		remedy = "add its address to SALLYPORT_TRUSTED_PROXIES"
	}
	a.site.log.LogAttrs(x.in.Context(), slog.LevelWarn, "a proxy asked about a request that is not known: no path is public for it, and every rule has to be passed",
		slog.String("peer", x.in.RemoteAddr), slog.String("remedy", remedy), slog.String("request_id", x.id))
}

// withoutRedirect is a decision for a proxy that wants to send people to the sign-in
// itself.
func withoutRedirect(d Decision) Decision {
	code := fault.SignInRequired
	if d.Session != nil {
		code = fault.StepUpRequired
	}
	d.Kind, d.Fault = Refuse, fault.New(code, errors.New("a navigation; the proxy asked without redirect=true"))
	return d
}

// refusedAsked gives a fault a status that proxies pass on: nginx takes any but 401
// and 403 for a breakdown. Ours stay, so that an outage does not look like a refusal.
func refusedAsked(f *fault.Error) *fault.Error {
	if f.Status < http.StatusInternalServerError && f.Status != http.StatusUnauthorized {
		f.Status = http.StatusForbidden
	}
	return f
}

// pass lets the request through.
func (a *forwardAuth) pass(x *exchange, who *session.Session) {
	if who != nil {
		a.tell.tell(x.Header(), x, who)
	}
	a.fillIn(x)
	a.site.cors.share(x.Header(), x.in)
	if x.trusted {
		for _, name := range a.parts {
			x.Header()[name] = x.value("")
		}
	}
	x.WriteHeader(http.StatusOK)
}

// fillIn makes the set of fields complete, empty where a fact is absent, so that a proxy
// that copies them overwrites what a client sent, whatever it makes of the status.
func (a *forwardAuth) fillIn(x *exchange) {
	h := x.Header()
	for _, name := range a.complete {
		if h[name] == nil {
			h[name] = x.value("")
		}
	}
}

// signIn leads a navigation to the identity provider and back to where it wanted to
// go. A sign-in is bound to the host that begins it by a cookie, so on another host
// than the public one it begins at the public one.
func (a *forwardAuth) signIn(x *exchange, asked *original, d Decision) {
	s := a.site
	if !asked.located || asked.host == s.gate.public {
		to := s.returns.Home()
		if asked.located {
			to = s.returnTo(asked.whole())
		}
		s.beginSignIn(x, asked.request, to, d)
		return
	}
	s.prepare(x)
	u, err := url.Parse(a.origin + signInPath(s.loginPath, d))
	if err != nil {
		panic(err) // the public URL and a path of ours
	}
	q := u.Query()
	if d.Session != nil || session.NoSession(d.Reason).Ended() {
		q.Set("renew", "true") // as beginSignIn would see
	}
	q.Set("rd", s.returnTo(asked.scheme+"://"+asked.host+asked.whole()).String())
	u.RawQuery = q.Encode()
	x.Header()["Location"] = []string{u.String()}
	x.WriteHeader(http.StatusFound)
}
