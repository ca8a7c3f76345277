package hop

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/textproto"
	"testing"
	"time"
)

// Whatever an app answers, hop makes of it what net/http's Transport makes of it, or
// refuses both. An answer in several pieces is the same answer.
func FuzzAnswer(f *testing.F) {
	for _, answer := range []string{
		ok, "", "HTTP/1.1 200 OK\r\n\r\nuntil the end", "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok",
		"HTTP/1.1 100 Continue\r\n\r\n" + ok, "HTTP/1.1 204 No Content\r\nContent-Length: 3\r\n\r\nabc", "HTTP/1.1 304 Not Modified\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;x=y\r\nok\r\n0\r\nX-T: 1\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nabc",
		"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", "HTTP/1.1 200 OK\nX: y\n\nabc", "HTTP/1.1 20 OK\r\n\r\n",
		"HTTP/1.1 200 OK\r\nX : y\r\n\r\n", "HTTP/2.0 200 OK\r\n\r\n", "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\nab", "HTTP/1.1 101 S\r\n\r\n",
	} {
		f.Add([]byte(answer), uint8(0), false)
		f.Add([]byte(answer), uint8(3), true)
	}
	f.Fuzz(func(t *testing.T, answer []byte, piece uint8, head bool) {
		method := http.MethodGet
		if head {
			method = http.MethodHead
		}
		dial := func(context.Context) (net.Conn, error) {
			ours, theirs := net.Pipe()
			go say(theirs, answer, int(piece))
			return ours, nil
		}
		transport, err := New(Config{Dial: dial, HeaderTimeout: time.Minute, MaxHeaderBytes: 1 << 20, MaxIdle: 1, IdleTimeout: time.Minute, Surplus: func() {}})
		if err != nil {
			t.Fatal(err)
		}
		got := digest(transport.RoundTrip(request(t, method), func(int, textproto.MIMEHeader) error { return nil }))
		other := &http.Transport{
			DialContext:       func(ctx context.Context, _, _ string) (net.Conn, error) { return dial(ctx) },
			DisableKeepAlives: false, DisableCompression: true, MaxResponseHeaderBytes: 1 << 20,
		}
		defer other.CloseIdleConnections()
		if want := digest(other.RoundTrip(request(t, method))); got != want {
			t.Errorf("%s answered with %q in pieces of %d:\nhop      %s\nnet/http %s", method, answer, piece, got, want)
		}
	})
}

// say reads a request and answers in pieces; 0 = in one.
func say(c net.Conn, answer []byte, piece int) {
	defer c.Close()
	if _, err := http.ReadRequest(bufio.NewReader(c)); err != nil {
		return
	}
	for len(answer) > 0 {
		n := len(answer)
		if piece > 0 {
			n = min(piece, n)
		}
		if _, err := c.Write(answer[:n]); err != nil {
			return
		}
		answer = answer[n:]
	}
}

// digest is all that a proxy passes on of an answer.
func digest(res *http.Response, err error) string {
	if err != nil {
		return "refused"
	}
	defer res.Body.Close()
	if res.StatusCode < http.StatusOK {
		return "refused" // by a proxy: nobody asked for an upgrade, and 099 is no status
	}
	var body bytes.Buffer
	_, err = io.Copy(&body, res.Body)
	return fmt.Sprint(res.StatusCode, res.Header, res.ContentLength, res.TransferEncoding, body.String(), err != nil, res.Trailer)
}
