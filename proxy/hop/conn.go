package hop

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"net/textproto"
	"os"
	"time"
)

const (
	// patience is how long an answer may take before somebody watches whether the client
	// is still there: most are faster, and need no watcher.
	patience = 50 * time.Millisecond
	// plainWrite is how many bytes a connection takes without the app reading any, so
	// that writing them needs no deadline.
	plainWrite = 16 << 10
	bufferSize = 4 << 10
	// keptRequest is the most memory that a connection keeps for writing requests.
	keptRequest = 8 << 10
)

// conn is one connection. It belongs to one request at a time.
type conn struct {
	transport *Transport
	net.Conn
	glance    *glance       // at the socket
	records   *records      // of TLS below Conn; nil = there is none
	answers   *bufio.Reader // over Read
	request   []byte
	reused    bool
	idleSince time.Time
	rest      time.Duration // from then on, in which it is not used
	lasts     time.Duration // from then on, after which it is not used either

	// Of the request under way:
	ctx      context.Context
	until    time.Time // when the header section must have arrived; zero = it has
	limit    int64     // bytes that may still be read
	sent     int       // bytes of the header section, and of a body that was held, that were written
	upload   *upload   // of a body that was not held; nil = there is none
	answered bool      // a byte has been read
	failure  error     // of reading, but for the end
	watched  bool      // the end of ctx closes the connection
	unwatch  func() bool
}

func newConn(t *Transport, nc net.Conn) *conn {
	c := &conn{transport: t, Conn: nc, glance: glanceAt(nc)}
	c.answers = bufio.NewReaderSize(readerOf{c}, bufferSize)
	return c
}

// ask sends a request, with that body or with one that was not held, and reads the answer's
// header section.
func (c *conn) ask(r *http.Request, body []byte, informed func(int, textproto.MIMEHeader) error) (*http.Response, error) {
	now := time.Now()
	c.ctx, c.until = r.Context(), now.Add(c.transport.cfg.HeaderTimeout)
	c.limit, c.answered, c.failure = c.transport.cfg.MaxHeaderBytes, false, nil
	c.watched, c.unwatch, c.upload, c.rest = false, nil, nil, 0
	unsent := c.send(r, body)
	if unsent != nil && (c.sent == 0 || len(body) == 0 || !hungUp(unsent)) {
		return nil, unsent
	}
	if tooLong(r) {
		return c.converse(r, informed)
	}
	if err := c.SetReadDeadline(now.Add(min(patience, c.transport.cfg.HeaderTimeout))); err != nil {
		return nil, err
	}
	res, err := c.receive(r, informed)
	if unsent != nil && err != nil {
		return nil, unsent
	}
	// An app may refuse a body without reading it: its answer is there even so.
	return res, err
}

func (c *conn) send(r *http.Request, body []byte) (err error) {
	c.sent = 0
	if c.request, err = appendRequest(c.request[:0], r); err != nil {
		return err
	}
	c.request = append(c.request, body...)
	defer func() {
		if cap(c.request) > keptRequest {
			c.request = nil
		}
	}()
	if len(c.request) > plainWrite {
		if err := c.SetWriteDeadline(c.until); err != nil {
			return err
		}
		defer c.SetWriteDeadline(time.Time{})
	}
	c.sent, err = c.Write(c.request)
	return err
}

func (c *conn) receive(r *http.Request, informed func(int, textproto.MIMEHeader) error) (*http.Response, error) {
	for {
		res, err := http.ReadResponse(c.answers, r)
		if err != nil {
			// A line that a failure cut short is taken for a whole one, so that the
			// error would speak of that.
			return nil, cmp.Or(c.failure, err)
		}
		switch {
		case res.StatusCode == http.StatusSwitchingProtocols:
			return nil, errors.New("the app switched protocols although nobody asked it to")
		case res.StatusCode < http.StatusContinue:
			return nil, fmt.Errorf("the app answered with the status %d, which is none", res.StatusCode)
		}
		if res.StatusCode < http.StatusOK {
			if informed != nil {
				if err := informed(res.StatusCode, textproto.MIMEHeader(res.Header)); err != nil {
					return nil, err
				}
			}
			continue
		}
		c.until, c.limit = time.Time{}, math.MaxInt64
		whole := true
		if c.upload != nil {
			whole = c.upload.answered()
		} else if c.watched {
			// Of a connection that is closed, reading the body tells.
			_ = c.SetReadDeadline(time.Time{})
		}
		c.deliver(res, whole)
		return res, nil
	}
}

// readerOf keeps the methods of a conn apart from those of its net.Conn.
type readerOf struct{ *conn }

// Read implements io.Reader for the buffer of answers. A read that takes longer than
// patience goes on until the header's deadline, or without one in a body, and until the
// client has left.
func (c readerOf) Read(p []byte) (int, error) {
	if c.limit <= 0 {
		c.failure = c.transport.errHeaderTooLarge()
		return 0, c.failure
	}
	if int64(len(p)) > c.limit {
		p = p[:c.limit]
	}
	n, err := c.Conn.Read(p)
	if n == 0 && err != nil && !c.watched && errors.Is(err, os.ErrDeadlineExceeded) {
		if err = c.watch(); err == nil {
			n, err = c.Conn.Read(p)
		}
	}
	c.answered = c.answered || n > 0
	c.limit -= int64(n)
	if err != io.EOF {
		c.failure = err
	}
	return n, err
}

func (c *conn) watch() error {
	c.watched = true
	if err := c.SetReadDeadline(c.until); err != nil {
		return err
	}
	c.unwatch = context.AfterFunc(c.ctx, c.close)
	return nil
}

func (c *conn) close() { _ = c.Conn.Close() }

// release ends the request: the connection is kept if its answer was read to the end,
// and the app neither asked for it to be closed nor sent more.
func (c *conn) release(keep bool) {
	if c.unwatch != nil && !c.unwatch() {
		keep = false // it is being closed
	}
	c.ctx, c.unwatch, c.upload = nil, nil, nil
	seen := c.left()
	if seen == waiting {
		c.transport.cfg.Surplus()
	}
	if !keep || seen != quiet {
		c.close()
		return
	}
	c.transport.idle.put(c)
}

// left is what was received together with the answer and is not part of it.
func (c *conn) left() sight {
	if c.answers.Buffered() > 0 {
		return waiting
	}
	if c.records == nil {
		return quiet
	}
	return c.records.left(c.Conn)
}
