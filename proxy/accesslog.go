package proxy

import (
	"log/slog"
	"net/netip"
	"time"
)

// maxLoggedPath bounds a line of the access log, in bytes of the path.
const maxLoggedPath = 1024

// logAccess writes the one line of a request. It has no query, which may hold a
// code or a token, and no field of the client's but the path; slog's handlers
// escape what could end a line.
func (s *Site) logAccess(x *exchange, took time.Duration) {
	ctx := x.in.Context()
	if !s.log.Enabled(ctx, slog.LevelInfo) {
		return
	}
	attrs := make([]slog.Attr, 0, 16)
	attrs = append(attrs,
		slog.String("request_id", x.id),
		slog.String("method", x.in.Method),
		slog.String("path", loggedPath(x.path)),
		slog.Int("status", x.status),
		slog.Int64("bytes", x.written),
		slog.Float64("duration_ms", milliseconds(took)),
		slog.String("remote", s.remote(x)),
		slog.String("handler", s.metrics.handlers[x.handler].name),
	)
	if x.asked != nil {
		attrs = append(attrs, slog.String("asked_method", x.asked.request.Method), slog.String("asked_path", loggedPath(x.asked.path)))
	}
	if x.decision.Reason != "" {
		attrs = append(attrs, slog.String("decision", x.decision.Kind.String()), slog.String("reason", x.decision.Reason))
	}
	if x.decision.Rule > 0 {
		attrs = append(attrs, slog.Int("rule", x.decision.Rule))
	}
	if who := x.decision.Session; who != nil {
		attrs = append(attrs, slog.String("sub", who.Identity.Subject), slog.String("session", x.sessionTag()))
	}
	if x.upstream > 0 {
		attrs = append(attrs, slog.Float64("upstream_ms", milliseconds(x.upstream)))
	}
	s.log.LogAttrs(ctx, slog.LevelInfo, "request", attrs...)
}

func loggedPath(path string) string {
	if len(path) > maxLoggedPath {
		return path[:maxLoggedPath] + "…"
	}
	return path
}

// remote is the client's address in words.
func (s *Site) remote(x *exchange) string {
	if addr := s.clientAddr(x); addr.IsValid() {
		return addr.String()
	}
	if onUnixSocket(x.in.RemoteAddr) {
		return "unix"
	}
	return unstated{}.String()
}

// clientAddr is the client's address as far as it can be known, the zero Addr for
// a peer on a unix socket, or behind a PROXY header, that does not say more.
func (s *Site) clientAddr(x *exchange) netip.Addr {
	if x.trusted {
		if client, _ := s.trust.chain(x.in.Header); client != (netip.Addr{}) {
			return client
		}
	}
	return x.peer
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
