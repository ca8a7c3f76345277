package e2e

import (
	"encoding/base64"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// samples are the apps of docs/integrations/assertion.md, each with the program and
// arguments that run it.
func samples(t *testing.T) map[string][]string {
	t.Helper()
	const folder = "../../docs/integrations/samples/assertion"
	dir := t.TempDir()

	binary := filepath.Join(dir, "sample")
	if out, err := exec.Command("go", "build", "-o", binary, "./"+folder).CombinedOutput(); err != nil {
		t.Fatalf("building the Go sample: %v\n%s", err, out)
	}
	// Where npm has put jose, a part of oidc-provider, is where Node looks for it.
	text, err := os.ReadFile(filepath.Join(folder, "app.mjs"))
	if err != nil {
		t.Fatal(err)
	}
	modules, err := filepath.Abs("oidc-provider/node_modules")
	if err != nil {
		t.Fatal(err)
	}
	script := filepath.Join(dir, "app.mjs")
	if err := os.WriteFile(script, text, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(modules, filepath.Join(dir, "node_modules")); err != nil {
		t.Fatal(err)
	}
	return map[string][]string{"Go": {binary}, "Node": {node(t), script}}
}

// TestAssertionSamples runs the apps of the documentation behind Sallyport.
func TestAssertionSamples(t *testing.T) {
	for name, command := range samples(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := planWorld(t)
			w.startProvider()
			address := "127.0.0.1:" + freePort(t)
			sample := start(t, name+" sample", []string{
				"ISSUER=" + w.public, "AUDIENCE=billing", "JWKS_URL=" + w.public + prefix + "/jwks", "LISTEN=" + address,
			}, command[0], command[1:]...)
			if _, ok := sample.await(func(line string) bool { return strings.Contains(line, "listening on "+address) }); !ok {
				t.Fatal("the sample does not listen")
			}
			w.startSallyport("SALLYPORT_UPSTREAM=http://"+address, "SALLYPORT_ASSERTION_AUDIENCE=billing", "SALLYPORT_PUBLIC_PATHS=/public/**")
			w.awaitReady()

			b := newBrowser(t)
			if p := w.signIn(b, "/", "ada"); p.status != http.StatusOK || p.body != "Hello ada <ada@example.com> of [engineering admins]\n" {
				t.Errorf("signed in: %d %q", p.status, p.body)
			}
			b.header.Set("X-Sallyport-Assertion", forgedAssertion(w.public))
			if p := b.open(w.public + "/"); p.status != http.StatusOK || !strings.Contains(p.body, "Hello ada") {
				t.Errorf("with a forged assertion through Sallyport: %d %q", p.status, p.body)
			}
			if p := b.open(w.public + "/public/x"); p.status != http.StatusUnauthorized {
				t.Errorf("on a public path, where nobody is vouched for: %d %q", p.status, p.body)
			}
			// Past Sallyport.
			for _, header := range []http.Header{
				{}, {"X-Sallyport-Assertion": {forgedAssertion(w.public)}}, {"X-Sallyport-Assertion": {"x"}}, {"X-Forwarded-User": {"root"}},
			} {
				if p := b.send(http.MethodGet, "http://"+address+"/", nil, header); p.status != http.StatusUnauthorized {
					t.Errorf("past Sallyport with %v: %d %q", header, p.status, p.body)
				}
			}
		})
	}
}

// forgedAssertion is unsigned (RFC 8725 §2.1).
func forgedAssertion(issuer string) string {
	encode := base64.RawURLEncoding.EncodeToString
	return encode([]byte(`{"alg":"none","typ":"JWT"}`)) + "." +
		encode([]byte(`{"iss":"`+issuer+`","aud":"billing","sub":"root","iat":1,"exp":9999999999}`)) + "."
}
