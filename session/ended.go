package session

import (
	"context"
	"log/slog"

	"github.com/sallyport/sallyport/internal/reqid"
)

// ended counts the end of a session, writes the line of the audit log and tells the
// session's streams. subject is whose it was, "" if that is not known here: a record
// is sealed, and the store forgets it by itself. ctx is that of whatever ended it.
func (m *Manager) ended(ctx context.Context, h Handle, subject string, why Reason, more ...slog.Attr) {
	m.metrics.ends.WithLabelValues(string(why)).Inc()
	m.watches.fire(h)
	line := []slog.Attr{slog.Any("session", h), slog.String("reason", string(why))}
	if subject != "" {
		line = append(line, slog.String("sub", subject))
	}
	if id := reqid.From(ctx); id != "" {
		line = append(line, slog.String("request_id", id))
	}
	m.audit.LogAttrs(ctx, slog.LevelInfo, "session ended", append(line, more...)...)
}

// subject is whose session o is, "" when it is not opened.
func (o *opened) subject() string {
	if o == nil || o.session == nil {
		return ""
	}
	return o.session.Identity.Subject
}
