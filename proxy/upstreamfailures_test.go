package proxy

import (
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/sallyport/sallyport/internal/loopback"
)

// TestUpstreamFailures: UP-01, UP-04. The page tells nothing of the app's address. What has
// no body, a short one or a long one goes to the app in different ways.
func TestUpstreamFailures(t *testing.T) {
	tests := []struct {
		name    string
		tune    func(*Config)
		respond func(net.Conn, *http.Request, []byte)
		want    int
		code    string
		kind    string
	}{
		{name: "UP-01 refuses", tune: func(c *Config) { c.Upstream = &url.URL{Scheme: "http", Host: closedPort(t)} }, want: 502, code: "upstream_unreachable", kind: kindUnreachable},
		{name: "UP-01 unix socket absent", tune: func(c *Config) { c.Upstream = &url.URL{Scheme: "unix", Path: t.TempDir() + "/none"} }, want: 502, code: "upstream_unreachable", kind: kindUnreachable},
		{name: "UP-01 closes without an answer", respond: closeNow, want: 502, code: "upstream_unreachable", kind: kindUnreachable},
		{name: "UP-01 resets", respond: func(c net.Conn, _ *http.Request, _ []byte) {
			_ = c.(*net.TCPConn).SetLinger(0)
			_ = c.Close()
		}, want: 502, code: "upstream_unreachable", kind: kindUnreachable},
		{name: "UP-01 closes within the header", respond: raw("HTTP/1.1 200 OK\r\nContent-Le"), want: 502, code: "upstream_invalid_response", kind: kindInvalid},
		{name: "UP-01 is SSH", respond: raw("SSH-2.0-OpenSSH\r\n"), want: 502, code: "upstream_invalid_response", kind: kindInvalid},
		{name: "UP-01 never answers", tune: func(c *Config) { c.UpstreamTimeout = 50 * time.Millisecond },
			respond: func(c net.Conn, _ *http.Request, _ []byte) { _, _ = io.Copy(io.Discard, c) }, want: 504, code: "upstream_timeout", kind: kindTimeout},
		{name: "UP-04 bare CR in a value", respond: raw("HTTP/1.1 200 OK\r\nX: a\rb\r\nContent-Length: 0\r\n\r\n"), want: 502, code: "upstream_invalid_response", kind: kindInvalid},
		{name: "UP-04 NUL in a value", respond: raw("HTTP/1.1 200 OK\r\nX: a\x00b\r\nContent-Length: 0\r\n\r\n"), want: 502, code: "upstream_invalid_response", kind: kindInvalid},
		{name: "UP-04 header of 300 KiB", respond: raw("HTTP/1.1 200 OK\r\nX: " + strings.Repeat("a", 300<<10) + "\r\n\r\n"), want: 502, code: "upstream_invalid_response", kind: kindInvalid},
		{name: "UP-04 10 000 fields", respond: raw("HTTP/1.1 200 OK\r\n" + strings.Repeat("X-Some-Field-Name: some value of it\r\n", 10000) + "\r\n"), want: 502, code: "upstream_invalid_response", kind: kindInvalid},
		{name: "101 that nobody asked for", respond: raw("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"), want: 502, code: "upstream_invalid_response", kind: kindInvalid},
		{name: "a status that is none", respond: raw("HTTP/1.1 099 Odd\r\nContent-Length: 0\r\n\r\n"), want: 502, code: "upstream_invalid_response", kind: kindInvalid},
	}
	requests := map[string]string{
		"without a body":   "GET / HTTP/1.1\r\nHost: app.example.com\r\nCookie: " + valid + "\r\n\r\n",
		"with a body":      "POST / HTTP/1.1\r\nHost: app.example.com\r\nCookie: " + valid + "\r\nContent-Length: 2\r\n\r\nab",
		"with a long body": "POST / HTTP/1.1\r\nHost: app.example.com\r\nCookie: " + valid + "\r\nContent-Length: 99999\r\n\r\n" + strings.Repeat("x", 99999),
	}
	for _, tt := range tests {
		for how, request := range requests {
			t.Run(tt.name+" "+how, func(t *testing.T) {
				f := newFixture(t, tt.tune)
				f.app.answerBy(tt.respond)
				a := f.send(request)
				a.wantStatus(t, tt.want)
				if a.Header.Get("Sallyport-Error") != tt.code || a.Header.Get("Cache-Control") != "no-store" {
					t.Errorf("fields %v, want code %s", a.Header, tt.code)
				}
				if strings.Contains(a.body, "127.0.0.1") || strings.Contains(a.body, "dial") {
					t.Errorf("the page tells of the inside: %s", a.body)
				}
				if n := testutil.ToFloat64(f.site.metrics.errors.WithLabelValues(tt.kind)); n != 1 {
					t.Errorf("upstream_errors_total{kind=%q} = %v", tt.kind, n)
				}
			})
		}
	}
}

func raw(s string) func(net.Conn, *http.Request, []byte) {
	return func(c net.Conn, _ *http.Request, _ []byte) {
		_, _ = io.WriteString(c, s)
		_ = c.Close()
	}
}

// closedPort returns an address where nobody listens.
func closedPort(t *testing.T) string {
	t.Helper()
	port, err := loopback.Reserve()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = port.Close() })
	return port.Address()
}
