package hop

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// app is one that says exactly what a test has it say: for the nth request of a
// connection, the nth script.
type app struct {
	t        *testing.T
	listener net.Listener
	scripts  [][]string // per connection, the answer to each request
	dialled  atomic.Int32
	surplus  atomic.Int32

	mu   sync.Mutex
	seen []string // header sections as they came
}

// hangUp closes the connection in place of an answer, after what stands before it.
const hangUp = "\x00"

func newApp(t *testing.T, scripts ...[]string) *app {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	a := &app{t: t, listener: l, scripts: scripts}
	t.Cleanup(func() { l.Close() })
	go a.serve()
	return a
}

func (a *app) serve() {
	for _, script := range a.scripts {
		c, err := a.listener.Accept()
		if err != nil {
			return
		}
		go a.answer(c, script)
	}
}

func (a *app) answer(c net.Conn, script []string) {
	defer c.Close()
	r := bufio.NewReader(c)
	for _, say := range script {
		var head strings.Builder
		for {
			line, err := r.ReadString('\n')
			if err != nil {
				return
			}
			head.WriteString(line)
			if line == "\r\n" {
				break
			}
		}
		a.mu.Lock()
		a.seen = append(a.seen, head.String())
		a.mu.Unlock()
		text, gone := strings.CutSuffix(say, hangUp)
		if _, err := io.WriteString(c, text); err != nil || gone {
			return
		}
	}
	_, _ = r.ReadByte() // until the other side closes
}

func (a *app) requests() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.seen)
}

func (a *app) transport(change func(*Config)) *Transport {
	a.t.Helper()
	cfg := Config{
		Dial: func(ctx context.Context) (net.Conn, error) {
			a.dialled.Add(1)
			return new(net.Dialer).DialContext(ctx, "tcp", a.listener.Addr().String())
		},
		HeaderTimeout: 10 * time.Second, MaxHeaderBytes: 8 << 10, MaxIdle: 4, IdleTimeout: time.Minute,
		Surplus: func() { a.surplus.Add(1) },
	}
	if change != nil {
		change(&cfg)
	}
	t, err := New(cfg)
	if err != nil {
		a.t.Fatal(err)
	}
	a.t.Cleanup(t.CloseIdleConnections)
	return t
}

func request(t testing.TB, method string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, "http://app.example.com/a%2Fb?q=1", nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// read returns status and body, or what went wrong in place of them.
func read(t *Transport, r *http.Request) string {
	res, err := t.RoundTrip(r, nil)
	if err != nil {
		return "error: " + err.Error()
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		return fmt.Sprintf("%d %s, then %v", res.StatusCode, b, err)
	}
	return fmt.Sprintf("%d %s", res.StatusCode, b)
}

const ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

// pipe is a transport to an app at the other end of a net.Pipe, whose time is a bubble's.
// The app is given each connection after a request was read from it, and that of pipeTo
// at once.
func pipe(t *testing.T, app func(net.Conn)) *Transport {
	return pipeTo(t, func(c net.Conn) {
		if _, err := http.ReadRequest(bufio.NewReader(c)); err == nil {
			app(c)
		}
	})
}

func pipeTo(t *testing.T, app func(net.Conn)) *Transport {
	t.Helper()
	transport, err := New(Config{
		Dial: func(context.Context) (net.Conn, error) {
			ours, theirs := net.Pipe()
			go func() {
				defer theirs.Close()
				app(theirs)
			}()
			return ours, nil
		},
		HeaderTimeout: 10 * time.Second, MaxHeaderBytes: 8 << 10, MaxIdle: 4, IdleTimeout: time.Minute, Surplus: func() {},
	})
	if err != nil {
		t.Fatal(err)
	}
	return transport
}
