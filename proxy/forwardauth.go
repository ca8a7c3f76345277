package proxy

import (
	"log/slog"
	"net/http"

	"github.com/sallyport/sallyport/internal/fault"
	"github.com/sallyport/sallyport/proxy/policy"
)

// The fields of a forward-auth answer (contract §4).
const (
	headerAuthUser              = "X-Auth-Request-User"
	headerAuthEmail             = "X-Auth-Request-Email"
	headerAuthGroups            = "X-Auth-Request-Groups"
	headerAuthPreferredUsername = "X-Auth-Request-Preferred-Username"
	headerAuthAccessToken       = "X-Auth-Request-Access-Token"
)

// blindEvery is how often, in seconds, the log says that forward-auth is asked without
// saying what about.
const blindEvery = 60

// forwardAuthRoute is GET /auth: what is decided about a request that somebody else
// forwards. Most edge proxies ask by GET, some by the method of the request itself.
func (s *Site) forwardAuthRoute() Route {
	return Route{
		Path: "/auth", Name: "auth", Handler: http.HandlerFunc(s.forwardAuth),
		Methods: []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions},
	}
}

// forwardAuth decides as the proxy does, and answers 200, 401 or 403, or with
// redirect=true 302 for a navigation. The body, if there is one, is not read: many
// proxies announce the original's and send none.
func (s *Site) forwardAuth(_ http.ResponseWriter, r *http.Request) {
	x := exchangeOf(r.Context())
	o, err := s.readOriginal(x)
	if err != nil {
		s.refuseAuth(x, refuse(nil, fault.New(fault.OriginalUnclear, err)))
		return
	}
	x.asked = &o
	ruling := s.rulingOn(x, &o)
	if ruling.Public() {
		s.allowAuth(x, Decision{Kind: Forward, Reason: reasonPublic})
		return
	}
	asked := askedFor(r, &o)
	who, err := s.auth.Authenticate(asked)
	s.report(x, ruling, who)
	d := s.decider.decide(asked, ruling, who, err, s.now())
	switch {
	case d.Kind == Forward:
		s.allowAuth(x, d)
	case d.Kind == SignIn && r.URL.Query().Get("redirect") == "true":
		s.decided(x, d)
		s.setFacts(x.Header(), &facts{})
		s.beginSignIn(x, asked, d, o.address())
	default:
		s.refuseAuth(x, withoutRedirect(d, err))
	}
}

// rulingOn finds the rules for an original request.
func (s *Site) rulingOn(x *exchange, o *original) policy.Ruling {
	if o.known {
		return s.decider.rule(o.method, o.path)
	}
	s.warnBlind(x)
	return s.decider.policy.Strictest()
}

// askedFor is the original request as far as decisions go by it. The fields of a
// handshake that concern one hop do not come through an edge proxy; its key does.
func askedFor(r *http.Request, o *original) *http.Request {
	asked := r.WithContext(r.Context())
	asked.Method = o.method
	if o.method == http.MethodGet && len(r.Header["Sec-Websocket-Key"]) > 0 {
		asked.Header = r.Header.Clone()
		asked.Header["Upgrade"] = []string{"websocket"}
		asked.Header["Sec-Websocket-Key"] = r.Header["Sec-Websocket-Key"][:1]
		asked.ProtoMajor, asked.ProtoMinor = 1, 1
	}
	return asked
}

// address is where the sign-in leads back to; Home for a request that is not known.
func (o *original) address() string {
	if !o.known {
		return ""
	}
	return o.origin + o.target()
}

// withoutRedirect makes a sign-in a refusal that says how to sign in.
func withoutRedirect(d Decision, err error) Decision {
	if d.Kind != SignIn {
		return d
	}
	code := fault.SignInRequired
	if d.StepUp != nil {
		code = fault.StepUpRequired
	}
	d.Kind, d.Fault = Refuse, fault.New(code, err)
	return d
}

func (s *Site) allowAuth(x *exchange, d Decision) {
	s.decided(x, d)
	f := facts{}
	if d.Session != nil {
		f = s.tell.facts(x, d.Session)
	}
	s.setFacts(x.Header(), &f)
	x.WriteHeader(http.StatusOK)
}

func (s *Site) refuseAuth(x *exchange, d Decision) {
	s.decided(x, d)
	s.setFacts(x.Header(), &facts{})
	s.setRemedy(x, d.Fault)
	s.render(x, d.Fault)
}

// setFacts sets the whole set, empty where a fact is absent, so that an edge proxy
// that copies them overwrites what its client sent. Authorization is in it where we
// replace it.
func (s *Site) setFacts(h http.Header, f *facts) {
	h.Set(headerAuthUser, f.user)
	h.Set(headerAuthEmail, f.email)
	h.Set(headerAuthPreferredUsername, f.name)
	h.Set(headerAuthGroups, f.groups)
	h.Set(headerGroupsOmitted, f.groupsOmitted)
	h.Set(headerAuthAccessToken, f.accessToken)
	h.Set(headerAssertion, f.assertion)
	if s.tell.authorization == AuthorizationAccessToken || s.tell.authorization == AuthorizationIDToken {
		h.Set(headerAuthorization, f.authorization)
	}
}

// decided notes a decision that is not acted on by act.
func (s *Site) decided(x *exchange, d Decision) {
	x.decision = d
	s.metrics.decided(d)
}

// warnBlind tells an operator, once a minute, whose edge proxy asks for nothing in
// particular. A browser that opens the address says nothing either and is none.
func (s *Site) warnBlind(x *exchange) {
	h := x.in.Header
	if !x.trusted && len(h[headerOriginalURL]) == 0 && len(h[headerForwardedURI]) == 0 {
		return
	}
	now, last := s.now().Unix(), s.blind.Load()
	if now < last+blindEvery || !s.blind.CompareAndSwap(last, now) {
		return
	}
	remedy := "let the edge proxy set X-Forwarded-Method and X-Forwarded-Uri, or X-Original-Method and X-Original-URL"
	if !x.trusted {
		remedy = "add the edge proxy's address to SALLYPORT_TRUSTED_PROXIES"
	}
	s.log.LogAttrs(x.in.Context(), slog.LevelWarn, "forward-auth was asked about a request that is not known: no path is public, and every rule has to be passed",
		slog.String("peer", x.in.RemoteAddr), slog.String("remedy", remedy), slog.String("request_id", x.id))
}
