package proxy

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

// newSecureRecorder is a recorder that speaks TLS with HTTP/1.1.
func newSecureRecorder(t *testing.T) (*recorder, *x509.CertPool) {
	t.Helper()
	source := httptest.NewTLSServer(http.NotFoundHandler())
	defer source.Close()
	pool := x509.NewCertPool()
	pool.AddCert(source.Certificate())
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: source.TLS.Certificates, NextProtos: []string{"http/1.1"}})
	if err != nil {
		t.Fatal(err)
	}
	rec := &recorder{t: t, listener: l}
	go rec.accept()
	t.Cleanup(func() { _ = l.Close() })
	return rec, pool
}

// TestSurplusOfEveryRequest: an app that sends a body with an answer that has none, at once or
// a moment later. With net/http's own pool of connections somebody else got that body when it
// came late, over TLS and after every POST, although it was there before the next request.
func TestSurplusOfEveryRequest(t *testing.T) {
	const smuggled = "HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nsmuggled"
	const proper = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nproper"
	for _, scheme := range []string{"http", "https"} {
		for _, length := range []int{-1, 0, 2, 100 << 10} { // of the body; -1 = GET
			for _, late := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s, body of %d, late %v", scheme, length, late), func(t *testing.T) {
					answered, sent := make(chan struct{}, 1), make(chan struct{}, 1)
					respond := func(c net.Conn, r *http.Request, _ []byte) {
						switch {
						case r.URL.Path == "/good":
							_, _ = io.WriteString(c, proper)
						case late:
							_, _ = io.WriteString(c, "HTTP/1.1 204 No Content\r\n\r\n")
							<-answered
							_, _ = io.WriteString(c, smuggled)
							sent <- struct{}{}
						default:
							_, _ = io.WriteString(c, "HTTP/1.1 204 No Content\r\n\r\n"+smuggled)
						}
					}
					f := newFixture(t, func(c *Config) {
						if scheme == "https" {
							app, pool := newSecureRecorder(t)
							app.answerBy(respond)
							c.Upstream, c.UpstreamCA = &url.URL{Scheme: "https", Host: app.url().Host}, pool
						}
					})
					f.app.answerBy(respond)
					method, lines := "POST", []string{"Cookie: " + valid, fmt.Sprint("Content-Length: ", length)}
					if length < 0 {
						method, lines = "GET", lines[:1]
					}
					body := strings.Repeat("x", max(0, length))
					c, d := f.dial(), f.dial()
					for range 20 {
						c.write(request(method, "/bad", lines...) + body)
						c.answer(method).wantStatus(t, 204)
						if late {
							answered <- struct{}{}
							<-sent
						}
						d.write(request(method, "/good", lines...) + body)
						if a := d.answer(method); a.StatusCode != 200 || a.body != "proper" {
							t.Fatalf("the answer to somebody else: %d %q", a.StatusCode, a.body)
						}
					}
				})
			}
		}
	}
}

// TestSecureConnectionsAreKept: one connection for many requests, of each kind that is sent
// whole.
func TestSecureConnectionsAreKept(t *testing.T) {
	app, pool := newSecureRecorder(t)
	app.answerWith("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
	f := newFixture(t, func(c *Config) {
		c.Upstream, c.UpstreamCA = &url.URL{Scheme: "https", Host: app.url().Host}, pool
	})
	c := f.dial()
	for _, raw := range []string{request("GET", "/", "Cookie: "+valid), request("POST", "/", "Cookie: "+valid, "Content-Length: 2") + "ab", request("DELETE", "/", "Cookie: "+valid)} {
		for range 3 {
			c.write(raw)
			c.answer("GET").wantStatus(t, 200)
		}
	}
	app.mu.Lock()
	defer app.mu.Unlock()
	if app.accepted != 1 {
		t.Errorf("%d connections, want 1", app.accepted)
	}
}
