package proxy

import (
	"errors"
	"io"
	"net/http/httputil"
	"sync/atomic"
)

// waitingSize is the buffer with which one direction of a WebSocket waits, in bytes: a
// message of ordinary size fits.
const waitingSize = 1 << 10

// tunnel joins the client of a WebSocket with the app. Of its request it keeps what is
// told in the end.
type tunnel struct {
	client  *webSocket
	app     io.ReadWriteCloser
	buffers httputil.BufferPool
	over    func() // called once, when both are closed

	running atomic.Int32 // directions
}

func (t *tunnel) start() {
	t.running.Store(2)
	go t.carry(t.client, t.app)
	go t.carry(t.app, t.client)
}

// carry is one direction. Its tidy end is passed on, and the other direction may run
// further; anything else ends both.
func (t *tunnel) carry(dst io.Writer, src io.Reader) {
	err := relay(dst, src, t.buffers)
	if err == nil {
		err = closeWrite(dst)
	}
	switch last := t.running.Add(-1) == 0; {
	case last:
		t.end()
	case err != nil:
		t.close()
	}
}

// close ends what is still being read and written. It may be called again.
func (t *tunnel) close() {
	_ = t.client.Close()
	_ = t.app.Close()
}

func (t *tunnel) end() {
	t.close()
	t.over()
}

func closeWrite(w io.Writer) error {
	if half, ok := w.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return errors.ErrUnsupported
}

// relay copies src to dst until one of them fails; the end of src is no error. A
// WebSocket is silent for most of its life, so relay waits with a small buffer and
// borrows a large one only while there is much to copy.
func relay(dst io.Writer, src io.Reader, large httputil.BufferPool) error {
	waiting := make([]byte, waitingSize)
	for {
		full, err := pass(dst, src, waiting)
		if full && err == nil {
			err = rush(dst, src, large)
		}
		switch err {
		case nil:
		case io.EOF:
			return nil
		default:
			return err
		}
	}
}

// rush copies through a large buffer until that is not filled any more.
func rush(dst io.Writer, src io.Reader, large httputil.BufferPool) error {
	buf := large.Get()
	defer large.Put(buf)
	for {
		if full, err := pass(dst, src, buf); !full || err != nil {
			return err
		}
	}
}

// pass reads once and writes what came. full says that there may be more.
func pass(dst io.Writer, src io.Reader, buf []byte) (full bool, err error) {
	n, err := src.Read(buf)
	if n > 0 {
		if _, failed := dst.Write(buf[:n]); failed != nil {
			return false, failed
		}
	}
	return n == len(buf), err
}
