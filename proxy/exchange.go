package proxy

import (
	"encoding/base64"
	"net/http"
	"net/netip"
	"time"

	"github.com/sallyport/sallyport/session"
)

// exchange is one request and its answer: the http.ResponseWriter that everything
// below Site writes to, and what the log and the metrics tell afterwards. It
// belongs to the request's goroutine, or to the tunnel that it has become, and is not
// reused.
type exchange struct {
	http.ResponseWriter
	site *Site
	in   *http.Request
	ctx  exchangeContext // of in

	id      string // X-Request-Id
	start   time.Time
	peer    netip.Addr
	trusted bool
	target
	handler  int // index into the metrics' handlers
	decision Decision
	asked    *original // by another proxy; nil unless its target is known

	status        int // of the answer; 0 before it
	written       int64
	upstreamStart time.Time
	upstream      time.Duration // until the app's header; 0 = it was not asked
	body          requestBody
	call          *call     // nil = it is none
	armed         time.Time // when the write deadline was last moved
	hijacked      bool      // it is a tunnel's
	gone          bool      // the client left before an answer

	// values backs the one-element slices of the fields that we set, so that
	// they cost no allocation each.
	values [16]string
	used   int
}

// value returns s as a field's only value.
func (x *exchange) value(s string) []string {
	if x.used == len(x.values) {
		return []string{s}
	}
	i := x.used
	x.used++
	x.values[i] = s
	return x.values[i : i+1 : i+1]
}

// sessionTag names the session in logs by the beginning of its handle.
func (x *exchange) sessionTag() string {
	if x.decision.Session == nil {
		return ""
	}
	return tag(x.decision.Session.Handle)
}

// tagLength is how many characters name a session in logs.
const tagLength = 8

func tag(h session.Handle) string { return string(appendTag(nil, h)) }

// appendTag appends the first characters of the handle's text.
func appendTag(dst []byte, h session.Handle) []byte {
	return base64.RawURLEncoding.AppendEncode(dst, h[:tagLength*3/4])
}

// WriteHeader implements http.ResponseWriter. Of informational answers only 103
// passes: the others concern the hop between us and the app, and net/http itself
// sends 100 when the body is first read.
func (x *exchange) WriteHeader(status int) {
	if status < http.StatusOK && status != http.StatusSwitchingProtocols {
		if status == http.StatusEarlyHints && x.in.ProtoAtLeast(1, 1) && x.status == 0 {
			x.site.forward.cleanResponse(x.Header())
			x.ResponseWriter.WriteHeader(status)
		}
		return
	}
	if x.status != 0 {
		return
	}
	x.status = status
	// What the client still sends of a body is not the next request.
	if x.body.pending() && x.in.ProtoMajor == 1 || x.site.leaving.Load() {
		x.Header()["Connection"] = []string{"close"}
	}
	x.arm()
	x.ResponseWriter.WriteHeader(status)
}

// Write implements io.Writer.
func (x *exchange) Write(p []byte) (int, error) {
	if x.status == 0 {
		x.WriteHeader(http.StatusOK)
	}
	x.arm()
	n, err := x.ResponseWriter.Write(p)
	x.written += int64(n)
	x.disarm()
	return n, err
}

// FlushError is what http.ResponseController.Flush calls.
func (x *exchange) FlushError() error {
	x.arm()
	err := http.NewResponseController(x.ResponseWriter).Flush()
	x.disarm()
	return err
}

// Flush implements http.Flusher.
func (x *exchange) Flush() { _ = x.FlushError() }

// Unwrap gives http.ResponseController the rest.
func (x *exchange) Unwrap() http.ResponseWriter { return x.ResponseWriter }
