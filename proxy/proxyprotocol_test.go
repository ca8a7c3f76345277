package proxy

import (
	"bufio"
	"crypto/tls"
	"encoding/binary"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"
)

// proxied serves f's Site behind a listener of NewProxyProtocol, with TLS or without, and
// returns its address. peer is a trusted network.
func (f *fixture) proxied(mode ProxyProtocol, peer string, withTLS bool) string {
	f.t.Helper()
	return f.proxiedWithin(patience, mode, peer, withTLS)
}

// proxiedWithin is proxied where headers have to come within a time.
func (f *fixture) proxiedWithin(limit time.Duration, mode ProxyProtocol, peer string, withTLS bool) string {
	f.t.Helper()
	cfg := ServerConfig{Handler: f.site, MaxHeaderBytes: 65536, HeaderTimeout: patience, Logger: slog.New(slog.DiscardHandler)}
	if withTLS {
		cfg.TLS = &tls.Config{Certificates: []tls.Certificate{selfSigned(f.t)}, NextProtos: []string{"h2", "http/1.1"}}
	}
	server, err := NewServer(cfg)
	if err != nil {
		f.t.Fatal(err)
	}
	l := listenTCP(f.t)
	wrapped := NewProxyProtocol(l, ProxyProtocolConfig{
		Mode: mode, Trusted: []netip.Prefix{netip.MustParsePrefix(peer)}, HeaderTimeout: limit, Now: time.Now,
		Logger: slog.New(slog.NewJSONHandler(f.logs, nil)),
	})
	go func() {
		if withTLS {
			_ = server.ServeTLS(wrapped, "", "")
		} else {
			_ = server.Serve(wrapped)
		}
	}()
	f.t.Cleanup(func() { _ = server.Close() })
	return l.Addr().String()
}

const (
	us       = "127.0.0.0/8"  // the test is a trusted peer
	somebody = "192.0.2.0/24" // somebody else is
)

// v2 is a header of version 2, of bytes that need not make one.
func v2(command, family byte, block string) string {
	return "\r\n\r\n\x00\r\nQUIT\n" + string([]byte{0x20 | command, family}) + string(binary.BigEndian.AppendUint16(nil, uint16(len(block)))) + block
}

const (
	v2local, v2proxy       = 0, 1
	v2unspec, v2tcp4       = 0x00, 0x11
	v2udp4, v2tcp6         = 0x12, 0x21
	v2unix                 = 0x31
	client4                = "\xcb\x00\x71\x09\x7f\x00\x00\x01\x12\x67\x01\xbb" // 203.0.113.9:4711
	client6                = "\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x09" + "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01" + "\x12\x67\x01\xbb"
	client4in6             = "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\xff\xff\xcb\x00\x71\x09" + "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01" + "\x12\x67\x01\xbb"
	proxyTCP4              = "PROXY TCP4 203.0.113.9 127.0.0.1 4711 443\r\n"
	tlvs                   = "\x01\x00\x02h2" + "\x04\x00\x03\x00\x00\x00" // ALPN, NOOP
	closed, nobody, itself = "closed", "nobody", "127.0.0.1"
)

// TestProxyProtocol states a client in every way and asks who it is taken for: want is the
// app's X-Forwarded-For, or that the connection is closed without a byte.
func TestProxyProtocol(t *testing.T) {
	for _, tt := range []struct {
		name string
		mode ProxyProtocol
		peer string
		head string
		want string
	}{
		{"v1", ProxyProtocolRequire, us, proxyTCP4, "203.0.113.9"},
		{"v1, 6", ProxyProtocolRequire, us, "PROXY TCP6 2001:db8::9 ::1 4711 443\r\n", "2001:db8::9"},
		{"v1, accepted", ProxyProtocolAccept, us, proxyTCP4, "203.0.113.9"},
		{"v1, unknown", ProxyProtocolRequire, us, "PROXY UNKNOWN\r\n", nobody},
		{"v1, unknown with more", ProxyProtocolRequire, us, "PROXY UNKNOWN ffff::1 ffff::2 1 2\r\n", nobody},
		{"v2", ProxyProtocolRequire, us, v2(v2proxy, v2tcp4, client4), "203.0.113.9"},
		{"v2, 6", ProxyProtocolRequire, us, v2(v2proxy, v2tcp6, client6), "2001:db8::9"},
		{"v2, 4 in 6", ProxyProtocolRequire, us, v2(v2proxy, v2tcp6, client4in6), "203.0.113.9"},
		{"v2, with TLVs", ProxyProtocolAccept, us, v2(v2proxy, v2tcp4, client4+tlvs), "203.0.113.9"},
		{"v2, health check", ProxyProtocolRequire, us, v2(v2local, v2unspec, ""), nobody},
		{"v2, health check with an address", ProxyProtocolRequire, us, v2(v2local, v2tcp4, client4), nobody},
		{"no header", ProxyProtocolAccept, us, "", itself},

		{"missing", ProxyProtocolRequire, us, "", closed},
		{"off", ProxyProtocolOff, us, proxyTCP4, "400"},
		{"off, v2", ProxyProtocolOff, us, v2(v2proxy, v2tcp4, client4), "400"},
		{"untrusted", ProxyProtocolAccept, somebody, proxyTCP4, closed},
		{"untrusted, v2", ProxyProtocolAccept, somebody, v2(v2proxy, v2tcp4, client4), closed},
		{"untrusted, health check", ProxyProtocolAccept, somebody, v2(v2local, v2unspec, ""), closed},
		{"untrusted, no header", ProxyProtocolAccept, somebody, "", itself},
		{"untrusted where one is required", ProxyProtocolRequire, somebody, proxyTCP4, closed},
		{"untrusted where one is required, no header", ProxyProtocolRequire, somebody, "", closed},

		{"v1 with a bare LF", ProxyProtocolAccept, us, "PROXY TCP4 203.0.113.9 127.0.0.1 4711 443\n", closed},
		{"v1 with two spaces", ProxyProtocolAccept, us, "PROXY  TCP4 203.0.113.9 127.0.0.1 4711 443\r\n", closed},
		{"v1 with a seventh word", ProxyProtocolAccept, us, "PROXY TCP4 203.0.113.9 127.0.0.1 4711 443 x\r\n", closed},
		{"v1 with too few words", ProxyProtocolAccept, us, "PROXY TCP4 203.0.113.9\r\n", closed},
		{"v1 with no address", ProxyProtocolAccept, us, "PROXY TCP4 localhost 127.0.0.1 4711 443\r\n", closed},
		{"v1 with an address of the other family", ProxyProtocolAccept, us, "PROXY TCP4 2001:db8::9 ::1 4711 443\r\n", closed},
		{"v1 with a zone", ProxyProtocolAccept, us, "PROXY TCP6 fe80::1%eth0 ::1 4711 443\r\n", closed},
		{"v1 with octal numbers", ProxyProtocolAccept, us, "PROXY TCP4 0203.0.0113.9 127.0.0.1 4711 443\r\n", closed},
		{"v1 with a port too high", ProxyProtocolAccept, us, "PROXY TCP4 203.0.113.9 127.0.0.1 65536 443\r\n", closed},
		{"v1 with a negative port", ProxyProtocolAccept, us, "PROXY TCP4 203.0.113.9 127.0.0.1 -1 443\r\n", closed},
		{"v1 in lower case", ProxyProtocolRequire, us, "proxy tcp4 203.0.113.9 127.0.0.1 4711 443\r\n", closed},
		{"v1 with a word too long", ProxyProtocolAccept, us, "PROXYX TCP4 203.0.113.9 127.0.0.1 4711 443\r\n", closed},
		{"v1 without an end", ProxyProtocolAccept, us, "PROXY UNKNOWN " + strings.Repeat("x", 200) + "\r\n", closed},
		{"v1 of UDP", ProxyProtocolAccept, us, "PROXY UDP4 203.0.113.9 127.0.0.1 4711 443\r\n", closed},
		{"v2 of UDP", ProxyProtocolAccept, us, v2(v2proxy, v2udp4, client4), closed},
		{"v2 of a unix socket", ProxyProtocolAccept, us, v2(v2proxy, v2unix, strings.Repeat("\x00", 216)), closed},
		{"v2 of nothing", ProxyProtocolAccept, us, v2(v2proxy, v2unspec, ""), closed},
		{"v2 of an unknown family", ProxyProtocolAccept, us, v2(v2proxy, 0x41, client4), closed},
		{"v2 of an unknown transport", ProxyProtocolAccept, us, v2(v2proxy, 0x13, client4), closed},
		{"v2 of an unknown command", ProxyProtocolAccept, us, v2(2, v2tcp4, client4), closed},
		{"v2 of version 3", ProxyProtocolAccept, us, strings.Replace(v2(v2proxy, v2tcp4, client4), "\x21", "\x31", 1), closed},
		{"v2 too short for its family", ProxyProtocolAccept, us, v2(v2proxy, v2tcp6, client4), closed},
		{"v2 of 64 KiB", ProxyProtocolAccept, us, v2(v2proxy, v2tcp4, client4+strings.Repeat("\x04", 0xffff-len(client4))), closed},
		{"two headers", ProxyProtocolAccept, us, proxyTCP4 + "PROXY TCP4 6.6.6.6 127.0.0.1 4711 443\r\n", "400"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := newFixture(t, nil)
			got := f.askAs(f.proxied(tt.mode, tt.peer, false), tt.head)
			if got != tt.want {
				t.Errorf("taken for %s, want %s", got, tt.want)
			}
			if tt.want == closed && !strings.Contains(f.logs.String(), "SALLYPORT_PROXY_PROTOCOL") {
				t.Errorf("the log does not say why: %s", f.logs.String())
			}
		})
	}
}

// askAs sends the head and a request that claims to be from somewhere else, and returns what
// came of it.
func (f *fixture) askAs(addr, head string) string {
	f.t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		f.t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(patience))
	_, _ = io.WriteString(conn, head+request("GET", "/", "Cookie: "+valid, "X-Forwarded-For: 6.6.6.6", "Connection: close"))
	answer, _ := io.ReadAll(conn) // a close with unread bytes is a reset
	switch {
	case len(answer) == 0:
		f.app.wantNone(f.t)
		return closed
	case !strings.HasPrefix(string(answer), "HTTP/1.1 200 "):
		f.app.wantNone(f.t)
		return strings.Fields(string(answer))[1]
	}
	via := f.app.only(f.t).values("X-Forwarded-For")
	if len(via) == 0 {
		return nobody
	}
	return via[0]
}

// TestProxyProtocolPeerIsNotTheClient: once a header has stated the client, what it says of
// itself counts as a client's, though the peer is trusted.
func TestProxyProtocolPeerIsNotTheClient(t *testing.T) {
	for _, head := range []string{proxyTCP4, "PROXY UNKNOWN\r\n", v2(v2proxy, v2tcp6, client6), v2(v2local, v2unspec, "")} {
		f := newFixture(t, trustLoopback)
		addr := f.proxied(ProxyProtocolAccept, us, false)
		conn, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(conn, head+request("GET", "/oauth2/auth", "X-Forwarded-Method: GET", "X-Forwarded-Uri: /public/x", "X-Forwarded-For: 6.6.6.6"))
		res, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil || res.StatusCode != 401 {
			t.Errorf("%q: %v, %v: a client's own word made a path public", head, res, err)
		}
		_ = conn.Close()
	}
}

// TestProxyProtocolUnderTLS: the header comes before the handshake, and HTTP/2 after it.
func TestProxyProtocolUnderTLS(t *testing.T) {
	for _, protocol := range []string{"http/1.1", "h2"} {
		for _, head := range []string{proxyTCP4, v2(v2proxy, v2tcp4, client4+tlvs)} {
			f := newFixture(t, nil)
			addr := f.proxied(ProxyProtocolRequire, us, true)
			transport := &http.Transport{DialTLS: func(string, string) (net.Conn, error) {
				conn, err := net.Dial("tcp", addr)
				if err != nil {
					return nil, err
				}
				_, _ = io.WriteString(conn, head)
				c := tls.Client(conn, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{protocol}})
				return c, c.Handshake()
			}, ForceAttemptHTTP2: true}
			defer transport.CloseIdleConnections()
			for range 3 { // over one connection
				req, _ := http.NewRequest("GET", "https://app.example.com/", nil)
				req.Header.Set("Cookie", valid)
				res, err := transport.RoundTrip(req)
				if err != nil {
					t.Fatal(err)
				}
				_, _ = io.Copy(io.Discard, res.Body)
				_ = res.Body.Close()
				if want := map[string]int{"http/1.1": 1, "h2": 2}[protocol]; res.StatusCode != 200 || res.ProtoMajor != want {
					t.Errorf("%d over %s", res.StatusCode, res.Proto)
				}
			}
			for _, r := range f.app.requests() {
				if got := r.values("X-Forwarded-For"); !slices.Equal(got, []string{"203.0.113.9"}) {
					t.Errorf("over %s the app is told of %q", protocol, got)
				}
			}
		}
	}
	t.Run("no header", func(t *testing.T) {
		f := newFixture(t, nil)
		if _, err := tls.Dial("tcp", f.proxied(ProxyProtocolRequire, us, true), &tls.Config{InsecureSkipVerify: true}); err == nil {
			t.Error("a handshake without a header")
		}
	})
	t.Run("the header within TLS", func(t *testing.T) {
		f := newFixture(t, nil)
		conn, err := tls.Dial("tcp", f.proxied(ProxyProtocolAccept, us, true), &tls.Config{InsecureSkipVerify: true})
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		_, _ = io.WriteString(conn, proxyTCP4+request("GET", "/", "Cookie: "+valid))
		if res, err := http.ReadResponse(bufio.NewReader(conn), nil); err != nil || res.StatusCode != 400 {
			t.Errorf("%v, %v", res, err)
		}
		f.app.wantNone(t)
	})
}

// TestProxyProtocolSlowHeader: who sends nothing, or half of a header, holds nobody up and
// is soon gone.
func TestProxyProtocolSlowHeader(t *testing.T) {
	for _, beginning := range []string{"", "PRO", "PROXY TCP4 203.0.", "\r\n\r\n\x00\r\nQUIT", v2(v2proxy, v2tcp4, client4)[:20]} {
		t.Run(fmt.Sprintf("%d bytes", len(beginning)), func(t *testing.T) {
			f := newFixture(t, nil)
			begin := func(addr string) net.Conn {
				slow, err := net.Dial("tcp", addr)
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { _ = slow.Close() })
				_, _ = io.WriteString(slow, beginning)
				return slow
			}
			patient := f.proxied(ProxyProtocolRequire, us, false)
			begin(patient)
			if got := f.askAs(patient, proxyTCP4); got != "203.0.113.9" {
				t.Errorf("somebody else is taken for %s", got)
			}
			slow := begin(f.proxiedWithin(50*time.Millisecond, ProxyProtocolRequire, us, false))
			_ = slow.SetReadDeadline(time.Now().Add(patience))
			if b, err := io.ReadAll(slow); len(b) != 0 || err != nil && !strings.Contains(err.Error(), "reset") {
				t.Errorf("the slow one got %q, %v", b, err)
			}
		})
	}
}

// TestProxyProtocolHeaderInPieces: the sender should send it at once and a network may
// deliver version 2 in two.
func TestProxyProtocolHeaderInPieces(t *testing.T) {
	f := newFixture(t, nil)
	conn, err := net.Dial("tcp", f.proxied(ProxyProtocolRequire, us, false))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	head := v2(v2proxy, v2tcp4, client4+tlvs)
	for _, piece := range []string{head[:15], head[15:20], head[20:] + "GET / HT", "TP/1.1\r\nHost: app.example.com\r\nCookie: " + valid + "\r\n\r\n"} {
		_, _ = io.WriteString(conn, piece)
		time.Sleep(5 * time.Millisecond)
	}
	if res, err := http.ReadResponse(bufio.NewReader(conn), nil); err != nil || res.StatusCode != 200 {
		t.Errorf("%v, %v", res, err)
	}
}

// TestProxyProtocolWebSocket: an upgraded connection passes in both directions, and so does
// the end of one.
func TestProxyProtocolWebSocket(t *testing.T) {
	f := newFixture(t, nil)
	f.app.answerBy(func(c net.Conn, _ *http.Request, _ []byte) {
		_, _ = io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nhello")
		_ = c.(*net.TCPConn).CloseWrite()
		b, _ := io.ReadAll(c)
		f.logs.Write(b)
	})
	conn, err := net.Dial("tcp", f.proxied(ProxyProtocolRequire, us, false))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(patience))
	_, _ = io.WriteString(conn, proxyTCP4+request("GET", "/ws", "Cookie: "+valid, "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version: 13"))
	r := bufio.NewReader(conn)
	if res, err := http.ReadResponse(r, nil); err != nil || res.StatusCode != 101 {
		t.Fatalf("%v, %v", res, err)
	}
	if b, err := io.ReadAll(r); err != nil || string(b) != "hello" {
		t.Errorf("got %q, %v: the app's end did not arrive as an end", b, err)
	}
	_, _ = io.WriteString(conn, "still-here")
	_ = conn.(*net.TCPConn).CloseWrite()
	eventually(t, "the client's last words", func() bool { return strings.Contains(f.logs.String(), "still-here") })
}
