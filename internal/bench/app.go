package main

import (
	"net/http"
	"net/http/httptest"
	"strconv"
)

// The app answers with the identity it was told, so that the client can check
// what reached it.
const (
	identityHeader = "X-Forwarded-Email" // set by Sallyport
	echoHeader     = "Bench-Identity"    // the app's answer: what it was told
)

type app struct {
	*httptest.Server
	body []byte
}

// startApp serves a body of size bytes at every path.
func startApp(size int) *app {
	body := make([]byte, size)
	for i := range body {
		body[i] = "0123456789abcdef"[i%16]
	}
	length := strconv.Itoa(size)
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		w.Header().Set("Content-Length", length)
		w.Header().Set(echoHeader, r.Header.Get(identityHeader))
		w.Write(body)
	})
	return &app{Server: httptest.NewServer(handler), body: body}
}
