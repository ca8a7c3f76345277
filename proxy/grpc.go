package proxy

import (
	"net/http"
	"strings"
	"sync"
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
	if strings.HasPrefix(ct[0], "application/connect+") {
		return true
	}
	rest, ok := strings.CutPrefix(ct[0], "application/grpc")
	return ok && (rest == "" || rest[0] == '+' || rest[0] == ';')
}

// callBody is what the client says in a call of gRPC. Both sides of a call may be silent for
// as long as they like, so it has no idle limit; like a WebSocket it counts as use of its
// session and ends with it. That is why only somebody who is signed in gets one.
type callBody struct {
	*requestBody
	activity activity
	registry *streams
	timer    *time.Timer
	ended    atomic.Bool // by us

	mu     sync.Mutex
	entry  *stream
	closed bool
}

// openCall lets the request of x, which has been let through, last as a call of gRPC does.
func (f *forwarder) openCall(x *exchange) {
	if x.decision.Session == nil || x.body.ReadCloser == nil || !isCall(x.in) {
		return
	}
	b := &callBody{requestBody: &x.body, registry: f.site.streams}
	b.activity.begin(x.in.Context(), b.registry.auth, x.decision.Session, func() { b.cut(sessionOver) })
	x.body.unhurried = true
	// Most calls are over at once and need no entry.
	b.timer = time.AfterFunc(openEndedAfter, b.register)
	x.in.Body = b
}

func (b *callBody) register() {
	entry := b.registry.add(b.activity.session, b.cut)
	b.mu.Lock()
	b.entry = entry
	closed := b.closed
	b.mu.Unlock()
	if closed {
		b.registry.remove(entry)
	}
}

// cut ends the call, and the answer with it. A shutdown does not: clients of gRPC are told
// by HTTP/2 itself to make new calls elsewhere, and finish those that they have.
func (b *callBody) cut(why ending) {
	if why == shuttingDown || b.ended.Swap(true) {
		return
	}
	b.deadline(time.Unix(1, 0)) // wakes the Read that waits for the client
}

// Read implements io.Reader.
func (b *callBody) Read(p []byte) (int, error) {
	n, err := b.requestBody.Read(p)
	if b.ended.Load() {
		b.fail(errStreamEnded)
		return 0, errStreamEnded
	}
	if n > 0 {
		b.activity.touch()
	}
	return n, err
}

// Close implements io.Closer.
func (b *callBody) Close() error {
	b.timer.Stop()
	b.mu.Lock()
	entry := b.entry
	b.closed = true
	b.mu.Unlock()
	if entry != nil {
		b.registry.remove(entry)
	}
	return b.requestBody.Close()
}
