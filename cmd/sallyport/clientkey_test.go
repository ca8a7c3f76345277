package main

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/idp/oidcrp"
)

// useClientKey makes an environment authenticate the client with a key.
func useClientKey(t *testing.T, vars map[string]string) {
	t.Helper()
	_, vars[clientKeyVariable] = writeCertificate(t, t.TempDir(), 1)
	vars[clientAuthVariable] = string(oidcrp.PrivateKeyJWT)
	delete(vars, clientSecretVariable)
}

// A new key with the certificate of the old one is never used: the pair is read
// when both are there.
func TestClientKeyIsReadAgain(t *testing.T) {
	dir := t.TempDir()
	certFile, keyFile := writeCertificate(t, dir, 1)
	now := time.Now()
	get, err := newClientKey(OIDCConfig{ClientKeyFile: keyFile, ClientCertFile: certFile}, func() time.Time { return now }, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	first := get()
	newCert, newKey := writeCertificate(t, t.TempDir(), 2)
	replace := func(old, by string) {
		t.Helper()
		b, err := os.ReadFile(by)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(old, b, 0o600); err != nil {
			t.Fatal(err)
		}
		now = now.Add(reloadEvery + time.Second)
		if err := os.Chtimes(old, now, now); err != nil {
			t.Fatal(err)
		}
	}
	replace(keyFile, newKey)
	if get() != first {
		t.Error("a key is used with another key's certificate")
	}
	replace(certFile, newCert)
	if got := get().Certificate().SerialNumber.Int64(); got != 2 {
		t.Errorf("certificate %d after both files changed, want 2", got)
	}
}

// P25, C39: the doctor says how long the secret, or the certificate, is good for.
func TestCheckExpiry(t *testing.T) {
	now := time.Date(2029, 12, 31, 12, 0, 0, 0, time.UTC)
	for _, tt := range []struct{ date, want string }{
		{"", ""},
		{"2030-03-01", "ok | client expiry |  | SALLYPORT_OIDC_CLIENT_SECRET expires at 2030-03-01T00:00:00Z\n"},
		{"2030-01-15", "warn | client expiry | SALLYPORT_OIDC_CLIENT_SECRET | SALLYPORT_OIDC_CLIENT_SECRET expires in 14 days and 12 hours, at 2030-01-15T00:00:00Z: from then on NOBODY can sign in at this provider; replace it before\n"},
		{"2029-12-31T12:00:00Z", "fail | client expiry | SALLYPORT_OIDC_CLIENT_SECRET | SALLYPORT_OIDC_CLIENT_SECRET expired at 2029-12-31T12:00:00Z: NOBODY can sign in at this provider until it is replaced; who is signed in stays so, without refreshes\n"},
	} {
		s, err := load(with(map[string]string{expiresVariable: tt.date}))
		if err != nil {
			t.Fatal(err)
		}
		var f findings
		checkExpiry(s.providers[0], now, &f)
		if got := render(f); got != tt.want {
			t.Errorf("%s:\n got %s\nwant %s", tt.date, got, tt.want)
		}
	}

	vars := valid()
	useClientKey(t, vars)
	vars[clientCertVariable] = strings.TrimSuffix(vars[clientKeyVariable], "key") + "crt" // as writeCertificate names it
	s, err := load(environment(vars))
	if err != nil {
		t.Fatal(err)
	}
	var f findings
	checkExpiry(s.providers[0], time.Now(), &f) // it lasts an hour
	if got := render(f); !strings.HasPrefix(got, "warn | client expiry | SALLYPORT_OIDC_CLIENT_CERT_FILE | SALLYPORT_OIDC_CLIENT_CERT_FILE expires in 0 days and 1 hours") {
		t.Errorf("a certificate: %s", got)
	}
}

// The secret before is read again like the others.
func TestPreviousSecretFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "previous")
	if err := os.WriteFile(file, []byte("one\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := load(with(map[string]string{previousSecretVariable + fileSuffix: file}))
	if err != nil {
		t.Fatal(err)
	}
	live := newLiveSecrets(s)
	w := newSecretWatch(s, nil, live, slog.New(slog.DiscardHandler))
	if got := live.providers[0].previousSecret().Reveal(); got != "one" || w.files[previousSecretVariable] != file {
		t.Errorf("the secret is %q, watched at %q", got, w.files[previousSecretVariable])
	}
	if err := w.apply[previousSecretVariable]("two"); err != nil || live.providers[0].previousSecret().Reveal() != "two" || live.providers[0].secret().Reveal() != "canary-client-secret" {
		t.Errorf("after the change: %v", err)
	}
}
