package hop

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

const long = 10 * maxHeld

func uploading(t testing.TB, length int64, body io.Reader) (*http.Request, *noted) {
	t.Helper()
	b := &noted{Reader: body}
	r := request(t, "POST")
	r.Body, r.ContentLength = b, length
	return r, b
}

// Long bodies reach the app whole, over the connections that other requests use.
func TestUploads(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n, err := io.Copy(io.Discard, r.Body)
		if err != nil || n != r.ContentLength {
			t.Errorf("%d bytes of %d, %v", n, r.ContentLength, err)
		}
		_, _ = io.WriteString(w, "ok")
	}))
	defer server.Close()
	a := &app{t: t, listener: server.Listener}
	transport := a.transport(nil)
	for _, length := range []int64{maxHeld, maxHeld + 1, long, long + 7, 2 << 20} {
		for name, body := range map[string]io.Reader{
			"exact":               io.LimitReader(endless{}, length),
			"in small pieces":     io.LimitReader(dripping{}, length),
			"longer than it says": endless{},
		} {
			if length == maxHeld && name == "longer than it says" {
				continue // TestBodies
			}
			r, b := uploading(t, length, body)
			if got := read(transport, r); got != "200 ok" {
				t.Errorf("%d bytes, %s: %q", length, name, got)
			}
			await(t, "the closing of the body", b.closed.Load)
			if got := read(transport, request(t, "GET")); got != "200 ok" {
				t.Errorf("after %d bytes, %s: %q", length, name, got)
			}
		}
	}
	// An answer may come before we know that the body is sent, which costs the connection.
	if n := a.dialled.Load(); n > 10 {
		t.Errorf("%d connections for 28 requests", n)
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

type dripping struct{}

func (dripping) Read(p []byte) (int, error) { return min(len(p), 999), nil }

func await(t *testing.T, what string, is func() bool) {
	t.Helper()
	for !is() {
		if t.Context().Err() != nil {
			t.Fatalf("waiting in vain for %s", what)
		}
		time.Sleep(time.Millisecond)
	}
}

// A client that does not bring what it announced costs the connection, and the app sees that
// the body is not whole.
func TestBrokenUpload(t *testing.T) {
	failed := errors.New("the client is gone")
	for want, end := range map[string]io.Reader{"the client is gone": broken{failed}, "unexpected EOF": strings.NewReader("")} {
		seen := make(chan error, 1)
		transport := pipeTo(t, func(c net.Conn) {
			r, err := http.ReadRequest(bufio.NewReader(c))
			if err == nil {
				_, err = io.Copy(io.Discard, r.Body)
			}
			seen <- err
		})
		r, b := uploading(t, long, io.MultiReader(io.LimitReader(endless{}, long/2), end))
		if got := read(transport, r); !strings.HasPrefix(got, "error: reading the request's body: ") || !strings.Contains(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
		if err := <-seen; !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("the app saw %v", err)
		}
		await(t, "the closing of the body", b.closed.Load)
	}
}

// An app that answers before it has read the body is heard, although the client sends no
// more, and what is left of the body becomes no request.
func TestAnswerBeforeTheBody(t *testing.T) {
	for name, answer := range map[string]string{
		"with a body":    "HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\n\r\nbig",
		"without":        "HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\n\r\n",
		"none by nature": "HTTP/1.1 204 No Content\r\n\r\n",
	} {
		ended := make(chan error, 1)
		transport := pipeTo(t, func(c net.Conn) {
			br := bufio.NewReader(c)
			if _, err := http.ReadRequest(br); err != nil {
				ended <- err
				return
			}
			_, _ = io.WriteString(c, answer)
			_, err := io.Copy(io.Discard, br)
			ended <- err
		})
		silent, client := io.Pipe()
		r, b := uploading(t, long, io.MultiReader(io.LimitReader(endless{}, 1000), silent))
		status, said, _ := strings.Cut(read(transport, r), " ")
		if status != answer[9:12] || !strings.HasSuffix(answer, "\r\n\r\n"+said) {
			t.Errorf("%s: got %s %q", name, status, said)
		}
		if err := <-ended; err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if n := len(transport.idle.conns); n != 0 {
			t.Errorf("%s: the connection is kept", name)
		}
		_ = client.Close()
		await(t, "the closing of the body", b.closed.Load)
	}
}

// An app that takes nothing more is heard as well.
func TestAnswerWithoutReading(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	over := make(chan struct{})
	defer close(over)
	go func() {
		if c, err := l.Accept(); err == nil {
			defer c.Close()
			_, _ = io.WriteString(c, "HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\n\r\nbig")
			<-over
		}
	}()
	transport := (&app{t: t, listener: l}).transport(nil)
	r, b := uploading(t, 1<<40, endless{})
	if got := read(transport, r); got != "413 big" {
		t.Errorf("got %q", got)
	}
	await(t, "the closing of the body", b.closed.Load)
}

// The time for the answer begins when the body has been sent, and its body may take any.
func TestTimeOfUpload(t *testing.T) {
	for name, tt := range map[string]struct {
		body, header, rest time.Duration
		want               string
	}{
		"a slow body":          {time.Hour, 0, 0, "200 ok"},
		"a slow header":        {time.Hour, 10*time.Second - 1, 0, "200 ok"},
		"a header too late":    {time.Hour, 10*time.Second + 1, 0, "timeout"},
		"an answer that lasts": {time.Second, time.Second, time.Hour, "200 ok"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				transport := pipeTo(t, func(c net.Conn) {
					r, err := http.ReadRequest(bufio.NewReader(c))
					if err != nil {
						t.Error(err)
						return
					}
					_, _ = io.Copy(io.Discard, r.Body)
					time.Sleep(tt.header)
					_, _ = io.WriteString(c, ok[:len(ok)-1])
					time.Sleep(tt.rest)
					_, _ = io.WriteString(c, ok[len(ok)-1:])
				})
				r, _ := uploading(t, long, io.LimitReader(&slow{Reader: endless{}, first: tt.body}, long))
				if got := read(transport, r); got != tt.want && !(tt.want == "timeout" && strings.Contains(got, "timeout")) {
					t.Errorf("got %q, want %q", got, tt.want)
				}
				time.Sleep(time.Minute) // the app finishes
			})
		})
	}
}

type slow struct {
	io.Reader
	first time.Duration
}

func (s *slow) Read(p []byte) (int, error) {
	time.Sleep(s.first)
	s.first = 0
	return s.Reader.Read(p)
}

func TestClientLeavesInUpload(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hungUp := make(chan struct{})
		transport := pipeTo(t, func(c net.Conn) {
			_, _ = io.Copy(io.Discard, c)
			close(hungUp)
		})
		ctx, leave := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, leave)
		silent, client := io.Pipe()
		r, _ := uploading(t, long, silent)
		if _, err := transport.RoundTrip(r.WithContext(ctx), nil); !errors.Is(err, context.Canceled) {
			t.Errorf("the error is %v", err)
		}
		<-hungUp
		_ = client.Close()
	})
}

// flaky is a connection of which the app's end is only seen when it is written to.
type flaky struct {
	*net.TCPConn
	takes *atomic.Int32 // writes, until they fail
}

func (f flaky) Write(p []byte) (int, error) {
	if f.takes.Add(-1) < 0 {
		return 0, &net.OpError{Op: "write", Err: syscall.EPIPE}
	}
	return f.TCPConn.Write(p)
}

// What cannot have reached the app may be sent once more, whatever it is.
func TestUnsentIsSentAgain(t *testing.T) {
	for name, make := range map[string]func() *http.Request{
		"POST":            func() *http.Request { return request(t, "POST") },
		"with a body":     func() *http.Request { r, _ := uploading(t, 3, strings.NewReader("abc")); return r },
		"with a long one": func() *http.Request { r, _ := uploading(t, long, io.LimitReader(endless{}, long)); return r },
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			n, _ := io.Copy(io.Discard, r.Body)
			if n != r.ContentLength {
				t.Errorf("%s: %d bytes of %d", name, n, r.ContentLength)
			}
			_, _ = io.WriteString(w, "ok")
		}))
		a := &app{t: t, listener: server.Listener}
		var takes atomic.Int32
		transport := a.transport(func(c *Config) {
			dial := c.Dial
			c.Dial = func(ctx context.Context) (net.Conn, error) {
				nc, err := dial(ctx)
				if err != nil || a.dialled.Load() > 1 {
					return nc, err
				}
				takes.Store(1)
				return flaky{nc.(*net.TCPConn), &takes}, nil
			}
		})
		if got := read(transport, request(t, "GET")); got != "200 ok" {
			t.Errorf("%s: the first answer is %q", name, got)
		}
		if got := read(transport, make()); got != "200 ok" || a.dialled.Load() != 2 {
			t.Errorf("%s: %q over %d connections", name, got, a.dialled.Load())
		}
		server.Close()
	}
}
