package oidcrp

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sallyport/sallyport/internal/fault"
)

// body changes the token response.
func body(changes map[string]any) func(http.ResponseWriter, map[string]any) bool {
	return func(w http.ResponseWriter, b map[string]any) bool {
		writeTestJSON(w, with(b, changes))
		return true
	}
}

// says answers the token request with a status and a text.
func says(status int, contentType, text string) func(http.ResponseWriter, map[string]any) bool {
	return func(w http.ResponseWriter, _ map[string]any) bool {
		w.Header().Set("Content-Type", contentType)
		w.WriteHeader(status)
		_, _ = w.Write([]byte(text))
		return true
	}
}

func TestTokenEndpoint(t *testing.T) {
	const isJSON, isHTML = "application/json", "text/html"
	oauth := func(status int, code string) func(http.ResponseWriter, map[string]any) bool {
		return says(status, isJSON, `{"error":"`+code+`","error_description":"said so"}`)
	}
	tests := []struct {
		name   string
		answer func(http.ResponseWriter, map[string]any) bool
		want   fault.Code // "" = signed in
	}{
		{"OF-21 invalid_grant", oauth(400, "invalid_grant"), fault.CodeRejected},
		{"P25 invalid_client", oauth(401, "invalid_client"), fault.ClientRejected},
		{"P25 401 without a word", says(401, isHTML, ""), fault.ClientRejected},
		{"unauthorized_client", oauth(400, "unauthorized_client"), fault.ClientRejected},
		{"invalid_scope", oauth(400, "invalid_scope"), fault.ClientRejected},
		{"an error with status 200", oauth(200, "invalid_grant"), fault.CodeRejected},
		{"an error that nobody knows", oauth(400, "teapot"), fault.TokenInvalid},
		{"429", says(429, isJSON, ``), fault.IdPError},
		{"OF-23 a page with 200", says(200, isHTML, `<html>sign in</html>`), fault.TokenInvalid},
		{"OF-23 500 with a page", says(500, isHTML, `<html>oops</html>`), fault.IdPError},
		{"OF-23 empty", says(200, isJSON, ``), fault.TokenInvalid},
		{"OF-23 cut short", says(200, isJSON, `{"access_token":`), fault.TokenInvalid},
		{"OF-23 5 MB", says(200, isJSON, `{"access_token":"`+strings.Repeat("a", 5<<20)+`"}`), fault.TokenInvalid},
		{"OF-23 a form", says(200, "text/plain", `access_token=x&token_type=bearer`), fault.TokenInvalid},
		{"OF-23 an array", says(200, isJSON, `[]`), fault.TokenInvalid},
		{"access_token twice", says(200, isJSON, `{"access_token":"a","access_token":"b","token_type":"Bearer","id_token":"x"}`), fault.TokenInvalid},
		{"OF-25 token_type DPoP", body(map[string]any{"token_type": "DPoP"}), fault.TokenInvalid},
		{"OF-25 token_type mac", body(map[string]any{"token_type": "mac"}), fault.TokenInvalid},
		{"OF-25 no token_type", body(map[string]any{"token_type": nil}), fault.TokenInvalid},
		{"OF-25 token_type in capitals", body(map[string]any{"token_type": "BEARER"}), ""},
		{"OF-25 expires_in is a string", body(map[string]any{"expires_in": "3600"}), ""},
		{"OF-25 expires_in is negative", body(map[string]any{"expires_in": -1}), ""},
		{"OF-25 expires_in beyond all bounds", body(map[string]any{"expires_in": 1e300}), ""},
		{"OF-25 no expires_in", body(map[string]any{"expires_in": nil}), ""},
		{"OF-25 expires_in is no number", body(map[string]any{"expires_in": "soon"}), fault.TokenInvalid},
		{"OF-26 no id_token", body(map[string]any{"id_token": nil}), fault.IDTokenAbsent},
		{"OF-26 id_token is a number", body(map[string]any{"id_token": 5}), fault.IDTokenAbsent},
		{"P5 P14 no access_token", body(map[string]any{"access_token": nil}), fault.AccessTokenAbsent},
		{"no refresh_token", body(map[string]any{"refresh_token": nil}), ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := newHostile(t)
			h.token = tt.answer
			w := newWorld(t, h, nil)
			res := w.signIn("/")
			page := drain(res)
			if n := len(h.got("/token")); n != 1 {
				t.Errorf("OF-21: %d token requests for one code, want 1", n)
			}
			if tt.want != "" {
				w.wantFault(res, tt.want)
			} else if w.signedIn() == "" {
				t.Errorf("refused with %q; log:\n%s", res.Header.Get("Sallyport-Error"), w.log)
			}
			if strings.Contains(page, "said so") || strings.Contains(page, "<html>") {
				t.Errorf("the page repeats what the provider wrote: %s", page)
			}
		})
	}
}

// P5: where the operator does without an access token, the ID token alone signs
// people in, and userinfo is not asked.
func TestAccessTokenOptional(t *testing.T) {
	h := newHostile(t)
	h.grant = func(_ *http.Request, body map[string]any) string {
		for _, name := range []string{"access_token", "token_type", "expires_in"} {
			delete(body, name)
		}
		return ""
	}
	w := newWorld(t, h, func(c *Config) {
		c.AccessTokenOptional, c.Claims.Groups = true, "a claim that only userinfo could have"
	})
	w.signIn("/")
	if w.signedIn() != "alice" {
		t.Fatalf("refused; log:\n%s", w.log)
	}
	s, err := w.sessions.Peek(w.withCookies())
	must(t, err)
	if !s.Grant.AccessToken.IsEmpty() || s.Grant.RefreshToken.IsEmpty() || len(h.got("/userinfo")) != 0 {
		t.Errorf("access token empty: %v, refresh token empty: %v, %d calls of userinfo", s.Grant.AccessToken.IsEmpty(), s.Grant.RefreshToken.IsEmpty(), len(h.got("/userinfo")))
	}
	h.set(func() { h.nonce = "" })
	if r, err := w.client.Refresh(t.Context(), s); err != nil || !r.Grant.AccessToken.IsEmpty() {
		t.Errorf("a refresh without an access token: %v", err)
	}
}

func TestTokenEndpointRedirects(t *testing.T) {
	var hits atomic.Int64
	evil := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { hits.Add(1) }))
	t.Cleanup(evil.Close)
	for _, status := range []int{301, 302, 303, 307, 308} {
		h := newHostile(t)
		h.token = func(w http.ResponseWriter, _ map[string]any) bool {
			w.Header().Set("Location", evil.URL+"/collect?secret="+testSecret)
			w.WriteHeader(status)
			return true
		}
		w := newWorld(t, h, nil)
		w.wantFault(w.signIn("/"), fault.TokenInvalid)
		if log := w.log.String(); !strings.Contains(log, "redirects are refused") {
			t.Errorf("OF-22 %d: the log does not say so:\n%s", status, log)
		}
	}
	if n := hits.Load(); n != 0 {
		t.Errorf("OF-22: %d requests reached the address of the redirect, want 0", n)
	}
}

func TestTokenEndpointHangs(t *testing.T) {
	release := make(chan struct{})
	h := newHostile(t)
	h.token = func(w http.ResponseWriter, _ map[string]any) bool { <-release; return true }
	t.Cleanup(func() { close(release) })
	w := newWorld(t, h, func(c *Config) { c.Timeout = 2 * time.Second }) // discovery has it, too
	start := time.Now()
	w.wantFault(w.signIn("/"), fault.IdPTimeout)
	if took := time.Since(start); took > 30*time.Second {
		t.Errorf("OF-24: answered after %s with a budget of 2 s", took)
	}
	if log := w.log.String(); !strings.Contains(log, "SALLYPORT_OIDC_TIMEOUT") {
		t.Errorf("OF-24: the log does not name the variable:\n%s", log)
	}
}

func TestProviderGoneAtCallback(t *testing.T) {
	h := newHostile(t)
	w := newWorld(t, h, nil)
	callback := w.callbackFor("/")
	h.Close()
	w.wantFault(w.get(callback), fault.IdPUnavailable)
}

func TestExpiry(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	tests := []struct {
		raw  string
		want time.Time
	}{
		{"", time.Time{}},
		{"null", time.Time{}},
		{"300", now.Add(5 * time.Minute)},
		{`"300"`, now.Add(5 * time.Minute)},
		{"0.9", now},
		{"-5", time.Time{}},
		{"0", time.Time{}},
		{`"0"`, time.Time{}},
		{"1e300", now.Add(maxTokenLife)},
		{"1e999", now.Add(maxTokenLife)},
	}
	for _, tt := range tests {
		got, err := expiry(json.RawMessage(tt.raw), now)
		if err != nil || !got.Equal(tt.want) {
			t.Errorf("expiry(%s) = %v, %v; want %v", tt.raw, got, err, tt.want)
		}
	}
	for _, raw := range []string{`"NaN"`, `"soon"`, "true", "[]"} {
		if _, err := expiry(json.RawMessage(raw), now); err == nil {
			t.Errorf("expiry(%s) is accepted", raw)
		}
	}
}
