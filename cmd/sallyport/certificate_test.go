package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"log/slog"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// writeCertificate makes a self-signed certificate for 127.0.0.1 and returns
// the paths of certificate and key.
func writeCertificate(t *testing.T, dir string, serial int64) (certFile, keyFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: "test"},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, DNSNames: []string{"localhost"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	certFile, keyFile = filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key")
	for path, block := range map[string]*pem.Block{certFile: {Type: "CERTIFICATE", Bytes: der}, keyFile: {Type: "PRIVATE KEY", Bytes: private}} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return certFile, keyFile
}

func TestCertificateIsReadAgain(t *testing.T) {
	dir := t.TempDir()
	certFile, keyFile := writeCertificate(t, dir, 1)
	now := time.Now()
	var log bytes.Buffer
	c, err := newCertificate(certFile, keyFile, func() time.Time { return now }, slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	serial := func() int64 {
		t.Helper()
		return c.get().Leaf.SerialNumber.Int64()
	}
	if got := serial(); got != 1 {
		t.Fatalf("serial %d, want 1", got)
	}
	writeCertificate(t, dir, 2)
	later := now.Add(time.Second)
	if err := os.Chtimes(certFile, later, later); err != nil {
		t.Fatal(err)
	}
	if got := serial(); got != 1 {
		t.Errorf("serial %d at once, want 1: every handshake would look at the files", got)
	}
	now = now.Add(reloadEvery + time.Second)
	if got := serial(); got != 2 {
		t.Errorf("serial %d after the interval, want 2", got)
	}

	if err := os.WriteFile(keyFile, []byte("half a ke"), 0o600); err != nil {
		t.Fatal(err)
	}
	now = now.Add(reloadEvery + time.Second)
	if got := serial(); got != 2 {
		t.Errorf("serial %d while the files are broken, want 2", got)
	}
	if !strings.Contains(log.String(), "SALLYPORT_TLS_KEY_FILE") {
		t.Errorf("nobody was told: %s", log.String())
	}
	writeCertificate(t, dir, 3)
	now = now.Add(reloadEvery + time.Second)
	if got := serial(); got != 3 {
		t.Errorf("serial %d after the repair, want 3", got)
	}
}

// Browsers refuse a certificate that is over; nobody should learn of it from people.
func TestCertificateThatIsOver(t *testing.T) {
	certFile, keyFile := writeCertificate(t, t.TempDir(), 1)
	for _, tt := range []struct {
		name, host string
		in         time.Duration // from now
		want       []string      // "level words" of the findings, in their order
		logged     string        // level
	}{
		{"not yet", "localhost", -10 * 365 * 24 * time.Hour, []string{"fail not valid before"}, "ERROR"},
		{"ends soon", "localhost", 0, []string{"warn expires at"}, "WARN"},
		{"over", "localhost", 2 * time.Hour, []string{"fail expired at"}, "ERROR"},
		{"of another host", "app.example.com", 2 * time.Hour, []string{"fail expired at", "warn does not name app.example.com"}, "ERROR"},
		{"of another host, soon", "app.example.com", 0, []string{"warn expires at", "warn does not name app.example.com"}, "WARN"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, err := load(with(map[string]string{
				"SALLYPORT_PUBLIC_URL": "https://" + tt.host, "SALLYPORT_TLS_CERT_FILE": certFile, "SALLYPORT_TLS_KEY_FILE": keyFile,
			}))
			if err != nil {
				t.Fatal(err)
			}
			now := time.Now().Add(tt.in)
			var f findings
			checkCertificate(s, now, &f)
			if len(f) != len(tt.want) {
				t.Fatalf("findings %+v, want %q", f, tt.want)
			}
			for i, one := range f {
				level, words, _ := strings.Cut(tt.want[i], " ")
				if one.Level != level || !strings.Contains(one.Message, words) || one.Variable != "SALLYPORT_TLS_CERT_FILE" {
					t.Errorf("finding %+v, want %s", one, tt.want[i])
				}
			}
			var log bytes.Buffer
			if _, err := newCertificate(certFile, keyFile, func() time.Time { return now }, slog.New(slog.NewTextHandler(&log, nil))); err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(log.String(), "level="+tt.logged) || !strings.Contains(log.String(), "variable=SALLYPORT_TLS_CERT_FILE") {
				t.Errorf("the log lacks a line of level %s: %s", tt.logged, log.String())
			}
		})
	}
}

func TestCertificateThatIsGood(t *testing.T) {
	leaf := &x509.Certificate{NotBefore: time.Unix(0, 0), NotAfter: time.Unix(0, 0).Add(72 * time.Hour)}
	for after, want := range map[time.Duration]bool{0: true, 23 * time.Hour: true, 25 * time.Hour: false} {
		if problem, bad := certificateProblem(leaf, time.Unix(0, 0).Add(after)); (problem == "") != want || bad {
			t.Errorf("after %s: %q, bad %t", after, problem, bad)
		}
	}
}
