package oidcrp

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/internal/fault"
)

// A callback of no sign-in never throws out whoever is signed in, and never
// redeems its code.
func TestCallbackOfNoSignInWhileSignedIn(t *testing.T) {
	for name, query := range map[string]string{
		"OF-01 a code of somebody else":    "code=ATTACKER&state=" + newState(stateFirst),
		"OF-07 a late tab":                 "code=late&state=" + newState(stateRestarted),
		"OF-17 an error of no sign-in":     "error=access_denied&state=" + newState(stateFirst),
		"OF-12 with a foreign iss besides": "code=c&iss=https://evil.example&state=" + newState(stateFirst),
	} {
		t.Run(name, func(t *testing.T) {
			h := newHostile(t)
			w := signedInWorld(t, h, nil)
			res := w.get("/oauth2/callback?" + query)
			if res.StatusCode != http.StatusFound || res.Header.Get("Location") != "/" {
				t.Errorf("%d to %q, want 302 to the app", res.StatusCode, res.Header.Get("Location"))
			}
			if n := len(h.got("/token")); n != 1 || w.signedIn() != "alice" {
				t.Errorf("%d token requests and user %q, want the one of alice's own sign-in", n, w.signedIn())
			}
		})
	}
}

// A background request that reaches the callback begins no sign-in.
func TestCallbackWithoutCookieInTheBackground(t *testing.T) {
	w := newWorld(t, newHostile(t), nil)
	res := w.ask(http.MethodGet, "/oauth2/callback?code=c&state="+newState(stateFirst), func(r *http.Request) {
		r.Header.Set("Sec-Fetch-Mode", "cors")
	})
	if len(res.Cookies()) != 0 || res.Header.Get("Location") != "" {
		t.Errorf("OF-29: %d cookies and a redirect to %q, want neither", len(res.Cookies()), res.Header.Get("Location"))
	}
	w.wantFault(res, fault.LoginCookieLost)
}

// Whether somebody is signed in is not known while the store is down: saying "sign
// in again" would be wrong, and a new sign-in could not be kept either.
func TestCallbackWithoutCookieWhileTheStoreIsDown(t *testing.T) {
	h := newHostile(t)
	w := signedInWorld(t, h, nil)
	w.store.mu.Lock()
	w.store.getErr = errStoreDown
	w.store.mu.Unlock()
	res := w.get("/oauth2/callback?code=c&state=" + newState(stateFirst))
	if res.StatusCode != http.StatusServiceUnavailable || res.Header.Get("Sallyport-Error") != string(fault.StoreUnavailable) || len(res.Cookies()) != 0 {
		t.Errorf("ST-02: %d %s with %d cookies, want 503 store_unavailable and none", res.StatusCode, res.Header.Get("Sallyport-Error"), len(res.Cookies()))
	}
}

// A replica that has just started does not know the provider yet. The sign-in waits
// for the next try, which reloading the page is.
func TestCallbackBeforeDiscovery(t *testing.T) {
	h := newHostile(t)
	w := newWorld(t, h, nil)
	callback := w.callbackFor("/page")
	known := w.client.provider.Swap(nil)
	res := w.get(callback)
	if res.StatusCode != http.StatusServiceUnavailable || res.Header.Get("Sallyport-Error") != string(fault.IdPUnavailable) {
		t.Errorf("%d %s, want 503 idp_unavailable", res.StatusCode, res.Header.Get("Sallyport-Error"))
	}
	w.client.provider.Store(known)
	if res := w.get(callback); res.Header.Get("Location") != "/page" {
		t.Errorf("the same callback later: %d to %q, want the page; log:\n%s", res.StatusCode, res.Header.Get("Location"), w.log)
	}
}

// A forged answer must not use up the sign-in that it pretends to finish.
func TestForgedAnswerDoesNotSpendTheSignIn(t *testing.T) {
	h := newHostile(t)
	w := newWorld(t, h, nil)
	callback := w.callbackFor("/page")
	for name, changes := range map[string]url.Values{
		"OF-12 iss of another provider":      {"iss": {"https://evil.example"}},
		"OF-12 iss with a slash more":        {"iss": {h.URL + "/"}},
		"OF-12 iss in capitals":              {"iss": {strings.ToUpper(h.URL)}},
		"OF-12 an error of another provider": {"iss": {"https://evil.example"}, "code": nil, "error": {"access_denied"}},
		"OF-04 code and error":               {"error": {"access_denied"}},
	} {
		res := w.get(change(t, callback, changes))
		if code := res.Header.Get("Sallyport-Error"); code != string(fault.IssuerMismatch) && code != string(fault.CallbackInvalid) {
			t.Errorf("%s: %d %q, want a refusal", name, res.StatusCode, code)
		}
	}
	if n := len(h.got("/token")); n != 0 {
		t.Errorf("%d token requests, want 0", n)
	}
	if res := w.get(callback); res.Header.Get("Location") != "/page" {
		t.Errorf("the true answer: %d to %q, want the page", res.StatusCode, res.Header.Get("Location"))
	}
}

// Tokens that become no session are given back.
func TestTokensWithoutASessionAreRevoked(t *testing.T) {
	h := newHostile(t)
	w := newWorld(t, h, nil)
	w.store.createErr = errStoreDown
	w.signIn("/")
	w.client.revoker.drain(10 * time.Second)
	calls := h.got("/revoke")
	if len(calls) != 2 || calls[0].form.Get("token") != testRefreshToken || calls[1].form.Get("token") != testAccessToken {
		t.Errorf("%d revocations, want the refresh token and the access token", len(calls))
	}
}

// A browser that goes away while its code is redeemed leaves no session that
// nobody has the cookie of, and no word about a store that is well.
func TestBrowserGoesAwayDuringTheCallback(t *testing.T) {
	h := newHostile(t)
	w := newWorld(t, h, nil)
	callback := w.callbackFor("/page")
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	r := httptest.NewRequestWithContext(gone, http.MethodGet, callback, nil)
	for _, c := range w.jar.Cookies(mustURL(t, w.site.URL)) {
		r.AddCookie(c)
	}
	rec := httptest.NewRecorder()
	w.client.callback(rec, r)
	w.client.revoker.drain(10 * time.Second)
	if n := len(h.got("/token")); n != 1 {
		t.Errorf("%d token requests, want 1: a code is good for one", n)
	}
	if n := len(h.got("/revoke")); n != 2 {
		t.Errorf("%d revocations, want both tokens revoked", n)
	}
	for _, c := range rec.Result().Cookies() {
		if c.MaxAge >= 0 {
			t.Errorf("cookie %s is set", c.Name)
		}
	}
	if log := w.log.String(); !strings.Contains(log, "went away") || strings.Contains(log, "sign-in failed") {
		t.Errorf("the log blames somebody:\n%s", log)
	}
}

// Every error has its page, names the variable to look at, and is never retried by
// itself.
func TestEveryProviderError(t *testing.T) {
	tests := []struct {
		error    string
		want     fault.Code
		variable string // in the log; "" = none
	}{
		{"access_denied", fault.IdPDenied, ""},
		{"login_required", fault.IdPInteraction, "SALLYPORT_OIDC_PROMPT"},
		{"account_selection_required", fault.IdPInteraction, "SALLYPORT_OIDC_PROMPT"},
		{"invalid_scope", fault.ClientRejected, "SALLYPORT_OIDC_SCOPES"},
		{"invalid_target", fault.ClientRejected, "SALLYPORT_OIDC_RESOURCE"},
		{"invalid_client", fault.ClientRejected, "SALLYPORT_OIDC_CLIENT_ID"},
		{"unsupported_response_type", fault.ClientRejected, "SALLYPORT_OIDC_CLIENT_ID"},
		{"invalid_request_object", fault.ClientRejected, "SALLYPORT_OIDC_EXTRA_PARAMS"},
		{"invalid_request_uri", fault.ClientRejected, "SALLYPORT_OIDC_EXTRA_PARAMS"},
		{"request_not_supported", fault.ClientRejected, "SALLYPORT_OIDC_EXTRA_PARAMS"},
		{"request_uri_not_supported", fault.ClientRejected, "SALLYPORT_OIDC_EXTRA_PARAMS"},
		{"registration_not_supported", fault.IdPError, ""},
		{"ACCESS_DENIED", fault.IdPError, ""}, // names are compared as they are
		{"", fault.IdPError, ""},
	}
	for _, tt := range tests {
		t.Run("OF-17 error "+tt.error, func(t *testing.T) {
			h := newHostile(t)
			h.answer = func(q, _ url.Values) { q.Del("code"); q.Set("error", tt.error) }
			w := newWorld(t, h, nil)
			res := w.signIn("/")
			if res.Header.Get("Location") != "" || res.StatusCode < 400 {
				t.Errorf("%d to %q, want a page and no retry", res.StatusCode, res.Header.Get("Location"))
			}
			w.wantFault(res, tt.want)
			if !strings.Contains(w.log.String(), tt.variable) {
				t.Errorf("the log does not name %s:\n%s", tt.variable, w.log)
			}
			if n := len(h.got("/token")); n != 0 {
				t.Errorf("%d token requests, want 0", n)
			}
		})
	}
}
