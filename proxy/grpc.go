package proxy

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"time"
)

// isCall reports whether r is a call of gRPC (PROTOCOL-HTTP2 of its documentation) or a
// streaming one of Connect, whose two sides talk at the same time over HTTP/2. gRPC-Web is
// not: its requests are like all others.
func isCall(r *http.Request) bool {
	ct := r.Header["Content-Type"]
	if r.ProtoMajor < 2 || r.Method != http.MethodPost || len(ct) != 1 {
		return false
	}
	return strings.HasPrefix(ct[0], "application/connect+") || isGRPC(ct[0])
}

func isGRPC(contentType string) bool {
	rest, ok := strings.CutPrefix(contentType, "application/grpc")
	return ok && (rest == "" || rest[0] == '+' || rest[0] == ';')
}

// call is a call of gRPC, whose body is what the client says in it. Both sides of a call may
// be silent for as long as they like, so it has no idle limit; like a WebSocket it counts as
// use of its session and ends with it. That is why only somebody who is signed in gets one.
type call struct {
	*requestBody
	activity activity
	registry *streams
	entry    *stream
	cancel   context.CancelCauseFunc // of both sides
	over     atomic.Bool             // by us
}

// openCall lets the request of x, which has been let through, last as a call of gRPC does.
// The caller calls leave of what it returns, which is nil for other requests.
func (f *forwarder) openCall(x *exchange) *call {
	if x.decision.Session == nil || x.body.ReadCloser == nil || !isCall(x.in) {
		return nil
	}
	ctx, cancel := context.WithCancelCause(x.in.Context())
	c := &call{requestBody: &x.body, registry: f.site.streams, cancel: cancel}
	c.activity.begin(ctx, c.registry.auth, x.decision.Session, func() { c.cut(sessionOver) })
	x.body.unhurried = true
	x.in = x.in.WithContext(ctx)
	x.in.Body = c
	x.call = c
	c.entry = c.registry.add(x.decision.Session, c.cut)
	return c
}

// leave forgets a call that has ended.
func (c *call) leave() {
	if c != nil {
		c.registry.remove(c.entry)
		c.cancel(nil)
	}
}

// cut ends the call. A shutdown does not: clients of gRPC are told by HTTP/2 itself to make
// new calls elsewhere, and finish those that they have.
func (c *call) cut(why ending) {
	if why == shuttingDown || c.over.Swap(true) {
		return
	}
	c.cancel(errStreamEnded)
	c.deadline(time.Unix(1, 0)) // wakes the Read that waits for the client: net/http does not
}

// ended reports whether we ended the call; that of nil is not.
func (c *call) ended() bool { return c != nil && c.over.Load() }

// Read implements io.Reader.
func (c *call) Read(p []byte) (int, error) {
	n, err := c.requestBody.Read(p)
	if n > 0 {
		c.activity.touch()
	}
	return n, err
}

// answered has the app's answer end as the call does.
func (c *call) answered(res *http.Response) {
	res.Body = &callAnswer{ReadCloser: res.Body, call: c, res: res}
}

// callAnswer is what the app says in a call.
type callAnswer struct {
	io.ReadCloser
	call *call
	res  *http.Response
}

// Read implements io.Reader.
func (a *callAnswer) Read(p []byte) (int, error) {
	n, err := a.ReadCloser.Read(p)
	if err == nil || errors.Is(err, io.EOF) || !a.call.ended() {
		return n, err
	}
	if !isGRPC(a.res.Header.Get("Content-Type")) {
		return n, errStreamEnded
	}
	// A failure is what the trailers say, however tidily the stream ends.
	if a.res.Trailer == nil {
		a.res.Trailer = make(http.Header)
	}
	a.res.Trailer["Grpc-Status"] = []string{statusUnauthenticated}
	a.res.Trailer["Grpc-Message"] = []string{"the session has ended"}
	return n, io.EOF
}

// statusUnauthenticated is UNAUTHENTICATED among the status codes of gRPC.
const statusUnauthenticated = "16"
