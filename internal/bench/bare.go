package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"sync"
	"time"
)

// bareCommand is the first argument that turns this program into a bare proxy.
const bareCommand = "bare"

// The transports of a bare proxy.
const (
	transportDefault = "default" // http.DefaultTransport: two idle connections per host
	transportPool    = "pool"    // as many as there are clients, and pooled copy buffers
)

// serveBare proxies to an upstream, prints its own URL, and runs until it is
// killed.
func serveBare(args []string, out io.Writer) error {
	if len(args) != 2 {
		return fmt.Errorf("usage: %s %s|%s upstream", bareCommand, transportDefault, transportPool)
	}
	upstream, err := url.Parse(args[1])
	if err != nil {
		return fmt.Errorf("parsing the upstream: %w", err)
	}
	handler := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(upstream)
		r.SetXForwarded()
		r.Out.Host = r.In.Host
	}}
	if args[0] == transportPool {
		transport := http.DefaultTransport.(*http.Transport).Clone()
		transport.MaxIdleConns = 0
		transport.MaxIdleConnsPerHost = 512
		handler.Transport = transport
		handler.BufferPool = &buffers{}
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("listening: %w", err)
	}
	fmt.Fprintf(out, "http://%s\n", listener.Addr())
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	return server.Serve(listener)
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
