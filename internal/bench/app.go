package main

import (
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
)

// The app answers with the identity it was told, so that the client can check
// what reached it.
const (
	identityHeader  = "X-Forwarded-Email"     // set by whoever authenticates
	assertionHeader = "X-Sallyport-Assertion" // set by Sallyport alone
	echoHeader      = "Bench-Identity"        // the app's answer: what it was told
	vouchedHeader   = "Bench-Vouched"         // "yes" with an assertion
)

// maxBody bounds what a path may ask for.
const maxBody = 64 << 20

// app is the server behind every proxy. Its method body may be called while it
// serves.
type app struct {
	*httptest.Server
	mu     sync.RWMutex
	bodies map[string][]byte // by path
}

// startApp serves, at /n, a body of n bytes, and WebSockets at socketPath.
func startApp() *app {
	a := &app{bodies: map[string][]byte{}}
	a.Server = httptest.NewServer(a)
	return a
}

// path is where the app answers with size bytes.
func path(size int) string { return "/" + strconv.Itoa(size) }

// body is the answer at path(size).
func (a *app) body(size int) []byte {
	a.mu.Lock()
	defer a.mu.Unlock()
	body := a.bodies[path(size)]
	if body == nil {
		body = make([]byte, size)
		for i := range body {
			body[i] = "0123456789abcdef"[i%16]
		}
		a.bodies[path(size)] = body
	}
	return body
}

// ServeHTTP implements http.Handler.
func (a *app) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == socketPath {
		repeat(w, r)
		return
	}
	a.mu.RLock()
	body := a.bodies[r.URL.Path]
	a.mu.RUnlock()
	if body == nil {
		size, err := strconv.Atoi(strings.TrimPrefix(r.URL.Path, "/"))
		if err != nil || size < 1 || size > maxBody {
			http.NotFound(w, r)
			return
		}
		body = a.body(size)
	}
	h := w.Header()
	h.Set("Content-Type", "text/plain")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set(echoHeader, r.Header.Get(identityHeader))
	if r.Header.Get(assertionHeader) != "" {
		h.Set(vouchedHeader, "yes")
	}
	w.Write(body)
}
