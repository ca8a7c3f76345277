package oidcrp

import (
	"net/url"
	"slices"
	"testing"
)

// After a sign-out that left the provider's session alone, the next sign-in of that
// browser asks which account, however it begins; the one after that does not.
func TestNextSignInAsksForAccount(t *testing.T) {
	h := newHostile(t)
	h.metadata = func(m map[string]any) { delete(m, "end_session_endpoint") }
	w := newWorld(t, h, nil)
	prompt := func() string {
		t.Helper()
		res := w.get("/")
		at, err := url.Parse(res.Header.Get("Location"))
		must(t, err)
		return at.Query().Get("prompt")
	}
	if got := prompt(); got != "" {
		t.Errorf("before anything the sign-in asks %q", got)
	}
	w.signIn("/")
	drain(w.get("/oauth2/logout"))
	if got := prompt(); got != "select_account" {
		t.Errorf("after a local sign-out the sign-in asks %q, want select_account", got)
	}
	other := w.jar
	w.newBrowser()
	if got := prompt(); got != "" {
		t.Errorf("another browser is asked %q", got)
	}
	w.jar = other
	w.signIn("/")
	if user := w.signedIn(); user != "alice" {
		t.Fatalf("signed in as %q", user)
	}
	w.loseSessions()
	if got := prompt(); got != "" {
		t.Errorf("after the sign-in the next one asks %q", got)
	}
}

// A prompt that the operator chose stays.
func TestNextSignInKeepsThePrompt(t *testing.T) {
	h := newHostile(t)
	h.metadata = func(m map[string]any) { delete(m, "end_session_endpoint") }
	w := newWorld(t, h, func(c *Config) { c.Prompt = []string{"login"} })
	w.signIn("/")
	drain(w.get("/oauth2/logout"))
	at, err := url.Parse(w.get("/").Header.Get("Location"))
	must(t, err)
	if got := at.Query()["prompt"]; !slices.Equal(got, []string{"login"}) {
		t.Errorf("prompt %q", got)
	}
}
