package proxy

import (
	"encoding/binary"
	"encoding/hex"
	"math/rand/v2"
	"net/http"
	"strings"

	"github.com/sallyport/sallyport/internal/reqid"
)

// traceFlags is "sampled": the root of a trace that would say otherwise turns
// tracing off in every app that follows its caller, as they do by default.
const traceFlags = "-01"

// setForwarding sets what the app may know of the way to it. in holds the
// client's fields, h the app's.
func (f *forwarder) setForwarding(h, in http.Header, x *exchange) {
	if x.trusted {
		// httputil has removed these two families for everybody.
		if v := in["Forwarded"]; len(v) > 0 {
			h["Forwarded"] = v
		}
	}
	if via := x.forwardedFor(f.trust, in); via != "" {
		h["X-Forwarded-For"] = x.value(via)
	}
	h["X-Forwarded-Host"] = x.value(x.host)
	h["X-Forwarded-Proto"] = x.value(f.proto(in, x.trusted))
	h[reqid.Header] = x.value(x.id)
	setTrace(h, in, x)
}

// proto is the scheme that the browser used. Without a trusted peer to say
// otherwise it is the public URL's: our own listener is often plain HTTP behind
// somebody's TLS.
func (f *forwarder) proto(in http.Header, trusted bool) string {
	if trusted {
		if p := single(in, "X-Forwarded-Proto"); p == "http" || p == "https" {
			return p
		}
	}
	return f.publicScheme
}

// forwardedFor is the client's address and the trusted hops after it.
func (x *exchange) forwardedFor(t *trust, in http.Header) string {
	peer := ""
	if x.peer.IsValid() {
		peer = x.peer.String()
	}
	if !x.trusted || len(in["X-Forwarded-For"]) == 0 {
		return peer
	}
	_, chain := t.chain(in)
	switch {
	case chain == "":
		return peer
	case peer == "":
		return chain
	}
	return chain + ", " + peer
}

// setTrace passes on the trace of a trusted peer and begins one otherwise (W3C
// Trace Context §3.2). The identifiers are no secret, so they need no
// cryptographic source.
func setTrace(h, in http.Header, x *exchange) {
	if x.trusted {
		if tp := single(in, "Traceparent"); validTraceparent(tp) {
			h["Traceparent"] = x.value(tp)
			if ts := in["Tracestate"]; len(ts) > 0 {
				h["Tracestate"] = ts
			}
			return
		}
	}
	var id [24]byte
	binary.LittleEndian.PutUint64(id[0:], rand.Uint64()|1) // neither id may be all zero
	binary.LittleEndian.PutUint64(id[8:], rand.Uint64())
	binary.LittleEndian.PutUint64(id[16:], rand.Uint64()|1)
	var b [55]byte
	copy(b[:], "00-")
	hex.Encode(b[3:], id[:16])
	b[35] = '-'
	hex.Encode(b[36:], id[16:])
	copy(b[52:], traceFlags)
	h["Traceparent"] = x.value(string(b[:]))
}

// validTraceparent accepts version 00 alone: lower-case hex, neither id all zero.
func validTraceparent(s string) bool {
	if len(s) != 55 || s[:3] != "00-" || s[35] != '-' || s[52] != '-' {
		return false
	}
	for i := 3; i < len(s); i++ {
		c := s[i]
		if i == 35 || i == 52 {
			continue
		}
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return strings.Trim(s[3:35], "0") != "" && strings.Trim(s[36:52], "0") != ""
}
