package proxy

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/sallyport/sallyport/internal/fault"
	"github.com/sallyport/sallyport/proxy/policy"
	"github.com/sallyport/sallyport/session"
)

// Kind is what becomes of a request.
type Kind uint8

// The kinds of Decision.
const (
	Forward   Kind = iota // to the app
	SignIn                // to the identity provider
	Refuse                // answered with Fault
	Preflight             // a preflight of a listed origin, allowed by ourselves
)

// String returns the metric label.
func (k Kind) String() string {
	switch k {
	case Forward:
		return "forward"
	case SignIn:
		return "sign_in"
	case Preflight:
		return "preflight"
	default:
		return "refuse"
	}
}

// Decision is what was decided about a request for the app. It is a value:
// deciding writes nothing.
type Decision struct {
	Kind    Kind
	Session *session.Session // who is asking; nil on a public path
	Fault   *fault.Error     // why, when Kind is Refuse
	Reason  string           // bounded: a metric label and a word in the log
	Attempt int              // session.NoSessionError.Attempt, when Kind is SignIn
	Rule    int              // the number of the rule that decided; 0 = none
	StepUp  *policy.StepUp   // the sign-in that is asked for; nil = any
	IdP     string           // the only provider whose sign-in is of use; "" = any
	Final   bool             // a rule wants no sign-in begun in place of a refusal
}

// The reasons of a Decision beside those of session.NoSession and the codes of
// faults.
const (
	reasonSession   = "session"
	reasonPublic    = "public_path"
	reasonPreflight = "preflight" // it asks whether a request would be allowed
	reasonOptional  = "optional"  // a rule lets it through without a session
)

// decider holds what decisions depend on beside the request.
type decider struct {
	policy  *policy.Policy
	origins map[string]struct{} // whose WebSockets pass
	// preflights lets CORS preflights through without a session.
	preflights bool
	basic      basic
}

func newDecider(cfg *Config) (*decider, error) {
	d := &decider{policy: cfg.Policy, origins: make(map[string]struct{}, 1+len(cfg.AllowedOrigins)), preflights: cfg.PassPreflights, basic: newBasic(cfg)}
	public := cfg.PublicURL
	own, ok := canonicalOrigin(public.Scheme + "://" + public.Host)
	if !ok {
		return nil, fmt.Errorf("SALLYPORT_PUBLIC_URL: %s://%s is not an origin", public.Scheme, public.Host)
	}
	d.origins[own] = struct{}{}
	for _, a := range cfg.AllowedOrigins {
		origin, ok := canonicalOrigin(strings.TrimSpace(a))
		if !ok {
			return nil, fmt.Errorf("SALLYPORT_ALLOWED_ORIGINS: %q is not an origin such as https://app.example.com", a)
		}
		d.origins[origin] = struct{}{}
	}
	return d, nil
}

// rule finds what the policy says about a request before anybody asks who sent it.
func (d *decider) rule(method, path string) policy.Ruling {
	return d.policy.Rule(policy.Request{Method: method, Path: path})
}

// unknown is rule for a request of which nobody who is trusted says what it is.
func (d *decider) unknown() policy.Ruling { return d.policy.Unknown() }

// decide says what becomes of a request that is not for a public path. s and err
// are the Authenticator's answer.
func (d *decider) decide(r *http.Request, g policy.Ruling, s *session.Session, err error, now time.Time) Decision {
	decision := d.decideBy(r, g, s, err, now)
	decision.Rule = g.Number()
	return decision
}

func (d *decider) decideBy(r *http.Request, g policy.Ruling, s *session.Session, err error, now time.Time) Decision {
	if err != nil {
		if d.preflights && isPreflight(r) && isNoSession(err) {
			return Decision{Kind: Forward, Reason: reasonPreflight}
		}
		d := refuseUnknown(r, g.Anonymous(), err)
		d.StepUp, _ = g.StepUp() // the first sign-in is to be enough
		d.IdP = g.IdP()
		return d
	}
	if v := g.Admit(s, now); !v.Allowed {
		return refusedBy(r, g, s, v)
	}
	if f := d.basic.refusal(&s.Identity); f != nil {
		if g.Anonymous() == policy.Allow {
			return Decision{Kind: Forward, Reason: reasonOptional}
		}
		return refuse(s, f)
	}
	if asksForWebSocket(r) && !d.originAllowed(r.Header["Origin"]) {
		return refuse(s, fault.New(fault.OriginNotAllowed,
			fmt.Errorf("WebSocket from origin %.100q; if it should pass, add it to SALLYPORT_ALLOWED_ORIGINS", r.Header["Origin"])))
	}
	return Decision{Kind: Forward, Session: s, Reason: reasonSession}
}

// refusedBy decides about somebody who is signed in and not admitted. Where nobody
// has to be, they pass as nobody. Another sign-in may help, and a navigation is led
// to it.
func refusedBy(r *http.Request, g policy.Ruling, s *session.Session, v policy.Verdict) Decision {
	if g.Anonymous() == policy.Allow {
		return Decision{Kind: Forward, Reason: reasonOptional}
	}
	if v.StepUp != nil && g.Anonymous() != policy.Deny && IsNavigation(r) {
		return Decision{Kind: SignIn, Session: s, Reason: v.Code, StepUp: v.StepUp}
	}
	d := refuse(s, fault.New(fault.Code(v.Code), errors.New(v.Reason)))
	d.StepUp, d.Final = v.StepUp, g.Anonymous() == policy.Deny
	return d
}

func refuse(s *session.Session, f *fault.Error) Decision {
	return Decision{Kind: Refuse, Session: s, Fault: f, Reason: string(f.Code)}
}

// refuseUnknown decides about a request without a session. Only a navigation is
// led to a sign-in: a script cannot follow it, and a form's body would be lost. A
// store that could not say lets nobody through as nobody: an outage is no sign-out.
func refuseUnknown(r *http.Request, anonymous policy.Unauthenticated, err error) Decision {
	none, ok := errors.AsType[*session.NoSessionError](err)
	if !ok {
		if _, ok := errors.AsType[*session.StoreError](err); ok {
			return refuse(nil, fault.New(fault.StoreUnavailable, err))
		}
		return refuse(nil, fault.Of(err))
	}
	if anonymous == policy.Allow {
		return Decision{Kind: Forward, Reason: reasonOptional}
	}
	if anonymous == policy.Login && IsNavigation(r) {
		return Decision{Kind: SignIn, Reason: string(none.Why), Attempt: none.Attempt}
	}
	d := refuse(nil, fault.New(fault.SignInRequired, err))
	d.Reason, d.Final = string(none.Why), anonymous == policy.Deny
	return d
}

// originAllowed judges the Origin field of a WebSocket handshake. Browsers always
// send it there, and cookies with it, whatever page asks (cross-site WebSocket
// hijacking); without one it is not a browser that was tricked.
func (d *decider) originAllowed(origins []string) bool {
	switch len(origins) {
	case 0:
		return true
	case 1:
	default:
		return false
	}
	if _, ok := d.origins[origins[0]]; ok {
		return true
	}
	origin, ok := canonicalOrigin(origins[0])
	if !ok {
		return false
	}
	_, ok = d.origins[origin]
	return ok
}

// canonicalOrigin is the serialisation of RFC 6454 §6.2, as browsers send it.
func canonicalOrigin(s string) (string, bool) {
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.User != nil ||
		u.Path != "" || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || strings.HasSuffix(s, "#") {
		return "", false
	}
	host := strings.ToLower(u.Host)
	if u.Scheme == "https" {
		host = strings.TrimSuffix(host, ":443")
	} else {
		host = strings.TrimSuffix(host, ":80")
	}
	return u.Scheme + "://" + host, true
}
