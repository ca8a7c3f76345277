package proxy

import (
	"net/netip"
	"time"
)

// maxLoggedPath bounds a line of the access log, in bytes of the path.
const maxLoggedPath = 1024

// logAccess writes the one line of a request. It has no query, which may hold a
// code or a token, and no field of the client's but the path, which is escaped.
func (s *Site) logAccess(x *exchange, ended time.Time) {
	var buf [768]byte // a line seldom needs more
	log := s.accessLog
	b := log.Begin(buf[:0], ended, "request")
	b = log.String(b, "request_id", x.id)
	b = log.String(b, "method", x.in.Method)
	b = log.String(b, "path", loggedPath(x.path))
	b = log.Int(b, "status", int64(x.status))
	b = log.Int(b, "bytes", x.written)
	b = log.Milliseconds(b, "duration_ms", ended.Sub(x.start))
	b = s.appendRemote(b, x)
	b = log.String(b, "handler", s.metrics.handlers[x.handler].name)
	if x.asked != nil {
		b = log.String(b, "asked_method", x.asked.request.Method)
		b = log.String(b, "asked_path", loggedPath(x.asked.path))
	}
	if x.decision.Reason != "" {
		b = log.String(b, "decision", x.decision.Kind.String())
		b = log.String(b, "reason", x.decision.Reason)
	}
	if x.decision.Rule > 0 {
		b = log.Int(b, "rule", int64(x.decision.Rule))
	}
	if who := x.decision.Session; who != nil {
		b = log.String(b, "sub", who.Identity.Subject)
		var tag [tagLength]byte
		b = log.String(b, "session", string(appendTag(tag[:0], who.Handle)))
	}
	if x.upstream > 0 {
		b = log.Milliseconds(b, "upstream_ms", x.upstream)
	}
	log.End(b)
}

func loggedPath(path string) string {
	if len(path) > maxLoggedPath {
		return path[:maxLoggedPath] + "…"
	}
	return path
}

// appendRemote appends the client's address in words.
func (s *Site) appendRemote(line []byte, x *exchange) []byte {
	if addr := s.clientAddr(x); addr.IsValid() {
		var text [len("ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255")]byte
		return s.accessLog.String(line, "remote", string(addr.AppendTo(text[:0])))
	}
	if onUnixSocket(x.in.RemoteAddr) {
		return s.accessLog.String(line, "remote", "unix")
	}
	return s.accessLog.String(line, "remote", unstated{}.String())
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
