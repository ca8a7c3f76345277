package proxy

import (
	"errors"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// bodyIdle is how long a client may neither send nor take a single byte of
	// a body. It moves on with every piece, so that no transfer is too long.
	bodyIdle = 60 * time.Second
	// rearmAfter is how old a deadline gets before it is moved on HTTP/1.
	rearmAfter = time.Second
	// linger is how long we go on reading a body that nobody wants: closing at
	// once could destroy the answer on its way to the client.
	linger = time.Second
)

// The deadlines of connections are the operating system's, so they come from the
// real clock and not from Config.Now.

// arm gives the client bodyIdle to take what is written next. On HTTP/1 an old
// deadline harms nobody until something is written, so it is moved only now and
// then; net/http removes it after the answer.
func (x *exchange) arm() {
	now := time.Now()
	if x.in.ProtoMajor == 1 && now.Sub(x.armed) < rearmAfter {
		return
	}
	x.armed = now
	x.setWriteDeadline(now.Add(bodyIdle))
}

// disarm takes the deadline away between two pieces on HTTP/2, where it would
// end a quiet stream even though nothing waits to be written.
func (x *exchange) disarm() {
	if x.in.ProtoMajor != 1 {
		x.setWriteDeadline(time.Time{})
	}
}

func (x *exchange) setWriteDeadline(t time.Time) {
	if w, ok := x.ResponseWriter.(interface{ SetWriteDeadline(time.Time) error }); ok {
		_ = w.SetWriteDeadline(t) // not every connection has deadlines
	}
}

func (x *exchange) setReadDeadline(t time.Time) {
	if w, ok := x.ResponseWriter.(interface{ SetReadDeadline(time.Time) error }); ok {
		_ = w.SetReadDeadline(t)
	}
}

// requestBody is a request's body under a deadline that every piece moves on. It
// remembers how reading ended, to tell the client's failure from the app's.
type requestBody struct {
	io.ReadCloser
	x    *exchange
	size int64 // -1 = unknown
	read atomic.Int64
	over atomic.Bool // read to its end
	err  atomic.Pointer[error]
	// unhurried says that no piece is waited for with a deadline; set before the
	// first Read.
	unhurried bool

	mu   sync.Mutex
	left bool // the request has been served: the connection is no longer ours
}

// watchBody puts x.body in place of the request's body, if it has one.
func (x *exchange) watchBody() {
	r := x.in
	if r.ContentLength == 0 || r.Body == nil || r.Body == http.NoBody {
		return
	}
	x.body.ReadCloser, x.body.x, x.body.size = r.Body, x, r.ContentLength
	r.Body = &x.body
}

// Read implements io.Reader.
func (b *requestBody) Read(p []byte) (int, error) {
	if !b.unhurried {
		b.deadline(time.Now().Add(bodyIdle))
	}
	n, err := b.ReadCloser.Read(p)
	total := b.read.Add(int64(n))
	switch {
	case err == nil:
		if total == b.size {
			b.finished()
		}
	case errors.Is(err, io.EOF):
		b.finished()
	default:
		b.fail(err)
	}
	return n, err
}

// fail remembers how reading ended.
func (b *requestBody) fail(err error) { b.err.Store(&err) }

// finished removes the deadline: net/http now waits on the connection to notice
// that the client leaves, and would take its passing for that.
func (b *requestBody) finished() {
	if !b.over.Swap(true) {
		b.deadline(time.Time{})
	}
}

// deadline moves the read deadline while the request is being served. The
// transport's goroutine may read on for a moment after that, when net/http has
// already taken the connection, or the HTTP/2 stream, back.
func (b *requestBody) deadline(t time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.left {
		b.x.setReadDeadline(t)
	}
}

// leaveBody is called when the request has been served. Nobody will read what is
// left of its body; net/http would wait for it without a limit, so the client
// could hold the connection.
func (x *exchange) leaveBody() {
	if x.body.ReadCloser == nil || x.hijacked {
		return
	}
	x.body.mu.Lock()
	defer x.body.mu.Unlock()
	x.body.left = true
	if x.body.pending() && x.in.ProtoMajor == 1 {
		x.setReadDeadline(time.Now().Add(linger))
	}
}

// pending reports whether there is a body that was not read to its end.
func (b *requestBody) pending() bool { return b.ReadCloser != nil && !b.over.Load() }

// failure returns the error that reading ended with, or nil.
func (b *requestBody) failure() error {
	if err := b.err.Load(); err != nil {
		return *err
	}
	return nil
}
