package proxy

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"

	"github.com/prometheus/client_golang/prometheus/testutil"
)

// countedPool is a httputil.BufferPool that knows how many buffers are out.
type countedPool struct{ borrowed, out int }

func (p *countedPool) Get() []byte { p.borrowed++; p.out++; return make([]byte, 32<<10) }
func (p *countedPool) Put([]byte)  { p.out-- }

func TestRelay(t *testing.T) {
	broken := errors.New("broken")
	sources := map[string]func(io.Reader) io.Reader{
		"whole":                func(r io.Reader) io.Reader { return r },
		"byte by byte":         iotest.OneByteReader,
		"half of what is read": iotest.HalfReader,
		"with the last bytes":  iotest.DataErrReader,
	}
	for name, source := range sources {
		for _, size := range []int{0, 1, waitingSize - 1, waitingSize, waitingSize + 1, 33 << 10, 100_000} {
			for _, end := range []error{io.EOF, broken} {
				sent := bytes.Repeat([]byte("abcdefg"), size/7+1)[:size]
				pool, got := &countedPool{}, &bytes.Buffer{}
				err := relay(got, source(io.MultiReader(bytes.NewReader(sent), iotest.ErrReader(end))), pool)
				if want := map[error]error{io.EOF: nil, broken: broken}[end]; !errors.Is(err, want) {
					t.Errorf("%s, %d bytes, then %v: error %v", name, size, end, err)
				}
				if !bytes.Equal(got.Bytes(), sent) {
					t.Errorf("%s, %d bytes, then %v: %d arrived", name, size, end, got.Len())
				}
				if pool.out != 0 {
					t.Errorf("%s, %d bytes, then %v: %d large buffers are not given back", name, size, end, pool.out)
				}
				if size < waitingSize && pool.borrowed > 0 {
					t.Errorf("%s, %d bytes needed a large buffer", name, size)
				}
			}
		}
	}
	if err := relay(failingWriter{broken}, strings.NewReader("x"), &countedPool{}); !errors.Is(err, broken) {
		t.Errorf("writing failed, and relay says %v", err)
	}
}

type failingWriter struct{ err error }

func (w failingWriter) Write([]byte) (int, error) { return 0, w.err }

// A hundred WebSockets held a hundred times 64 KiB each while nobody said anything.
func TestRelayHoldsNoLargeBufferWhileItWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		theirs, ours := net.Pipe()
		pool := &countedPool{}
		done := make(chan error, 1)
		go func() { done <- relay(io.Discard, ours, pool) }()
		for _, size := range []int{1, 50_000, 3} {
			if _, err := theirs.Write(make([]byte, size)); err != nil {
				t.Fatal(err)
			}
			synctest.Wait() // until relay waits for more
			if pool.out != 0 {
				t.Errorf("after %d bytes it waits with a large buffer", size)
			}
		}
		if pool.borrowed == 0 {
			t.Error("no large buffer was used for 50,000 bytes")
		}
		_ = theirs.Close()
		if err := <-done; err != nil {
			t.Errorf("the end is no error, and relay says %v", err)
		}
	})
}

// A WebSocket counts as a request under way, and is logged, once it is over, though
// the goroutine of its request ended long ago.
func TestWebSocketIsRecordedInTheEnd(t *testing.T) {
	f := newFixture(t, nil)
	hangUp := make(chan struct{})
	f.app.answerBy(func(c net.Conn, _ *http.Request, _ []byte) {
		_, _ = io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: WebSocket\r\nX-App: yes\r\n\r\n")
		<-hangUp
		_ = c.Close()
	})
	c := f.dial()
	c.write(request("GET", "/ws", "Cookie: "+valid, "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Key: x"))
	a := c.answer("GET")
	a.wantStatus(t, 101)
	if a.Header.Get("X-App") != "yes" {
		t.Errorf("the app's handshake came with %v", a.Header)
	}
	eventually(t, "the request's goroutine to leave", func() bool { return f.auth.watching("alice") == 1 })
	if n := testutil.ToFloat64(f.site.metrics.inFlight); n != 1 {
		t.Errorf("%v requests are in flight, want the WebSocket", n)
	}
	if lines := f.logs.String(); strings.Contains(lines, `"msg":"request"`) {
		t.Errorf("it is logged before it is over: %s", lines)
	}
	close(hangUp)
	if rest, err := io.ReadAll(c.r); err != nil || len(rest) > 0 {
		t.Errorf("the end came as %q, %v", rest, err)
	}
	_ = c.Close()
	eventually(t, "the line of the WebSocket", func() bool { return strings.Contains(f.logs.String(), `"status":101`) })
	if n := testutil.ToFloat64(f.site.metrics.inFlight); n != 0 {
		t.Errorf("%v requests are in flight at the end", n)
	}
}

// The end of one direction is passed on, and the other one goes on.
func TestWebSocketHalfClosed(t *testing.T) {
	f := newFixture(t, nil)
	f.app.answerBy(func(c net.Conn, _ *http.Request, _ []byte) {
		_, _ = io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
		said, _ := io.ReadAll(c)
		_, _ = io.WriteString(c, "heard "+string(said))
	})
	c := f.dial()
	c.write(request("GET", "/ws", "Cookie: "+valid, "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Key: x"))
	c.answer("GET").wantStatus(t, 101)
	c.write("these")
	if err := c.Conn.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(c.r); err != nil || string(got) != "heard these" {
		t.Errorf("got %q, %v", got, err)
	}
}

// A browser that is gone and an app that does not mind held up a stop until the end of
// its time.
func TestHalfClosedWebSocketEndsWhenWeStop(t *testing.T) {
	f := newFixture(t, nil)
	done := make(chan struct{})
	f.app.answerBy(func(c net.Conn, _ *http.Request, _ []byte) {
		_, _ = io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
		<-done
	})
	defer close(done)
	c := f.dial()
	c.write(request("GET", "/ws", "Cookie: "+valid, "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Key: x"))
	c.answer("GET").wantStatus(t, 101)
	_ = c.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 10*farewell)
	defer cancel()
	if err := f.site.CloseStreams(ctx); err != nil {
		t.Errorf("CloseStreams: %v", err)
	}
}

// An app may not choose the protocol.
func TestUpgradeThatNobodyAskedFor(t *testing.T) {
	for name, tt := range map[string]struct{ asked, given string }{
		"another protocol": {"websocket", "h2c"},
		"none":             {"websocket", ""},
		"of a plain GET":   {"", "websocket"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, nil)
			f.app.answerWith("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: " + tt.given + "\r\n\r\nsecret")
			lines := []string{"Cookie: " + valid}
			if tt.asked != "" {
				lines = append(lines, "Connection: Upgrade", "Upgrade: "+tt.asked, "Sec-WebSocket-Key: x")
			}
			a := f.get("/ws", lines...)
			a.wantStatus(t, http.StatusBadGateway)
			if strings.Contains(a.body, "secret") {
				t.Errorf("what the app said after its 101 is passed on: %q", a.body)
			}
		})
	}
}
