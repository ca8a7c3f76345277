package proxy

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"
)

// echoApp echoes WebSocket messages and sends "hello" first.
func echoApp(t *testing.T) *httptest.Server {
	t.Helper()
	app := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := websocket.Accept(w, r, &websocket.AcceptOptions{InsecureSkipVerify: true, CompressionMode: websocket.CompressionDisabled})
		if err != nil {
			return
		}
		defer func() { _ = c.CloseNow() }()
		c.SetReadLimit(2 << 20)
		_ = c.Write(r.Context(), websocket.MessageText, []byte("hello "+r.Header.Get("X-Forwarded-User")))
		for {
			kind, data, err := c.Read(r.Context())
			if err != nil {
				return
			}
			if c.Write(r.Context(), kind, data) != nil {
				return
			}
		}
	}))
	t.Cleanup(app.Close)
	return app
}

func TestWebSocket(t *testing.T) {
	app := echoApp(t)
	tests := []struct {
		name string
		end  func(*fixture)
		want websocket.StatusCode
	}{
		{"UP-11 LO-20 ends with the session", func(f *fixture) { f.auth.end("alice") }, websocket.StatusPolicyViolation},
		{"UP-15 ends when we stop", func(f *fixture) { go func() { _ = f.site.CloseStreams(context.Background()) }() }, websocket.StatusGoingAway},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := newFixture(t, func(c *Config) { c.Upstream = mustURL(t, app.URL) })
			ctx, cancel := context.WithTimeout(context.Background(), patience)
			defer cancel()
			c, err := f.webSocket(ctx, valid)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = c.CloseNow() }()
			if _, data, err := c.Read(ctx); err != nil || string(data) != "hello alice" {
				t.Fatalf("read %q, %v", data, err)
			}
			for _, size := range []int{1, 125, 126, 65535, 65536, 1 << 20} {
				sent := bytes.Repeat([]byte{'x'}, size)
				if err := c.Write(ctx, websocket.MessageBinary, sent); err != nil {
					t.Fatal(err)
				}
				if _, data, err := c.Read(ctx); err != nil || !bytes.Equal(data, sent) {
					t.Fatalf("%d bytes came back as %d, %v", size, len(data), err)
				}
			}
			tt.end(f)
			if _, _, err = c.Read(ctx); websocket.CloseStatus(err) != tt.want {
				t.Errorf("closed with %v, want status %v", err, tt.want)
			}
			ended, stop := context.WithTimeout(context.Background(), patience)
			defer stop()
			eventually(t, "an empty registry", func() bool {
				f.site.streams.mu.Lock()
				defer f.site.streams.mu.Unlock()
				return len(f.site.streams.open) == 0
			})
			if err := f.site.CloseStreams(ended); err != nil {
				t.Errorf("CloseStreams: %v", err)
			}
		})
	}
	t.Run("PA-28 refused without a session", func(t *testing.T) {
		f := newFixture(t, func(c *Config) { c.Upstream = mustURL(t, app.URL) })
		_, err := f.webSocket(context.Background(), "x=y")
		if err == nil || !strings.HasPrefix(err.Error(), "401") {
			t.Errorf("error %v, want 401", err)
		}
	})
	t.Run("none begins once we stop", func(t *testing.T) {
		f := newFixture(t, func(c *Config) { c.Upstream = mustURL(t, app.URL) })
		_ = f.site.CloseStreams(context.Background())
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		c, err := f.webSocket(ctx, valid)
		if err != nil {
			return // the handshake itself was cut
		}
		for err == nil {
			_, _, err = c.Read(ctx)
		}
		if ctx.Err() != nil {
			t.Error("a WebSocket that began while stopping stays open")
		}
	})
	t.Run("the browser's close reaches the app and back", func(t *testing.T) {
		f := newFixture(t, func(c *Config) { c.Upstream = mustURL(t, app.URL) })
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		c, err := f.webSocket(ctx, valid)
		if err != nil {
			t.Fatal(err)
		}
		_, _, _ = c.Read(ctx)
		if err := c.Close(websocket.StatusNormalClosure, "bye"); err != nil {
			t.Errorf("closing: %v", err)
		}
	})
}

// TestWebSocketInTheMiddleOfAFrame: a closing frame inside a frame of the app
// would be its payload, so the connection is closed without one.
func TestWebSocketInTheMiddleOfAFrame(t *testing.T) {
	f := newFixture(t, nil)
	release := make(chan struct{})
	f.app.answerBy(func(c net.Conn, _ *http.Request, _ []byte) {
		_, _ = io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n\x82\x05he")
		<-release
	})
	defer close(release)
	c := f.dial()
	c.write(request("GET", "/ws", "Cookie: "+valid, "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Key: x"))
	c.answer("GET").wantStatus(t, 101)
	got := make([]byte, 4)
	if _, err := io.ReadFull(c.r, got); err != nil || string(got) != "\x82\x05he" {
		t.Fatalf("got %q, %v", got, err)
	}
	f.auth.end("alice")
	if rest, _ := io.ReadAll(c.r); len(rest) > 0 {
		t.Errorf("after half a frame came %q", rest)
	}
}

// TestNothingPassesAfterTheEnd: what a browser sends after its session has ended
// does not reach the app.
func TestNothingPassesAfterTheEnd(t *testing.T) {
	f := newFixture(t, nil)
	got := make(chan string, 1)
	f.app.answerBy(func(c net.Conn, _ *http.Request, _ []byte) {
		_, _ = io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
		all, _ := io.ReadAll(c)
		got <- string(all)
	})
	c := f.dial()
	c.write(request("GET", "/ws", "Cookie: "+valid, "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Key: x"))
	c.answer("GET").wantStatus(t, 101)
	eventually(t, "registration", func() bool { return f.auth.watching("alice") == 1 })
	f.auth.end("alice")
	frame := make([]byte, 4)
	if _, err := io.ReadFull(c.r, frame); err != nil || !bytes.Equal(frame, closingFrame(closePolicy)) {
		t.Fatalf("got %x, %v, want a closing frame", frame, err)
	}
	c.write("late command")
	if s := <-got; s != "" {
		t.Errorf("the app read %q", s)
	}
}

// TestActivityOnAWebSocket: bytes of the browser count as use of the session.
func TestActivityOnAWebSocket(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		auth := newFakeAuth()
		alice := auth.sessions["alice"]
		ours, browser := net.Pipe()
		registry := newStreams(auth)
		conn := registry.upgraded(ours, io.NopCloser(nil), context.Background(), alice)
		done := make(chan error, 1)
		go func() {
			buf := make([]byte, 10)
			for {
				if _, err := conn.Read(buf); err != nil {
					done <- err
					return
				}
			}
		}()
		say := func() {
			_, _ = browser.Write([]byte("x"))
			synctest.Wait()
		}
		say() // the request itself has counted just now
		if auth.touched != 0 {
			t.Error("activity was reported at once")
		}
		for range 10 {
			time.Sleep(touchEvery)
			say()
			say()
		}
		if auth.touched != 10 {
			t.Errorf("reported %d times in ten intervals", auth.touched)
		}
		auth.mu.Lock()
		delete(auth.sessions, "alice")
		auth.mu.Unlock()
		time.Sleep(touchEvery)
		go func() { _, _ = io.Copy(io.Discard, browser) }() // takes the closing frame
		say()
		time.Sleep(farewell)
		if err := <-done; !errors.Is(err, errStreamEnded) {
			t.Errorf("the stream of a session that is gone ended with %v", err)
		}
		_ = conn.Close()
		_ = browser.Close()
	})
}

func TestFrames(t *testing.T) {
	frame := func(first byte, payload int, masked bool) []byte {
		b := []byte{first}
		mask := byte(0)
		if masked {
			mask = 0x80
		}
		switch {
		case payload < 126:
			b = append(b, byte(payload)|mask)
		case payload < 1<<16:
			b = binary.BigEndian.AppendUint16(append(b, 126|mask), uint16(payload))
		default:
			b = binary.BigEndian.AppendUint64(append(b, 127|mask), uint64(payload))
		}
		if masked {
			b = append(b, 1, 2, 3, 4)
		}
		return append(b, bytes.Repeat([]byte{0x88}, payload)...)
	}
	for _, size := range []int{0, 1, 125, 126, 127, 65535, 65536} {
		for _, masked := range []bool{false, true} {
			whole := frame(0x82, size, masked)
			for _, step := range []int{1, 3, len(whole)} {
				var f frames
				for i := 0; i < len(whole); i += step {
					if i > 0 && f.between() {
						t.Fatalf("size %d: between frames after %d bytes of %d", size, i, len(whole))
					}
					f.advance(whole[i:min(i+step, len(whole))])
				}
				if !f.between() {
					t.Fatalf("size %d, step %d: not between frames at the end", size, step)
				}
			}
		}
	}
	var f frames
	f.advance(frame(0x88, 2, false))
	if f.between() {
		t.Error("a frame may follow the closing frame")
	}
}

// FuzzFrames cuts the bytes of an app at any place: the result is the same.
func FuzzFrames(f *testing.F) {
	f.Add([]byte("\x82\x05hello\x88\x02\x03\xe8"), 3)
	f.Fuzz(func(t *testing.T, data []byte, cut int) {
		if cut < 0 || cut > len(data) {
			return
		}
		var once, twice frames
		once.advance(data)
		twice.advance(data[:cut])
		twice.advance(data[cut:])
		if once.between() != twice.between() || once.payload != twice.payload || once.n != twice.n {
			t.Fatalf("%+v and %+v", once, twice)
		}
	})
}
