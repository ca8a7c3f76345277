package main

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// patience bounds waiting for what has to happen. It is long because machines are
// shared, and costs nothing where things work.
const patience = time.Minute

// output is a writer that can be read while it is written.
type output struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

// running is a sallyport in this process.
type running struct {
	t              *testing.T
	stdout, stderr output
	stop           context.CancelFunc // the first signal
	code           chan int
}

// start calls run as main does and ends it with the test.
func start(t *testing.T, args, environ []string) *running {
	ctx, cancel := context.WithCancel(context.Background())
	r := &running{t: t, stop: cancel, code: make(chan int, 1)}
	go func() { r.code <- run(ctx, args, environ, &r.stdout, &r.stderr) }()
	t.Cleanup(func() {
		cancel()
		select {
		case code := <-r.code:
			r.code <- code
			if code != exitOK {
				t.Errorf("exit code %d:\n%s", code, r.stderr.String())
			}
		case <-time.After(patience):
			t.Errorf("the process did not stop within %s of the signal", patience)
		}
	})
	return r
}

// eventually waits until f says yes; f gets a fresh look every few
// milliseconds, because the other side is a real process with real sockets.
func eventually(t *testing.T, what string, f func() bool) {
	t.Helper()
	limit := time.After(patience)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !f() {
		select {
		case <-tick.C:
		case <-limit:
			t.Fatalf("%s: not within %s", what, patience)
		}
	}
}

// address returns where a listener of r is, from its log.
func (r *running) address(listener string) string {
	r.t.Helper()
	var found string
	eventually(r.t, "the "+listener+" listener", func() bool {
		for line := range strings.Lines(r.stderr.String()) {
			var entry struct{ Msg, Listener, Address string }
			if json.Unmarshal([]byte(line), &entry) == nil && entry.Msg == "listening" && entry.Listener == listener {
				found = entry.Address
			}
		}
		return found != ""
	})
	return found
}

// get asks without following redirects and returns status and body.
func get(t *testing.T, address string) (int, string) {
	t.Helper()
	b := newBrowser(t)
	b.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	p := b.visit(address)
	return p.status, p.body
}
