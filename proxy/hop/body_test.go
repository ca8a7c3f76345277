package hop

import (
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
)

// noted is a body that fails or ends after what it holds, and remembers its closing.
type noted struct {
	io.Reader
	closed atomic.Bool
}

func (n *noted) Close() error {
	n.closed.Store(true)
	return nil
}

func TestBodies(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(r.Body)
		if err != nil || int64(len(b)) != r.ContentLength {
			t.Errorf("%d bytes of %d, %v", len(b), r.ContentLength, err)
		}
		w.Header().Set("X-Method", r.Method)
		_, _ = w.Write(b)
	}))
	defer server.Close()
	a := &app{t: t, listener: server.Listener}
	transport := a.transport(nil)
	failed := errors.New("the client is gone")
	for _, tt := range []struct {
		name   string
		length int64
		body   io.Reader
		want   string // the answer, or what the error says
	}{
		{"none", 0, strings.NewReader(""), ""},
		{"short", 3, strings.NewReader("abc"), "abc"},
		{"the longest", maxHeld, strings.NewReader(strings.Repeat("x", maxHeld)), strings.Repeat("x", maxHeld)},
		{"shorter than it says", 4, strings.NewReader("abc"), "unexpected EOF"},
		{"nothing of it", 4, strings.NewReader(""), "unexpected EOF"},
		{"longer than it says", 2, strings.NewReader("abc"), "longer than its stated length"},
		{"broken off", 4, io.MultiReader(strings.NewReader("abc"), broken{failed}), failed.Error()},
		{"broken off at the end", 3, io.MultiReader(strings.NewReader("abc"), broken{failed}), failed.Error()},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, method := range []string{"POST", "PUT", "PATCH", "DELETE", "GET"} {
				r := request(t, method)
				body := &noted{Reader: tt.body}
				if r.ContentLength = tt.length; tt.length > 0 {
					r.Body = body
				}
				got := read(transport, r)
				if want := "200 " + tt.want; got != want && !(strings.HasPrefix(got, "error: ") && strings.Contains(got, tt.want)) {
					t.Errorf("%s: %.80q, want %.80q", method, got, want)
				}
				if tt.length > 0 && !body.closed.Load() {
					t.Errorf("%s: the body was not closed", method)
				}
				if s, ok := tt.body.(*strings.Reader); !ok {
					break // it cannot be read again
				} else if _, err := s.Seek(0, io.SeekStart); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
	if n := a.dialled.Load(); n != 1 {
		t.Errorf("%d connections, want 1: no broken body should have cost one", n)
	}
}

type broken struct{ error }

func (b broken) Read([]byte) (int, error) { return 0, b.error }

// What may have had an effect is not asked for twice, and an app that hangs up on every kept
// connection is asked once more, not once for each.
func TestNothingIsAskedTooOften(t *testing.T) {
	for _, tt := range []struct {
		method string
		body   string
		want   string
		asked  int
	}{
		{"GET", "", "200 ok", 5}, {"HEAD", "", "200 ", 5}, {"OPTIONS", "", "200 ok", 5},
		{"GET", "x", "error: unexpected EOF", 4}, {"POST", "", "error: unexpected EOF", 4}, {"POST", "x", "error: unexpected EOF", 4},
		{"PUT", "x", "error: unexpected EOF", 4}, {"PATCH", "x", "error: unexpected EOF", 4}, {"DELETE", "", "error: unexpected EOF", 4},
	} {
		t.Run(tt.method+" "+tt.body, func(t *testing.T) {
			a := newApp(t, []string{ok, hangUp}, []string{ok, hangUp}, []string{ok, hangUp}, []string{ok})
			transport := a.transport(nil)
			var open []*http.Response
			for range 3 {
				res, err := transport.RoundTrip(request(t, "GET"), nil)
				if err != nil {
					t.Fatal(err)
				}
				open = append(open, res)
			}
			for _, res := range open {
				_, _ = io.Copy(io.Discard, res.Body)
			}
			r := request(t, tt.method)
			if tt.body != "" {
				r.Body, r.ContentLength = io.NopCloser(strings.NewReader(tt.body)), int64(len(tt.body))
			}
			if got := read(transport, r); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			if got := a.requests(); got != tt.asked {
				t.Errorf("the app was asked %d times, want %d", got, tt.asked)
			}
		})
	}
}

// An app may refuse a body that it does not read, and close.
func TestRefusedBody(t *testing.T) {
	a := newApp(t, []string{"HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\nConnection: close\r\n\r\nbig" + hangUp}, []string{ok})
	transport := a.transport(nil)
	r := request(t, "POST")
	r.Body, r.ContentLength = io.NopCloser(strings.NewReader(strings.Repeat("x", maxHeld))), maxHeld
	// Whether the answer survives the reset of a connection with unread bytes is up to
	// the operating system, here and with every client.
	if got := read(transport, r); got != "413 big" && !strings.Contains(got, "reset") {
		t.Errorf("got %q", got)
	}
	if got := read(transport, request(t, "GET")); got != "200 ok" {
		t.Errorf("the next answer is %q", got)
	}
}

// A 204 that announces a body may still send it.
func TestAnnouncedBodyOf204(t *testing.T) {
	for field, dialled := range map[string]int32{"X-A: 1": 1, "Content-Length: 0": 1, "Content-Length: 8": 2, "Transfer-Encoding: chunked": 2} {
		a := newApp(t, []string{"HTTP/1.1 204 No Content\r\n" + field + "\r\n\r\n", ok}, []string{ok})
		transport := a.transport(nil)
		if got := read(transport, request(t, "GET")); got != "204 " {
			t.Errorf("%s: got %q", field, got)
		}
		if got := read(transport, request(t, "GET")); got != "200 ok" || a.dialled.Load() != dialled {
			t.Errorf("%s: got %q over %d connections, want %d", field, got, a.dialled.Load(), dialled)
		}
	}
}

// Memory that a long request took is not kept with its connection.
func TestIdleConnectionsAreSmall(t *testing.T) {
	ours, theirs := net.Pipe()
	defer theirs.Close()
	go func() { _, _ = io.Copy(io.Discard, theirs) }()
	c := newConn(&Transport{}, ours)
	r := request(t, "POST")
	r.ContentLength = maxHeld
	if err := c.send(r, make([]byte, maxHeld)); err != nil {
		t.Fatal(err)
	}
	if cap(c.request) > keptRequest {
		t.Errorf("%d bytes are kept", cap(c.request))
	}
}
