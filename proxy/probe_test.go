package proxy

import (
	"context"
	"crypto/x509"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
)

// serveApp starts an app on l that speaks what protocols allow, nil for HTTP/1.1.
func serveApp(t *testing.T, l net.Listener, protocols *http.Protocols, handler http.HandlerFunc) {
	t.Helper()
	app := &http.Server{Handler: handler, Protocols: protocols}
	go func() { _ = app.Serve(l) }()
	t.Cleanup(func() { _ = app.Close() })
}

func listenTCP(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// h2cOnly is what an app of gRPC speaks: HTTP/2 without TLS, from the first byte.
func h2cOnly() *http.Protocols {
	p := new(http.Protocols)
	p.SetUnencryptedHTTP2(true)
	return p
}

// TestProbeReachesTheAppAsRequestsDo asks by every scheme, for a path and with a
// connection alone.
func TestProbeReachesTheAppAsRequestsDo(t *testing.T) {
	health := func(w http.ResponseWriter, r *http.Request) {
		if r.Method != "GET" || r.Host != "app.example.com" || r.URL.RequestURI() != "/base/health?full=1" && r.URL.RequestURI() != "/health?full=1" {
			http.Error(w, r.Method+" "+r.Host+r.URL.RequestURI(), http.StatusTeapot)
		}
	}
	plain, h2c := listenTCP(t), listenTCP(t)
	serveApp(t, plain, nil, health)
	serveApp(t, h2c, h2cOnly(), health)
	socket := t.TempDir() + "/app"
	unix, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	serveApp(t, unix, nil, health)
	secure := httptest.NewTLSServer(http.HandlerFunc(health))
	t.Cleanup(secure.Close)
	pool := x509.NewCertPool()
	pool.AddCert(secure.Certificate())

	for _, tt := range []struct {
		name     string
		upstream *url.URL
		ca       *x509.CertPool
		want     string // in the error; "" = well
	}{
		{"http", &url.URL{Scheme: "http", Host: plain.Addr().String(), Path: "/base"}, nil, ""},
		{"h2c", &url.URL{Scheme: "h2c", Host: h2c.Addr().String()}, nil, ""},
		{"unix", &url.URL{Scheme: "unix", Path: socket}, nil, ""},
		{"https", mustURL(t, secure.URL), pool, ""},
		{"https that is not trusted", mustURL(t, secure.URL), x509.NewCertPool(), "certificate signed by unknown authority"},
		{"nobody there", &url.URL{Scheme: "http", Host: closedPort(t)}, nil, "connection refused"},
		{"no socket there", &url.URL{Scheme: "unix", Path: socket + "-not"}, nil, "no such file"},
	} {
		for _, path := range []string{"", "/health?full=1"} {
			t.Run(tt.name+path, func(t *testing.T) {
				p, err := NewProbe(ProbeConfig{Upstream: tt.upstream, CA: tt.ca, Host: "app.example.com", Path: path})
				if err != nil {
					t.Fatal(err)
				}
				err = p.Healthy(t.Context())
				if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
					t.Errorf("got %v, want %q", err, tt.want)
				}
			})
		}
	}
}

// TestProbeJudgesTheStatus: a redirect is an answer, and nobody is sent elsewhere.
func TestProbeJudgesTheStatus(t *testing.T) {
	for status, well := range map[int]bool{200: true, 204: true, 302: true, 399: true, 400: false, 401: false, 404: false, 500: false, 503: false} {
		asked := 0
		app := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			asked++
			w.Header().Set("Location", "/elsewhere")
			w.WriteHeader(status)
		}))
		p, err := NewProbe(ProbeConfig{Upstream: mustURL(t, app.URL), Path: "/health"})
		if err != nil {
			t.Fatal(err)
		}
		if err := p.Healthy(t.Context()); (err == nil) != well {
			t.Errorf("%d: %v", status, err)
		}
		app.Close()
		if asked != 1 {
			t.Errorf("%d: %d requests", status, asked)
		}
	}
}

// TestProbeIsBounded: an app that accepts and says nothing costs no
// more than the time that is given.
func TestProbeIsBounded(t *testing.T) {
	silent := listenTCP(t) // the system accepts, and nobody reads
	defer silent.Close()
	host := silent.Addr().String()
	for _, cfg := range []ProbeConfig{
		{Upstream: &url.URL{Scheme: "http", Host: host}, Path: "/health"},
		{Upstream: &url.URL{Scheme: "https", Host: host}},
		{Upstream: &url.URL{Scheme: "h2c", Host: host}, Path: "/health"},
	} {
		p, err := NewProbe(cfg)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		if err := p.Healthy(ctx); err == nil || err.Error() != "the app does not answer in time" {
			t.Errorf("%s: %v", cfg.Upstream, err)
		}
		cancel()
	}
}
