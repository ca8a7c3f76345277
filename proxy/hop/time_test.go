package hop

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestTimeOfHeader(t *testing.T) {
	for name, tt := range map[string]struct {
		takes time.Duration
		want  string
	}{
		"at once":                   {0, "200 ok"},
		"longer than patience":      {time.Second, "200 ok"},
		"just in time":              {10*time.Second - 1, "200 ok"},
		"too long":                  {10*time.Second + 1, "timeout"},
		"the header in two pieces":  {-5 * time.Second, "200 ok"},
		"the second piece too late": {-10*time.Second - 1, "timeout"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				transport := pipe(t, func(c net.Conn) {
					head := ok
					if tt.takes < 0 {
						_, _ = io.WriteString(c, head[:9])
						head, tt.takes = head[9:], -tt.takes
					}
					time.Sleep(tt.takes)
					_, _ = io.WriteString(c, head)
				})
				began := time.Now()
				got := read(transport, request(t, "GET"))
				if tt.want != "timeout" && got != tt.want || tt.want == "timeout" && !strings.Contains(got, "timeout") {
					t.Errorf("got %q, want %q", got, tt.want)
				}
				if took := time.Since(began); took > 10*time.Second {
					t.Errorf("it took %v", took)
				}
				time.Sleep(time.Minute) // the app finishes
			})
		})
	}
}

// A body may take its time: only the header section has a deadline.
func TestTimeOfBody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		transport := pipe(t, func(c net.Conn) {
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n")
			for _, b := range "abc" {
				time.Sleep(time.Hour)
				_, _ = io.WriteString(c, string(b))
			}
		})
		if got := read(transport, request(t, "GET")); got != "200 abc" {
			t.Errorf("got %q", got)
		}
	})
}

// A client that leaves ends the wait for the app, before the header and after it.
func TestClientLeaves(t *testing.T) {
	for name, first := range map[string]string{"before the header": "", "in the body": "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\na"} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				hungUp := make(chan struct{})
				transport := pipe(t, func(c net.Conn) {
					defer close(hungUp)
					_, _ = io.WriteString(c, first)
					_, _ = c.Read(make([]byte, 1))
				})
				ctx, leave := context.WithCancel(t.Context())
				time.AfterFunc(time.Second, leave)
				res, err := transport.RoundTrip(request(t, "GET").WithContext(ctx), nil)
				if first == "" {
					if !errors.Is(err, context.Canceled) {
						t.Errorf("the error is %v", err)
					}
				} else if _, err := io.ReadAll(res.Body); err == nil {
					t.Error("the body ended well")
				}
				<-hungUp
			})
		})
	}
}

func TestDialFails(t *testing.T) {
	transport, err := New(Config{
		Dial: func(context.Context) (net.Conn, error) {
			return nil, &net.OpError{Op: "dial", Err: errors.New("refused")}
		},
		HeaderTimeout: 1, MaxHeaderBytes: 1, MaxIdle: 1, IdleTimeout: 1, Surplus: func() {},
	})
	if err != nil {
		t.Fatal(err)
	}
	_, err = transport.RoundTrip(request(t, "GET"), nil)
	if op, ok := errors.AsType[*net.OpError](err); !ok || op.Op != "dial" {
		t.Errorf("the error is %v", err)
	}
}

// After an answer that has no body the connection rests: a body that is sent even so would
// come a moment later.
func TestRest(t *testing.T) {
	for _, tt := range []struct {
		method, first string
		dialled       int32
	}{
		{"GET", ok, 1},
		{"GET", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 1},
		{"HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n", 2},
		{"GET", "HTTP/1.1 204 No Content\r\n\r\n", 2},
		{"GET", "HTTP/1.1 304 Not Modified\r\n\r\n", 2},
	} {
		a := newApp(t, []string{tt.first, ok}, []string{ok})
		transport := a.transport(func(c *Config) { c.Rest = time.Hour })
		_ = read(transport, request(t, tt.method))
		if got := read(transport, request(t, "GET")); got != "200 ok" || a.dialled.Load() != tt.dialled {
			t.Errorf("after %q: %q over %d connections, want %d", tt.first, got, a.dialled.Load(), tt.dialled)
		}
	}
	synctest.Test(t, func(t *testing.T) {
		i := &idle{max: 4, timeout: time.Minute}
		ready, resting := pipeConn(t), pipeConn(t)
		resting.rest = 5 * time.Millisecond
		i.put(ready)
		i.put(resting)
		if i.pop(time.Now()) != ready || i.pop(time.Now()) != nil {
			t.Error("a connection that rests was used, or hid another")
		}
		time.Sleep(resting.rest)
		if i.pop(time.Now()) != resting {
			t.Error("a connection that has rested was not used")
		}
		time.Sleep(time.Minute)
	})
}

// An app that says when it closes is not asked just then.
func TestLasting(t *testing.T) {
	for field, want := range map[string]time.Duration{
		"": time.Minute, "timeout=5": 4 * time.Second, "timeout=5, max=100": 4 * time.Second, "max=3,Timeout = 10": 8 * time.Second,
		"timeout=0": 0, "timeout=4294967295": time.Minute, "timeout=99999999999999999999": time.Minute, "timeout=-1": time.Minute, "timeout": time.Minute, "5": time.Minute,
	} {
		if got := lasting(http.Header{"Keep-Alive": {field}}, time.Minute); got != want {
			t.Errorf("%q: %v, want %v", field, got, want)
		}
	}
	for field, dialled := range map[string]int32{"X-A: 1": 1, "Keep-Alive: timeout=3600": 1, "Keep-Alive: timeout=0": 2} {
		a := newApp(t, []string{"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n" + field + "\r\n\r\nok", ok}, []string{ok})
		transport := a.transport(nil)
		_ = read(transport, request(t, "POST"))
		if got := read(transport, request(t, "POST")); got != "200 ok" || a.dialled.Load() != dialled {
			t.Errorf("%s: %q over %d connections, want %d", field, got, a.dialled.Load(), dialled)
		}
	}
}

func pipeConn(t *testing.T) *conn {
	ours, theirs := net.Pipe()
	t.Cleanup(func() { theirs.Close() })
	return newConn(&Transport{}, ours)
}
