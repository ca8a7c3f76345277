package proxy

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"strings"

	"github.com/sallyport/sallyport/internal/fault"
)

// answered looks at the app's answer before it goes to the client.
func (f *forwarder) answered(res *http.Response) error {
	x := exchangeOf(res.Request.Context())
	x.upstream = f.now().Sub(x.upstreamStart)
	f.site.metrics.upstream.Observe(x.upstream.Seconds())
	if res.StatusCode < http.StatusOK && res.StatusCode != http.StatusSwitchingProtocols {
		return fmt.Errorf("the app answered with the status %d, which is none", res.StatusCode)
	}
	f.cleanResponse(res.Header)
	if res.StatusCode == http.StatusSwitchingProtocols {
		return x.upgrade(res)
	}
	if res.Body == nil {
		return nil
	}
	preferTrailers(res, x.in)
	f.site.cors.shareApps(res.Header, x.in)
	if x.call != nil {
		x.call.answered(res)
	} else if kind := streamKind(res); kind != notStream {
		res.Body = f.site.streams.body(res.Body, kind, x.decision.Session)
	}
	return nil
}

// preferTrailers takes away the length of an answer to r that has trailers too. HTTP/2 can send both and
// HTTP/1.1 one of them, of which the client can do without the length.
func preferTrailers(res *http.Response, r *http.Request) {
	if res.ContentLength > 0 && len(res.Trailer) > 0 && r.Proto == "HTTP/1.1" && r.Method != http.MethodHead {
		res.ContentLength = -1
		delete(res.Header, "Content-Length")
	}
}

// streamKind tells answers that may go on for ever from those that end.
func streamKind(res *http.Response) kindOfStream {
	if res.ContentLength >= 0 || res.Request.Method == http.MethodHead {
		return notStream
	}
	if ct := res.Header.Get("Content-Type"); strings.HasPrefix(ct, "text/event-stream") {
		if media, _, _ := mime.ParseMediaType(ct); media == "text/event-stream" {
			return eventStream
		}
	}
	return openEnded
}

// cleanResponse removes what only we may say: our cookies, and the fields by
// which clients tell our answers from the app's.
func (f *forwarder) cleanResponse(h http.Header) {
	for name := range h {
		if ours(name) {
			delete(h, name)
		}
	}
	cookies := h["Set-Cookie"]
	if len(cookies) == 0 {
		return
	}
	kept := cookies[:0]
	for _, c := range cookies {
		if !f.cookies.Owns(cookieName(c)) {
			kept = append(kept, c)
		}
	}
	if len(kept) == 0 {
		delete(h, "Set-Cookie")
		return
	}
	h["Set-Cookie"] = kept
}

func ours(name string) bool {
	if name = strings.TrimPrefix(name, http.TrailerPrefix); name == "" {
		return false
	}
	if c := name[0] | 0x20; c != 'x' && c != 's' {
		return false
	}
	var buf [maxFolded]byte
	folded := string(fold(buf[:0], name))
	return strings.HasPrefix(folded, "sallyport") || strings.HasPrefix(folded, "xsallyport")
}

// cleanTrailers does the same for what the app sent after its body, which
// httputil has put among the header fields by now.
func (f *forwarder) cleanTrailers(h http.Header) {
	for name := range h {
		if ours(name) || strings.EqualFold(strings.TrimPrefix(name, http.TrailerPrefix), "Set-Cookie") {
			delete(h, name)
		}
	}
}

// The kinds of upstream_errors_total.
const (
	kindUnreachable = "unreachable"
	kindTimeout     = "timeout"
	kindInvalid     = "invalid"
	kindClientGone  = "client_gone"
	kindClientBody  = "client_body"
	kindSessionOver = "session_over" // it ended in the middle of a call
)

// failed answers for an app that did not. The fault tells no address and no
// error text; the cause is in the log.
func (f *forwarder) failed(_ http.ResponseWriter, out *http.Request, err error) {
	if errors.Is(err, errUpgraded) {
		return
	}
	x := exchangeOf(out.Context())
	x.upstream = f.now().Sub(x.upstreamStart)
	kind, flt := classifyFailure(x, err)
	f.site.metrics.upstreamError(kind)
	if flt == nil {
		// Nobody is there to read an answer. Returning would send an empty
		// 200 to a client that has only shut its sending side.
		x.gone = true
		panic(http.ErrAbortHandler)
	}
	f.site.fail(x, flt)
}

// classifyFailure returns a nil fault when the client is gone.
func classifyFailure(x *exchange, err error) (kind string, _ *fault.Error) {
	cause := fmt.Errorf("asking the app: %w", err)
	if x.call.ended() {
		return kindSessionOver, fault.New(fault.SignInRequired, errStreamEnded)
	}
	if x.in.Context().Err() != nil {
		return kindClientGone, nil
	}
	bodyErr := x.body.failure()
	if bodyErr != nil {
		return kindClientBody, fault.New(fault.BadRequest, fmt.Errorf("reading the request's body: %w", bodyErr))
	}
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "dial" {
		return kindUnreachable, fault.New(fault.UpstreamUnreachable, fmt.Errorf("%w; check SALLYPORT_UPSTREAM and that the app listens", cause))
	}
	if remedy := tlsRemedy(err); remedy != "" {
		return kindUnreachable, fault.New(fault.UpstreamUnreachable, fmt.Errorf("%w; %s", cause, remedy))
	}
	if ne, ok := errors.AsType[net.Error](err); ok && ne.Timeout() || errors.Is(err, context.DeadlineExceeded) {
		return kindTimeout, fault.New(fault.UpstreamTimeout, fmt.Errorf("%w; if the app needs longer, raise SALLYPORT_UPSTREAM_TIMEOUT", cause))
	}
	if _, ok := errors.AsType[*net.OpError](err); ok || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return kindUnreachable, fault.New(fault.UpstreamUnreachable, fmt.Errorf("%w; the app closed the connection before it answered: look into its log, or have it keep idle connections for longer than %v", cause, idleTimeout))
	}
	return kindInvalid, fault.New(fault.UpstreamInvalid, cause)
}

// tlsRemedy says what to change where no TLS came about with the app; "" where that is not the
// matter.
func tlsRemedy(err error) string {
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return "have the certificate name the host of SALLYPORT_UPSTREAM, and its authority in SALLYPORT_UPSTREAM_CA_FILE"
	}
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok || errors.Is(err, http.ErrSchemeMismatch) {
		return "the app speaks no TLS: write http:// or h2c:// in SALLYPORT_UPSTREAM"
	}
	return ""
}
