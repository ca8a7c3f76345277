package demoidp_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/sallyport/sallyport/idp/demoidp"
)

func (w *world) endSession(params url.Values) page {
	w.t.Helper()
	return w.get(w.issuer + "/end_session?" + params.Encode())
}

// signedIn reports whether the browser still has a session at the provider.
func (w *world) signedIn() bool {
	w.t.Helper()
	return !strings.Contains(w.get(w.issuer+"/account").body, `data-session=""`)
}

func TestEndSessionWithHint(t *testing.T) {
	w := newWorld(t, nil)
	token, _ := w.signIn("ada")
	p := w.endSession(url.Values{
		"id_token_hint":            {token.Extra("id_token").(string)},
		"client_id":                {clientID},
		"post_logout_redirect_uri": {signedOutURI},
		"state":                    {"xyz"},
	})
	if p.location == nil || p.location.String() != signedOutURI+"?state=xyz" {
		t.Fatalf("status %d, to %v", p.status, p.location)
	}
	if w.signedIn() {
		t.Error("the session goes on")
	}
	_, err := w.refresh(token.RefreshToken)
	oauthError(t, err, "invalid_grant")
}

func TestEndSessionRefusals(t *testing.T) {
	w := newWorld(t, nil)
	token, _ := w.signIn("ada")
	hint := token.Extra("id_token").(string)
	for name, params := range map[string]url.Values{
		"unregistered page": {"id_token_hint": {hint}, "post_logout_redirect_uri": {"http://evil.example/"}},
		"another client":    {"id_token_hint": {hint}, "client_id": {"other"}, "post_logout_redirect_uri": {signedOutURI}},
		"forged hint":       {"id_token_hint": {hint[:len(hint)-4] + "AAAA"}, "post_logout_redirect_uri": {signedOutURI}},
	} {
		t.Run(name, func(t *testing.T) {
			if p := w.endSession(params); p.status != http.StatusBadRequest || p.location != nil {
				t.Errorf("status %d, to %v", p.status, p.location)
			}
			if !w.signedIn() {
				t.Error("the session ended")
			}
		})
	}
}

func TestEndSessionWithoutHintAsks(t *testing.T) {
	w := newWorld(t, nil)
	w.signIn("ada")
	params := url.Values{"client_id": {clientID}, "post_logout_redirect_uri": {signedOutURI}, "state": {"s"}}
	if p := w.endSession(params); p.status != http.StatusOK || !strings.Contains(p.body, `data-action="confirm"`) {
		t.Fatalf("no question: %d\n%s", p.status, p.body)
	}
	if !w.signedIn() {
		t.Fatal("the session ended without an answer")
	}
	params.Set("confirm", "1")
	if p := w.get(w.issuer + "/end_session?" + params.Encode()); !strings.Contains(p.body, `data-action="confirm"`) {
		t.Error("a link confirmed")
	}
	p := w.post(w.issuer+"/end_session", params)
	if p.location == nil || p.location.String() != signedOutURI+"?state=s" || w.signedIn() {
		t.Errorf("status %d, to %v, signed in %v", p.status, p.location, w.signedIn())
	}
	if p := w.endSession(url.Values{}); p.status != http.StatusOK || !strings.Contains(p.body, "has ended") {
		t.Errorf("nothing to end: %d\n%s", p.status, p.body)
	}
}

func TestAccountPageEndsTheSession(t *testing.T) {
	w := newWorld(t, nil)
	if w.signedIn() {
		t.Error("signed in before the sign-in")
	}
	token, c := w.signIn("ada")
	p := w.get(w.issuer + "/")
	for _, want := range []string{`data-session="` + c.SID + `"`, "Ada Lovelace", "engineering", clientID} {
		if !strings.Contains(p.body, want) {
			t.Errorf("account page lacks %s:\n%s", want, p.body)
		}
	}
	if p := w.post(w.issuer+"/account/end", nil); p.at.Path != "/account" || w.signedIn() {
		t.Errorf("at %s, signed in %v", p.at, w.signedIn())
	}
	_, err := w.refresh(token.RefreshToken)
	oauthError(t, err, "invalid_grant")
}

func TestEndPerson(t *testing.T) {
	w := newWorld(t, nil)
	first, _ := w.signIn("ada")
	w.browser = newBrowser(t)
	w.signIn("ada")
	w.browser = newBrowser(t)
	grace, _ := w.signIn("grace")
	if n := w.idp.EndPerson("ada"); n != 2 {
		t.Errorf("%d sessions ended, want 2", n)
	}
	_, err := w.refresh(first.RefreshToken)
	oauthError(t, err, "invalid_grant")
	if _, err := w.refresh(grace.RefreshToken); err != nil {
		t.Errorf("somebody else's session ended: %v", err)
	}
}

func TestBackChannelLogout(t *testing.T) {
	received := make(chan string, 1)
	app := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		received <- r.PostFormValue("logout_token")
	}))
	t.Cleanup(app.Close)
	w := newWorld(t, func(c *demoidp.Config) { c.Clients[0].BackChannelLogoutURI = app.URL + "/logout/backchannel" })
	_, c := w.signIn("ada")
	w.idp.EndSession(c.SID)
	w.idp.WaitDeliveries()

	var raw string
	select {
	case raw = <-received:
	default:
		t.Fatal("no logout token was sent")
	}
	token, err := jwt.ParseSigned(raw, []jose.SignatureAlgorithm{jose.RS256})
	if err != nil {
		t.Fatal(err)
	}
	if typ := token.Headers[0].ExtraHeaders[jose.HeaderType]; typ != "logout+jwt" {
		t.Errorf("typ %v", typ)
	}
	// go-oidc checks signature, iss, aud and exp
	if _, err := w.provider.Verifier(oidcConfig()).Verify(t.Context(), raw); err != nil {
		t.Error(err)
	}
	var got struct {
		SID    string         `json:"sid"`
		Sub    string         `json:"sub"`
		JTI    string         `json:"jti"`
		Nonce  *string        `json:"nonce"`
		Events map[string]any `json:"events"`
	}
	if err := token.UnsafeClaimsWithoutVerification(&got); err != nil {
		t.Fatal(err)
	}
	if got.SID != c.SID || got.Sub != "ada" || got.JTI == "" || got.Nonce != nil ||
		got.Events["http://schemas.openid.net/event/backchannel-logout"] == nil {
		t.Errorf("logout token %+v", got)
	}
}
