package demoidp_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"github.com/sallyport/sallyport/idp/demoidp"
)

func TestRefreshRotates(t *testing.T) {
	w := newWorld(t, nil)
	token, c := w.signIn("ada")
	if err := w.idp.SetPersonGroups("ada", []string{"guests"}); err != nil {
		t.Fatal(err)
	}
	second, err := w.refresh(token.RefreshToken)
	if err != nil {
		t.Fatal(err)
	}
	if second.RefreshToken == token.RefreshToken || second.AccessToken == token.AccessToken {
		t.Error("a token did not change")
	}
	if got := w.verify(second, ""); !slices.Equal(got.Groups, []string{"guests"}) || got.SID != c.SID {
		t.Errorf("claims after the refresh %+v", got)
	}
	if w.idp.RefreshCount() != 1 || w.idp.TokenCalls() != 2 {
		t.Errorf("%d refreshes of %d calls, want 1 of 2", w.idp.RefreshCount(), w.idp.TokenCalls())
	}

	// the old one again: it, and all that came of it, is revoked
	_, err = w.refresh(token.RefreshToken)
	oauthError(t, err, "invalid_grant")
	_, err = w.refresh(second.RefreshToken)
	oauthError(t, err, "invalid_grant")
	if _, err := w.provider.UserInfo(t.Context(), oauth2.StaticTokenSource(second)); err == nil {
		t.Error("the access token outlived its revoked family")
	}
}

// Two refreshes with one token at the same moment are a reuse like any other.
func TestConcurrentRefreshIsReuse(t *testing.T) {
	w := newWorld(t, nil)
	token, _ := w.signIn("ada")
	var good atomic.Int32
	var tokens [8]*oauth2.Token
	var all sync.WaitGroup
	for i := range tokens {
		all.Go(func() {
			if fresh, err := w.refresh(token.RefreshToken); err == nil {
				good.Add(1)
				tokens[i] = fresh
			}
		})
	}
	all.Wait()
	if good.Load() > 1 {
		t.Errorf("%d of 8 refreshes with one token succeeded", good.Load())
	}
	for _, fresh := range tokens {
		if fresh != nil {
			_, err := w.refresh(fresh.RefreshToken)
			oauthError(t, err, "invalid_grant")
		}
	}
}

func TestFixedRefreshToken(t *testing.T) {
	w := newWorld(t, func(c *demoidp.Config) { c.FixedRefreshToken = true })
	token, _ := w.signIn("ada")
	for range 3 {
		fresh, err := w.refresh(token.RefreshToken)
		if err != nil {
			t.Fatal(err)
		}
		if fresh.RefreshToken != token.RefreshToken {
			t.Error("the refresh token changed")
		}
	}
}

func TestClientWithoutRefreshToken(t *testing.T) {
	w := newWorld(t, func(c *demoidp.Config) { c.Clients[0].NoRefreshToken = true })
	if token, _ := w.signIn("ada"); token.RefreshToken != "" {
		t.Error("got a refresh token")
	}
}

func TestRefreshEndsWithTheSession(t *testing.T) {
	w := newWorld(t, nil)
	bound, c := w.signIn("ada")
	w.oauth.Scopes = append(w.oauth.Scopes, oidc.ScopeOfflineAccess)
	a := w.begin()
	offline, err := w.redeem(a, w.answer(a, w.get(a.url)).Get("code"))
	if err != nil {
		t.Fatal(err)
	}
	if !w.idp.EndSession(c.SID) || w.idp.EndSession(c.SID) {
		t.Error("the session was not there, or is still there")
	}
	_, err = w.refresh(bound.RefreshToken)
	oauthError(t, err, "invalid_grant")
	if _, err := w.refresh(offline.RefreshToken); err != nil {
		t.Errorf("offline_access ended with the session: %v", err)
	}
	if p := w.get(w.begin().url); !strings.Contains(p.body, "data-person") {
		t.Error("the browser's session still passes silently")
	}
}

func TestRefreshOfAnotherClient(t *testing.T) {
	w := newWorld(t, func(c *demoidp.Config) {
		c.Clients = append(c.Clients, demoidp.Client{ID: "other", Secret: "other-secret", RedirectURIs: []string{redirectURI}})
	})
	token, _ := w.signIn("ada")
	w.oauth.ClientID, w.oauth.ClientSecret = "other", "other-secret"
	_, err := w.refresh(token.RefreshToken)
	oauthError(t, err, "invalid_grant")
}

// revoke calls the revocation endpoint (RFC 7009) and returns the status.
func (w *world) revoke(token, id, secret string) int {
	w.t.Helper()
	r, err := http.NewRequestWithContext(w.t.Context(), http.MethodPost, w.issuer+"/revoke", strings.NewReader(url.Values{"token": {token}}.Encode()))
	if err != nil {
		w.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.SetBasicAuth(id, secret)
	return w.read(http.DefaultClient.Do(r)).status
}

func TestRevocation(t *testing.T) {
	w := newWorld(t, nil)
	token, _ := w.signIn("ada")
	if status := w.revoke(token.RefreshToken, clientID, "wrong"); status != http.StatusUnauthorized {
		t.Errorf("wrong secret: %d", status)
	}
	if status := w.revoke(token.AccessToken, clientID, clientSecret); status != http.StatusOK {
		t.Errorf("access token: %d", status)
	}
	if _, err := w.provider.UserInfo(t.Context(), oauth2.StaticTokenSource(token)); err == nil {
		t.Error("the revoked access token still answers")
	}
	if status := w.revoke(token.RefreshToken, clientID, clientSecret); status != http.StatusOK {
		t.Errorf("refresh token: %d", status)
	}
	_, err := w.refresh(token.RefreshToken)
	oauthError(t, err, "invalid_grant")
	if status := w.revoke("no such token", clientID, clientSecret); status != http.StatusOK {
		t.Errorf("unknown token: %d, RFC 7009 §2.2 wants 200", status)
	}
}

func TestIntrospection(t *testing.T) {
	w := newWorld(t, nil)
	token, _ := w.signIn("ada")
	introspect := func() string {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.issuer+"/introspect", strings.NewReader(url.Values{"token": {token.AccessToken}}.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.SetBasicAuth(clientID, clientSecret)
		return w.read(http.DefaultClient.Do(r)).body
	}
	if body := introspect(); !strings.Contains(body, `"active":true`) || !strings.Contains(body, `"sub":"ada"`) {
		t.Errorf("live token: %s", body)
	}
	w.revoke(token.AccessToken, clientID, clientSecret)
	if body := introspect(); !strings.Contains(body, `"active":false`) {
		t.Errorf("revoked token: %s", body)
	}
}

func TestRotatedKeysSignFromThenOn(t *testing.T) {
	w := newWorld(t, nil)
	old, _ := w.signIn("ada")
	if err := w.idp.RotateKeys(); err != nil {
		t.Fatal(err)
	}
	fresh, err := w.refresh(old.RefreshToken)
	if err != nil {
		t.Fatal(err)
	}
	w.verify(fresh, "")
	again, err := oidc.NewProvider(t.Context(), w.issuer) // without the keys fetched before
	if err != nil {
		t.Fatal(err)
	}
	if _, err := again.Verifier(&oidc.Config{ClientID: clientID}).Verify(t.Context(), old.Extra("id_token").(string)); err == nil {
		t.Error("the old key is still published")
	}
}
