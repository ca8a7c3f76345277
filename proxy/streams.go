package proxy

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"time"

	"github.com/sallyport/sallyport/session"
)

// kindOfStream says how an answer ends when we end it.
type kindOfStream uint8

const (
	notStream kindOfStream = iota
	// openEnded has no known length. It is broken off, so that nobody takes
	// the part for the whole.
	openEnded
	// eventStream never has a whole: it ends tidily, and the browser comes
	// back by itself and is told why.
	eventStream
)

// openEndedAfter is how long an answer of unknown length runs before it counts
// as a stream: most are ordinary pages that end at once.
const openEndedAfter = time.Second

// errStreamEnded is what the two sides of a stream see once we ended it.
var errStreamEnded = errors.New("the stream was ended: its session is over or Sallyport stops")

// ending says why a stream is cut.
type ending uint8

const (
	sessionOver ending = iota
	shuttingDown
	displaced // by a newer one of its session
)

// streams knows the open streams, so that none outlives its session. It is safe
// for concurrent use.
type streams struct {
	auth    Authenticator
	buffers *bufferPool // of WebSockets in a rush

	mu      sync.Mutex
	open    map[*stream]struct{}
	closing bool
	empty   chan struct{} // closed when closing and nothing is open
}

// stream is one entry: cut ends it, from any goroutine.
type stream struct {
	cut  func(ending)
	stop func() // of Authenticator.OnEnd
}

func newStreams(auth Authenticator) *streams {
	return &streams{auth: auth, buffers: newBufferPool(), open: make(map[*stream]struct{}), empty: make(chan struct{})}
}

// add registers a stream of s, nil on a public path. Its cut is called at most
// once for each ending, in a goroutine of its own.
func (t *streams) add(s *session.Session, cut func(ending)) *stream {
	st := &stream{cut: cut}
	t.mu.Lock()
	closing := t.closing
	if !closing {
		t.open[st] = struct{}{}
	}
	t.mu.Unlock()
	if closing {
		go cut(shuttingDown)
		return st
	}
	if s != nil {
		stop := t.auth.OnEnd(s, func() { cut(sessionOver) })
		t.mu.Lock()
		st.stop = stop
		_, open := t.open[st]
		t.mu.Unlock()
		if !open {
			stop()
		}
	}
	return st
}

// remove forgets a stream that has ended.
func (t *streams) remove(st *stream) {
	t.mu.Lock()
	_, open := t.open[st]
	delete(t.open, st)
	stop := st.stop
	if open && t.closing && len(t.open) == 0 {
		close(t.empty)
	}
	t.mu.Unlock()
	if open && stop != nil {
		stop()
	}
}

// closeAll ends every stream and those that still begin, and waits for them to
// be gone or for ctx. Only the first call ends anything.
func (t *streams) closeAll(ctx context.Context) error {
	t.mu.Lock()
	if !t.closing {
		t.closing = true
		if len(t.open) == 0 {
			close(t.empty)
		}
		for st := range t.open {
			go st.cut(shuttingDown)
		}
	}
	t.mu.Unlock()
	select {
	case <-t.empty:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// body wraps an answer's body that may go on for ever.
func (t *streams) body(rc io.ReadCloser, kind kindOfStream, s *session.Session) io.ReadCloser {
	b := &streamBody{ReadCloser: rc, registry: t, kind: kind, session: s}
	if kind == eventStream {
		b.register()
	} else {
		b.timer = time.AfterFunc(openEndedAfter, b.register)
	}
	return b
}

// streamBody is the body of a streaming answer.
type streamBody struct {
	io.ReadCloser
	registry *streams
	kind     kindOfStream
	session  *session.Session
	timer    *time.Timer // nil for an eventStream

	mu     sync.Mutex
	entry  *stream
	ended  bool // by us
	closed bool
}

func (b *streamBody) register() {
	entry := b.registry.add(b.session, b.cut)
	b.mu.Lock()
	b.entry = entry
	closed := b.closed
	b.mu.Unlock()
	if closed {
		b.registry.remove(entry)
	}
}

func (b *streamBody) cut(why ending) {
	if why == shuttingDown && b.kind == openEnded {
		return // a download ends by itself; the server waits for it
	}
	b.mu.Lock()
	b.ended = true
	b.mu.Unlock()
	// Closing wakes the Read that waits for the app.
	_ = b.ReadCloser.Close()
}

// Read implements io.Reader.
func (b *streamBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case !b.ended:
		return n, err
	case b.kind == eventStream:
		return 0, io.EOF
	default:
		return 0, errStreamEnded
	}
}

// Close implements io.Closer.
func (b *streamBody) Close() error {
	if b.timer != nil {
		b.timer.Stop()
	}
	b.mu.Lock()
	entry := b.entry
	b.closed = true
	b.mu.Unlock()
	if entry != nil {
		b.registry.remove(entry)
	}
	return b.ReadCloser.Close()
}

// upgraded wraps the client's side of a WebSocket, which ends together with the app's.
func (t *streams) upgraded(conn net.Conn, app io.Closer, ctx context.Context, s *session.Session) *webSocket {
	c := &webSocket{Conn: conn, app: app, registry: t}
	c.activity.begin(ctx, t.auth, s, func() { c.cut(sessionOver) })
	entry := t.add(s, c.cut)
	c.mu.Lock()
	c.entry = entry
	c.mu.Unlock()
	return c
}
