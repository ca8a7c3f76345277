package proxy

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// once answers the first request with raw bytes and the others properly, on connections
// that stay open: what is left of a bad answer must not become part of a good one.
func once(bad string) func(net.Conn, *http.Request, []byte) {
	var answered atomic.Bool
	return func(c net.Conn, _ *http.Request, _ []byte) {
		if !answered.Swap(true) {
			_, _ = io.WriteString(c, bad)
			if strings.Contains(bad, "Connection: close") {
				_ = c.Close()
			}
			return
		}
		const body = "proper"
		fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
	}
}

const broken = "broken" // an answer that ends before it is whole

// TestHostileAnswers: UP-01, UP-04 and inputs beside them. want is the status, or broken; a
// body that arrives has to be body. Nothing of an answer may appear in the next one.
func TestHostileAnswers(t *testing.T) {
	const head = "HTTP/1.1 200 OK\r\n"
	smuggled := "HTTP/1.1 200 OK\r\nContent-Length: 8\r\nX-Evil: 1\r\n\r\nsmuggled"
	for _, tt := range []struct {
		name, method, raw string
		want              string
		body              string
	}{
		{"UP-01 closes within the body", "GET", head + "Content-Length: 10\r\nConnection: close\r\n\r\nhalf", broken, ""},
		{"UP-04 11 MiB of header", "GET", head + "X: " + strings.Repeat("a", 11<<20) + "\r\n\r\n", "502", ""},
		{"UP-04 endless 103", "GET", strings.Repeat("HTTP/1.1 103 Early Hints\r\nLink: </"+strings.Repeat("a", 1000)+">\r\n\r\n", 400), "502", ""},
		{"UP-04 line break in a folded field", "GET", head + "X: a\r\n Set-Cookie: evil=1\r\nContent-Length: 0\r\n\r\n", "200", ""},
		{"UP-04 space before the colon", "GET", head + "Set-Cookie : evil=1\r\nContent-Length: 0\r\n\r\n", "200", ""},
		{"UP-04 no colon", "GET", head + "X-Evil\r\nContent-Length: 0\r\n\r\n", "502", ""},
		{"UP-04 bare LF", "GET", "HTTP/1.1 200 OK\nContent-Length: 2\n\nok", "200", "ok"},
		{"two lengths", "GET", head + "Content-Length: 2\r\nContent-Length: 4\r\n\r\nokay", "502", ""},
		{"negative length", "GET", head + "Content-Length: -2\r\n\r\nok", "502", ""},
		{"length with a sign", "GET", head + "Content-Length: +2\r\n\r\nok", "502", ""},
		{"length that is too long", "GET", head + "Content-Length: 99999999999999999999\r\n\r\nok", "502", ""},
		{"length and chunks", "GET", head + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", "200", "ok"},
		{"chunks in an unknown coding", "GET", head + "Transfer-Encoding: gzip, chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", "502", ""},
		{"chunk whose size is no number", "GET", head + "Transfer-Encoding: chunked\r\n\r\nzz\r\nok\r\n0\r\n\r\n", broken, ""},
		{"chunk whose size overflows", "GET", head + "Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\nok\r\n0\r\n\r\n", broken, ""},
		{"chunk that is longer than it says", "GET", head + "Transfer-Encoding: chunked\r\n\r\n2\r\nokay\r\n0\r\n\r\n", broken, ""},
		{"chunk with an endless extension", "GET", head + "Transfer-Encoding: chunked\r\n\r\n2;" + strings.Repeat("x", 1<<20) + "\r\nok\r\n0\r\n\r\n", broken, ""},
		{"another answer after the first", "GET", head + "Content-Length: 2\r\n\r\nok" + smuggled, "200", "ok"},
		{"another answer after 204", "GET", "HTTP/1.1 204 No Content\r\n\r\n" + smuggled, "204", ""},
		{"another answer after 304", "GET", "HTTP/1.1 304 Not Modified\r\nContent-Length: 20\r\n\r\n" + smuggled, "304", ""},
		{"a body for HEAD", "HEAD", head + "Content-Length: " + strconv.Itoa(len(smuggled)) + "\r\n\r\n" + smuggled, "200", ""},
		{"HTTP/2 in words", "GET", "HTTP/2.0 200 OK\r\nContent-Length: 2\r\n\r\nok", "200", "ok"},
		{"HTTP/0.9", "GET", "<html>hello\r\n", "502", ""},
		{"status of two digits", "GET", "HTTP/1.1 20 OK\r\nContent-Length: 2\r\n\r\nok", "502", ""},
		{"status of four digits", "GET", "HTTP/1.1 2000 OK\r\nContent-Length: 2\r\n\r\nok", "502", ""},
		{"status with a sign", "GET", "HTTP/1.1 -20 OK\r\nContent-Length: 2\r\n\r\nok", "502", ""},
		{"101 to HTTP/2", "GET", "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n", "502", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := newFixture(t, func(c *Config) { c.UpstreamTimeout = 10 * time.Second })
			f.app.answerBy(once(tt.raw))
			c := f.dial()
			c.write(request(tt.method, "/", "Cookie: "+valid))
			a, err := c.tryAnswer(tt.method)
			switch {
			case tt.want == broken && err == nil:
				t.Errorf("a part arrived as the whole: %d %q", a.StatusCode, a.body)
			case tt.want == broken:
			case err != nil || strconv.Itoa(a.StatusCode) != tt.want:
				t.Fatalf("got %v, %v, want %s", a, err, tt.want)
			case tt.want < "500" && a.body != tt.body:
				t.Errorf("body %q, want %q", a.body, tt.body)
			case len(a.Header["Set-Cookie"]) > 0:
				t.Errorf("it set a cookie: %q", a.Header["Set-Cookie"])
			}
			for range 3 {
				if a := f.get("/next", "Cookie: "+valid); a.StatusCode != 200 || a.body != "proper" || a.Header.Get("X-Evil") != "" {
					t.Errorf("the next answer: %d %v %q", a.StatusCode, a.Header, a.body)
				}
			}
		})
	}
}

// TestDrippingHeaderOfTheApp: UP-01. A header that drips is one that does not come.
func TestDrippingHeaderOfTheApp(t *testing.T) {
	f := newFixture(t, func(c *Config) { c.UpstreamTimeout = 100 * time.Millisecond })
	f.app.answerBy(func(c net.Conn, _ *http.Request, _ []byte) {
		for _, b := range []byte("HTTP/1.1 200 OK\r\nX: " + strings.Repeat("a", 10000)) {
			if _, err := c.Write([]byte{b}); err != nil {
				return
			}
			time.Sleep(10 * time.Millisecond)
		}
	})
	a := f.get("/", "Cookie: "+valid)
	a.wantStatus(t, 504)
	if got := a.Header.Get("Sallyport-Error"); got != "upstream_timeout" {
		t.Errorf("Sallyport-Error %q", got)
	}
}

// TestIdempotentRequestIsSentAgain: UP-13. What the app's closing of an idle connection took away
// is asked for once more, where asking twice does no harm.
func TestIdempotentRequestIsSentAgain(t *testing.T) {
	f := newFixture(t, nil)
	f.get("/warm", "Cookie: "+valid).wantStatus(t, 200) // leaves an idle connection
	var closed atomic.Bool
	f.app.answerBy(func(c net.Conn, _ *http.Request, _ []byte) {
		if !closed.Swap(true) {
			_ = c.Close()
			return
		}
		_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
	})
	f.get("/again", "Cookie: "+valid).wantStatus(t, 200)
	if n := len(f.app.requests()); n != 3 {
		t.Errorf("the app got %d requests, want /warm and twice /again", n)
	}
}

// TestClientLeavesMidResponse: UP-12. The app's stream ends with the client that it was for, and
// nothing stays behind.
func TestClientLeavesMidResponse(t *testing.T) {
	f := newFixture(t, nil)
	var open atomic.Int32
	f.app.answerBy(func(c net.Conn, _ *http.Request, _ []byte) {
		open.Add(1)
		defer open.Add(-1)
		_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
		piece := "400\r\n" + strings.Repeat("x", 1024) + "\r\n"
		for {
			if _, err := io.WriteString(c, piece); err != nil {
				return
			}
		}
	})
	before := runtime.NumGoroutine()
	for range 60 {
		c := f.dial()
		c.write(request("GET", "/endless", "Cookie: "+valid))
		if _, err := io.ReadFull(c.r, make([]byte, 4096)); err != nil {
			t.Fatal(err)
		}
		_ = c.Close()
	}
	eventually(t, "the app's streams to end", func() bool { return open.Load() == 0 })
	eventually(t, "goroutines back to where they were", func() bool { return runtime.NumGoroutine() <= before+5 })
}

// TestManyWebSockets: UP-11. Hundreds of them, idle and with pings, leave nothing behind,
// and one enormous frame is not held in memory.
func TestManyWebSockets(t *testing.T) {
	f := newFixture(t, nil)
	f.app.answerBy(func(c net.Conn, _ *http.Request, _ []byte) {
		_, _ = io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
		_, _ = io.Copy(c, c)
	})
	open := func() *connection {
		c := f.dial()
		c.write(request("GET", "/ws", "Cookie: "+valid, "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version: 13"))
		c.answer("GET").wantStatus(t, 101)
		return c
	}
	before := runtime.NumGoroutine()
	const ping = "\x89\x80\x00\x00\x00\x00"
	list := make([]*connection, 300)
	for i := range list {
		list[i] = open()
	}
	for _, c := range list {
		c.write(ping)
		if got := make([]byte, len(ping)); !readFull(c, got) || string(got) != ping {
			t.Fatalf("back came %q", got)
		}
		_ = c.Close()
	}
	eventually(t, "the registry to be empty", func() bool {
		f.site.streams.mu.Lock()
		defer f.site.streams.mu.Unlock()
		return len(f.site.streams.open) == 0
	})
	eventually(t, "goroutines back to where they were", func() bool { return runtime.NumGoroutine() <= before+5 })

	const size = 64 << 20
	c := open()
	runtime.GC()
	var start, peak runtime.MemStats
	runtime.ReadMemStats(&start)
	frame := append([]byte("\x82\xff"), 0, 0, 0, 0, 0x04, 0, 0, 0, 0, 0, 0, 0)
	go func() {
		_, _ = c.Write(frame)
		_, _ = io.Copy(c.Conn, io.LimitReader(zeros{}, size))
	}()
	back := &sampler{Reader: io.LimitReader(c.r, int64(len(frame)+size)), peak: &peak}
	if n, err := io.Copy(io.Discard, back); err != nil || n != int64(len(frame)+size) {
		t.Errorf("of the frame came back %d bytes, %v", n, err)
	}
	if grown := int64(peak.HeapAlloc) - int64(start.HeapAlloc); grown > 20<<20 {
		t.Errorf("the heap grew by %d MiB", grown>>20)
	}
}

func readFull(c *connection, p []byte) bool {
	_, err := io.ReadFull(c.r, p)
	return err == nil
}

// TestPagesTellNothingOfTheApp: UP-01. Neither address nor error text, in any form of the
// page.
func TestPagesTellNothingOfTheApp(t *testing.T) {
	for _, accept := range []string{"text/html", "application/json", "text/plain", "*/*", ""} {
		f := newFixture(t, nil)
		f.app.answerWith("HTTP/1.1 200 OK\r\nX-Secret-Inside: \x00\r\n\r\n")
		c := f.dial()
		c.write(request("GET", "/", "Cookie: "+valid, "Accept: "+accept, "Connection: close"))
		all, err := io.ReadAll(c.r)
		if err != nil {
			t.Fatal(err)
		}
		for _, inside := range []string{"127.0.0.1", f.app.url().Host, "malformed", "X-Secret-Inside", "net/http", "MIME"} {
			if bytes.Contains(all, []byte(inside)) {
				t.Errorf("Accept %q: the page tells of %q:\n%s", accept, inside, all)
			}
		}
	}
}
