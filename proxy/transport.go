package proxy

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"net/url"
	"strings"
	"time"

	"github.com/sallyport/sallyport/proxy/hop"
)

const (
	dialTimeout = 10 * time.Second
	keepAlive   = 30 * time.Second
	// maxIdle is how many connections to the app stay open unused: a sidecar
	// has one app, and net/http's default of two would open a new connection
	// for nearly every request under load.
	maxIdle           = 256
	idleTimeout       = 90 * time.Second
	continueTimeout   = time.Second
	maxResponseHeader = 256 << 10
)

// upstream is SALLYPORT_UPSTREAM, taken apart.
type upstream struct {
	scheme      string // http or https
	host        string
	socket      string // path of a unix socket, or ""
	path        string // put before every path; without a trailing slash
	rawPath     string // the same, escaped
	multiplexed bool   // speaks HTTP/2 alone, which has no upgrades
}

func newUpstream(u *url.URL) (upstream, error) {
	up := upstream{scheme: "http", host: u.Host}
	switch u.Scheme {
	case "unix":
		if u.Path == "" {
			return upstream{}, fmt.Errorf("SALLYPORT_UPSTREAM: unix:// needs the path of a socket, such as unix:///run/app.sock")
		}
		up.socket, up.host = u.Path, "localhost"
		return up, nil
	case "h2c":
		up.multiplexed = true
	case "http", "https":
		up.scheme = u.Scheme
	default:
		return upstream{}, fmt.Errorf("SALLYPORT_UPSTREAM: scheme %q is not one of http, https, h2c, unix", u.Scheme)
	}
	if u.Host == "" || u.User != nil || u.RawQuery != "" {
		return upstream{}, fmt.Errorf("SALLYPORT_UPSTREAM needs a host and has no user name and no query")
	}
	up.path, up.rawPath = strings.TrimSuffix(u.Path, "/"), strings.TrimSuffix(u.EscapedPath(), "/")
	return up, nil
}

// address points a request's URL at the app and leaves its path as it came, byte
// for byte, except that bytes which may not stand in a URL are percent-encoded:
// net/url would otherwise decode and encode the whole path, and "%2F" next to
// such a byte would become "/".
func (up *upstream) address(u *url.URL) {
	u.Scheme, u.Host, u.User = up.scheme, up.host, nil
	if u.Path == "" {
		u.Path, u.RawPath = "/", ""
	}
	if u.RawPath != "" {
		u.RawPath = encodeInvalid(u.RawPath)
	}
	if up.path == "" {
		return
	}
	raw := u.EscapedPath()
	u.Path, u.RawPath = up.path+u.Path, up.rawPath+raw
}

// encodeInvalid percent-encodes the bytes of a raw path that RFC 3986 §3.3 does
// not allow there.
func encodeInvalid(raw string) string {
	first := 0
	for first < len(raw) && pathByte(raw[first]) {
		first++
	}
	if first == len(raw) {
		return raw
	}
	const digits = "0123456789ABCDEF"
	var b strings.Builder
	b.Grow(len(raw) + 8)
	b.WriteString(raw[:first])
	for i := first; i < len(raw); i++ {
		if c := raw[i]; pathByte(c) {
			b.WriteByte(c)
		} else {
			b.Write([]byte{'%', digits[c>>4], digits[c&15]})
		}
	}
	return b.String()
}

// pathByte includes the brackets, which net/url lets stand.
func pathByte(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' ||
		strings.IndexByte("/%-._~!$&'()*+,;=:@[]", c) >= 0
}

// appTransport carries requests to the app and answers back. It asks no proxy of the
// environment, follows no redirect and leaves encodings alone.
type appTransport struct {
	// direct takes what has no body, where the app speaks HTTP/1.1 without TLS; nil =
	// it does not. It costs half of what general does.
	direct  *hop.Transport
	general *http.Transport
}

func newTransport(cfg *Config, up upstream) (*appTransport, error) {
	dial := up.dialer()
	t := &appTransport{general: &http.Transport{
		DialContext:            func(ctx context.Context, _, _ string) (net.Conn, error) { return dial(ctx) },
		TLSClientConfig:        &tls.Config{RootCAs: cfg.UpstreamCA, MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:    dialTimeout,
		MaxIdleConns:           maxIdle,
		MaxIdleConnsPerHost:    maxIdle,
		IdleConnTimeout:        idleTimeout,
		ResponseHeaderTimeout:  cfg.UpstreamTimeout,
		ExpectContinueTimeout:  continueTimeout,
		MaxResponseHeaderBytes: maxResponseHeader,
		DisableCompression:     true,
		ForceAttemptHTTP2:      true,
	}}
	switch {
	case up.multiplexed:
		t.general.Protocols = new(http.Protocols)
		t.general.Protocols.SetUnencryptedHTTP2(true)
	case up.scheme == "http":
		var err error
		t.direct, err = hop.New(hop.Config{
			Dial: dial, HeaderTimeout: cfg.UpstreamTimeout, MaxHeaderBytes: maxResponseHeader,
			MaxIdle: maxIdle, IdleTimeout: idleTimeout,
		})
		if err != nil {
			return nil, fmt.Errorf("making the connections to the app: %w", err)
		}
	}
	return t, nil
}

// dialer returns what opens a connection to the app.
func (up *upstream) dialer() func(context.Context) (net.Conn, error) {
	dialer := &net.Dialer{Timeout: dialTimeout, KeepAlive: keepAlive}
	network, address := "tcp", up.host
	if up.socket != "" {
		network, address = "unix", up.socket
	} else if _, _, err := net.SplitHostPort(address); err != nil {
		port := "80"
		if up.scheme == "https" {
			port = "443"
		}
		address = net.JoinHostPort(strings.Trim(address, "[]"), port)
	}
	return func(ctx context.Context) (net.Conn, error) { return dialer.DialContext(ctx, network, address) }
}

// RoundTrip implements http.RoundTripper.
func (t *appTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	if t.direct == nil || !hop.Carries(r) {
		return t.general.RoundTrip(r)
	}
	var informed func(int, textproto.MIMEHeader) error
	if trace := httptrace.ContextClientTrace(r.Context()); trace != nil {
		informed = trace.Got1xxResponse
	}
	return t.direct.RoundTrip(r, informed)
}

// CloseIdleConnections closes the connections that wait unused.
func (t *appTransport) CloseIdleConnections() {
	t.general.CloseIdleConnections()
	if t.direct != nil {
		t.direct.CloseIdleConnections()
	}
}
