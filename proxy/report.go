package proxy

import (
	"log/slog"
	"net/http"
	"strconv"

	"github.com/sallyport/sallyport/proxy/policy"
	"github.com/sallyport/sallyport/session"
)

// What a report-only rule would have done: a metric label.
const (
	reportedPass    = "pass"
	reportedRefusal = "refuse"
)

// reportPublic is report where nobody looks for a session: a rule that is tried out
// may be about a public path. Looking costs the session nothing.
func (s *Site) reportPublic(x *exchange, r *http.Request, g policy.Ruling) {
	if g.Reports() {
		who, _ := s.auth.Peek(r)
		s.report(x, g, who)
	}
}

// report says what a report-only rule would have done: in the metrics always, in the
// log when it would have refused.
func (s *Site) report(x *exchange, g policy.Ruling, who *session.Session) {
	if !g.Reports() {
		return
	}
	v, number := g.Reported(who, s.now())
	decision := reportedPass
	if !v.Allowed {
		decision = reportedRefusal
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
