package e2e

import (
	"io"
	"net/http"
	"os/exec"
	"strings"
	"testing"
)

// The process starts while the provider is down, says so, and heals by itself.
func TestProviderDownAtStart(t *testing.T) {
	t.Parallel()
	w := planWorld(t)
	w.startSallyport()
	b := newBrowser(t)
	if status := w.readyz(); status != http.StatusServiceUnavailable {
		t.Errorf("/readyz is %d without a provider", status)
	}
	p := b.open(w.public + "/")
	if p.status != http.StatusServiceUnavailable || p.header.Get("Retry-After") == "" || p.header.Get("Sallyport-Error") == "" {
		t.Errorf("a navigation got %d, %v", p.status, p.header)
	}
	if response, err := http.Get(w.admin + "/healthz"); err != nil {
		t.Error(err)
	} else if response.Body.Close(); response.StatusCode != http.StatusOK {
		t.Errorf("/healthz is %d: the process itself is well", response.StatusCode)
	}
	w.startProvider()
	w.awaitReady()
	if values := w.signIn(b, "/", "ada").received().values("X-Forwarded-User"); len(values) != 1 {
		t.Errorf("signed in as %q", values)
	}
}

// An issuer that differs by one slash is the most common mistake there is: both
// strings are shown.
func TestIssuerDiffersByASlash(t *testing.T) {
	t.Parallel()
	w := planWorld(t)
	w.startProvider()
	w.startSallyport("SALLYPORT_OIDC_ISSUER=" + w.issuer + "/")
	if _, ok := w.sallyport.await(func(line string) bool {
		return strings.Contains(line, w.issuer+"/") && strings.Contains(strings.ReplaceAll(line, w.issuer+"/", ""), w.issuer) &&
			strings.Contains(line, "SALLYPORT_OIDC_ISSUER")
	}); !ok {
		t.Error("no line names both issuers and the variable")
	}
	if status := w.readyz(); status != http.StatusServiceUnavailable {
		t.Errorf("/readyz is %d", status)
	}
}

func TestCheckPrintsWhatToRegister(t *testing.T) {
	t.Parallel()
	w := planWorld(t)
	w.startProvider()
	check := exec.Command(binaries.sallyport, "check")
	check.Env = w.environment()
	out, err := check.CombinedOutput()
	if err != nil {
		t.Errorf("sallyport check: %v\n%s", err, out)
	}
	for _, want := range []string{w.public + prefix + "/callback", w.public + prefix + "/logout/callback"} {
		if !strings.Contains(string(out), want) {
			t.Errorf("the output lacks %s\n%s", want, out)
		}
	}
}

// SIGTERM: not ready at once, still serving, and no accepted request is cut.
func TestShutdownCutsNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "SALLYPORT_SHUTDOWN_DELAY=2s")
	b := newBrowser(t)
	w.signIn(b, "/", "ada")
	answer := make(chan string, 1)
	go func() {
		response, err := b.client.Get(w.public + "/slow?ms=4000")
		if err != nil {
			answer <- err.Error()
			return
		}
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		if err != nil {
			answer <- err.Error()
			return
		}
		answer <- string(body)
	}()
	w.app.awaitRecord(record{"event": "slow"})
	w.sallyport.signal()
	w.await("/readyz to answer 503", func() bool { return w.readyz() == http.StatusServiceUnavailable })
	if p := b.fetch(http.MethodGet, w.public+"/api"); p.status != http.StatusOK {
		t.Errorf("during the delay a request got %d", p.status)
	}
	if got := <-answer; got != "done\n" {
		t.Errorf("the slow request got %q", got)
	}
	if code := w.sallyport.exit(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

// The lines of requests wait for each other, but not once the process has been told to
// stop: a second signal ends it without notice.
func TestSecondSignalLosesNoLine(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "SALLYPORT_SHUTDOWN_DELAY=5m")
	b := newBrowser(t)
	w.signIn(b, "/", "ada")
	w.sallyport.signal()
	w.sallyport.awaitRecord(record{"msg": "stopping"})
	if p := b.fetch(http.MethodGet, w.public+"/api"); p.status != http.StatusOK {
		t.Errorf("during the delay a request got %d", p.status)
	}
	w.sallyport.signal()
	if code := w.sallyport.exit(); code == 0 {
		t.Errorf("exit code %d after a second signal", code)
	}
	if n := w.sallyport.count(record{"msg": "request", "path": "/api"}); n != 1 {
		t.Errorf("%d lines of the last request", n)
	}
}

func TestUpstreamDown(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := newBrowser(t)
	w.signIn(b, "/", "ada")
	w.app.stop()
	if p := b.open(w.public + "/"); p.status != http.StatusBadGateway || p.header.Get("Sallyport-Error") == "" {
		t.Errorf("status %d, headers %v", p.status, p.header)
	}
	if status := w.readyz(); status != http.StatusOK {
		t.Errorf("/readyz is %d: an application that is down is not Sallyport's unreadiness", status)
	}
}

func TestHugeCookieHeader(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := newBrowser(t)
	b.header = http.Header{"Cookie": {"a=" + strings.Repeat("x", 70<<10)}}
	if p := b.open(w.public + "/"); p.status != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("status %d", p.status)
	}
	b.header = http.Header{}
	if p := b.open(w.public + "/"); !strings.HasPrefix(p.at.String(), w.issuer) {
		t.Errorf("afterwards at %s: %d", p.at, p.status)
	}
}

// Every series of the contract is there before anything happened.
func TestMetricsFromTheStart(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	response, err := http.Get(w.admin + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{
		"http_requests_total", "http_request_duration_seconds_bucket", "http_requests_in_flight", "upstream_duration_seconds_bucket",
		"upstream_errors_total", "logins_total", "login_duration_seconds_bucket", "logouts_total", "sessions_active",
		"session_ends_total", "store_operation_duration_seconds_bucket", "idp_request_duration_seconds_bucket", "decisions_total",
		"idp_info", "build_info",
	} {
		if !strings.Contains(string(body), "\nsallyport_"+name+"{") && !strings.Contains(string(body), "\nsallyport_"+name+" ") {
			t.Errorf("sallyport_%s is not there", name)
		}
	}
}
