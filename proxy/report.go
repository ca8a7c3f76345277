package proxy

import (
	"log/slog"
	"strconv"

	"github.com/sallyport/sallyport/proxy/policy"
	"github.com/sallyport/sallyport/session"
)

// report says what a report-only rule would have done: in the metrics always, in the
// log when it would have refused.
func (s *Site) report(x *exchange, g policy.Ruling, who *session.Session) {
	var id *session.Identity
	if who != nil {
		id = &who.Identity
	}
	v, number := g.Reported(id, s.now())
	if number == 0 {
		return
	}
	decision := "pass"
	if !v.Allowed {
		decision = "refuse"
		s.log.LogAttrs(x.in.Context(), slog.LevelInfo, "a report-only rule would have refused this request", slog.Int("rule", number),
			slog.String("code", v.Code), slog.String("path", x.subject()), slog.String("request_id", x.id))
	}
	s.metrics.reported.WithLabelValues(strconv.Itoa(number), decision).Inc()
}

// subject is the path that was decided on.
func (x *exchange) subject() string {
	if x.asked != nil {
		return x.asked.path
	}
	return x.path
}
