package main

import (
	"log/slog"
	"os"
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
