package oidcrp

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// Nothing secret may reach a log or a page, whatever goes wrong.
func TestNothingSecretIsSaid(t *testing.T) {
	knobs := map[string]func(*hostile){
		"a good sign-in": func(*hostile) {},
		"userinfo":       thin,
		"a refused code": func(h *hostile) {
			h.token = says(400, "application/json", `{"error":"invalid_grant","error_description":"`+testCode+`"}`)
		},
		"an unreadable answer":     func(h *hostile) { h.token = says(200, "text/html", testAccessToken+testRefreshToken) },
		"a redirect":               func(h *hostile) { h.token = redirects },
		"an ID token of others":    func(h *hostile) { h.claims = func(c map[string]any) { c["aud"] = "other" } },
		"an ID token signed wrong": func(h *hostile) { h.key = signingKeys()["ES256"] },
		"another sub in userinfo":  func(h *hostile) { thin(h); h.userinfo = raw(`{"sub":"` + testAccessToken + `"}`) },
		"an error":                 func(h *hostile) { h.answer = func(q url.Values) { q.Del("code"); q.Set("error", "access_denied") } },
		"a failing revocation":     func(h *hostile) { h.revoke = func(w http.ResponseWriter) { w.WriteHeader(400) } },
	}
	for name, knob := range knobs {
		t.Run("OP-08 "+name, func(t *testing.T) {
			h := newHostile(t)
			knob(h)
			w := newWorld(t, h, nil)
			callback := w.callbackFor("/")
			q := mustURL(t, callback).Query()
			p, err := w.sessions.Pending(w.withCookies(), q.Get("state"))
			must(t, err)
			var said strings.Builder
			said.WriteString(drain(w.get(callback)))
			said.WriteString(drain(w.get(callback)))
			res := w.ask(http.MethodPost, "/oauth2/logout", sameOrigin)
			idToken := mustURL(t, res.Header.Get("Location")).Query().Get("id_token_hint")
			said.WriteString(drain(res))
			w.client.revoker.drain(10 * time.Second)
			said.WriteString(w.log.String())
			for what, secret := range map[string]string{
				"client secret": testSecret, "client secret, encoded": url.QueryEscape(testSecret), "code": q.Get("code"),
				"access token": testAccessToken, "refresh token": testRefreshToken, "ID token": idToken,
				"verifier": p.Verifier, "nonce": p.Nonce, "state": p.State,
			} {
				if secret == "" {
					continue
				}
				if strings.Contains(said.String(), secret) {
					t.Errorf("the %s is in a page or in the log:\n%s", what, said.String())
				}
			}
		})
	}
}

func redirects(w http.ResponseWriter, _ map[string]any) bool {
	w.Header().Set("Location", "/elsewhere?access_token="+testAccessToken+"&code="+testCode)
	w.WriteHeader(http.StatusTemporaryRedirect)
	return true
}
