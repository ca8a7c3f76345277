package proxy

import (
	"encoding/binary"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// farewell is how long a client may take to accept the closing frame.
const farewell = time.Second

// The status codes of RFC 6455 §7.4.1 that we close with.
const (
	closeGoingAway = 1001
	closePolicy    = 1008
)

// webSocket is the client's side of an upgraded connection. What the app writes
// passes through Write, which follows the frames, so that a closing frame of ours
// never lands inside one of the app's.
type webSocket struct {
	net.Conn
	app      io.Closer // the other side
	registry *streams
	activity activity

	ended atomic.Bool // by us: nothing passes any more in either direction

	mu     sync.Mutex // of what follows
	frames frames
	entry  *stream
}

// Read implements net.Conn: bytes of the client. Each counts as activity, the
// automatic answer to a ping too: somebody's tab is open.
func (c *webSocket) Read(p []byte) (int, error) {
	for {
		n, err := c.Conn.Read(p)
		if !c.ended.Load() {
			if n > 0 {
				c.activity.touch()
			}
			return n, err
		}
		// After the end we wait for the client to hang up and drop what it
		// says: closing with unread bytes would destroy the closing frame.
		if err != nil {
			return 0, errStreamEnded
		}
	}
}

// Write implements net.Conn: bytes of the app.
func (c *webSocket) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended.Load() {
		return 0, errStreamEnded
	}
	n, err := c.Conn.Write(p)
	c.frames.advance(p[:n])
	return n, err
}

// CloseWrite passes on that the app has finished.
func (c *webSocket) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return c.Conn.Close()
}

// Close implements net.Conn.
func (c *webSocket) Close() error {
	c.mu.Lock()
	entry := c.entry
	c.mu.Unlock()
	if entry != nil {
		c.registry.remove(entry)
	}
	return c.Conn.Close()
}

// cut ends the connection: with a closing frame where one frame is over and the
// client takes it in time, else by hanging up.
func (c *webSocket) cut(why ending) {
	if c.ended.Swap(true) {
		return
	}
	until := time.Now().Add(farewell)
	_ = c.Conn.SetWriteDeadline(until) // ends a Write that holds mu
	c.mu.Lock()
	defer c.mu.Unlock()
	code := uint16(closePolicy)
	if why == shuttingDown {
		code = closeGoingAway
	}
	if !c.frames.between() {
		_ = c.Conn.Close()
		return
	}
	if _, err := c.Conn.Write(closingFrame(code)); err != nil {
		_ = c.Conn.Close()
		return
	}
	_ = c.Conn.SetReadDeadline(until)
	// Nobody reads any more from a client that has closed its half.
	time.AfterFunc(farewell, func() { _ = c.app.Close() })
}

// frames follows the frames of RFC 6455 §5.2 that the app sends.
type frames struct {
	header  [14]byte
	n       int    // bytes of header so far
	payload uint64 // bytes of the frame still to come
	closed  bool   // a closing frame has begun: nothing may follow it
}

// between reports whether a frame of ours may be written now.
func (f *frames) between() bool { return f.n == 0 && f.payload == 0 && !f.closed }

func (f *frames) advance(p []byte) {
	for len(p) > 0 {
		if f.payload > 0 {
			k := min(f.payload, uint64(len(p)))
			f.payload -= k
			p = p[k:]
			continue
		}
		f.header[f.n] = p[0]
		f.n++
		p = p[1:]
		if f.n < 2 || f.n < f.headerSize() {
			continue
		}
		f.begin()
	}
}

func (f *frames) headerSize() int {
	size := 2
	switch f.header[1] & 0x7f {
	case 126:
		size += 2
	case 127:
		size += 8
	}
	if f.header[1]&0x80 != 0 {
		size += 4
	}
	return size
}

// begin reads a complete header.
func (f *frames) begin() {
	switch short := f.header[1] & 0x7f; short {
	case 126:
		f.payload = uint64(binary.BigEndian.Uint16(f.header[2:]))
	case 127:
		f.payload = binary.BigEndian.Uint64(f.header[2:])
	default:
		f.payload = uint64(short)
	}
	if f.header[0]&0x0f == 8 {
		f.closed = true
	}
	f.n = 0
}

// closingFrame is a frame of a server: not masked.
func closingFrame(code uint16) []byte {
	return []byte{0x88, 2, byte(code >> 8), byte(code)}
}
