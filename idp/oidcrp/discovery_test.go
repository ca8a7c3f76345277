package oidcrp

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sallyport/sallyport/internal/fault"
)

func TestDiscoveryRefusals(t *testing.T) {
	tests := []struct {
		name     string
		metadata func(h *hostile) func(map[string]any)
		want     []string
	}{
		{"OT-10 P28 issuer with a slash more", func(h *hostile) func(map[string]any) {
			return func(m map[string]any) { m["issuer"] = h.URL + "/" }
		}, []string{"SALLYPORT_OIDC_ISSUER is ", "the provider says ", "byte for byte"}},
		{"OT-10 tenant template", func(h *hostile) func(map[string]any) {
			return func(m map[string]any) { m["issuer"] = "https://login.example/{tenantid}/v2.0" }
		}, []string{"{tenantid}", "byte for byte"}},
		{"no issuer", func(*hostile) func(map[string]any) {
			return func(m map[string]any) { delete(m, "issuer") }
		}, []string{"byte for byte"}},
		{"no token endpoint", func(*hostile) func(map[string]any) {
			return func(m map[string]any) { delete(m, "token_endpoint") }
		}, []string{"token_endpoint is missing"}},
		{"no keys", func(*hostile) func(map[string]any) {
			return func(m map[string]any) { delete(m, "jwks_uri") }
		}, []string{"jwks_uri is missing"}},
		{"an endpoint of another scheme", func(*hostile) func(map[string]any) {
			return func(m map[string]any) { m["token_endpoint"] = "file:///etc/passwd" }
		}, []string{"token_endpoint"}},
		{"an endpoint with credentials", func(h *hostile) func(map[string]any) {
			return func(m map[string]any) { m["authorization_endpoint"] = "http://u:p@idp.example/authorize" }
		}, []string{"authorization_endpoint"}},
		{"over 1 MiB", func(*hostile) func(map[string]any) {
			return func(m map[string]any) { m["x"] = strings.Repeat("a", maxAnswer) }
		}, []string{"more than 1048576 bytes"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := newHostile(t)
			h.metadata = tt.metadata(h)
			w := prepareWorld(t, h, nil)
			err := w.client.discover(t.Context())
			if err == nil {
				t.Fatal("discovery succeeded")
			}
			for _, want := range tt.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error %q, want %q in it", err, want)
				}
			}
		})
	}
}

// The issuer of the configuration is not trimmed either.
func TestIssuerShowsBothStrings(t *testing.T) {
	h := newHostile(t)
	w := prepareWorld(t, h, func(c *Config) { c.Issuer = h.URL + "/" })
	err := w.client.discover(t.Context())
	if err == nil || !strings.Contains(err.Error(), `"`+h.URL+`/"`) || !strings.Contains(err.Error(), `"`+h.URL+`"`) {
		t.Errorf("P28 P33: error %v, want both issuers in it", err)
	}
}

func TestDiscoveryHealsByItself(t *testing.T) {
	h := newHostile(t)
	var up atomic.Bool
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !up.Load() {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		h.Config.Handler.ServeHTTP(w, r)
	}))
	t.Cleanup(front.Close)
	h.URL = front.URL
	w := prepareWorld(t, h, nil)
	w.client.pauses = pauses{first: time.Millisecond, longest: 5 * time.Millisecond, refresh: time.Hour}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); w.client.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-done })

	waitFor(t, "a failed attempt", func() bool { return w.client.lastFailure.Load() != nil })
	if err := w.client.Ready(); err == nil || !strings.Contains(err.Error(), "503") {
		t.Errorf("Ready = %v, want the reason", err)
	}
	res := w.get("/")
	if res.StatusCode != http.StatusServiceUnavailable || res.Header.Get("Sallyport-Error") != string(fault.IdPUnavailable) {
		t.Errorf("a navigation while the provider is down: %d %s, want 503 idp_unavailable", res.StatusCode, res.Header.Get("Sallyport-Error"))
	}
	up.Store(true)
	waitFor(t, "discovery", func() bool { return w.client.Ready() == nil })
	w.signIn("/")
	if user := w.signedIn(); user != "alice" {
		t.Errorf("signed in as %q once the provider is up, want alice", user)
	}
}

// waitFor waits for something that another goroutine does soon.
func waitFor(t *testing.T, what string, ok func() bool) {
	t.Helper()
	ticker := time.NewTicker(time.Millisecond)
	defer ticker.Stop()
	deadline := time.After(20 * time.Second)
	for !ok() {
		select {
		case <-ticker.C:
		case <-deadline:
			t.Fatalf("%s: not within 20 s", what)
		}
	}
}

func TestLaterMetadataMayNotMove(t *testing.T) {
	h := newHostile(t)
	w := newWorld(t, h, nil)
	h.set(func() {
		h.metadata = func(m map[string]any) { m["token_endpoint"] = "http://evil.example/token" }
	})
	err := w.client.discover(t.Context())
	if err == nil || !strings.Contains(err.Error(), "evil.example") {
		t.Errorf("OT-12: discover = %v, want a refusal that names the host", err)
	}
	w.signIn("/")
	if user := w.signedIn(); user != "alice" {
		t.Errorf("OT-12: signed in as %q with the old metadata, want alice", user)
	}
}

func TestLaterOutageKeepsMetadata(t *testing.T) {
	h := newHostile(t)
	w := newWorld(t, h, nil)
	h.set(func() { h.metadata = func(m map[string]any) { m["issuer"] = "https://other.example" } })
	if err := w.client.discover(t.Context()); err == nil {
		t.Fatal("OT-12: discovery accepted another issuer")
	}
	if err := w.client.Ready(); err != nil {
		t.Errorf("OT-12: Ready = %v after a failed refresh, want nil", err)
	}
}

func TestDiscoveryElsewhere(t *testing.T) {
	h := newHostile(t)
	mirror := httptest.NewServer(h.Config.Handler)
	t.Cleanup(mirror.Close)
	w := prepareWorld(t, h, func(c *Config) { c.DiscoveryURL = mirror.URL + "/.well-known/openid-configuration?p=policy" })
	must(t, w.client.discover(t.Context()))
	w.signIn("/")
	if user := w.signedIn(); user != "alice" {
		t.Errorf("signed in as %q with metadata from elsewhere, want alice", user)
	}
}
