package proxy

import (
	"log/slog"
	"net/http"
	"slices"

	"github.com/sallyport/sallyport/internal/fault"
	"github.com/sallyport/sallyport/internal/reqid"
	"github.com/sallyport/sallyport/proxy/policy"
	"github.com/sallyport/sallyport/session"
)

// methodsOfApps is the Allow field of a refused method.
const methodsOfApps = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"

// act does what was decided.
func (s *Site) act(x *exchange, d Decision) {
	x.decision = d
	s.metrics.decided(d)
	switch d.Kind {
	case Forward:
		s.forward.serve(x)
	case SignIn:
		s.beginSignIn(x, x.in, s.returnTo(x.whole()), d)
	case Preflight:
		s.allowPreflight(x)
	case Refuse:
		if s.forms == nil || !s.forms.keep(x) {
			s.fail(x, d.Fault)
		}
	}
}

// whole is path and query as they came.
func (x *exchange) whole() string { return whole(x.path, x.in.URL.RawQuery) }

func whole(path, query string) string {
	if query == "" {
		return path
	}
	return path + "?" + query
}

// returnTo is where a sign-in leads that an address needs: there, or home.
func (s *Site) returnTo(address string) session.ReturnTo {
	to, err := s.returns.Parse(address)
	if err != nil {
		return s.returns.Home()
	}
	return to
}

// beginSignIn leads r, a navigation, to the identity provider and later to to.
func (s *Site) beginSignIn(x *exchange, r *http.Request, to session.ReturnTo, d Decision) {
	s.prepare(x)
	begin := session.SignIn{To: to, Attempt: d.Attempt, IdP: d.IdP}
	if d.StepUp != nil {
		begin.ACR, begin.MaxAge = d.StepUp.ACR, d.StepUp.MaxAge
	}
	s.login.Begin(x, r, begin)
}

// serveOwn answers at one of our own endpoints.
func (s *Site) serveOwn(x *exchange, e *endpoint) {
	x.handler = s.metrics.handlerOf(e.name)
	if e.methods != nil && !slices.Contains(e.methods, x.in.Method) {
		s.prepare(x)
		x.Header()["Allow"] = []string{e.allow}
		s.render(x, fault.New(fault.MethodNotAllowed, nil))
		return
	}
	s.prepare(x)
	e.handler.ServeHTTP(x, x.in)
}

// refuseOwn answers at our own endpoints for a request without a session, or with
// the fault that err is.
func (s *Site) refuseOwn(w http.ResponseWriter, r *http.Request, err error) {
	x := exchangeOf(r.Context())
	if f, ok := err.(*fault.Error); ok {
		s.fail(x, f)
		return
	}
	// These endpoints are asked by scripts; a person who opens one reads that nobody
	// is signed in instead of being signed in.
	s.fail(x, refuseUnknown(r, policy.Deny, err).Fault)
}

// refusePage is refuseOwn at a page of ours that people open: a navigation without
// a session is led to the sign-in, and back.
func (s *Site) refusePage(w http.ResponseWriter, r *http.Request, err error) {
	d := refuseUnknown(r, policy.Login, err)
	if d.Kind != SignIn {
		s.refuseOwn(w, r, err)
		return
	}
	x := exchangeOf(r.Context())
	s.beginSignIn(x, r, s.returnTo(x.path), d)
}

// fail answers with a fault in place of whatever was prepared.
func (s *Site) fail(x *exchange, f *fault.Error) {
	s.prepare(x)
	s.setRemedy(x, f)
	s.render(x, f)
}

// setRemedy sets the fields that say what to do about a fault.
func (s *Site) setRemedy(x *exchange, f *fault.Error) {
	switch f.Code {
	case fault.SignInRequired:
		x.Header()["Www-Authenticate"] = x.value(s.challenge)
		f.RetryURL = signInPath(s.loginPath, x.decision)
	case fault.StepUpRequired:
		x.Header()["Www-Authenticate"] = []string{stepUpChallenge(s.challenge, x.decision.StepUp)}
		f.RetryURL = signInPath(s.loginPath, x.decision)
	case fault.MethodNotAllowed:
		x.Header()["Allow"] = []string{methodsOfApps}
	}
}

// prepare sets what every answer of ours has: no cache may keep it, since the
// next request for the same address may come from somebody else.
func (s *Site) prepare(x *exchange) {
	h := x.Header()
	clear(h)
	h[reqid.Header] = x.value(x.id)
	h["Cache-Control"] = x.value("no-store")
	h["Vary"] = x.value("Cookie")
}

func (s *Site) render(x *exchange, f *fault.Error) {
	s.logFault(x, f)
	s.cors.share(x.Header(), x.in)
	s.pages.Fault(x, x.in, f)
}

// logFault tells the operator the cause; what clients do wrong every day is not
// worth a line at the usual level.
func (s *Site) logFault(x *exchange, f *fault.Error) {
	level := slog.LevelInfo
	switch {
	case f.Status >= http.StatusInternalServerError:
		level = slog.LevelError
	case f.Status == http.StatusUnauthorized, f.Status == http.StatusNotFound, f.Status == http.StatusMethodNotAllowed:
		level = slog.LevelDebug
	}
	ctx := x.in.Context()
	if !s.log.Enabled(ctx, level) {
		return
	}
	cause := ""
	if f.Cause != nil {
		cause = f.Cause.Error()
	}
	s.log.LogAttrs(ctx, level, "request refused", slog.String("code", string(f.Code)), slog.Int("status", f.Status),
		slog.String("cause", cause), slog.String("request_id", x.id))
}
