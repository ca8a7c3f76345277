package proxy

import (
	"fmt"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/sallyport/sallyport/internal/fault"
	"github.com/sallyport/sallyport/session"
)

// The handlers that are no route.
const (
	handlerProxy   = iota // decided on, for the app
	handlerRefused        // by the gate, or at no place
	firstRoute
)

// methodLabels bounds the method label; index 0 stands for every other method.
var methodLabels = [...]string{"other", "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}

const (
	lowestStatus, highestStatus = 100, 599
	statuses                    = highestStatus - lowestStatus + 2 // the last is "other"
)

// metrics are this package's series of contract §6. All labels are bounded: what
// a client can choose freely becomes "other".
type metrics struct {
	requests  *prometheus.CounterVec
	inFlight  prometheus.Gauge
	upstream  prometheus.Observer
	errors    *prometheus.CounterVec
	handlers  []handlerMetrics
	index     map[string]int                               // of routes, by name
	decisions [Preflight + 1]map[string]prometheus.Counter // by reason
	reported  *prometheus.CounterVec
	other     prometheus.Counter
}

// handlerMetrics holds the series of one handler, resolved once: looking up a
// series by its labels costs more than counting.
type handlerMetrics struct {
	name     string
	duration prometheus.Observer
	counters [len(methodLabels)]atomic.Pointer[methodCounters]
}

type methodCounters [statuses]atomic.Pointer[prometheus.Counter]

func newMetrics(reg prometheus.Registerer, list []Route, reporting []int) (*metrics, error) {
	opts := func(name, help string) prometheus.CounterOpts {
		return prometheus.CounterOpts{Namespace: "sallyport", Name: name, Help: help}
	}
	histogram := func(name, help string) prometheus.HistogramOpts {
		return prometheus.HistogramOpts{Namespace: "sallyport", Name: name, Help: help,
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60}}
	}
	m := &metrics{
		requests: prometheus.NewCounterVec(opts("http_requests_total", "Requests answered, by handler, method and status; 499 = the client left first."), []string{"handler", "method", "code"}),
		inFlight: prometheus.NewGauge(prometheus.GaugeOpts{Namespace: "sallyport", Name: "http_requests_in_flight", Help: "Requests being served, streams included."}),
		errors:   prometheus.NewCounterVec(opts("upstream_errors_total", "Requests that the app did not answer, by kind."), []string{"kind"}),
		index:    make(map[string]int),
	}
	durations := prometheus.NewHistogramVec(histogram("http_request_duration_seconds", "Time from a request's header to the end of its answer."), []string{"handler"})
	up := prometheus.NewHistogram(histogram("upstream_duration_seconds", "Time until the app's response header."))
	decisions := prometheus.NewCounterVec(opts("decisions_total", "What was decided about requests, and why."), []string{"decision", "reason"})
	m.reported = prometheus.NewCounterVec(opts("rule_reports_total", "What report-only rules would have done."), []string{"rule", "decision"})
	for _, rule := range reporting {
		for _, decision := range []string{reportedPass, reportedRefusal} {
			m.reported.WithLabelValues(strconv.Itoa(rule), decision)
		}
	}
	m.upstream = up
	m.addHandlers(durations, list)
	m.addDecisions(decisions)
	for _, kind := range []string{kindUnreachable, kindTimeout, kindInvalid, kindClientGone, kindClientBody, kindSessionOver} {
		m.errors.WithLabelValues(kind)
	}
	if reg == nil {
		return m, nil
	}
	for _, c := range []prometheus.Collector{m.requests, m.inFlight, m.errors, durations, up, decisions, m.reported} {
		if err := reg.Register(c); err != nil {
			return nil, fmt.Errorf("registering the proxy's metrics: %w", err)
		}
	}
	return m, nil
}

func (m *metrics) addHandlers(durations *prometheus.HistogramVec, list []Route) {
	names := []string{"proxy", "refused"}
	for _, r := range list {
		if _, known := m.index[r.Name]; !known {
			m.index[r.Name] = len(names)
			names = append(names, r.Name)
		}
	}
	m.handlers = make([]handlerMetrics, len(names))
	for i, name := range names {
		m.handlers[i].name = name
		m.handlers[i].duration = durations.WithLabelValues(name)
		m.counter(i, "GET", http.StatusOK)
	}
	for _, status := range []int{302, 401, 403, 500, 502, 503, 504, statusClientGone} {
		m.counter(handlerProxy, "GET", status)
		m.counter(handlerProxy, "POST", status)
	}
	m.counter(handlerProxy, "POST", http.StatusOK)
	for _, status := range []int{400, 404, 405, 421, 431} {
		m.counter(handlerRefused, "GET", status)
	}
}

func (m *metrics) addDecisions(vec *prometheus.CounterVec) {
	for kind := range m.decisions {
		m.decisions[kind] = make(map[string]prometheus.Counter)
	}
	add := func(kind Kind, reasons ...string) {
		for _, r := range reasons {
			m.decisions[kind][r] = vec.WithLabelValues(kind.String(), r)
		}
	}
	add(Forward, reasonSession, reasonPublic, reasonOptional, reasonPreflight)
	add(Preflight, reasonPreflight)
	add(SignIn, string(fault.StepUpRequired))
	for _, kind := range []Kind{SignIn, Refuse} {
		for _, why := range []session.NoSession{
			session.NoCookie, session.CookieInvalid, session.SessionGone, session.SessionIdle, session.SessionAged,
			session.SessionEndedAtIdP, session.SessionUnconfirmed,
		} {
			add(kind, string(why))
		}
	}
	for _, code := range []fault.Code{
		fault.BadRequest, fault.BadPath, fault.MethodNotAllowed, fault.NotFound, fault.MisdirectedHost, fault.CookiesTooLarge,
		fault.EmailNotAllowed, fault.GroupNotAllowed, fault.GroupsWithheld, fault.ClaimNotAllowed, fault.IdPNotAllowed, fault.UserNameUnfit, fault.StepUpRequired, fault.StepUpFailed,
		fault.OriginNotAllowed, fault.PreflightRefused, fault.StoreUnavailable, fault.Internal,
	} {
		add(Refuse, string(code))
	}
	m.other = vec.WithLabelValues(Refuse.String(), "other")
}

func (m *metrics) handlerOf(name string) int { return m.index[name] }

func (m *metrics) decided(d Decision) {
	if c, ok := m.decisions[d.Kind][d.Reason]; ok {
		c.Inc()
		return
	}
	m.other.Inc()
}

func (m *metrics) upstreamError(kind string) { m.errors.WithLabelValues(kind).Inc() }

func (m *metrics) observe(handler int, method string, status int, took time.Duration) {
	m.counter(handler, method, status).Inc()
	m.handlers[handler].duration.Observe(took.Seconds())
}

// counter returns a series of http_requests_total. Two requests that meet one for
// the first time get the same from the vector.
func (m *metrics) counter(handler int, method string, status int) prometheus.Counter {
	h := &m.handlers[handler]
	row := methodIndex(method)
	col := statuses - 1
	if lowestStatus <= status && status <= highestStatus {
		col = status - lowestStatus
	}
	counters := h.counters[row].Load()
	if counters == nil {
		h.counters[row].CompareAndSwap(nil, new(methodCounters))
		counters = h.counters[row].Load()
	}
	if c := counters[col].Load(); c != nil {
		return *c
	}
	code := "other"
	if col < statuses-1 {
		code = strconv.Itoa(status)
	}
	c := m.requests.WithLabelValues(h.name, methodLabels[row], code)
	counters[col].Store(&c)
	return c
}

func methodIndex(method string) int {
	for i := 1; i < len(methodLabels); i++ {
		if methodLabels[i] == method {
			return i
		}
	}
	return 0
}
