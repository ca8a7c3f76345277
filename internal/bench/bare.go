package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"runtime"
	"strings"
	"sync"
	"time"
)

// bareCommand is the first argument that turns this program into a bare server.
const bareCommand = "bare"

// The kinds of bare server.
const (
	bareDefault = "default" // a proxy with http.DefaultTransport: two idle connections per host
	barePool    = "pool"    // as many as there are clients, and pooled copy buffers
	bareAnswer  = "answer"  // no proxy: it answers 200 to everything
	bareFields  = "fields"  // the same, with as many fields as a forward-auth answer has
)

// serveBare serves the way args say, prints its own address and that of its
// statistics, and runs until it is killed.
func serveBare(args []string, out io.Writer) error {
	if len(args) != 2 {
		return fmt.Errorf("usage: %s %s|%s|%s|%s upstream", bareCommand, bareDefault, barePool, bareAnswer, bareFields)
	}
	upstream, err := url.Parse(args[1])
	if err != nil {
		return fmt.Errorf("parsing the upstream: %w", err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("listening: %w", err)
	}
	stats, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("listening for questions: %w", err)
	}
	go http.Serve(stats, http.HandlerFunc(serveStats))
	fmt.Fprintf(out, "%s %s\n", listener.Addr(), stats.Addr())
	server := &http.Server{Handler: bareHandler(args[0], upstream), ReadHeaderTimeout: 10 * time.Second}
	return server.Serve(listener)
}

func bareHandler(kind string, upstream *url.URL) http.Handler {
	switch kind {
	case bareAnswer:
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) })
	case bareFields:
		return http.HandlerFunc(answerFields)
	}
	handler := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(upstream)
		r.SetXForwarded()
		r.Out.Host = r.In.Host
	}}
	if kind == barePool {
		transport := http.DefaultTransport.(*http.Transport).Clone()
		transport.MaxIdleConns = 0
		transport.MaxIdleConnsPerHost = 512
		handler.Transport = transport
		handler.BufferPool = &buffers{}
	}
	return handler
}

// fieldsOfAuth are those of a forward-auth answer, with values about as long.
var fieldsOfAuth = [...][2]string{
	{"X-Request-Id", "ABCDEFGHIJKLMNOPQRSTUVWXYZ"}, {"Cache-Control", "no-store"}, {"Vary", "Cookie"},
	{"X-Auth-Request-User", "someone"}, {"X-Auth-Request-Email", "someone@example.com"},
	{"X-Auth-Request-Preferred-Username", "someone"}, {"X-Auth-Request-Groups", "staff,engineering"},
	{"X-Auth-Request-Access-Token", ""}, {"X-Sallyport-Groups-Omitted", ""},
	{"X-Sallyport-Assertion", strings.Repeat("eyJhbGciOiJFUzI1NiIs", 30)},
}

// answerFields is as little as a handler can do with those fields.
func answerFields(w http.ResponseWriter, _ *http.Request) {
	h := w.Header()
	var values [len(fieldsOfAuth)]string
	for i, f := range fieldsOfAuth {
		values[i] = f[1]
		h[f[0]] = values[i : i+1 : i+1]
	}
	w.WriteHeader(http.StatusOK)
}

// serveStats answers with what Sallyport's admin listener says of its memory, in
// the same words.
func serveStats(w http.ResponseWriter, _ *http.Request) {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	fmt.Fprintf(w, "%s %d\n%s %d\n%s %d\n", mallocsMetric, m.Mallocs, bytesMetric, m.TotalAlloc, heapMetric, m.HeapAlloc)
}

// buffers is a httputil.BufferPool of the size that ReverseProxy would allocate.
type buffers struct{ pool sync.Pool }

func (b *buffers) Get() []byte {
	if buf, ok := b.pool.Get().(*[32 << 10]byte); ok {
		return buf[:]
	}
	return make([]byte, 32<<10)
}

func (b *buffers) Put(buf []byte) { b.pool.Put((*[32 << 10]byte)(buf)) }
