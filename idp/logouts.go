package idp

import (
	"errors"
	"fmt"

	"github.com/prometheus/client_golang/prometheus"
)

// LogoutKind says what became of a sign-out: a metric label.
type LogoutKind string

// The kinds of sallyport_logouts_total.
const (
	LogoutAtIdP      LogoutKind = "rp_initiated" // sent on to the provider's sign-out
	LogoutLocal      LogoutKind = "local"        // the provider offers none
	LogoutIncomplete LogoutKind = "incomplete"   // the store did not confirm

	LogoutBackChannel  LogoutKind = "backchannel"         // the provider said so
	LogoutFrontChannel LogoutKind = "frontchannel"        // the provider said so through the browser
	LogoutRefused      LogoutKind = "backchannel_refused" // something else said so
)

// Logouts counts sign-outs. It is safe for concurrent use.
type Logouts struct{ total *prometheus.CounterVec }

// NewLogouts makes the counter with every series from the start. All protocols of one
// registerer share it; a nil registerer exports none.
func NewLogouts(reg prometheus.Registerer) (*Logouts, error) {
	l := &Logouts{total: prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "sallyport_logouts_total",
		Help: "Sign-outs, by what became of them.",
	}, []string{"kind"})}
	if reg != nil {
		if err := l.register(reg); err != nil {
			return nil, fmt.Errorf("registering the metric of sign-outs: %w", err)
		}
	}
	for _, kind := range [...]LogoutKind{LogoutAtIdP, LogoutLocal, LogoutIncomplete, LogoutBackChannel, LogoutFrontChannel, LogoutRefused} {
		l.total.WithLabelValues(string(kind))
	}
	return l, nil
}

func (l *Logouts) register(reg prometheus.Registerer) error {
	err := reg.Register(l.total)
	if already, ok := errors.AsType[prometheus.AlreadyRegisteredError](err); ok {
		if existing, ok := already.ExistingCollector.(*prometheus.CounterVec); ok {
			l.total = existing
			return nil
		}
	}
	return err
}

// Count counts a sign-out.
func (l *Logouts) Count(kind LogoutKind) { l.total.WithLabelValues(string(kind)).Inc() }
