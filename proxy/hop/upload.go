package hop

import (
	"cmp"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/textproto"
	"sync"
	"time"
)

// upload is a body that is sent while the answer may already come: it is too long to be
// held, and an app may refuse it before it has read it.
type upload struct {
	conn    net.Conn
	timeout time.Duration // of the answer, once the body is sent

	mu      sync.Mutex
	whole   bool  // the body was sent to its end: conn is no longer written to
	header  bool  // the answer's header section has arrived
	failure error // of the client's, who did not bring what it had announced
}

// piece is what a body is copied through.
type piece [32 << 10]byte

// converse reads the answer to r, of which the header section has been sent, while its body
// is. The time for the answer begins when the body has been sent.
func (c *conn) converse(r *http.Request, informed func(int, textproto.MIMEHeader) error) (*http.Response, error) {
	c.until = time.Time{}
	if err := c.watch(); err != nil {
		return nil, err
	}
	c.upload = &upload{conn: c.Conn, timeout: c.transport.cfg.HeaderTimeout}
	go c.upload.run(r, &c.transport.pieces)
	res, err := c.receive(r, informed)
	if err != nil {
		return nil, cmp.Or(c.upload.cause(), err)
	}
	return res, nil
}

// run sends the body of r and closes it.
func (u *upload) run(r *http.Request, pieces *sync.Pool) {
	p := pieces.Get().(*piece)
	whole, failure := u.copy(r.Body, r.ContentLength, p[:])
	pieces.Put(p)
	u.ended(whole, failure)
	if failure != nil {
		_ = u.conn.Close() // the app learns of it, and whoever waits for its answer
	}
	_ = r.Body.Close()
}

// copy sends length bytes of body, and nothing beyond. An app that takes no more is no
// failure: it may have answered.
func (u *upload) copy(body io.Reader, length int64, p []byte) (whole bool, failure error) {
	for length > 0 {
		n, err := body.Read(p[:min(length, int64(len(p)))])
		if n > 0 {
			if _, err := u.conn.Write(p[:n]); err != nil {
				return false, nil
			}
			length -= int64(n)
		}
		if err != nil && length > 0 {
			if err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			return false, fmt.Errorf("reading the request's body: %w", err)
		}
	}
	return true, nil
}

// ended lets the time for the answer begin, unless it is there.
func (u *upload) ended(whole bool, failure error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.whole, u.failure = whole, failure
	if !u.header {
		_ = u.conn.SetReadDeadline(time.Now().Add(u.timeout)) // of a closed one, reading tells
	}
}

// answered gives the answer's body all the time it wants, and reports whether the
// request's had been sent.
func (u *upload) answered() (whole bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.header = true
	_ = u.conn.SetReadDeadline(time.Time{})
	return u.whole
}

// cause is why the client's body could not be sent, or nil.
func (u *upload) cause() error {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.failure
}
