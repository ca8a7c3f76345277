package hop

import (
	"encoding/binary"
	"errors"
	"net"
	"os"
	"time"
)

// recordHeader is the length of what stands before the content of a record of TLS: its
// type, a version and, in the last two bytes, the content's length (RFC 8446 §5.1).
const recordHeader = 5

// records is the connection below TLS. It follows what is read as far as to know whether
// that ends within a record, since TLS keeps to itself what it cannot open yet.
type records struct {
	net.Conn
	header [recordHeader]byte
	have   int // bytes of header; all = within the content
	rest   int // bytes of content still to come
}

// Read implements io.Reader.
func (r *records) Read(p []byte) (int, error) {
	n, err := r.Conn.Read(p)
	r.pass(p[:n])
	return n, err
}

func (r *records) pass(p []byte) {
	for len(p) > 0 {
		if r.have < recordHeader {
			n := copy(r.header[r.have:], p)
			r.have += n
			p = p[n:]
			if r.have < recordHeader {
				return
			}
			r.rest = int(binary.BigEndian.Uint16(r.header[3:]))
		}
		n := min(r.rest, len(p))
		r.rest -= n
		p = p[n:]
		if r.rest == 0 {
			r.have = 0
		}
	}
}

// left is what secure, which is TLS over r, has received and not given out. It reads from
// memory alone. Nobody else may be reading.
func (r *records) left(secure net.Conn) sight {
	if secure.SetReadDeadline(time.Unix(1, 0)) != nil {
		return closed
	}
	var b [1]byte
	n, err := secure.Read(b[:])
	switch {
	case n > 0:
		return waiting
	case !errors.Is(err, os.ErrDeadlineExceeded), r.have > 0:
		return closed
	}
	return quiet
}
