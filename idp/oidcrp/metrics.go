package oidcrp

import (
	"errors"
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/sallyport/sallyport/idp"
	"github.com/sallyport/sallyport/internal/fault"
	"github.com/sallyport/sallyport/session"
)

// endpoint names a part of the provider that we call: a metric label.
type endpoint string

const (
	atDiscovery  endpoint = "discovery"
	atJWKS       endpoint = "jwks"
	atPushed     endpoint = "pushed_authorization"
	atToken      endpoint = "token"
	atUserinfo   endpoint = "userinfo"
	atRevocation endpoint = "revocation"
)

// outcome says how a call to the provider ended: a metric label.
type outcome string

const (
	callOK          outcome = "ok"
	callRefused     outcome = "refused"     // a status that is no success
	callInvalid     outcome = "invalid"     // too large or cut short
	callTimeout     outcome = "timeout"     // SALLYPORT_OIDC_TIMEOUT passed
	callUnreachable outcome = "unreachable" // no connection, or no TLS
)

var (
	endpoints = [...]endpoint{atDiscovery, atJWKS, atPushed, atToken, atUserinfo, atRevocation}
	outcomes  = [...]outcome{callOK, callRefused, callInvalid, callTimeout, callUnreachable}
)

// The outcomes and the reasons of sign-ins that are no fault.
const (
	loginSucceeded = "success"
	loginFailed    = "failure"
	loginRestarted = "restarted"

	reasonNone = "none"
)

// failures are the faults that a sign-in can end in.
var failures = [...]fault.Code{
	fault.Internal, fault.MethodNotAllowed, fault.BadRequest, fault.StoreUnavailable, fault.SignInLoop, fault.LoginInvalid,
	fault.CallbackInvalid, fault.LoginCookieLost, fault.IssuerMismatch, fault.IdPUnavailable, fault.IdPTimeout,
	fault.IdPDenied, fault.IdPInteraction, fault.IdPError, fault.ClientRejected, fault.CodeRejected, fault.TokenInvalid,
	fault.AccessTokenAbsent, fault.IDTokenAbsent, fault.IDTokenInvalid, fault.ClockSkew, fault.UserinfoInvalid,
	fault.EmailUnverified, fault.EmailMissing, fault.EmailDomainRefused, fault.SessionNotBound, fault.AccountNotAllowed, fault.SessionTooLarge,
}

// restarts are the faults after which a sign-in begins again by itself.
var restarts = [...]fault.Code{fault.LoginCookieLost, fault.ClientRejected}

// metrics are this package's series of contract §6.
type metrics struct {
	idp     string
	issuer  string
	logins  *prometheus.CounterVec
	lasting prometheus.Histogram
	logouts *idp.Logouts
	calls   *prometheus.HistogramVec
	info    *prometheus.GaugeVec
	expiry  *prometheus.GaugeVec
	ready   *prometheus.GaugeVec
}

// newMetrics registers every series from the start; a nil registerer exports
// none. Several Clients share the series of one registerer.
func newMetrics(reg prometheus.Registerer, id, issuer string) (*metrics, error) {
	m := &metrics{
		idp: id, issuer: issuer,
		logins: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "sallyport_logins_total",
			Help: "Sign-ins that came back from the identity provider, by outcome and the code of the fault.",
		}, []string{"idp", "outcome", "reason"}),
		lasting: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name:    "sallyport_login_duration_seconds",
			Help:    "How long successful sign-ins take from the redirect to the session, the person's time included.",
			Buckets: []float64{.25, .5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600},
		}),
		calls: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "sallyport_idp_request_duration_seconds",
			Help:    "How long calls to the identity provider take, by endpoint and outcome.",
			Buckets: []float64{.01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
		}, []string{"endpoint", "outcome"}),
		info: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "sallyport_idp_info",
			Help: "1 for each identity provider, with how far sessions follow its own.",
		}, []string{"idp", "issuer", "mode"}),
		expiry: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "sallyport_client_secret_expiry_timestamp_seconds",
			Help: "When the client secret or certificate expires, in seconds since 1970; absent where that is not known.",
		}, []string{"idp"}),
		ready: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "sallyport_idp_ready",
			Help: "1 for each identity provider whose metadata have been fetched, so that people can sign in there; 0 until then.",
		}, []string{"idp"}),
	}
	var err error
	if m.logouts, err = idp.NewLogouts(reg); err != nil {
		return nil, err
	}
	if reg != nil {
		if err := m.register(reg); err != nil {
			return nil, fmt.Errorf("registering the metrics of the relying party: %w", err)
		}
	}
	m.create()
	return m, nil
}

func (m *metrics) register(reg prometheus.Registerer) (err error) {
	var errs [6]error
	m.logins, errs[0] = registered(reg, m.logins)
	m.lasting, errs[1] = registered(reg, m.lasting)
	m.calls, errs[2] = registered(reg, m.calls)
	m.info, errs[3] = registered(reg, m.info)
	m.expiry, errs[4] = registered(reg, m.expiry)
	m.ready, errs[5] = registered(reg, m.ready)
	return errors.Join(errs[:]...)
}

// registered returns c, or the same collector that another Client registered.
func registered[C prometheus.Collector](reg prometheus.Registerer, c C) (C, error) {
	err := reg.Register(c)
	if already, ok := errors.AsType[prometheus.AlreadyRegisteredError](err); ok {
		if existing, ok := already.ExistingCollector.(C); ok {
			return existing, nil
		}
	}
	return c, err
}

// create makes every series that can exist.
func (m *metrics) create() {
	m.ready.WithLabelValues(m.idp).Set(0)
	m.logins.WithLabelValues(m.idp, loginSucceeded, reasonNone)
	for _, code := range restarts {
		m.logins.WithLabelValues(m.idp, loginRestarted, string(code))
	}
	for _, code := range failures {
		m.logins.WithLabelValues(m.idp, loginFailed, string(code))
	}
	for _, e := range endpoints {
		for _, o := range outcomes {
			m.calls.WithLabelValues(string(e), string(o))
		}
	}
}

func (m *metrics) called(e endpoint, o outcome, took time.Duration) {
	m.calls.WithLabelValues(string(e), string(o)).Observe(took.Seconds())
}

func (m *metrics) loginDone(took time.Duration) {
	m.logins.WithLabelValues(m.idp, loginSucceeded, reasonNone).Inc()
	m.lasting.Observe(took.Seconds())
}

func (m *metrics) loginFailed(code fault.Code) {
	m.logins.WithLabelValues(m.idp, loginFailed, string(code)).Inc()
}

func (m *metrics) loginRestarted(code fault.Code) {
	m.logins.WithLabelValues(m.idp, loginRestarted, string(code)).Inc()
}

func (m *metrics) loggedOut(kind idp.LogoutKind) { m.logouts.Count(kind) }

// provider says how sessions hang together with the provider's now.
func (m *metrics) provider(now session.Mode) {
	for _, other := range [...]session.Mode{session.ModeFull, session.ModeNotBound, session.ModeDegraded} {
		if other != now {
			m.info.DeleteLabelValues(m.idp, m.issuer, string(other))
		}
	}
	m.info.WithLabelValues(m.idp, m.issuer, string(now)).Set(1)
	m.ready.WithLabelValues(m.idp).Set(1)
}

// expires sets when the client's credential ends; zero = not known.
func (m *metrics) expires(at time.Time) {
	if !at.IsZero() {
		m.expiry.WithLabelValues(m.idp).Set(float64(at.Unix()))
	}
}
