package session

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// The store operations and their outcomes, as metric labels and StoreError.Op.
const (
	opGet = iota
	opCreate
	opReplace
	opDelete
	opFind
	opClaim
	opCount
)

const (
	outcomeOK = iota
	outcomeNotFound
	outcomeConflict
	outcomeError
	outcomeCount
)

var (
	opNames      = [opCount]string{"get", "create", "replace", "delete", "find", "claim"}
	outcomeNames = [outcomeCount]string{"ok", "not_found", "conflict", "error"}
)

type metrics struct {
	ends *prometheus.CounterVec
	// storeSeconds has its series looked up beforehand: the hot path observes
	// one for each request.
	storeSeconds [opCount][outcomeCount]prometheus.Observer

	refreshes      *prometheus.CounterVec
	refreshSeconds prometheus.Histogram
	refreshWait    prometheus.Histogram
}

// newMetrics registers every series from the start; a nil registerer exports
// none.
func newMetrics(reg prometheus.Registerer, store Store) (*metrics, error) {
	m := &metrics{ends: prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "sallyport_session_ends_total",
		Help: "Sessions that ended, by reason.",
	}, []string{"reason"})}
	for _, reason := range Reasons() {
		m.ends.WithLabelValues(string(reason))
	}
	seconds := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name:    "sallyport_store_operation_duration_seconds",
		Help:    "How long session store operations take, by operation and outcome.",
		Buckets: []float64{.00001, .0001, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5},
	}, []string{"op", "outcome"})
	for op, opName := range opNames {
		for outcome, outcomeName := range outcomeNames {
			m.storeSeconds[op][outcome] = seconds.WithLabelValues(opName, outcomeName)
		}
	}
	m.addRefreshes()
	collectors := []prometheus.Collector{m.ends, seconds, m.refreshes, m.refreshSeconds, m.refreshWait}
	if c, ok := store.(Counter); ok {
		collectors = append(collectors, prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "sallyport_sessions_active",
			Help: "Sessions that the store holds.",
		}, func() float64 { return float64(c.Count()) }))
	}
	if reg == nil {
		return m, nil
	}
	for _, c := range collectors {
		if err := reg.Register(c); err != nil {
			return nil, fmt.Errorf("registering session metrics: %w", err)
		}
	}
	return m, nil
}

func (m *metrics) addRefreshes() {
	m.refreshes = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "sallyport_refreshes_total",
		Help: "Refreshes of sessions at the identity provider, by outcome.",
	}, []string{"outcome"})
	for _, outcome := range []string{
		outcomeRenewed, outcomeAdopted, outcomeDropped, outcomeUnread,
		string(RefreshEnded), string(RefreshMisconfigured), string(RefreshUnavailable),
	} {
		m.refreshes.WithLabelValues(outcome)
	}
	buckets := []float64{.01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}
	m.refreshSeconds = prometheus.NewHistogram(prometheus.HistogramOpts{
		Name: "sallyport_refresh_duration_seconds", Help: "How long the identity provider takes to refresh a session.", Buckets: buckets,
	})
	m.refreshWait = prometheus.NewHistogram(prometheus.HistogramOpts{
		Name: "sallyport_refresh_wait_seconds", Help: "How long requests waited for a refresh.", Buckets: buckets,
	})
}

// meteredStore measures the store and turns what is not an answer into a
// *StoreError.
type meteredStore struct {
	store   Store
	now     func() time.Time
	seconds [opCount][outcomeCount]prometheus.Observer
}

func (s *meteredStore) get(ctx context.Context, h Handle) (Record, error) {
	start := s.now()
	r, err := s.store.Get(ctx, h)
	return r, s.done(opGet, start, err)
}

func (s *meteredStore) create(ctx context.Context, h Handle, r Record) error {
	start := s.now()
	return s.done(opCreate, start, s.store.Create(ctx, h, r))
}

// createMarked is for a store that is an Indexer.
func (s *meteredStore) createMarked(ctx context.Context, h Handle, r Record, marks []Mark, until time.Time) error {
	start := s.now()
	return s.done(opCreate, start, s.store.(Indexer).CreateMarked(ctx, h, r, marks, until))
}

func (s *meteredStore) find(ctx context.Context, t Tag) ([]Found, error) {
	start := s.now()
	found, err := s.store.(Indexer).Find(ctx, t)
	return found, s.done(opFind, start, err)
}

func (s *meteredStore) claim(ctx context.Context, t Tag, until time.Time) (bool, error) {
	start := s.now()
	first, err := s.store.(Claimer).Claim(ctx, t, until)
	return first, s.done(opClaim, start, err)
}

func (s *meteredStore) claimed(ctx context.Context, t Tag) (bool, error) {
	start := s.now()
	claimed, err := s.store.(Claimer).Claimed(ctx, t)
	return claimed, s.done(opClaim, start, err)
}

func (s *meteredStore) replace(ctx context.Context, h Handle, r Record) error {
	start := s.now()
	return s.done(opReplace, start, s.store.Replace(ctx, h, r))
}

func (s *meteredStore) delete(ctx context.Context, h Handle) error {
	start := s.now()
	return s.done(opDelete, start, s.store.Delete(ctx, h))
}

func (s *meteredStore) done(op int, start time.Time, err error) error {
	outcome := outcomeOK
	switch {
	case err == nil:
	case errors.Is(err, ErrNotFound):
		outcome = outcomeNotFound
	case errors.Is(err, ErrConflict):
		outcome = outcomeConflict
	default:
		outcome = outcomeError
		if _, large := errors.AsType[*TooLargeError](err); !large { // that is an answer, too
			err = &StoreError{Op: opNames[op], Err: err}
		}
	}
	s.seconds[op][outcome].Observe(s.now().Sub(start).Seconds())
	return err
}
