package demoidp_test

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"github.com/sallyport/sallyport/idp/demoidp"
)

// oauthError fails the test unless err is the token endpoint's error want.
func oauthError(t *testing.T, err error, want string) {
	t.Helper()
	var e *oauth2.RetrieveError
	if !errors.As(err, &e) || e.ErrorCode != want {
		t.Fatalf("error %v, want %s", err, want)
	}
}

func TestSignInSaysWhoItIs(t *testing.T) {
	w := newWorld(t, nil)
	before := time.Now().Unix()
	token, c := w.signIn("ada")

	if c.Subject != "ada" || c.Name != "Ada Lovelace" || c.Username != "ada" || c.Email != "ada@example.com" ||
		c.Verified == nil || !*c.Verified || !slices.Equal(c.Groups, []string{"engineering", "admins"}) {
		t.Errorf("claims %+v", c)
	}
	if c.SID == "" || c.AuthTime < before || c.ACR == "" || len(c.AMR) == 0 {
		t.Errorf("session claims %+v", c)
	}
	if token.RefreshToken == "" {
		t.Error("no refresh token although none needs offline_access")
	}
	if scope, _ := token.Extra("scope").(string); scope != "openid profile email" {
		t.Errorf("scope %q: the answer must not claim offline_access", scope)
	}
	if left := time.Until(token.Expiry); left > 5*time.Minute || left < 4*time.Minute {
		t.Errorf("access token lives %s", left)
	}

	info, err := w.provider.UserInfo(t.Context(), oauth2.StaticTokenSource(token))
	if err != nil {
		t.Fatal(err)
	}
	var u claims
	if err := info.Claims(&u); err != nil {
		t.Fatal(err)
	}
	if u.Subject != "ada" || u.Email != "ada@example.com" || !slices.Equal(u.Groups, c.Groups) {
		t.Errorf("userinfo %+v", u)
	}
}

func TestClaimsFollowScopesAndPeople(t *testing.T) {
	w := newWorld(t, func(c *demoidp.Config) {
		c.People = []demoidp.Person{{ID: "eve", Name: "Eve", Email: "eve@example.com", Groups: []string{"a", "b"},
			Claims: map[string]any{"department": "R&D"}}}
	})
	_, c := w.signIn("eve")
	if c.Verified == nil || *c.Verified {
		t.Errorf("email_verified %v, want an explicit false", c.Verified)
	}
	if c.Department != "R&D" || c.Name != "Eve" {
		t.Errorf("claims %+v", c)
	}

	w.oauth.Scopes = []string{"openid"}
	w.browser = newBrowser(t)
	if _, c = w.signIn("eve"); c.Email != "" || c.Name != "" || c.Groups != nil {
		t.Errorf("openid alone gave %+v", c)
	}
	w.oauth.Scopes = []string{"openid", "groups"}
	w.browser = newBrowser(t)
	if _, c = w.signIn("eve"); c.Name != "" || !slices.Equal(c.Groups, []string{"a", "b"}) {
		t.Errorf("openid groups gave %+v", c)
	}
}

func TestCodeWorksOnceAndReplayRevokes(t *testing.T) {
	w := newWorld(t, nil)
	a := w.begin()
	code := w.answer(a, w.pick(w.get(a.url), "ada")).Get("code")
	token, err := w.redeem(a, code)
	if err != nil {
		t.Fatal(err)
	}
	_, err = w.redeem(a, code)
	oauthError(t, err, "invalid_grant")
	_, err = w.refresh(token.RefreshToken)
	oauthError(t, err, "invalid_grant")
	if _, err := w.provider.UserInfo(t.Context(), oauth2.StaticTokenSource(token)); err == nil {
		t.Error("the access token of a replayed code still answers")
	}
}

func TestPKCE(t *testing.T) {
	w := newWorld(t, nil)
	t.Run("wrong verifier", func(t *testing.T) {
		a := w.begin()
		code := w.answer(a, w.pick(w.get(a.url), "ada")).Get("code")
		_, err := w.oauth.Exchange(t.Context(), code, oauth2.VerifierOption(oauth2.GenerateVerifier()))
		oauthError(t, err, "invalid_grant")
	})
	t.Run("no verifier", func(t *testing.T) {
		a := w.begin()
		code := w.answer(a, w.get(a.url)).Get("code")
		_, err := w.oauth.Exchange(t.Context(), code)
		oauthError(t, err, "invalid_request")
	})
	for name, challenge := range map[string]oauth2.AuthCodeOption{
		"plain":        oauth2.SetAuthURLParam("code_challenge_method", "plain"),
		"no challenge": oauth2.SetAuthURLParam("code_challenge", ""),
		"no method":    oauth2.SetAuthURLParam("code_challenge_method", ""),
	} {
		t.Run(name, func(t *testing.T) {
			a := w.begin(challenge)
			if q := w.answer(a, w.get(a.url)); q.Get("error") != "invalid_request" || q.Get("code") != "" {
				t.Errorf("answer %v", q)
			}
		})
	}
}

func TestClientAuthentication(t *testing.T) {
	tests := []struct {
		name   string
		change func(*oauth2.Config)
		want   string // error code, "" for none
	}{
		{"basic", func(*oauth2.Config) {}, ""},
		{"post", func(c *oauth2.Config) { c.Endpoint.AuthStyle = oauth2.AuthStyleInParams }, ""},
		{"wrong secret", func(c *oauth2.Config) { c.ClientSecret = "guess" }, "invalid_client"},
		{"no secret", func(c *oauth2.Config) { c.ClientSecret = "" }, "invalid_client"},
		{"other client", func(c *oauth2.Config) { c.ClientID, c.ClientSecret = "other", "other-secret" }, "invalid_grant"},
		{"other redirect URI", func(c *oauth2.Config) { c.RedirectURL += "/" }, "invalid_grant"},
	}
	w := newWorld(t, func(c *demoidp.Config) {
		c.Clients = append(c.Clients, demoidp.Client{ID: "other", Secret: "other-secret", RedirectURIs: []string{redirectURI}})
	})
	w.signIn("ada")
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			a := w.begin()
			code := w.answer(a, w.get(a.url)).Get("code")
			c := *w.oauth
			test.change(&c)
			_, err := c.Exchange(t.Context(), code, oauth2.VerifierOption(a.verifier))
			if test.want != "" {
				oauthError(t, err, test.want)
			} else if err != nil {
				t.Fatal(err)
			}
		})
	}
}

func TestUnregisteredRedirectsAreNotFollowed(t *testing.T) {
	w := newWorld(t, nil)
	for _, uri := range []string{"http://evil.example/", redirectURI + "/", redirectURI + "?x=1", "http://APP.example/oauth2/callback", ""} {
		a := w.begin(oauth2.SetAuthURLParam("redirect_uri", uri))
		if p := w.get(a.url); p.status != http.StatusBadRequest || p.location != nil {
			t.Errorf("redirect_uri %q: status %d, to %v", uri, p.status, p.location)
		}
	}
	a := w.begin(oauth2.SetAuthURLParam("client_id", "nobody"))
	if p := w.get(a.url); p.status != http.StatusBadRequest || p.location != nil {
		t.Errorf("unknown client: status %d, to %v", p.status, p.location)
	}
}

func TestFormPost(t *testing.T) {
	w := newWorld(t, nil)
	a := w.begin(oauth2.SetAuthURLParam("response_mode", "form_post"))
	p := w.pick(w.get(a.url), "grace")
	for _, want := range []string{`action="` + redirectURI + `"`, `name="code"`, `name="state" value="` + a.state + `"`, `name="iss" value="` + w.issuer + `"`} {
		if !strings.Contains(p.body, want) {
			t.Errorf("form_post page lacks %s:\n%s", want, p.body)
		}
	}
	if csp := p.header.Get("Content-Security-Policy"); !strings.Contains(csp, "form-action 'self' http://app.example") {
		t.Errorf("policy %q would stop the form", csp)
	}
	a = w.begin(oauth2.SetAuthURLParam("response_mode", "fragment"))
	if p := w.get(a.url); p.location == nil || !strings.Contains(p.location.Fragment, "error=invalid_request") {
		t.Errorf("response_mode=fragment: %d, to %v", p.status, p.location)
	}
}

func TestCancelAndForgedChoices(t *testing.T) {
	w := newWorld(t, nil)
	a := w.begin()
	p := w.get(a.url)
	id := p.at.Query().Get("id")
	if p := w.post(w.issuer+"/login", url.Values{"id": {id}, "person": {"mallory"}}); p.status != http.StatusBadRequest {
		t.Errorf("unknown person: %d", p.status)
	}
	if p := w.post(w.issuer+"/login", url.Values{"id": {"forged"}, "person": {"ada"}}); p.status != http.StatusBadRequest {
		t.Errorf("forged request: %d", p.status)
	}
	if q := w.answer(a, w.post(w.issuer+"/login", url.Values{"id": {id}, "cancel": {"1"}})); q.Get("error") != "access_denied" {
		t.Errorf("cancel: %v", q)
	}
	if p := w.post(w.issuer+"/login", url.Values{"id": {id}, "person": {"ada"}}); p.status != http.StatusBadRequest {
		t.Errorf("choice after cancel: %d", p.status)
	}
}

func TestChoicesFromOtherSitesAreRefused(t *testing.T) {
	w := newWorld(t, nil)
	id := w.get(w.begin().url).at.Query().Get("id")
	for _, path := range []string{"/login", "/account/end"} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.issuer+path,
			strings.NewReader(url.Values{"id": {id}, "person": {"ada"}}.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Sec-Fetch-Site", "cross-site")
		if p := w.read(w.browser.Do(r)); p.status != http.StatusForbidden {
			t.Errorf("%s from another site: %d", path, p.status)
		}
	}
}
