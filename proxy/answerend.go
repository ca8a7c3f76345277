package proxy

import (
	"bytes"
	"io"
	"net"
	"strconv"
	"sync"
)

// boundedConn is a connection to the app that ends where the app sends more than the answer
// that was asked for: a body with a 204 or 304 or for HEAD, or one longer than it says.
// net/http puts a connection back into its pool before it looks at what is left of it, so
// that the rest could become the answer to somebody else's request; here it never reaches
// net/http. What boundedConn cannot follow passes as it is.
type boundedConn struct {
	net.Conn
	surplus func() // called once, when the app has sent too much

	mu    sync.Mutex
	track answerTrack
	over  bool
}

// Write implements net.Conn: bytes of a request.
func (c *boundedConn) Write(p []byte) (int, error) {
	c.mu.Lock()
	c.track.request(p)
	c.mu.Unlock()
	return c.Conn.Write(p)
}

// Read implements net.Conn: bytes of answers.
func (c *boundedConn) Read(p []byte) (int, error) {
	c.mu.Lock()
	over := c.over
	c.mu.Unlock()
	if over {
		return 0, io.EOF
	}
	n, err := c.Conn.Read(p)
	c.mu.Lock()
	own := c.track.answer(p[:n])
	c.over = own < n
	c.mu.Unlock()
	if own == n {
		return n, err
	}
	c.surplus()
	if own == 0 {
		return 0, io.EOF
	}
	return own, nil
}

// CloseWrite shuts the sending side, where the connection can.
func (c *boundedConn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return c.Conn.Close()
}

// answerTrack follows answers of HTTP/1 (RFC 9112 §6) as far as to know where each ends. It
// is no parser: net/http judges what is valid.
type answerTrack struct {
	state trackState
	head  bool   // the request is one of HEAD
	line  []byte // so far, without its end; cut at maxTracked
	first bool   // the line is the status line

	status  int
	http10  bool
	length  int64 // of the body; -1 = not stated
	chunked bool
	odd     bool  // its framing is not understood
	left    int64 // bytes of body or chunk still to come
}

type trackState uint8

const (
	trackNew     trackState = iota // nothing was asked yet: everything passes
	trackAny                       // nothing is known: everything passes
	trackIdle                      // no answer is awaited: nothing passes
	trackHeader                    // within the status line or the fields
	trackBody                      // left bytes of a body
	trackSize                      // within the line of a chunk's size
	trackChunk                     // left bytes of a chunk and the line's end after it
	trackTrailer                   // within the trailers
)

// maxTracked is how much of a line is looked at: more than every field that says where an
// answer ends.
const maxTracked = 128

// request notes bytes of a request. The first after an answer begin the next request; those
// of a body that is still being sent come while an answer is awaited.
func (t *answerTrack) request(p []byte) {
	if t.state != trackIdle && t.state != trackNew || len(p) == 0 {
		return
	}
	t.head = bytes.HasPrefix(p, []byte("HEAD "))
	t.begin()
}

func (t *answerTrack) begin() {
	t.state, t.first, t.line = trackHeader, true, t.line[:0]
	t.status, t.http10, t.length, t.chunked, t.odd = 0, false, -1, false, false
}

// answer notes bytes of answers and returns how many of them belong to the one awaited.
func (t *answerTrack) answer(p []byte) int {
	for i := 0; i < len(p); {
		switch t.state {
		case trackNew, trackAny:
			return len(p)
		case trackIdle:
			return i
		case trackBody, trackChunk:
			n := min(t.left, int64(len(p)-i))
			t.left -= n
			i += int(n)
			if t.left == 0 && t.state == trackBody {
				t.state = trackIdle
			} else if t.left == 0 {
				t.state, t.line = trackSize, t.line[:0]
			}
		default:
			end := bytes.IndexByte(p[i:], '\n')
			if end < 0 {
				t.keep(p[i:])
				return len(p)
			}
			t.keep(p[i : i+end])
			i += end + 1
			t.endLine(bytes.TrimSuffix(t.line, []byte("\r")))
			t.line = t.line[:0]
		}
	}
	return len(p)
}

func (t *answerTrack) keep(p []byte) {
	t.line = append(t.line, p[:min(len(p), maxTracked-len(t.line))]...)
}

func (t *answerTrack) endLine(line []byte) {
	switch {
	case t.state == trackSize:
		t.chunkSize(line)
	case t.state == trackTrailer:
		if len(line) == 0 {
			t.state = trackIdle
		}
	case t.first:
		t.first = false
		t.statusLine(line)
	case len(line) == 0:
		t.endHeader()
	default:
		t.field(line)
	}
}

func (t *answerTrack) statusLine(line []byte) {
	version, rest, _ := bytes.Cut(line, []byte(" "))
	code, _, _ := bytes.Cut(rest, []byte(" "))
	status, err := strconv.Atoi(string(code))
	if !bytes.HasPrefix(version, []byte("HTTP/1.")) || err != nil {
		t.state = trackAny
		return
	}
	t.status, t.http10 = status, string(version) == "HTTP/1.0"
}

func (t *answerTrack) field(line []byte) {
	name, value, _ := bytes.Cut(line, []byte(":"))
	value = bytes.Trim(value, " \t")
	switch {
	case bytes.EqualFold(name, []byte("Content-Length")):
		n, err := strconv.ParseUint(string(value), 10, 63)
		if err != nil || t.length >= 0 && t.length != int64(n) {
			t.odd = true
		}
		t.length = int64(n)
	case bytes.EqualFold(name, []byte("Transfer-Encoding")) && !t.http10:
		t.odd = t.odd || t.chunked || !bytes.EqualFold(value, []byte("chunked"))
		t.chunked = true
	}
}

// endHeader finds the answer's body by RFC 9112 §6.3.
func (t *answerTrack) endHeader() {
	switch {
	case t.status == 101:
		t.state = trackAny
	case t.status < 200:
		t.begin()
	case t.head, t.status == 204, t.status == 304:
		t.state = trackIdle
	case t.odd:
		t.state = trackAny
	case t.chunked:
		t.state = trackSize
	case t.length == 0:
		t.state = trackIdle
	case t.length > 0:
		t.state, t.left = trackBody, t.length
	default:
		t.state = trackAny // until the app closes
	}
}

func (t *answerTrack) chunkSize(line []byte) {
	size, _, _ := bytes.Cut(line, []byte(";"))
	n, err := strconv.ParseUint(string(bytes.Trim(size, " \t")), 16, 62)
	switch {
	case err != nil:
		t.state = trackAny
	case n == 0:
		t.state = trackTrailer
	default:
		t.state, t.left = trackChunk, int64(n)+2
	}
}
