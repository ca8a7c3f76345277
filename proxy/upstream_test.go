package proxy

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil"
)

func closeNow(conn net.Conn, _ *http.Request, _ []byte) { _ = conn.Close() }

// TestResponsesOfTheApp: CK-19, UP-05 and what else an app must not say.
func TestResponsesOfTheApp(t *testing.T) {
	f := newFixture(t, nil)
	f.app.answerWith("HTTP/1.1 102 Processing\r\n\r\n" +
		"HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\nSet-Cookie: __Host-sallyport=evil\r\nSallyport-Error: x\r\n\r\n" +
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum, X-Sallyport-Late\r\nSet-Cookie: theme=dark\r\nSet-Cookie: __Host-sallyport=evil; Path=/\r\nSet-Cookie: =__Host-sallyport=evil\r\n" +
		"Set-Cookie:  __Host-sallyport-login-abcdefgh=; Max-Age=0\r\nSallyport-Error: fake\r\nX-Sallyport-Assertion: fake\r\nX_Sallyport_Groups: fake\r\nConnection: X-Hop\r\nX-Hop: 1\r\nKeep-Alive: timeout=5\r\nCache-Control: private\r\n\r\n" +
		"2\r\nok\r\n0\r\nX-Sum: 1\r\nX-Sallyport-Late: fake\r\nSallyport-Error: late\r\nSet-Cookie: __Host-sallyport=late\r\n\r\n")
	c := f.dial()
	c.write(request("GET", "/", "Cookie: "+valid, "Te: trailers", "Connection: close"))
	all, err := io.ReadAll(c.r)
	if err != nil {
		t.Fatal(err)
	}
	got := string(all)
	if !strings.HasPrefix(got, "HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\nHTTP/1.1 200 OK\r\n") {
		t.Errorf("want 103 with its Link alone, then 200:\n%s", got)
	}
	for _, bad := range []string{"evil", "fake", "late", "X-Hop", "login-abcdefgh", "102"} {
		if strings.Contains(got, bad) {
			t.Errorf("%q reached the browser:\n%s", bad, got)
		}
	}
	for _, good := range []string{"Set-Cookie: theme=dark", "Cache-Control: private", "X-Sum: 1"} {
		if !strings.Contains(got, good) {
			t.Errorf("%q did not reach the browser:\n%s", good, got)
		}
	}
}

// TestUntouchedResponse: an app's answer gains no field of ours.

func TestUntouchedResponse(t *testing.T) {
	f := newFixture(t, nil)
	f.app.answerWith("HTTP/1.1 418 I'm a teapot\r\nContent-Length: 3\r\nContent-Encoding: br\r\nX-App: 1\r\nDate: Thu, 01 Jan 2026 00:00:00 GMT\r\n\r\nabc")
	a := f.get("/", "Cookie: "+valid, "Accept-Encoding: br")
	a.wantStatus(t, 418)
	want := http.Header{"Content-Length": {"3"}, "Content-Encoding": {"br"}, "X-App": {"1"}, "Date": {"Thu, 01 Jan 2026 00:00:00 GMT"}}
	for name := range a.Header {
		if !slices.Equal(a.Header[name], want[name]) {
			t.Errorf("%s = %q, want %q", name, a.Header[name], want[name])
		}
	}
	if a.body != "abc" || len(a.Header) != len(want) {
		t.Errorf("body %q, fields %v", a.body, a.Header)
	}
}

// TestNoSecondPost: UP-13. A POST whose connection breaks is not sent again.

func TestNoSecondPost(t *testing.T) {
	f := newFixture(t, nil)
	f.get("/warm", "Cookie: "+valid).wantStatus(t, 200) // leaves an idle connection
	f.app.answerBy(closeNow)
	f.send(request("POST", "/pay", "Cookie: "+valid, "Content-Length: 3")+"abc").wantStatus(t, 502)
	posts := 0
	for _, r := range f.app.requests() {
		if r.target() == "/pay" {
			posts++
		}
	}
	if posts != 1 {
		t.Errorf("the app got the POST %d times", posts)
	}
}

// TestClientLeaves: UP-12. The app's request is cancelled and nothing stays.

func TestClientLeaves(t *testing.T) {
	f := newFixture(t, nil)
	var cancelled atomic.Int32
	f.app.answerBy(func(c net.Conn, _ *http.Request, _ []byte) {
		_, _ = io.Copy(io.Discard, c)
		cancelled.Add(1)
	})
	for range 20 {
		c := f.dial()
		c.write(request("GET", "/slow", "Cookie: "+valid))
		before := len(f.app.requests())
		eventually(t, "request at the app", func() bool { return len(f.app.requests()) > 0 && len(f.app.requests()) >= before })
		_ = c.Close()
	}
	eventually(t, "cancellation at the app", func() bool { return cancelled.Load() >= 1 })
	eventually(t, "499 in the metrics", func() bool {
		return testutil.ToFloat64(f.site.metrics.counter(handlerProxy, "GET", statusClientGone)) == 20
	})
	if got := testutil.ToFloat64(f.site.metrics.inFlight); got != 0 {
		t.Errorf("http_requests_in_flight = %v", got)
	}
}

// TestHalfClosedClientGetsNoEmptyAnswer: shutting one's sending side looks like

// leaving; an empty 200 would be a lie.

func TestHalfClosedClientGetsNoEmptyAnswer(t *testing.T) {
	f := newFixture(t, nil)
	f.app.answerBy(func(c net.Conn, _ *http.Request, _ []byte) { _, _ = io.Copy(io.Discard, c) })
	c := f.dial()
	c.write(request("GET", "/slow", "Cookie: "+valid))
	eventually(t, "request at the app", func() bool { return len(f.app.requests()) == 1 })
	_ = c.Conn.(*net.TCPConn).CloseWrite()
	if got, _ := io.ReadAll(c.r); len(got) != 0 {
		t.Errorf("got %q", got)
	}
}

func TestBrokenResponseIsNotFinished(t *testing.T) {
	f := newFixture(t, nil)
	f.app.answerBy(raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel"))
	c := f.dial()
	c.write(request("GET", "/", "Cookie: "+valid))
	if a, err := c.tryAnswer("GET"); err == nil {
		t.Errorf("half an answer arrived as a whole: %q", a.body)
	}
}

// TestLargeUpload: HT-21. 256 MiB pass through without being held.

func TestLargeUpload(t *testing.T) {
	const size = 256 << 20
	var received atomic.Int64
	app := &http.Server{Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		n, _ := io.Copy(io.Discard, r.Body)
		received.Store(n)
	})}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = app.Serve(l) }()
	t.Cleanup(func() { _ = app.Close() })
	f := newFixture(t, func(c *Config) { c.Upstream = &url.URL{Scheme: "http", Host: l.Addr().String()} })
	var before, peak runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	body := &sampler{Reader: io.LimitReader(zeros{}, size), peak: &peak}
	req, _ := http.NewRequest("PUT", "http://"+f.addr+"/f", io.NopCloser(body)) // chunked: no length
	req.Host = "app.example.com"
	req.Header.Set("Cookie", valid)
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	if res.StatusCode != 200 || received.Load() != size {
		t.Errorf("status %d, %d bytes at the app", res.StatusCode, received.Load())
	}
	if grown := int64(peak.HeapAlloc) - int64(before.HeapAlloc); grown > 20<<20 {
		t.Errorf("the heap grew by %d MiB", grown>>20)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }

// sampler looks at the heap now and then while it is read.

type sampler struct {
	io.Reader
	n    int
	peak *runtime.MemStats
}

func (s *sampler) Read(p []byte) (int, error) {
	if s.n++; s.n%1000 == 0 {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		if m.HeapAlloc > s.peak.HeapAlloc {
			*s.peak = m
		}
	}
	return s.Reader.Read(p)
}

// TestChunkedUploadStreams: a piece reaches the app before the next is sent.

func TestChunkedUploadStreams(t *testing.T) {
	pieces := make(chan string)
	app := &http.Server{Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		buf := make([]byte, 100)
		for {
			n, err := r.Body.Read(buf)
			if n > 0 {
				pieces <- string(buf[:n])
			}
			if err != nil {
				close(pieces)
				return
			}
		}
	})}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = app.Serve(l) }()
	t.Cleanup(func() { _ = app.Close() })
	f := newFixture(t, func(c *Config) { c.Upstream = &url.URL{Scheme: "http", Host: l.Addr().String()} })
	c := f.dial()
	c.write(request("POST", "/", "Cookie: "+valid, "Transfer-Encoding: chunked"))
	for _, piece := range []string{"one", "two", "six"} {
		c.write("3\r\n" + piece + "\r\n")
		if got := <-pieces; got != piece {
			t.Fatalf("the app read %q, want %q", got, piece)
		}
	}
	c.write("0\r\n\r\n")
	if _, more := <-pieces; more {
		t.Error("more than was sent")
	}
	a := c.answer("POST")
	a.wantStatus(t, 200)
	if a.Close {
		t.Error("a finished upload ends the connection")
	}
}

func TestUpstreamSchemes(t *testing.T) {
	t.Run("unix", func(t *testing.T) {
		path := t.TempDir() + "/app"
		l, err := net.Listen("unix", path)
		if err != nil {
			t.Fatal(err)
		}
		app := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.Host+r.URL.Path) })}
		go func() { _ = app.Serve(l) }()
		t.Cleanup(func() { _ = app.Close() })
		f := newFixture(t, func(c *Config) { c.Upstream = &url.URL{Scheme: "unix", Path: path} })
		if a := f.get("/x", "Cookie: "+valid); a.body != "app.example.com/x" {
			t.Errorf("got %d %q", a.StatusCode, a.body)
		}
	})
	t.Run("h2c", func(t *testing.T) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		app := &http.Server{Protocols: new(http.Protocols), Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Trailer", "Grpc-Status")
			_, _ = io.WriteString(w, r.Proto+r.Header.Get("Te"))
			w.(http.Flusher).Flush()
			w.Header().Set("Grpc-Status", "0")
		})}
		app.Protocols.SetUnencryptedHTTP2(true)
		go func() { _ = app.Serve(l) }()
		t.Cleanup(func() { _ = app.Close() })
		f := newFixture(t, func(c *Config) { c.Upstream = &url.URL{Scheme: "h2c", Host: l.Addr().String()} })
		a := f.get("/x", "Cookie: "+valid, "Te: trailers", "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Key: x")
		if a.body != "HTTP/2.0trailers" || a.Trailer.Get("Grpc-Status") != "0" {
			t.Errorf("got %d %q, trailers %v", a.StatusCode, a.body, a.Trailer)
		}
	})
	for _, bad := range []string{"ftp://h", "unix://", "http://", "http://user@h", "http://h?x", "//h"} {
		u := mustURL(t, bad)
		if _, err := newUpstream(u); err == nil || !strings.Contains(err.Error(), "SALLYPORT_UPSTREAM") {
			t.Errorf("upstream %q: error %v, want one that names the variable", bad, err)
		}
	}
}

func TestEnvironmentProxyIsIgnored(t *testing.T) {
	f := newFixture(t, nil)
	if f.site.forward.app.general.Proxy != nil {
		t.Error("the transport asks the environment for a proxy")
	}
}

func TestPanics(t *testing.T) {
	f := newFixture(t, func(c *Config) {
		c.Routes = append(c.Routes,
			Route{Path: "/boom", Name: "boom", Methods: []string{"GET"}, Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("secret-value") })},
			Route{Path: "/late", Name: "late", Methods: []string{"GET"}, Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				_, _ = io.WriteString(w, strings.Repeat("x", 10_000))
				panic(errors.New("late"))
			})})
	})
	a := f.get("/oauth2/boom")
	a.wantStatus(t, 500)
	if a.Header.Get("Sallyport-Error") != "internal_error" || strings.Contains(a.body, "secret-value") {
		t.Errorf("%v\n%s", a.Header, a.body)
	}
	if id := a.Header.Get("X-Request-Id"); !strings.Contains(f.logs.String(), id) || !strings.Contains(f.logs.String(), "panic while serving") {
		t.Error("the log does not join the panic and the request")
	}
	c := f.dial()
	c.write(request("GET", "/oauth2/late"))
	if a, err := c.tryAnswer("GET"); err == nil {
		t.Errorf("an answer that panicked half-way looks whole: %d", a.StatusCode)
	}
	f.get("/", "Cookie: "+valid).wantStatus(t, 200)
}

// TestGoroutinesStayFlat: nothing is left behind by many requests.

func TestGoroutinesStayFlat(t *testing.T) {
	f := newFixture(t, nil)
	c := f.dial()
	ask := func() {
		c.write(request("GET", "/", "Cookie: "+valid))
		c.answer("GET").wantStatus(t, 200)
	}
	ask()
	before := runtime.NumGoroutine()
	for range 200 {
		ask()
	}
	eventually(t, "goroutines back to where they were", func() bool { return runtime.NumGoroutine() <= before+2 })
	if f.app.accepted != 1 {
		t.Errorf("%d connections to the app for one after the other", f.app.accepted)
	}
}

func TestCloseStreamsWhenNothingIsOpen(t *testing.T) {
	f := newFixture(t, nil)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for range 2 {
		if err := f.site.CloseStreams(ctx); err != nil {
			t.Errorf("CloseStreams: %v", err)
		}
	}
}
