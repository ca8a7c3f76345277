package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport/sallyport/session"
)

// valid is a complete environment; each test changes what it is about.
func valid() map[string]string {
	return map[string]string{
		"SALLYPORT_PUBLIC_URL":         "https://app.example.com",
		"SALLYPORT_UPSTREAM":           "http://127.0.0.1:8080",
		"SALLYPORT_OIDC_ISSUER":        "https://idp.example.com",
		"SALLYPORT_OIDC_CLIENT_ID":     "rp1",
		"SALLYPORT_OIDC_CLIENT_SECRET": "canary-client-secret",
		"SALLYPORT_SECRET":             "bZrC1nG0mE3l7yQm6QfVg0Hc5hWk2x8sT4uJ9pA1dEw=",
	}
}

func environment(vars map[string]string) []string {
	var environ []string
	for _, name := range slices.Sorted(maps.Keys(vars)) {
		environ = append(environ, name+"="+vars[name])
	}
	return environ
}

func with(changes map[string]string) []string {
	vars := valid()
	maps.Copy(vars, changes)
	return environment(vars)
}

func TestValidConfiguration(t *testing.T) {
	s, err := load(append(with(nil), "PATH=/bin", "HOME=/root", "NOT_SALLYPORT_X=1"))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := s.endpoint("/callback"), "https://app.example.com/oauth2/callback"; got != want {
		t.Errorf("callback is %q, want %q", got, want)
	}
	if s.Session.MaxAge != 12*time.Hour || s.Session.Idle != time.Hour || !s.Upstream.PassHost || s.Network.AdminListen != ":4190" {
		t.Errorf("defaults are not those of the reference: %+v", s.Config)
	}
	if got, want := s.providers[0].OIDC.Scopes, []string{"openid", "profile", "email"}; !slices.Equal(got, want) {
		t.Errorf("scopes are %q, want %q", got, want)
	}
	if s.providers[0].Request.MaxAge != nil {
		t.Errorf("max age is %v although it is unset", s.providers[0].Request.MaxAge)
	}
	if got := s.cookies.SessionName(); got != "__Host-sallyport" {
		t.Errorf("session cookie is %q", got)
	}
}

func TestAcceptedValues(t *testing.T) {
	for name, changes := range map[string]map[string]string{
		"empty is unset":           {"SALLYPORT_PREFIX": "", "SALLYPORT_OIDC_SCOPES": "", "SALLYPORT_TRUSTED_PROXIES": ""},
		"base path":                {"SALLYPORT_PUBLIC_URL": "https://example.com/a/b/"},
		"http on loopback":         {"SALLYPORT_PUBLIC_URL": "http://localhost:4180", "SALLYPORT_OIDC_ISSUER": "http://127.0.0.1:8080/realms/x"},
		"http on IPv6 loopback":    {"SALLYPORT_PUBLIC_URL": "http://[::1]:4180"},
		"http when insisted on":    {"SALLYPORT_PUBLIC_URL": "http://app.example.com", "SALLYPORT_INSECURE_HTTP": "true"},
		"issuer with slash":        {"SALLYPORT_OIDC_ISSUER": "https://tenant.eu.auth0.com/"},
		"unix upstream":            {"SALLYPORT_UPSTREAM": "unix:///run/app.sock"},
		"h2c upstream":             {"SALLYPORT_UPSTREAM": "h2c://app:9000"},
		"unix listeners":           {"SALLYPORT_LISTEN": "unix:///run/a.sock", "SALLYPORT_ADMIN_LISTEN": "unix:///run/b.sock"},
		"admin off":                {"SALLYPORT_ADMIN_LISTEN": "off"},
		"public client":            {"SALLYPORT_OIDC_CLIENT_AUTH": "none", "SALLYPORT_OIDC_CLIENT_SECRET": ""},
		"single trusted address":   {"SALLYPORT_TRUSTED_PROXIES": "10.1.2.3, fd00::/8"},
		"cookie domain":            {"SALLYPORT_COOKIE_DOMAIN": "example.com"},
		"cookie domain, dotted":    {"SALLYPORT_COOKIE_DOMAIN": ".example.com"},
		"no idle limit":            {"SALLYPORT_SESSION_IDLE": "0"},
		"fresh sign-in every time": {"SALLYPORT_OIDC_MAX_AGE": "0s"},
		"extra parameters":         {"SALLYPORT_OIDC_EXTRA_PARAMS": "domain_hint=example.com,hd=a%2Cb"},
		"kubernetes service": {
			"SALLYPORT_PORT": "tcp://10.0.0.1:80", "SALLYPORT_SERVICE_HOST": "10.0.0.1", "SALLYPORT_SERVICE_PORT": "80",
			"SALLYPORT_SERVICE_PORT_HTTP": "80", "SALLYPORT_PORT_4180_TCP": "tcp://10.0.0.1:4180",
			"SALLYPORT_PORT_4180_TCP_PROTO": "tcp", "SALLYPORT_PORT_4180_TCP_PORT": "4180", "SALLYPORT_PORT_4180_TCP_ADDR": "10.0.0.1",
		},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := load(with(changes)); err != nil {
				t.Errorf("refused: %v", err)
			}
		})
	}
}

func TestIssuerIsKeptByteForByte(t *testing.T) {
	s, err := load(with(map[string]string{"SALLYPORT_OIDC_ISSUER": "https://IdP.example.com:443/x/"}))
	if err != nil {
		t.Fatal(err)
	}
	if s.providers[0].OIDC.Issuer != "https://IdP.example.com:443/x/" {
		t.Errorf("issuer became %q", s.providers[0].OIDC.Issuer)
	}
}

func TestExtraParams(t *testing.T) {
	s, err := load(with(map[string]string{"SALLYPORT_OIDC_EXTRA_PARAMS": "a=1, b=x%2Cy%3D"}))
	if err != nil {
		t.Fatal(err)
	}
	if got := s.providers[0].extraParams.Encode(); got != "a=1&b=x%2Cy%3D" {
		t.Errorf("parameters are %q", got)
	}
}

func TestAllFaultsAtOnce(t *testing.T) {
	_, err := load([]string{"SALLYPORT_SESSION_IDLE=soon", "SALLYPORT_UPSTRAEM=http://a", "SALLYPORT_PREFIX=x"})
	want := []string{
		"SALLYPORT_OIDC_CLIENT_ID", "SALLYPORT_OIDC_CLIENT_SECRET", "SALLYPORT_OIDC_ISSUER", "SALLYPORT_PREFIX",
		"SALLYPORT_PUBLIC_URL", "SALLYPORT_SECRET", "SALLYPORT_SESSION_IDLE", "SALLYPORT_UPSTRAEM", "SALLYPORT_UPSTREAM",
	}
	var got []string
	for _, e := range configErrors(err) {
		got = append(got, e.Variable)
	}
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("faulty variables (-want +got):\n%s\n%v", diff, err)
	}
}

func TestSecretFiles(t *testing.T) {
	dir := t.TempDir()
	file := func(name, content string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	key := session.GenerateKey().Encode()
	vars := valid()
	delete(vars, "SALLYPORT_SECRET")
	delete(vars, "SALLYPORT_OIDC_CLIENT_SECRET")
	vars["SALLYPORT_SECRET_FILE"] = file("key", key+"\n")
	vars["SALLYPORT_OIDC_CLIENT_SECRET_FILE"] = file("client", "two newlines\n\n")
	s, err := load(environment(vars))
	if err != nil {
		t.Fatal(err)
	}
	if s.Session.Secret.Reveal() != key {
		t.Error("the newline at the end of the key file was not dropped")
	}
	if got := s.providers[0].OIDC.ClientSecret.Reveal(); got != "two newlines\n" {
		t.Errorf("more than one newline was dropped: %q", got)
	}
}

// canaries are secrets that no output may contain.
var canaries = []string{"canary-client-secret", "bZrC1nG0mE3l7yQm6QfVg0Hc5hWk2x8sT4uJ9pA1dEw"}

func TestConfigPrintsNoSecret(t *testing.T) {
	s, err := load(with(nil))
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
		fmt.Fprintf(&out, verb+"\n", s.Config)
		fmt.Fprintf(&out, verb+"\n", &s.Config)
		fmt.Fprintf(&out, verb+"\n", *s)
	}
	if err := json.NewEncoder(&out).Encode(s.Config); err != nil {
		t.Fatal(err)
	}
	slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "config", s.Config, "settings", s)
	slog.New(slog.NewTextHandler(&out, nil)).Info("x", "config", s.Config, "settings", s)
	for _, c := range canaries {
		if strings.Contains(out.String(), c) {
			t.Errorf("a secret was printed: %s", c)
		}
	}
	if !strings.Contains(out.String(), "[redacted]") {
		t.Error("the secrets' fields were not printed at all, so that this test proves nothing")
	}
}
