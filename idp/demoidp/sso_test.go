package demoidp_test

import (
	"strings"
	"testing"

	"golang.org/x/oauth2"

	"github.com/sallyport/sallyport/idp/demoidp"
)

func TestSecondSignInIsSilent(t *testing.T) {
	w := newWorld(t, nil)
	_, first := w.signIn("ada")
	a := w.begin()
	code := w.answer(a, w.get(a.url)).Get("code") // no picker in between
	token, err := w.redeem(a, code)
	if err != nil {
		t.Fatal(err)
	}
	if second := w.verify(token, a.nonce); second.SID != first.SID || second.AuthTime != first.AuthTime {
		t.Errorf("silent sign-in gave sid %q and auth_time %d, want %q and %d", second.SID, second.AuthTime, first.SID, first.AuthTime)
	}
}

func TestWhatAsksAgain(t *testing.T) {
	tests := []struct {
		name  string
		param oauth2.AuthCodeOption
		asks  bool
	}{
		{"prompt=login", oauth2.SetAuthURLParam("prompt", "login"), true},
		{"prompt=select_account", oauth2.SetAuthURLParam("prompt", "select_account"), true},
		{"max_age=0", oauth2.SetAuthURLParam("max_age", "0"), true},
		{"max_age=3600", oauth2.SetAuthURLParam("max_age", "3600"), false},
		{"acr elevated", oauth2.SetAuthURLParam("acr_values", "urn:sallyport:demo:elevated"), true},
		{"acr basic", oauth2.SetAuthURLParam("acr_values", "urn:sallyport:demo:basic"), false},
		{"prompt=none", oauth2.SetAuthURLParam("prompt", "none"), false},
	}
	w := newWorld(t, nil)
	w.signIn("ada")
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			p := w.get(w.begin(test.param).url)
			if asks := strings.Contains(p.body, "data-person"); asks != test.asks {
				t.Errorf("picker shown: %v, want %v", asks, test.asks)
			}
		})
	}
}

func TestElevatedSignInIsSaid(t *testing.T) {
	w := newWorld(t, nil)
	_, basic := w.signIn("ada")
	token, elevated := w.signIn("ada", oauth2.SetAuthURLParam("acr_values", "urn:sallyport:demo:elevated"))
	if basic.ACR != "urn:sallyport:demo:basic" || elevated.ACR != "urn:sallyport:demo:elevated" {
		t.Errorf("acr %q, then %q", basic.ACR, elevated.ACR)
	}
	if basic.SID != elevated.SID {
		t.Error("signing in again as the same person changed the session")
	}
	fresh, err := w.refresh(token.RefreshToken)
	if err != nil {
		t.Fatal(err)
	}
	if c := w.verify(fresh, ""); c.ACR != elevated.ACR || c.SID != elevated.SID || c.AuthTime != elevated.AuthTime {
		t.Errorf("after the refresh %+v, want acr, sid and auth_time of %+v", c, elevated)
	}
}

func TestPromptNoneWithoutASession(t *testing.T) {
	w := newWorld(t, nil)
	a := w.begin(oauth2.SetAuthURLParam("prompt", "none"))
	if q := w.answer(a, w.get(a.url)); q.Get("error") != "login_required" || q.Get("code") != "" {
		t.Errorf("answer %v", q)
	}
}

func TestHintOfSomebodyElse(t *testing.T) {
	w := newWorld(t, nil)
	ada, _ := w.signIn("ada")
	w.signIn("grace", oauth2.SetAuthURLParam("prompt", "select_account"))
	hint := oauth2.SetAuthURLParam("id_token_hint", ada.Extra("id_token").(string))
	a := w.begin(hint, oauth2.SetAuthURLParam("prompt", "none"))
	if q := w.answer(a, w.get(a.url)); q.Get("error") != "login_required" {
		t.Errorf("answer %v", q)
	}
}

func TestAnotherPersonReplacesTheSession(t *testing.T) {
	w := newWorld(t, nil)
	ada, _ := w.signIn("ada")
	_, grace := w.signIn("grace", oauth2.SetAuthURLParam("prompt", "select_account"))
	if grace.Subject != "grace" {
		t.Errorf("signed in as %q", grace.Subject)
	}
	_, err := w.refresh(ada.RefreshToken)
	oauthError(t, err, "invalid_grant")
}

// Five tabs of one browser that were all sent to sign in before anybody picked.
func TestFiveTabs(t *testing.T) {
	w := newWorld(t, nil)
	attempts := make([]attempt, 5)
	pages := make([]page, 5)
	for i := range attempts {
		attempts[i] = w.begin()
		pages[i] = w.get(attempts[i].url)
	}
	for i, a := range attempts {
		token, err := w.redeem(a, w.answer(a, w.pick(pages[i], "ada")).Get("code"))
		if err != nil {
			t.Fatalf("tab %d: %v", i, err)
		}
		w.verify(token, a.nonce)
	}
}

func TestLoginHintIsSuggested(t *testing.T) {
	w := newWorld(t, nil)
	p := w.get(w.begin(oauth2.SetAuthURLParam("login_hint", "grace@example.com")).url)
	if !strings.Contains(p.body, `data-person="grace" autofocus`) || strings.Contains(p.body, `data-person="ada" autofocus`) {
		t.Errorf("the hint is not suggested:\n%s", p.body)
	}
}

func TestTwoIssuersOnOneHost(t *testing.T) {
	one, two := newWorld(t, nil), newWorld(t, nil)
	two.browser = one.browser // cookies do not know ports
	one.signIn("ada")
	two.signIn("grace")
	a := one.begin()
	token, err := one.redeem(a, one.answer(a, one.get(a.url)).Get("code"))
	if err != nil {
		t.Fatal(err)
	}
	if c := one.verify(token, a.nonce); c.Subject != "ada" {
		t.Errorf("the other provider's session was used: %q", c.Subject)
	}
}

func TestIssuerWithAPath(t *testing.T) {
	w := newWorld(t, func(c *demoidp.Config) { c.Issuer += "/realms/demo" })
	if _, c := w.signIn("alan"); c.Subject != "alan" {
		t.Errorf("signed in as %q", c.Subject)
	}
	a := w.begin()
	w.answer(a, w.get(a.url)) // the cookie's path fits, so this is silent
}
