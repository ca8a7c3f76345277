package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sallyport/sallyport/idp/demoidp"
)

// testProvider is a demo provider that can be out of order.
type testProvider struct {
	issuer string
	down   atomic.Bool
}

func newProvider(t *testing.T) *testProvider {
	t.Helper()
	server := httptest.NewUnstartedServer(nil)
	p := &testProvider{issuer: "http://" + server.Listener.Addr().String()}
	idp, err := demoidp.New(demoidp.Config{Issuer: p.issuer, Clients: []demoidp.Client{{ID: "rp1", Secret: "canary-client-secret"}}})
	if err != nil {
		t.Fatal(err)
	}
	server.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if p.down.Load() {
			http.Error(w, "out of order", http.StatusServiceUnavailable)
			return
		}
		idp.Handler().ServeHTTP(w, r)
	})
	server.Start()
	t.Cleanup(server.Close)
	return p
}

// serving is an environment for loopback.
func serving(p *testProvider, upstream string, more map[string]string) []string {
	changes := map[string]string{
		"SALLYPORT_LISTEN": "127.0.0.1:0", "SALLYPORT_ADMIN_LISTEN": "127.0.0.1:0",
		"SALLYPORT_PUBLIC_URL": "http://127.0.0.1", "SALLYPORT_OIDC_ISSUER": p.issuer, "SALLYPORT_UPSTREAM": upstream,
		"SALLYPORT_PUBLIC_PATHS": "/public/**",
	}
	for name, value := range more {
		changes[name] = value
	}
	return with(changes)
}

// askSite asks with the public URL's host, whatever the port is.
func askSite(t *testing.T, address, path string) (int, string) {
	t.Helper()
	b := newBrowser(t)
	b.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	req := b.navigation(http.MethodGet, "http://"+address+path, nil)
	req.Host = "127.0.0.1"
	p := b.do(req)
	return p.status, p.body
}

func TestServeHealsWhenTheProviderComesBack(t *testing.T) {
	p := newProvider(t)
	p.down.Store(true)
	r := start(t, []string{"serve"}, serving(p, newUpstream(t, http.StatusOK), nil))
	admin, site := r.address("admin"), r.address("proxy")

	eventually(t, "the reason in /readyz", func() bool {
		status, body := get(t, "http://"+admin+"/readyz")
		return status == http.StatusServiceUnavailable && strings.Contains(body, "503")
	})
	if status, _ := get(t, "http://"+admin+"/healthz"); status != http.StatusOK {
		t.Errorf("/healthz is %d while the provider is down", status)
	}
	if status, body := askSite(t, site, "/"); status != http.StatusServiceUnavailable || !strings.Contains(body, "idp_unavailable") {
		t.Errorf("a navigation gets %d: %s", status, body)
	}
	if status, _ := askSite(t, site, "/public/x"); status != http.StatusOK {
		t.Errorf("a public path is %d while the provider is down", status)
	}

	p.down.Store(false)
	eventually(t, "readiness", func() bool {
		status, _ := get(t, "http://"+admin+"/readyz")
		return status == http.StatusOK
	})
	if status, _ := askSite(t, site, "/"); status != http.StatusFound {
		t.Errorf("a navigation gets %d once the provider is back", status)
	}
}

func TestServeStopsInOrder(t *testing.T) {
	p := newProvider(t)
	entered, release := make(chan struct{}), make(chan struct{})
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/public/slow" {
			close(entered)
			<-release
		}
		fmt.Fprint(w, "whole")
	}))
	defer upstream.Close()
	r := start(t, []string{"serve"}, serving(p, upstream.URL, map[string]string{"SALLYPORT_SHUTDOWN_DELAY": "5s"}))
	admin, site := r.address("admin"), r.address("proxy")
	eventually(t, "readiness", func() bool {
		status, _ := get(t, "http://"+admin+"/readyz")
		return status == http.StatusOK
	})

	type answer struct {
		status int
		body   string
	}
	slow := make(chan answer, 1)
	go func() {
		status, body := askSite(t, site, "/public/slow")
		slow <- answer{status, body}
	}()
	<-entered
	r.stop()
	eventually(t, "/readyz saying no", func() bool {
		status, body := get(t, "http://"+admin+"/readyz")
		return status == http.StatusServiceUnavailable && strings.Contains(body, "shutting down")
	})
	if status, _ := askSite(t, site, "/public/x"); status != http.StatusOK {
		t.Errorf("during SALLYPORT_SHUTDOWN_DELAY a request gets %d", status)
	}
	eventually(t, "the closed listener", func() bool {
		c, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Get("http://" + site + "/public/x")
		if err == nil {
			c.Body.Close()
		}
		return err != nil
	})
	if status, _ := get(t, "http://"+admin+"/readyz"); status != http.StatusServiceUnavailable {
		t.Errorf("while requests finish /readyz is %d", status)
	}
	close(release)
	if got := <-slow; got.status != http.StatusOK || got.body != "whole" {
		t.Errorf("the accepted request got %d %q", got.status, got.body)
	}
	code := <-r.code
	r.code <- code
	if code != exitOK {
		t.Errorf("exit code %d", code)
	}
}

// The lines of requests wait for each other, and all are there when the process has ended.
func TestServeWritesTheLastLines(t *testing.T) {
	p := newProvider(t)
	r := start(t, []string{"serve"}, serving(p, newUpstream(t, http.StatusOK), nil))
	site := r.address("proxy")
	const requests = 20
	for range requests {
		askSite(t, site, "/public/x")
	}
	r.stop()
	code := <-r.code
	r.code <- code
	before, _, stopped := strings.Cut(r.stderr.String(), `"msg":"stopped"`)
	if n := strings.Count(before, `"path":"/public/x"`); n != requests || !stopped {
		t.Errorf("%d of %d requests have a line, and it has stopped: %t", n, requests, stopped)
	}
}

// Load balancers hear of a stop also while nobody reads the log.
func TestServeStopsWhileNobodyReadsTheLog(t *testing.T) {
	p := newProvider(t)
	r := start(t, []string{"serve"}, serving(p, newUpstream(t, http.StatusOK), nil))
	admin, site := r.address("admin"), r.address("proxy")
	r.stderr.mu.Lock()
	status, _ := askSite(t, site, "/public/x") // a line that waits
	r.stop()
	eventually(t, "/readyz saying no", func() bool {
		_, body := get(t, "http://"+admin+"/readyz")
		return strings.Contains(body, "shutting down")
	})
	r.stderr.mu.Unlock()
	if status != http.StatusOK {
		t.Errorf("a request gets %d", status)
	}
}

func TestServeCutsAfterTheTimeout(t *testing.T) {
	p := newProvider(t)
	entered := make(chan struct{})
	upstream := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/public/stuck" {
			close(entered)
		}
		<-r.Context().Done()
	}))
	defer upstream.Close()
	r := start(t, nil, serving(p, upstream.URL, map[string]string{"SALLYPORT_SHUTDOWN_TIMEOUT": "50ms"}))
	site := r.address("proxy")
	go func() {
		req, err := http.NewRequest(http.MethodGet, "http://"+site+"/public/stuck", nil)
		if err != nil {
			return
		}
		req.Host = "127.0.0.1"
		if resp, err := http.DefaultTransport.RoundTrip(req); err == nil {
			resp.Body.Close()
		}
	}()
	<-entered
	r.stop()
	code := <-r.code
	r.code <- code
	if code != exitOK || !strings.Contains(r.stderr.String(), "SALLYPORT_SHUTDOWN_TIMEOUT") {
		t.Errorf("exit code %d:\n%s", code, r.stderr.String())
	}
}

func TestServeRefusesABusyPort(t *testing.T) {
	p := newProvider(t)
	busy := strings.TrimPrefix(newUpstream(t, 200), "http://")
	var stdout, stderr output
	for _, name := range []string{"SALLYPORT_LISTEN", "SALLYPORT_ADMIN_LISTEN"} {
		code := run(t.Context(), nil, serving(p, "http://127.0.0.1:1", map[string]string{name: busy}), &stdout, &stderr)
		if code != exitFailed || !strings.Contains(stderr.String(), "opening listener of "+name) {
			t.Errorf("%s busy: exit code %d\n%s", name, code, stderr.String())
		}
	}
}

func TestServeTLS(t *testing.T) {
	p := newProvider(t)
	certFile, keyFile := writeCertificate(t, t.TempDir(), 1)
	r := start(t, nil, serving(p, newUpstream(t, http.StatusTeapot), map[string]string{
		"SALLYPORT_TLS_CERT_FILE": certFile, "SALLYPORT_TLS_KEY_FILE": keyFile,
		"SALLYPORT_PUBLIC_URL": "https://127.0.0.1",
	}))
	site := r.address("proxy")
	pem, err := os.ReadFile(certFile)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, ForceAttemptHTTP2: true}
	defer transport.CloseIdleConnections()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://"+site+"/public/x", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Host = "127.0.0.1"
	resp, err := transport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusTeapot || resp.ProtoMajor != 2 {
		t.Errorf("status %d over %s, want the app's 418 over HTTP/2", resp.StatusCode, resp.Proto)
	}
	d := tls.Dialer{Config: &tls.Config{RootCAs: roots, MaxVersion: tls.VersionTLS11}}
	if c, err := d.DialContext(t.Context(), "tcp", site); err == nil {
		c.Close()
		t.Error("TLS 1.1 was accepted")
	}
}

// TestMetricsExistFromTheStart looks before the first request.
func TestMetricsExistFromTheStart(t *testing.T) {
	p := newProvider(t)
	r := start(t, nil, serving(p, "http://127.0.0.1:1", nil))
	admin := r.address("admin")
	eventually(t, "readiness", func() bool {
		status, _ := get(t, "http://"+admin+"/readyz")
		return status == http.StatusOK
	})
	_, body := get(t, "http://"+admin+"/metrics")
	for _, name := range []string{
		"http_requests_total", "http_request_duration_seconds_count", "http_requests_in_flight", "upstream_duration_seconds_count",
		"upstream_errors_total", "logins_total", "login_duration_seconds_count", "logouts_total", "sessions_active",
		"session_ends_total", "store_operation_duration_seconds_count", "idp_request_duration_seconds_count", "decisions_total",
		"idp_info", "build_info",
	} {
		if !strings.Contains(body, "\nsallyport_"+name+" ") && !strings.Contains(body, "\nsallyport_"+name+"{") {
			t.Errorf("sallyport_%s does not exist", name)
		}
	}
	for _, name := range []string{"go_goroutines", "process_resident_memory_bytes"} {
		if !strings.Contains(body, "\n"+name+" ") {
			t.Errorf("%s does not exist", name)
		}
	}
	if strings.Contains(body, "canary") {
		t.Error("OP-08 a metric contains a secret")
	}
}

// TestSecretsReachTheirUsers exchanges secrets; secretwatch_test.go tests when
// that happens.
func TestSecretsReachTheirUsers(t *testing.T) {
	s, err := load(with(nil))
	if err != nil {
		t.Fatal(err)
	}
	logger, lines := newLogger(&output{}, "json", nil)
	a, err := assemble(s, parts{now: time.Now, logger: logger, lines: lines, build: readBuild()})
	if err != nil {
		t.Fatal(err)
	}
	w := a.secrets
	if err := w.apply["SALLYPORT_SECRET"]("c2hvcnQ="); err == nil {
		t.Error("a key that is too short was taken")
	}
	if err := w.apply["SALLYPORT_SECRET"]("AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA="); err != nil {
		t.Errorf("a good key was refused: %v", err)
	}
	if err := w.apply["SALLYPORT_OIDC_CLIENT_SECRET"]("another"); err != nil {
		t.Errorf("a client secret was refused: %v", err)
	}
}
