package proxy

import (
	"strings"
	"testing"
)

func TestSignedIn(t *testing.T) {
	f := newFixture(t, withCORS(nil))
	a := f.get("/oauth2/signed-in", "Cookie: "+valid, acceptsHTML, "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document")
	a.wantStatus(t, 200)
	for _, want := range []string{`data-channel="sallyport /oauth2/session"`, `data-origins="https://front.example.com https://b.example.com:8443"`, "window.close()"} {
		if !strings.Contains(a.body, want) {
			t.Errorf("the page has no %s:\n%s", want, a.body)
		}
	}
	for field, want := range map[string]string{
		"Cache-Control": "no-store", "X-Frame-Options": "DENY",
		// It would cut the popup off from the page that opened it.
		"Cross-Origin-Opener-Policy": "",
	} {
		if got := a.Header.Get(field); got != want {
			t.Errorf("%s is %q, want %q", field, got, want)
		}
	}
	if csp := a.Header.Get("Content-Security-Policy"); !strings.Contains(csp, "script-src 'sha256-") || !strings.Contains(csp, "default-src 'none'") {
		t.Errorf("policy %s", csp)
	}
	if strings.Contains(a.body, "alice") || f.auth.asked != 0 {
		t.Error("the page tells who it is, or counts as use of the session")
	}
	a = f.get("/oauth2/signed-in", "Cookie: "+valid, "Accept: application/json")
	if a.wantStatus(t, 200); !strings.Contains(a.body, `"code":"signed_in"`) {
		t.Errorf("a program reads %s", a.body)
	}
}

// Without a session the popup begins the sign-in again, and comes back.
func TestSignedInWithoutASession(t *testing.T) {
	f := newFixture(t, nil)
	f.get("/oauth2/signed-in", acceptsHTML).wantStatus(t, 302)
	if to := f.login.last(); to != "/oauth2/signed-in" {
		t.Errorf("the sign-in leads to %s", to)
	}
	f.get("/oauth2/signed-in", "Accept: application/json").wantStatus(t, 401)
	f.send(request("POST", "/oauth2/signed-in", "Cookie: "+valid)).wantStatus(t, 405)
	f.get("/oauth2/signed-in/", "Cookie: "+valid).wantStatus(t, 404)
	f.app.wantNone(t)
}
