package hop

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// Whatever a request is, an app gets from hop what it would get from net/http's Transport,
// and never two requests. What hop refuses beyond that is refused before a byte is sent.
func FuzzRequest(f *testing.F) {
	f.Add(uint8(0), "/a%2Fb", "q=1", "app.example.com", "X-A", "b", []byte(nil))
	f.Add(uint8(3), "/", "", "app.example.com", "Content-Length", "7", []byte("abc"))
	f.Add(uint8(4), "/a b", "x\r\n", "a b", "X-A\r\nX-B", "b\r\n\r\nGET / HTTP/1.1", []byte("GET / HTTP/1.1\r\n\r\n"))
	f.Add(uint8(6), "//evil", "?", "[::1]:80", "Transfer-Encoding", "chunked", []byte("0\r\n\r\n"))
	f.Add(uint8(0), "/", "", "app.example.com", "Transfer-Encoding", "\x00", []byte("0"))
	f.Add(uint8(2), "*", "#", "", "Connection", "close", []byte("x"))
	methods := []string{"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"}
	f.Fuzz(func(t *testing.T, method uint8, path, query, host, name, value string, body []byte) {
		make := func() *http.Request {
			r := &http.Request{
				Method: methods[int(method)%len(methods)], URL: &url.URL{Scheme: "http", Host: "app.example.com", Path: path, RawQuery: query},
				Host: host, Header: http.Header{http.CanonicalHeaderKey(name): {value}, "User-Agent": {""}}, ContentLength: int64(len(body)),
			}
			if len(body) > 0 {
				r.Body = io.NopCloser(bytes.NewReader(body))
			}
			return r.WithContext(t.Context())
		}
		if r := make(); !Carries(r) || path == "" || path[0] != '/' {
			return
		}
		got, sent := heard(t, func(dial func() (net.Conn, error)) error {
			transport, err := New(Config{
				Dial:          func(context.Context) (net.Conn, error) { return dial() },
				HeaderTimeout: time.Minute, MaxHeaderBytes: 1 << 20, MaxIdle: 1, IdleTimeout: time.Minute, Surplus: func() {},
			})
			if err != nil {
				t.Fatal(err)
			}
			_, err = transport.RoundTrip(make(), nil)
			return err
		})
		if strings.HasPrefix(got, refused) {
			if sent > 0 {
				t.Errorf("%d bytes of a request that was refused were sent: %s", sent, got)
			}
			return
		}
		want, _ := heard(t, func(dial func() (net.Conn, error)) error {
			other := &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) { return dial() }, DisableCompression: true}
			defer other.CloseIdleConnections()
			_, err := other.RoundTrip(make())
			return err
		})
		if got != want {
			t.Errorf("the app hears\n%s\nand from net/http\n%s", got, want)
		}
	})
}

const refused = "refused"

// heard is what an app makes of what ask sends over the connection it gets, and of how many
// bytes.
func heard(t *testing.T, ask func(dial func() (net.Conn, error)) error) (said string, sent int) {
	t.Helper()
	ours, theirs := net.Pipe()
	defer theirs.Close()
	all := make(chan []byte, 1)
	go func() {
		var b bytes.Buffer
		r := bufio.NewReader(io.TeeReader(theirs, &b))
		if req, err := http.ReadRequest(r); err == nil {
			_, _ = io.Copy(io.Discard, req.Body)
			_, _ = io.WriteString(theirs, "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
		}
		_ = theirs.Close()
		all <- b.Bytes()
	}()
	err := ask(func() (net.Conn, error) { return ours, nil })
	_ = ours.Close()
	raw := <-all
	if err != nil {
		return refused + ": " + err.Error(), len(raw)
	}
	r := bufio.NewReader(bytes.NewReader(raw))
	req, err := http.ReadRequest(r)
	if err != nil {
		return "unreadable: " + err.Error(), len(raw)
	}
	body, err := io.ReadAll(req.Body)
	_, more := r.Peek(1)
	return fmt.Sprint(req.Method, " ", req.RequestURI, " ", req.Host, req.Header, req.ContentLength, req.TransferEncoding, string(body), err, errors.Is(more, io.EOF)), len(raw)
}
