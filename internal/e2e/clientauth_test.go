package e2e

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"maps"
	"math/big"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// credential is a private key with its certificate.
type credential struct {
	key         crypto.Signer
	certificate *x509.Certificate
}

// issue certifies a key; a nil issuer means that it certifies itself.
func issue(t *testing.T, name string, key crypto.Signer, issuer *credential) *credential {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name, Organization: []string{"Example"}},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, BasicConstraintsValid: true, IsCA: issuer == nil,
	}
	by := issuer
	if by == nil {
		by = &credential{key: key, certificate: template}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, by.certificate, key.Public(), by.key)
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &credential{key: key, certificate: certificate}
}

func (c *credential) certificatePEM() string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.certificate.Raw}))
}

func (c *credential) keyPEM(t *testing.T) string {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(c.key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

func ecKey(t *testing.T, curve elliptic.Curve) crypto.Signer {
	t.Helper()
	key, err := ecdsa.GenerateKey(curve, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func rsaKey(t *testing.T) crypto.Signer {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func writeFile(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// register runs `sallyport check --register` and returns the line under a heading
// that holds of.
func (w *world) register(of string, env []string) string {
	w.t.Helper()
	register := exec.Command(binaries.sallyport, "check", "--register")
	register.Env = append([]string{"SALLYPORT_PUBLIC_URL=" + w.public}, env...)
	out, err := register.CombinedOutput()
	if err != nil {
		w.t.Fatalf("sallyport check --register: %v\n%s", err, out)
	}
	_, after, ok := strings.Cut(string(out), of)
	_, after, more := strings.Cut(after, "\n\n")
	line, _, _ := strings.Cut(after, "\n")
	if !ok || !more {
		w.t.Fatalf("sallyport check --register says nothing about %q:\n%s", of, out)
	}
	return strings.TrimSpace(line)
}

// jwks is the key that an operator registers.
func (w *world) jwks(env []string) map[string]any {
	w.t.Helper()
	var key map[string]any
	if err := json.Unmarshal([]byte(w.register("as a JWK", env)), &key); err != nil {
		w.t.Fatal(err)
	}
	return map[string]any{"keys": []any{key}}
}

// The client that is registered with what `sallyport check --register` prints signs
// people in, refreshes and revokes, whatever its credential, also where requests have
// to be pushed.
func TestClientAuthentication(t *testing.T) {
	ec, rs := ecKey(t, elliptic.P256()), rsaKey(t)
	const required, always = "required", "always"
	for _, test := range []struct {
		name, method string
		key          crypto.Signer // nil: a secret
		push         string        // "": requests are not pushed
		env          []string
	}{
		{"Basic, pushed", "client_secret_basic", nil, required, nil},
		{"post", "client_secret_post", nil, "", nil},
		{"post, pushed", "client_secret_post", nil, always, []string{"SALLYPORT_OIDC_PAR=always"}},
		{"ES256", "private_key_jwt", ec, "", nil},
		{"ES256 with kid, pushed", "private_key_jwt", ec, required, []string{"SALLYPORT_OIDC_CLIENT_KEY_ID=k1"}},
		{"RS256", "private_key_jwt", rs, "", nil},
		{"PS256 for the endpoint, pushed", "private_key_jwt", rs, required, []string{"SALLYPORT_OIDC_CLIENT_KEY_ALG=PS256", "SALLYPORT_OIDC_CLIENT_ASSERTION_AUDIENCE=endpoint"}},
		{"certificate of an authority", "tls_client_auth", ec, "", nil},
		{"certificate of an authority, pushed", "tls_client_auth", rs, required, nil},
		{"certificate of its own", "self_signed_tls_client_auth", ec, "", nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := planWorld(t)
			w.pushed = test.push == required
			env := append([]string{"SALLYPORT_OIDC_CLIENT_AUTH=" + test.method}, test.env...)
			if test.key != nil {
				env = w.registerKey(test.method, test.key, env)
			} else {
				w.registered = map[string]any{"token_endpoint_auth_method": test.method, "client_secret": clientSecret}
			}
			w.startProvider()
			w.startSallyport(env...)
			w.awaitReady()
			w.signsInRefreshesAndRevokes(record{"tls": strings.Contains(test.method, "tls")}, test.push != "")
		})
	}
}

// registerKey registers a client with a key, and returns the environment for it.
func (w *world) registerKey(method string, key crypto.Signer, env []string) []string {
	w.t.Helper()
	authority := issue(w.t, "authority", ecKey(w.t, elliptic.P256()), nil)
	client := issue(w.t, "sallyport", key, authority)
	if method != "tls_client_auth" {
		client = issue(w.t, "sallyport", key, nil)
	}
	env = append(env, "SALLYPORT_OIDC_CLIENT_SECRET=", "SALLYPORT_OIDC_CLIENT_KEY_FILE="+writeFile(w.t, "client.key", client.keyPEM(w.t)))
	w.registered = map[string]any{"token_endpoint_auth_method": method}
	if method == "private_key_jwt" {
		w.registered["jwks"] = w.jwks(env)
		return env
	}
	env = append(env, "SALLYPORT_OIDC_CLIENT_CERT_FILE="+writeFile(w.t, "client.crt", client.certificatePEM()))
	if method == "tls_client_auth" {
		w.registered["tls_client_auth_subject_dn"] = w.register("tls_client_auth_subject_dn", env)
	} else {
		w.registered["jwks"] = w.jwks(env)
	}
	server := issue(w.t, "provider", ecKey(w.t, elliptic.P256()), authority)
	w.mutualTLS = map[string]any{
		"port": freePort(w.t), "key": server.keyPEM(w.t), "cert": server.certificatePEM(), "ca": authority.certificatePEM(),
	}
	return append(env, "SALLYPORT_OIDC_CA_FILE="+writeFile(w.t, "ca.crt", authority.certificatePEM()))
}

// signsInRefreshesAndRevokes makes the three kinds of calls that authenticate the
// client, and looks at the provider for each; over says how they come.
func (w *world) signsInRefreshesAndRevokes(over record, pushed bool) {
	w.t.Helper()
	b := newBrowser(w.t)
	p := w.signIn(b, "/", "ada")
	if p.status != http.StatusOK || p.received().values("X-Forwarded-User")[0] != "ada" {
		w.t.Fatalf("ended at %s: %d\n%s", p.at, p.status, p.body)
	}
	w.provider.awaitRecord(with(over, "event", "grant.success", "grant_type", "authorization_code"))
	if got := w.provider.count(with(over, "event", "pushed")); got == 1 != pushed {
		w.t.Errorf("%d requests were pushed, want one: %t", got, pushed)
	}
	// A session that is younger than five seconds is not refreshed.
	w.await("the session to be refreshed", func() bool {
		if p := b.fetch(http.MethodPost, w.public+prefix+"/session/refresh"); p.status != http.StatusOK {
			w.t.Fatalf("refreshing: %d\n%s", p.status, p.body)
		}
		return w.provider.count(with(over, "event", "grant.success", "grant_type", "refresh_token")) > 0
	})
	header := navigation()
	header.Set("Sec-Fetch-Site", "same-origin")
	header.Set("Origin", w.public)
	b.send(http.MethodPost, w.public+prefix+"/logout", url.Values{}, header)
	w.provider.awaitRecord(record{"event": "refresh_token.destroyed"})
}

// with is r with further fields, given as name and value in turn.
func with(r record, more ...any) record {
	out := maps.Clone(r)
	for i := 0; i < len(more); i += 2 {
		out[more[i].(string)] = more[i+1]
	}
	return out
}
