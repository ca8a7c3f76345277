package proxy

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// h2 is a raw HTTP/2 connection to a fixture's Site behind TLS.
type h2 struct {
	t      *testing.T
	conn   net.Conn
	framer *http2.Framer
	hpack  *hpack.Encoder
	buf    bytes.Buffer
}

// serveTLS puts f's Site behind TLS and returns its address and a client.
func (f *fixture) serveTLS() (string, *http.Client) {
	f.t.Helper()
	server := httptest.NewUnstartedServer(nil)
	configured, err := NewServer(ServerConfig{Handler: f.site, MaxHeaderBytes: 65536, HeaderTimeout: patience, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		f.t.Fatal(err)
	}
	server.Config, server.EnableHTTP2 = configured, true
	server.StartTLS()
	f.t.Cleanup(server.Close)
	return server.Listener.Addr().String(), server.Client()
}

func (f *fixture) dialH2() *h2 {
	f.t.Helper()
	addr, _ := f.serveTLS()
	conn, err := tls.Dial("tcp", addr, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2"}})
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(patience))
	if conn.ConnectionState().NegotiatedProtocol != "h2" {
		f.t.Fatal("HTTP/2 was not negotiated")
	}
	c := &h2{t: f.t, conn: conn, framer: http2.NewFramer(conn, bufio.NewReader(conn))}
	c.hpack = hpack.NewEncoder(&c.buf)
	c.framer.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	_, _ = io.WriteString(conn, http2.ClientPreface)
	_ = c.framer.WriteSettings()
	return c
}

// block encodes name and value pairs as they are, valid or not.
func (c *h2) block(pairs ...string) []byte {
	c.buf.Reset()
	for i := 0; i < len(pairs); i += 2 {
		_ = c.hpack.WriteField(hpack.HeaderField{Name: pairs[i], Value: pairs[i+1]})
	}
	return slices.Clone(c.buf.Bytes())
}

func (c *h2) headers(end bool, pairs ...string) {
	c.t.Helper()
	if err := c.framer.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: c.block(pairs...), EndHeaders: true, EndStream: end}); err != nil {
		c.t.Fatal(err)
	}
}

// verdict returns the status of stream 1, or "reset" when the stream or the
// connection was ended.
func (c *h2) verdict() string {
	for {
		frame, err := c.framer.ReadFrame()
		if err != nil {
			return "reset"
		}
		switch fr := frame.(type) {
		case *http2.MetaHeadersFrame:
			return fr.PseudoValue("status")
		case *http2.RSTStreamFrame, *http2.GoAwayFrame:
			return "reset"
		}
	}
}

func TestHTTP2Requests(t *testing.T) {
	get := []string{":method", "GET", ":scheme", "https", ":path", "/", ":authority", "app.example.com", "cookie", valid}
	post := append([]string{":method", "POST"}, get[2:]...)
	tests := []struct {
		name string
		send func(*h2)
		want []string
		app  bool // may be asked
	}{
		{"a plain request", func(c *h2) { c.headers(true, get...) }, []string{"200"}, true},
		{"ID-12 trailers", func(c *h2) {
			c.headers(false, append(post, "trailer", "x-forwarded-user")...)
			_ = c.framer.WriteData(1, false, []byte("abc"))
			c.headers(true, "x-forwarded-user", "admin")
		}, []string{"200"}, true},
		{"ID-13 upper-case name", func(c *h2) { c.headers(true, append(get, "X-Forwarded-User", "admin")...) }, []string{"reset", "400"}, false},
		{"ID-13 line break in a name", func(c *h2) { c.headers(true, append(get, "x\r\nx-forwarded-user", "admin")...) }, []string{"reset", "400"}, false},
		{"ID-13 colon in a name", func(c *h2) { c.headers(true, append(get, "x:y", "admin")...) }, []string{"reset", "400"}, false},
		{"ID-13 line break in a value", func(c *h2) { c.headers(true, append(get, "x", "a\r\nx-forwarded-user: admin")...) }, []string{"reset", "400"}, false},
		{"ID-15 connection", func(c *h2) { c.headers(true, append(get, "connection", "x-forwarded-user")...) }, []string{"reset", "400"}, false},
		{"ID-15 transfer-encoding", func(c *h2) { c.headers(true, append(get, "transfer-encoding", "chunked")...) }, []string{"reset", "400"}, false},
		{"ID-15 te", func(c *h2) { c.headers(true, append(get, "te", "gzip")...) }, []string{"reset", "400"}, false},
		{"ID-16 another host", func(c *h2) { c.headers(true, append(get, "host", "admin.internal")...) }, []string{"200", "400", "reset"}, true},
		{"ID-02 alias", func(c *h2) { c.headers(true, append(get, "x_forwarded_user", "admin", "x-forwarded-user", "admin")...) }, []string{"200"}, true},
		{"PA-12 CONNECT", func(c *h2) {
			c.headers(true, ":method", "CONNECT", ":authority", "app.example.com:443", "cookie", valid)
		}, []string{"405"}, false},
		{"extended CONNECT", func(c *h2) {
			c.headers(false, ":method", "CONNECT", ":protocol", "websocket", ":scheme", "https", ":path", "/ws", ":authority", "app.example.com", "cookie", valid)
		}, []string{"reset", "400", "405"}, false},
		{"HT-26 no authority", func(c *h2) { c.headers(true, ":method", "GET", ":scheme", "https", ":path", "/", "cookie", valid) }, []string{"400", "reset"}, false},
		{"path that is none", func(c *h2) {
			c.headers(true, ":method", "GET", ":scheme", "https", ":path", "*", ":authority", "app.example.com", "cookie", valid)
		}, []string{"400", "reset"}, false},
		{"PA-02 raw # in the path", func(c *h2) {
			c.headers(true, ":method", "GET", ":scheme", "https", ":path", "/public/x#y", ":authority", "app.example.com")
		}, []string{"400", "reset"}, false},
		// The request is complete before the data come, so that it may have been
		// answered by then; the data must not reach the app, whatever they say.
		{"HT-25 length 0 and data", func(c *h2) {
			c.headers(false, append(post, "content-length", "0")...)
			_ = c.framer.WriteData(1, true, []byte("GET /admin HTTP/1.1\r\n\r\n"))
		}, []string{"200", "reset", "400", "502"}, true},
		{"without a session, with a body that never comes", func(c *h2) { c.headers(false, post[:8]...) }, []string{"401"}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := newFixture(t, nil)
			c := f.dialH2()
			tt.send(c)
			if got := c.verdict(); !slices.Contains(tt.want, got) {
				t.Errorf("verdict %s, want one of %q", got, tt.want)
			}
			if !tt.app {
				f.app.wantNone(t)
			}
			for _, r := range f.app.requests() {
				if strings.Contains(r.head+r.body, "admin") || r.values("Host")[0] != "app.example.com" || !slices.Equal(r.values("X-Forwarded-User"), []string{"alice"}) {
					t.Errorf("at the app:\n%s\n%s", r.head, r.body)
				}
			}
		})
	}
}

// TestHTTP2ShortBody: HT-25. The app must not wait for, or complete, a body that
// broke off.
func TestHTTP2ShortBody(t *testing.T) {
	f := newFixture(t, nil)
	c := f.dialH2()
	c.headers(false, ":method", "POST", ":scheme", "https", ":path", "/", ":authority", "app.example.com", "cookie", valid, "content-length", "10")
	_ = c.framer.WriteData(1, true, []byte("abc"))
	if got := c.verdict(); got == "200" {
		t.Error("three bytes of ten were taken for the whole")
	}
	f.get("/after", "Cookie: "+valid).wantStatus(t, 200)
	for _, r := range f.app.requests() {
		if r.target() == "/" && r.body == "abc" && strings.Contains(r.body, "GET /after") {
			t.Errorf("the next request became the body's rest: %q", r)
		}
	}
}

// TestHTTP2EventStream: the first event arrives at once, and the stream ends
// tidily with its session.
func TestHTTP2EventStream(t *testing.T) {
	f := newFixture(t, nil)
	f.app.answerBy(sseApp("text/event-stream"))
	addr, client := f.serveTLS()
	req, _ := http.NewRequest("GET", "https://"+addr+"/events", nil)
	req.Host = "app.example.com"
	req.Header.Set("Cookie", valid)
	res, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	if res.ProtoMajor != 2 {
		t.Fatalf("protocol %s", res.Proto)
	}
	first := make([]byte, len("data: first\n\n"))
	if _, err := io.ReadFull(res.Body, first); err != nil || string(first) != "data: first\n\n" {
		t.Fatalf("got %q, %v", first, err)
	}
	f.auth.end("alice")
	if _, err := io.ReadAll(res.Body); err != nil {
		t.Errorf("the stream was broken off: %v", err)
	}
}

// TestHTTP2StreamLimit: HT-14. The server says how many streams it accepts.
func TestHTTP2StreamLimit(t *testing.T) {
	c := newFixture(t, nil).dialH2()
	for {
		frame, err := c.framer.ReadFrame()
		if err != nil {
			t.Fatal(err)
		}
		if s, ok := frame.(*http2.SettingsFrame); ok && !s.IsAck() {
			if v, _ := s.Value(http2.SettingMaxConcurrentStreams); v != maxStreams {
				t.Errorf("MAX_CONCURRENT_STREAMS %d, want %d", v, maxStreams)
			}
			return
		}
	}
}

// TestWithoutTLSThereIsNoHTTP2: HT-15.
func TestWithoutTLSThereIsNoHTTP2(t *testing.T) {
	f := newFixture(t, nil)
	a := f.send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
	if a.StatusCode < 400 {
		t.Errorf("status %d", a.StatusCode)
	}
	f.app.wantNone(t)
}

// TestHTTP2EarlyAnswer: the app answers and the stream is over while the body is
// still being read on its behalf. Moving a deadline of a finished stream once
// crashed the process.
func TestHTTP2EarlyAnswer(t *testing.T) {
	f := newFixture(t, nil)
	f.app.skipBodies = true
	f.app.answerWith("HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno")
	addr, client := f.serveTLS()
	for i := range 200 {
		body, feed := io.Pipe()
		long := make([]byte, 100_000)
		go func() {
			_, _ = feed.Write(long[:1])
			if i%2 == 0 {
				_, _ = feed.Write(long[1:])
			}
			_ = feed.Close() // about when the answer is sent
		}()
		req, _ := http.NewRequest("POST", "https://"+addr+"/f", body)
		if i%2 == 0 {
			req.ContentLength = int64(len(long))
		}
		req.Host = "app.example.com"
		req.Header.Set("Cookie", valid)
		res, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		if _ = res.Body.Close(); res.StatusCode != 413 && res.StatusCode != 502 {
			t.Fatalf("status %d", res.StatusCode)
		}
	}
}
