package proxy

import (
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestFraming sends messages whose end two readers could see at different places.
// Whatever the answer, no byte of the body may become a request.
func TestFraming(t *testing.T) {
	tests := []struct {
		name string
		raw  string
		want []int
	}{
		{"HT-01 CL and TE", request("POST", "/", "Cookie: "+valid, "Content-Length: 6", "Transfer-Encoding: chunked") + "0\r\n\r\nX", []int{200, 400}},
		{"HT-03 unknown coding", request("POST", "/", "Cookie: "+valid, "Transfer-Encoding: xchunked") + "0\r\n\r\n", []int{400, 501}},
		{"HT-03 two codings", request("POST", "/", "Cookie: "+valid, "Transfer-Encoding: gzip, chunked") + "0\r\n\r\n", []int{400, 501}},
		{"HT-03 two fields", request("POST", "/", "Cookie: "+valid, "Transfer-Encoding: chunked", "Transfer-Encoding: identity") + "0\r\n\r\n", []int{400, 501}},
		{"HT-05 misspelt TE with CL", request("POST", "/", "Cookie: "+valid, "Transfer_Encoding: chunked", "Content-Length: 3") + "abc", []int{200}},
		{"HT-06 bare LF after the size", request("POST", "/", "Cookie: "+valid, "Transfer-Encoding: chunked") + "3\nabc\r\n0\r\n\r\n", []int{400, 502}},
		{"HT-06 LF in an extension", request("POST", "/", "Cookie: "+valid, "Transfer-Encoding: chunked") + "3;\nxx\r\nabc\r\n0\r\n\r\n", []int{400, 502}},
		{"HT-06 size overflow", request("POST", "/", "Cookie: "+valid, "Transfer-Encoding: chunked") + "fffffffffffffffff\r\nabc", []int{400, 502}},
		{"HT-06 bytes after the chunk", request("POST", "/", "Cookie: "+valid, "Transfer-Encoding: chunked") + "3\r\nabcX\r\n0\r\n\r\n", []int{400, 502}},
		{"two lengths", request("POST", "/", "Cookie: "+valid, "Content-Length: 3", "Content-Length: 4") + "abcd", []int{400}},
		{"negative length", request("POST", "/", "Cookie: "+valid, "Content-Length: -1"), []int{400}},
		{"hex length", request("POST", "/", "Cookie: "+valid, "Content-Length: 0x3") + "abc", []int{400}},
		{"HT-09 space before the version", "GET / x HTTP/1.1\r\nHost: app.example.com\r\n\r\n", []int{400}},
		{"PA-15 two spaces", "GET  / HTTP/1.1\r\nHost: app.example.com\r\n\r\n", []int{400}},
		{"HT-10 bare LF", "GET / HTTP/1.1\nHost: app.example.com\nCookie: " + valid + "\n\n", []int{200}},
		{"HTTP/3 in text", "GET / HTTP/3.0\r\nHost: app.example.com\r\n\r\n", []int{505}},
		{"HTTP/1.0 with a host", "GET / HTTP/1.0\r\nHost: app.example.com\r\nCookie: " + valid + "\r\n\r\n", []int{200}},
		{"above 64 KiB", request("GET", "/", "X-Long: "+strings.Repeat("a", 70<<10)), []int{431}},
		{"HT-19 another expectation", request("POST", "/", "Cookie: "+valid, "Expect: 200-maybe", "Content-Length: 3") + "abc", []int{417}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := newFixture(t, nil)
			c := f.dial()
			c.write(tt.raw)
			c.answer("POST").wantStatus(t, tt.want...)
			for _, r := range f.app.requests() {
				if cl, te := r.values("Content-Length"), r.values("Transfer-Encoding"); len(cl) > 0 && len(te) > 0 {
					t.Errorf("both lengths at the app:\n%s", r.head)
				}
				if strings.Contains(r.head, "Transfer_Encoding") {
					t.Errorf("misspelt framing at the app:\n%s", r.head)
				}
			}
			if n := len(f.app.requests()); n > 1 {
				t.Errorf("%d requests at the app", n)
			}
		})
	}
}

// TestBrokenBodyEndsBothConnections: HT-06. What follows a body that could not be
// read is nobody's next request, on either side.
func TestBrokenBodyEndsBothConnections(t *testing.T) {
	f := newFixture(t, nil)
	c := f.dial()
	c.write(request("POST", "/", "Cookie: "+valid, "Transfer-Encoding: chunked") + "zz\r\nGET /smuggled HTTP/1.1\r\nHost: app.example.com\r\nCookie: " + valid + "\r\n\r\n")
	a := c.answer("POST")
	a.wantStatus(t, 400)
	if !a.Close {
		t.Error("the client's connection was kept")
	}
	if _, err := c.tryAnswer("GET"); err == nil {
		t.Error("the rest of the body was answered as a request")
	}
	f.get("/after", "Cookie: "+valid).wantStatus(t, 200)
	for _, r := range f.app.requests() {
		if strings.Contains(r.head, "smuggled") || strings.Contains(r.body, "GET /after") {
			t.Errorf("the app read %q", r)
		}
	}
}

// TestBodyWithoutSession: HT-13, HT-21. Nobody reads it, and nobody waits for it.
func TestBodyWithoutSession(t *testing.T) {
	for _, tt := range []struct{ name, raw string }{
		{"HT-21 chunked without end", request("POST", "/", "Transfer-Encoding: chunked") + "3\r\nabc\r\n"},
		{"HT-21 ten gigabytes announced", request("POST", "/", "Content-Length: 10737418240") + "abc"},
		{"HT-13 nothing comes", request("POST", "/", "Content-Length: 5")},
		{"HT-19 100-continue", request("POST", "/", "Content-Length: 5", "Expect: 100-continue")},
		{"HT-20 100-continue at our endpoint", request("POST", "/oauth2/session", "Content-Length: 5", "Expect: 100-continue")},
		{"FW-13 at our endpoint", request("GET", "/oauth2/auth", "Content-Length: 5")},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel() // each waits for the lingering close
			f := newFixture(t, nil)
			c := f.dial()
			start := time.Now()
			c.write(tt.raw)
			res, err := http.ReadResponse(c.r, &http.Request{Method: "POST"})
			if err != nil {
				t.Fatal(err)
			}
			if res.StatusCode != 401 && res.StatusCode != 405 {
				t.Errorf("status %d, want a refusal and no 100", res.StatusCode)
			}
			if !res.Close {
				t.Error("the connection is kept for the rest of a body that nobody reads")
			}
			_, _ = io.Copy(io.Discard, res.Body)
			if took := time.Since(start); took > bodyIdle/2 {
				t.Errorf("the answer took %v", took)
			}
			if n, err := io.Copy(io.Discard, c.r); n != 0 || err != nil {
				t.Errorf("after the answer came %d bytes, %v", n, err)
			}
			if took := time.Since(start); took > bodyIdle/2 {
				t.Errorf("the connection was closed after %v", took)
			}
			f.app.wantNone(t)
		})
	}
}

func TestUpgradeTokens(t *testing.T) {
	tests := []struct {
		name  string
		path  string
		lines []string
	}{
		{"HT-16 h2c on a public path", "/public/x", []string{"Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQAAP__"}},
		{"HT-17 h2c", "/", []string{"Connection: Upgrade", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQAAP__"}},
		{"HT-16 WebSocket on a public path", "/public/x", []string{"Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Key: x"}},
		{"two tokens", "/", []string{"Connection: Upgrade", "Upgrade: websocket, h2c", "Sec-WebSocket-Key: x"}},
		{"two fields", "/", []string{"Connection: Upgrade", "Upgrade: websocket", "Upgrade: h2c", "Sec-WebSocket-Key: x"}},
		{"no key", "/", []string{"Connection: Upgrade", "Upgrade: websocket"}},
		{"TLS", "/", []string{"Connection: Upgrade", "Upgrade: TLS/1.0"}},
		{"not named by Connection", "/", []string{"Upgrade: websocket", "Sec-WebSocket-Key: x"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := newFixture(t, nil)
			f.get(tt.path, append(tt.lines, "Cookie: "+valid)...).wantStatus(t, 200)
			got := f.app.only(t)
			if got.values("Upgrade") != nil || got.values("Connection") != nil || got.values("HTTP2-Settings") != nil {
				t.Errorf("an upgrade at the app:\n%s", got.head)
			}
		})
	}
	t.Run("POST is no handshake", func(t *testing.T) {
		f := newFixture(t, nil)
		f.send(request("POST", "/", "Cookie: "+valid, "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Key: x", "Content-Length: 0")).wantStatus(t, 200)
		if got := f.app.only(t); got.values("Upgrade") != nil {
			t.Errorf("an upgrade at the app:\n%s", got.head)
		}
	})
}

// TestRefusedUpgradeLeavesNoTunnel: HT-18.
func TestRefusedUpgradeLeavesNoTunnel(t *testing.T) {
	for _, status := range []string{"200 OK", "426 Upgrade Required"} {
		f := newFixture(t, nil)
		f.app.answerWith("HTTP/1.1 " + status + "\r\nContent-Length: 2\r\n\r\nok")
		c := f.dial()
		c.write(request("GET", "/ws", "Cookie: "+valid, "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Key: x"))
		c.answer("GET").wantStatus(t, 200, 426)
		c.write(request("GET", "/admin"))
		c.answer("GET").wantStatus(t, 401)
		if n := len(f.app.requests()); n != 1 {
			t.Errorf("%d requests at the app, want 1", n)
		}
	}
}

// TestPipelining: HT-23. Each request is judged by itself and in its order.
func TestPipelining(t *testing.T) {
	f := newFixture(t, func(c *Config) {
		c.Routes = append(c.Routes, Route{Path: "/logout", Name: "logout", Methods: []string{"GET"}, Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			c.Auth.(*fakeAuth).end("alice")
			w.WriteHeader(http.StatusNoContent)
		})})
	})
	c := f.dial()
	c.write(request("GET", "/1", "Cookie: "+valid) + request("GET", "/2", "Cookie: __Host-sallyport=bob") + request("GET", "/oauth2/logout", "Cookie: "+valid) +
		request("GET", "/3", "Cookie: "+valid) + request("GET", "/4", "Cookie: __Host-sallyport=bob"))
	for _, want := range []int{200, 200, 204, 401, 200} {
		c.answer("GET").wantStatus(t, want)
	}
	var got []string
	for _, r := range f.app.requests() {
		got = append(got, r.target()+" "+strings.Join(r.values("X-Forwarded-User"), ","))
	}
	if want := []string{"/1 alice", "/2 bob", "/4 bob"}; !slices.Equal(got, want) {
		t.Errorf("at the app %q, want %q", got, want)
	}
}

// TestNoIdentityBleeds: HT-24. One connection of an edge carries many people.
func TestNoIdentityBleeds(t *testing.T) {
	f := newFixture(t, nil)
	f.app.answerBy(func(conn net.Conn, r *http.Request, _ []byte) {
		who := r.Header.Get("X-Forwarded-User")
		fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(who), who)
	})
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			c := f.dial()
			for i := range 250 {
				who := []string{"alice", "bob", ""}[i%3]
				path := "/x"
				if who == "" {
					path = "/public/x"
				}
				if _, err := io.WriteString(c, request("GET", path, "Cookie: __Host-sallyport="+who)); err != nil {
					t.Error(err)
					return
				}
				a, err := c.tryAnswer("GET")
				if err != nil || a.body != who {
					t.Errorf("request of %q was answered for %q, %v", who, a.body, err)
					return
				}
			}
		})
	}
	wg.Wait()
}

// TestExpectContinue: HT-19.
func TestExpectContinue(t *testing.T) {
	t.Run("the body goes through", func(t *testing.T) {
		f := newFixture(t, nil)
		c := f.dial()
		for range 50 {
			c.write(request("PUT", "/f", "Cookie: "+valid, "Expect: 100-continue", "Content-Length: 5"))
			line, err := c.r.ReadString('\n')
			if err != nil || !strings.HasPrefix(line, "HTTP/1.1 100") {
				t.Fatalf("got %q, %v, want 100", line, err)
			}
			_, _ = c.r.ReadString('\n')
			c.write("hello")
			c.answer("PUT").wantStatus(t, 200)
		}
		for _, r := range f.app.requests() {
			if r.body != "hello" {
				t.Fatalf("body at the app %q", r.body)
			}
		}
	})
	t.Run("the app refuses without reading", func(t *testing.T) {
		f := newFixture(t, nil)
		f.app.skipBodies = true
		f.app.answerBy(func(conn net.Conn, _ *http.Request, _ []byte) {
			_, _ = io.WriteString(conn, "HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
			_ = conn.Close()
		})
		for range 20 {
			c := f.dial()
			c.write(request("PUT", "/f", "Cookie: "+valid, "Expect: 100-continue", "Content-Length: 5"))
			c.answer("PUT").wantStatus(t, 413)
		}
	})
}

// TestEarlyAnswer: HT-22. The app refuses an upload that the client still sends.
func TestEarlyAnswer(t *testing.T) {
	f := newFixture(t, nil)
	f.app.skipBodies = true
	f.app.answerBy(func(conn net.Conn, _ *http.Request, _ []byte) {
		_, _ = io.WriteString(conn, "HTTP/1.1 413 Too Large\r\nContent-Length: 9\r\n\r\ntoo large")
	})
	c := f.dial()
	c.write(request("POST", "/f", "Cookie: "+valid, "Content-Length: 1000000") + strings.Repeat("x", 1000))
	a := c.answer("POST")
	a.wantStatus(t, 413)
	if a.body != "too large" || !a.Close {
		t.Errorf("body %q, close %v", a.body, a.Close)
	}
}

// TestSlowHeader: HT-12, with a short limit.
func TestSlowHeader(t *testing.T) {
	f := newFixture(t, nil)
	server, err := NewServer(ServerConfig{Handler: f.site, MaxHeaderBytes: 65536, HeaderTimeout: 50 * time.Millisecond, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(func() { _ = server.Close() })
	f.addr = listener.Addr().String()
	c := f.dial()
	c.write("GET / HTTP/1.1\r\nHost: app")
	if _, err := io.Copy(io.Discard, c); err != nil {
		t.Errorf("not closed: %v", err)
	}
	f.app.wantNone(t)
}

func TestServerConfig(t *testing.T) {
	if _, err := NewServer(ServerConfig{}); err == nil || !strings.Contains(err.Error(), "SALLYPORT_MAX_HEADER_BYTES") {
		t.Errorf("error %v", err)
	}
	f := newFixture(t, nil)
	if f.server.ReadTimeout != 0 || f.server.WriteTimeout != 0 {
		t.Error("ReadTimeout and WriteTimeout would cut streams")
	}
}
