package oidcrp

import (
	"net/url"
	"testing"
)

func TestSignIn(t *testing.T) {
	h := newHostile(t)
	w := newWorld(t, h, nil)
	res := w.signIn("/reports?year=2026")
	if res.StatusCode != 302 || res.Header.Get("Location") != "/reports?year=2026" {
		t.Fatalf("callback: %d to %q, want 302 to the page first asked for; log:\n%s", res.StatusCode, res.Header.Get("Location"), w.log)
	}
	if user := w.signedIn(); user != "alice" {
		t.Errorf("signed in as %q, want alice", user)
	}
	calls := h.got("/token")
	if len(calls) != 1 {
		t.Fatalf("%d token requests, want 1", len(calls))
	}
	form := calls[0].form
	if form.Get("grant_type") != "authorization_code" || form.Get("code") != testCode || len(form.Get("code_verifier")) < 43 || form.Has("client_secret") {
		t.Errorf("token request %v", form)
	}
	if want := "Basic " + basic(url.QueryEscape(testClient), url.QueryEscape(testSecret)); calls[0].authorization != want {
		t.Error("the client's credentials are not form-encoded Basic (RFC 6749 §2.3.1)")
	}
}
