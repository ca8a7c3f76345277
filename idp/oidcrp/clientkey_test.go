package oidcrp

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/sallyport/sallyport/internal/secret"
)

// pemOf writes a private key in PKCS #8.
func pemOf(t testing.TB, key any) string {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

// certificateOf writes a self-signed certificate that ends when it says.
func certificateOf(t testing.TB, key any, ends time.Time) []byte {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: testClient},
		NotBefore: ends.Add(-365 * 24 * time.Hour), NotAfter: ends,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.(crypto.Signer).Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

// newTestKey reads a key that must be good.
func newTestKey(t testing.TB, cfg ClientKeyConfig) *ClientKey {
	t.Helper()
	k, err := NewClientKey(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func jwkOf(t *testing.T, jwk jose.JSONWebKey) string {
	t.Helper()
	text, err := json.Marshal(jwk)
	must(t, err)
	return string(text)
}

func TestClientKeyForms(t *testing.T) {
	rsaKey, ecKey := signingKeys()["RS256"].(*rsa.PrivateKey), signingKeys()["ES384"].(*ecdsa.PrivateKey)
	sec1, err := x509.MarshalECPrivateKey(ecKey)
	must(t, err)
	block := func(kind string, der []byte) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
	}
	tests := []struct {
		name    string
		cfg     ClientKeyConfig
		id, alg string
	}{
		{"PKCS #8 RSA", ClientKeyConfig{Key: secret.New(pemOf(t, rsaKey))}, "", "RS256"},
		{"PKCS #1", ClientKeyConfig{Key: secret.New(block("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(rsaKey)))}, "", "RS256"},
		{"SEC 1 behind its parameters", ClientKeyConfig{Key: secret.New(block("EC PARAMETERS", []byte{6, 0}) + block("EC PRIVATE KEY", sec1))}, "", "ES384"},
		{"certificate and key in one", ClientKeyConfig{Key: secret.New(string(certificateOf(t, rsaKey, time.Now())) + pemOf(t, rsaKey))}, "", "RS256"},
		{"another algorithm that fits", ClientKeyConfig{Key: secret.New(pemOf(t, rsaKey)), Alg: "PS512", ID: "k7"}, "k7", "PS512"},
		{"JWK", ClientKeyConfig{Key: secret.New("\n" + jwkOf(t, jose.JSONWebKey{Key: ecKey, KeyID: "k1"}))}, "k1", "ES384"},
		{"JWK with its algorithm", ClientKeyConfig{Key: secret.New(jwkOf(t, jose.JSONWebKey{Key: rsaKey, KeyID: "k1", Algorithm: "PS256"}))}, "k1", "PS256"},
		{"JWK of another name", ClientKeyConfig{Key: secret.New(jwkOf(t, jose.JSONWebKey{Key: rsaKey, KeyID: "k1", Algorithm: "PS256"})), ID: "k2", Alg: "RS512"}, "k2", "RS512"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			k := newTestKey(t, tt.cfg)
			if k.id != tt.id || k.Alg() != tt.alg {
				t.Errorf("kid %q, alg %q; want %q, %q", k.id, k.Alg(), tt.id, tt.alg)
			}
		})
	}
}

func TestBadClientKeys(t *testing.T) {
	rsaKey, ecKey := signingKeys()["RS256"], signingKeys()["ES256"]
	short, err := rsa.GenerateKey(rand.Reader, 1024)
	must(t, err)
	p224, err := ecdsa.GenerateKey(elliptic.P224(), rand.Reader)
	must(t, err)
	_, edwards, err := ed25519.GenerateKey(rand.Reader)
	must(t, err)
	good := secret.New(pemOf(t, rsaKey))
	tests := []struct {
		name string
		cfg  ClientKeyConfig
		want string
	}{
		{"nothing", ClientKeyConfig{}, "neither PEM"},
		{"a client secret", ClientKeyConfig{Key: secret.New(testSecret)}, "neither PEM"},
		{"a certificate", ClientKeyConfig{Key: secret.New(string(certificateOf(t, rsaKey, time.Now())))}, "neither PEM"},
		{"a passphrase", ClientKeyConfig{Key: secret.New("-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n")}, "openssl pkey"},
		{"a passphrase, old form", ClientKeyConfig{Key: secret.New("-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\nAAAA\n-----END RSA PRIVATE KEY-----\n")}, "openssl pkey"},
		{"garbage in PEM", ClientKeyConfig{Key: secret.New("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")}, "holds no private key"},
		{"1024 bits", ClientKeyConfig{Key: secret.New(pemOf(t, short))}, "2048 bits"},
		{"P-224", ClientKeyConfig{Key: secret.New(pemOf(t, p224))}, "P-256"},
		{"Ed25519", ClientKeyConfig{Key: secret.New(pemOf(t, edwards))}, "P-256"},
		{"a set", ClientKeyConfig{Key: secret.New(`{"keys":[]}`)}, "not a JWK"},
		{"a public JWK", ClientKeyConfig{Key: secret.New(jwkOf(t, jose.JSONWebKey{Key: ecKey.(crypto.Signer).Public()}))}, "not a private one"},
		{"a symmetric JWK", ClientKeyConfig{Key: secret.New(`{"kty":"oct","k":"AAAA"}`)}, "not a private one"},
		{"ES256 with RSA", ClientKeyConfig{Key: good, Alg: "ES256"}, "cannot sign with ES256; it can with RS256"},
		{"ES256 with P-384", ClientKeyConfig{Key: secret.New(pemOf(t, signingKeys()["ES384"])), Alg: "ES256"}, "it can with ES384"},
		{"HS256", ClientKeyConfig{Key: good, Alg: "HS256"}, "cannot sign with HS256"},
		{"JWK that says HS256", ClientKeyConfig{Key: secret.New(jwkOf(t, jose.JSONWebKey{Key: rsaKey, Algorithm: "HS256"}))}, "cannot sign with HS256"},
		{"another key's certificate", ClientKeyConfig{Key: good, Certificate: certificateOf(t, ecKey, time.Now())}, "another key's"},
		{"no certificate in it", ClientKeyConfig{Key: good, Certificate: []byte("hello")}, "BEGIN CERTIFICATE"},
		{"garbage for a certificate", ClientKeyConfig{Key: good, Certificate: []byte("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")}, "reading the certificate"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := NewClientKey(tt.cfg)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("NewClientKey: %v; want an error that says %q", err, tt.want)
			}
		})
	}
}

// What is registered at the provider is the public half.
func TestPublicJWK(t *testing.T) {
	for _, alg := range []string{"RS256", "ES256"} {
		k := newTestKey(t, ClientKeyConfig{Key: secret.New(pemOf(t, signingKeys()[alg])), ID: "k1"})
		text, err := k.PublicJWK()
		must(t, err)
		var jwk jose.JSONWebKey
		must(t, json.Unmarshal(text, &jwk))
		if !jwk.IsPublic() || jwk.KeyID != "k1" || jwk.Algorithm != alg || jwk.Use != "sig" || bytes.Contains(text, []byte(`"d"`)) {
			t.Errorf("PublicJWK of %s: %s", alg, text)
		}
	}
}

func TestClientKeyPrintsNothing(t *testing.T) {
	key := signingKeys()["ES256"].(*ecdsa.PrivateKey)
	k := newTestKey(t, ClientKeyConfig{Key: secret.New(pemOf(t, key)), Certificate: certificateOf(t, key, time.Now())})
	text, err := json.Marshal(k)
	must(t, err)
	out := fmt.Sprintf("%v %+v %#v %s %v", k, k, k, text, []*ClientKey{k})
	if d := key.D.String(); strings.Contains(out, d) || strings.Contains(out, fmt.Sprintf("%x", key.D)) {
		t.Error("a printed ClientKey holds the private key")
	}
}

func FuzzClientKey(f *testing.F) {
	f.Add(pemOf(f, signingKeys()["RS256"]), certificateOf(f, signingKeys()["RS256"], time.Unix(2e9, 0)), "k1", "PS256")
	f.Add(pemOf(f, signingKeys()["ES512"]), []byte(nil), "", "")
	f.Add(`{"kty":"EC","crv":"P-256","x":"AA","y":"AA","d":"AA","kid":"a"}`, []byte("x"), "", "none")
	f.Fuzz(func(t *testing.T, key string, certificate []byte, id, alg string) {
		k, err := NewClientKey(ClientKeyConfig{Key: secret.New(key), Certificate: certificate, ID: id, Alg: alg})
		if err != nil {
			return
		}
		// A key that is accepted can sign.
		if _, err := k.assertion(testClient, "https://idp.example.com", time.Unix(1e9, 0)); err != nil {
			t.Errorf("the key is accepted and cannot sign: %v", err)
		}
	})
}
