package hop

import (
	"io"
	"net/http"
	"sync/atomic"
)

// deliver hands the connection over to the answer's body, or keeps it at once when
// there is none. whole is whether all of the request had been sent when the answer came: an
// app that did not wait for it may take the rest for a request.
func (c *conn) deliver(res *http.Response, whole bool) {
	keep := whole && !res.Close && !announces(res)
	c.lasts = lasting(res.Header, c.transport.cfg.IdleTimeout)
	if res.Body == http.NoBody || res.ContentLength == 0 || res.Request.Method == http.MethodHead {
		if res.Request.Method == http.MethodHead || res.StatusCode == http.StatusNoContent || res.StatusCode == http.StatusNotModified {
			c.rest = c.transport.cfg.Rest
		}
		c.release(keep)
		res.Body = http.NoBody
		return
	}
	res.Body = &body{ReadCloser: res.Body, conn: c, keep: keep}
}

// announces reports whether a 204 says that a body follows (RFC 9110 §8.6 and RFC 9112
// §6.1 forbid it). One may come when the connection would be somebody else's by then.
func announces(res *http.Response) bool {
	if res.StatusCode != http.StatusNoContent {
		return false
	}
	length := res.Header["Content-Length"]
	return len(res.TransferEncoding) > 0 || len(length) > 0 && length[0] != "0"
}

// The states of a body.
const (
	unread  = iota
	over    // read to its end: the connection is another request's
	givenUp // and the connection with it
)

// body is an answer's body. Reads come one after the other; Close may come from
// anywhere and ends a Read that waits.
type body struct {
	io.ReadCloser
	conn  *conn
	keep  bool
	state atomic.Int32
}

// Read implements io.Reader.
func (b *body) Read(p []byte) (int, error) {
	if b.state.Load() == over {
		return 0, io.EOF
	}
	n, err := b.ReadCloser.Read(p)
	if err == io.EOF && b.state.CompareAndSwap(unread, over) {
		b.conn.release(b.keep)
	}
	return n, err
}

// Close implements io.Closer. What was not read is given up together with the
// connection; reading on to keep it could take for ever.
func (b *body) Close() error {
	if b.state.CompareAndSwap(unread, givenUp) {
		b.conn.close()
	}
	return nil
}
