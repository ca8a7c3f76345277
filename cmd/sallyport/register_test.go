package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport/sallyport/idp/oidcrp"
)

var update = flag.Bool("update", false, "write the golden files of testdata anew")

// golden compares with a file of testdata, or writes it.
func golden(t *testing.T, file, got string) {
	t.Helper()
	file = filepath.Join("testdata", file)
	if *update {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("run with -update if this is meant (-golden +got):\n%s", diff)
	}
}

func runRegister(t *testing.T, environ ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = run(t.Context(), []string{"check", "--register"}, environ, &out, &errs)
	return code, out.String(), errs.String()
}

// T14, P18, P24, P30: what is printed is enough to set the provider up.
func TestRegister(t *testing.T) {
	for _, name := range oidcrp.PresetNames() {
		t.Run(name, func(t *testing.T) {
			code, out, errs := runRegister(t, "SALLYPORT_PUBLIC_URL=https://app.example.com", "SALLYPORT_OIDC_PROVIDER="+name)
			if code != exitOK || errs != "" {
				t.Fatalf("exit %d: %s", code, errs)
			}
			golden(t, "register/"+name+".txt", out)
		})
	}
}

// P17, P18: what is printed is what is sent.
func TestRegisterPrintsWhatIsSent(t *testing.T) {
	environ := with(map[string]string{"SALLYPORT_PUBLIC_URL": "https://app.example.com/base", "SALLYPORT_PREFIX": "/sso"})
	s, err := load(environ)
	if err != nil {
		t.Fatal(err)
	}
	_, out, _ := runRegister(t, environ...)
	for _, address := range []string{s.endpoint("/callback"), s.endpoint("/logout/callback")} {
		if !strings.Contains(out, "\n      "+address+"\n") {
			t.Errorf("%s is not printed:\n%s", address, out)
		}
	}
	if strings.Contains(out, "canary") {
		t.Error("a secret is printed")
	}
}

// The cookie store finds no sessions, so that the provider can end none.
func TestRegisterWithoutChannels(t *testing.T) {
	_, out, _ := runRegister(t, "SALLYPORT_PUBLIC_URL=https://app.example.com", "SALLYPORT_OIDC_PROVIDER=keycloak", "SALLYPORT_SESSION_STORE=cookie")
	if strings.Contains(out, "channel\n") || !strings.Contains(out, "leave it empty: SALLYPORT_SESSION_STORE=cookie finds no sessions to end") {
		t.Errorf("printed:\n%s", out)
	}
}

func TestRegisterRefuses(t *testing.T) {
	for _, tc := range []struct{ environ, want string }{
		{"SALLYPORT_OIDC_PROVIDER=okta", "SALLYPORT_PUBLIC_URL is required"},
		{"SALLYPORT_PUBLIC_URL=app.example.com", "SALLYPORT_PUBLIC_URL is"},
		{"SALLYPORT_OIDC_PROVIDER=azure", `SALLYPORT_OIDC_PROVIDER is "azure"`},
		{"SALLYPORT_WAFFLES=1", "SALLYPORT_WAFFLES is not a variable"},
	} {
		if code, out, errs := runRegister(t, tc.environ); code != exitUsage || out != "" || !strings.Contains(errs, tc.want) {
			t.Errorf("%s: exit %d, %q, %q", tc.environ, code, out, errs)
		}
	}
}

// A client with a key registers its public half, and has no secret to come back.
func TestRegisterPrintsThePublicKey(t *testing.T) {
	certFile, keyFile := writeCertificate(t, t.TempDir(), 1)
	code, out, errs := runRegister(t, "SALLYPORT_PUBLIC_URL=https://app.example.com", "SALLYPORT_OIDC_CLIENT_AUTH=private_key_jwt",
		"SALLYPORT_OIDC_CLIENT_KEY_FILE="+keyFile, "SALLYPORT_OIDC_CLIENT_CERT_FILE="+certFile, "SALLYPORT_OIDC_CLIENT_KEY_ID=k1")
	if code != exitOK || !strings.Contains(out, "token_endpoint_auth_method: private_key_jwt") || strings.Contains(out, "SECRET") {
		t.Fatalf("exit %d: %s\n%s", code, errs, out)
	}
	_, after, _ := strings.Cut(out, "\n  {")
	line, _, _ := strings.Cut(after, "\n")
	var jwk map[string]any
	if err := json.Unmarshal([]byte("{"+line), &jwk); err != nil {
		t.Fatalf("%v:\n%s", err, out)
	}
	if jwk["kid"] != "k1" || jwk["alg"] != "ES256" || jwk["x"] == nil || jwk["d"] != nil {
		t.Errorf("the key is %v", jwk)
	}
}

func TestRegisterOfAPublicClient(t *testing.T) {
	code, out, errs := runRegister(t, "SALLYPORT_PUBLIC_URL=https://app.example.com", "SALLYPORT_OIDC_CLIENT_AUTH=none")
	if code != exitOK || strings.Contains(out, "SECRET") || !strings.HasSuffix(out, "Then set SALLYPORT_OIDC_CLIENT_ID to what the provider shows, and run: sallyport check\n") {
		t.Errorf("exit %d: %s\n%s", code, errs, out)
	}
}

func TestRegisterPrintsTheSubject(t *testing.T) {
	certFile, keyFile := writeCertificate(t, t.TempDir(), 1)
	code, out, errs := runRegister(t, "SALLYPORT_PUBLIC_URL=https://app.example.com", "SALLYPORT_OIDC_CLIENT_AUTH=tls_client_auth",
		"SALLYPORT_OIDC_CLIENT_KEY_FILE="+keyFile, "SALLYPORT_OIDC_CLIENT_CERT_FILE="+certFile)
	if code != exitOK || !strings.Contains(out, "tls_client_auth_subject_dn)\n\n  CN=test\n") {
		t.Errorf("exit %d: %s\n%s", code, errs, out)
	}
}
