package proxy

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
)

// recorder is an app that keeps every byte it was sent.
type recorder struct {
	t        *testing.T
	listener net.Listener
	conns    sync.WaitGroup

	mu       sync.Mutex
	seen     []recorded
	respond  func(net.Conn, *http.Request, []byte)
	accepted int

	skipBodies bool // answer before reading a body; set before the first request
}

// recorded is one request: its head and body as they came.
type recorded struct {
	head string
	body string
}

// lines returns the header lines, request line excluded.
func (r recorded) lines() []string { return strings.Split(r.head, "\r\n")[1:] }

func (r recorded) target() string { return strings.Fields(r.head)[1] }

// values returns the values of the lines with exactly that name in any case.
func (r recorded) values(name string) []string {
	var out []string
	for _, l := range r.lines() {
		if n, v, _ := strings.Cut(l, ":"); strings.EqualFold(n, name) {
			out = append(out, strings.TrimSpace(v))
		}
	}
	return out
}

func newRecorder(t *testing.T) *recorder {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	rec := &recorder{t: t, listener: l}
	go rec.accept()
	t.Cleanup(func() { _ = l.Close() })
	return rec
}

func (r *recorder) url() *url.URL { return &url.URL{Scheme: "http", Host: r.listener.Addr().String()} }

func (r *recorder) accept() {
	for {
		conn, err := r.listener.Accept()
		if err != nil {
			return
		}
		r.mu.Lock()
		r.accepted++
		r.mu.Unlock()
		go r.serve(conn)
	}
}

func (r *recorder) serve(conn net.Conn) {
	defer conn.Close()
	var raw bytes.Buffer
	br := bufio.NewReader(io.TeeReader(conn, &raw))
	for {
		req, err := http.ReadRequest(br)
		if err != nil {
			return
		}
		respond := r.responder()
		if req.Header.Get("Expect") != "" && !r.skipBodies {
			_, _ = io.WriteString(conn, "HTTP/1.1 100 Continue\r\n\r\n")
		}
		if !r.skipBodies && req.Header.Get("Upgrade") == "" {
			_, err = io.Copy(io.Discard, req.Body)
		}
		head, body, _ := strings.Cut(raw.String(), "\r\n\r\n")
		r.mu.Lock()
		r.seen = append(r.seen, recorded{head: head, body: body})
		r.mu.Unlock()
		if err != nil {
			return
		}
		raw.Reset()
		if respond != nil {
			respond(conn, req, []byte(body))
			continue
		}
		answer := "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"
		if req.Method != http.MethodHead { // a body there would be taken for the next answer
			answer += "ok"
		}
		_, _ = io.WriteString(conn, answer)
	}
}

func (r *recorder) responder() func(net.Conn, *http.Request, []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.respond
}

// answerWith makes the app send these bytes for every request.
func (r *recorder) answerWith(raw string) {
	r.answerBy(func(conn net.Conn, _ *http.Request, _ []byte) { _, _ = io.WriteString(conn, raw) })
}

func (r *recorder) answerBy(f func(net.Conn, *http.Request, []byte)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.respond = f
}

func (r *recorder) requests() []recorded {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]recorded(nil), r.seen...)
}

// only returns the one request that came.
func (r *recorder) only(t *testing.T) recorded {
	t.Helper()
	seen := r.requests()
	if len(seen) != 1 {
		t.Fatalf("%d requests at the app, want 1", len(seen))
	}
	return seen[0]
}

func (r *recorder) wantNone(t *testing.T) {
	t.Helper()
	if seen := r.requests(); len(seen) != 0 {
		t.Errorf("the app got %q", seen[0].head)
	}
}
