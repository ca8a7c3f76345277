package proxy

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const (
	dialTimeout = 10 * time.Second
	keepAlive   = 30 * time.Second
	// maxIdle is how many connections to the app stay open unused: a sidecar
	// has one app, and net/http's default of two would open a new connection
	// for nearly every request under load.
	maxIdle = 256
	// bodilessRest is far more than there is between two writes of an app.
	bodilessRest      = 5 * time.Millisecond
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

// dialAddress is host and port to connect to; without a meaning for a unix socket.
func (up *upstream) dialAddress() string {
	u := url.URL{Host: up.host}
	port := u.Port()
	if port == "" {
		port = up.scheme // a name that the dialer knows
	}
	return net.JoinHostPort(u.Hostname(), port)
}

// hostname is the host without port and brackets.
func (up *upstream) hostname() string {
	u := url.URL{Host: up.host}
	return u.Hostname()
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

// newTransport makes the pool of connections to the app, which trusts ca, nil for the
// system's, and waits for an answer's header until timeout, 0 for ever. It asks no proxy
// of the environment, follows no redirect and leaves encodings alone.
func newTransport(up upstream, ca *x509.CertPool, timeout time.Duration) *http.Transport {
	dialer := &net.Dialer{Timeout: dialTimeout, KeepAlive: keepAlive}
	t := &http.Transport{
		DialContext:            dialer.DialContext,
		TLSClientConfig:        &tls.Config{RootCAs: ca, MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:    dialTimeout,
		MaxIdleConns:           maxIdle,
		MaxIdleConnsPerHost:    maxIdle,
		IdleConnTimeout:        idleTimeout,
		ResponseHeaderTimeout:  timeout,
		ExpectContinueTimeout:  continueTimeout,
		MaxResponseHeaderBytes: maxResponseHeader,
		DisableCompression:     true,
		ForceAttemptHTTP2:      true,
	}
	if up.multiplexed {
		t.Protocols = new(http.Protocols)
		t.Protocols.SetUnencryptedHTTP2(true)
	}
	if up.socket != "" {
		t.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			return dialer.DialContext(ctx, "unix", up.socket)
		}
	}
	return t
}
