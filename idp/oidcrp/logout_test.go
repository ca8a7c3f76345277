package oidcrp

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/idp"
	"github.com/sallyport/sallyport/internal/fault"
)

func sameOrigin(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "same-origin") }

// signedInWorld is a world in which somebody is signed in.
func signedInWorld(t *testing.T, h *hostile, change func(*Config)) *world {
	t.Helper()
	w := newWorld(t, h, change)
	w.signIn("/")
	if w.signedIn() != "alice" {
		t.Fatalf("not signed in; log:\n%s", w.log)
	}
	return w
}

func TestSignOutAtTheProvider(t *testing.T) {
	h := newHostile(t)
	w := signedInWorld(t, h, nil)
	res := w.ask(http.MethodPost, "/oauth2/logout", sameOrigin)
	if res.StatusCode != http.StatusSeeOther {
		t.Fatalf("status %d, want 303", res.StatusCode)
	}
	to := mustURL(t, res.Header.Get("Location"))
	q := to.Query()
	if to.Host != mustURL(t, h.URL).Host || to.Path != "/end" {
		t.Errorf("leads to %s, want the end_session_endpoint", to)
	}
	if q.Get("client_id") != testClient || q.Get("post_logout_redirect_uri") != w.site.URL+"/oauth2/logout/callback" ||
		strings.Count(q.Get("id_token_hint"), ".") != 2 || q.Get("state") == "" || len(q) != 4 {
		t.Errorf("P9: parameters %v", q)
	}
	if w.signedIn() != "" {
		t.Error("the session lives on")
	}
	w.client.revoker.drain(10 * time.Second)
	calls := h.got("/revoke")
	if len(calls) != 2 || calls[0].form.Get("token") != testRefreshToken || calls[0].form.Get("token_type_hint") != "refresh_token" ||
		calls[1].form.Get("token") != testAccessToken || calls[1].form.Get("token_type_hint") != "access_token" {
		t.Errorf("%d revocations; want the refresh token, then the access token", len(calls))
	}
}

func TestSignOutClearsEveryCookie(t *testing.T) {
	h := newHostile(t)
	w := signedInWorld(t, h, nil)
	w.callbackForLogin("/oauth2/login") // leaves a login cookie behind
	res := w.ask(http.MethodPost, "/oauth2/logout", sameOrigin)
	cleared := map[string]bool{}
	for _, c := range res.Cookies() {
		cleared[c.Name] = c.MaxAge < 0
	}
	for _, c := range w.jar.Cookies(mustURL(t, w.site.URL)) {
		if !cleared[c.Name] && !strings.Contains(c.Name, "-login-") {
			t.Errorf("LO-14: cookie %s is left", c.Name)
		}
	}
	if !cleared["sallyport"] {
		t.Error("LO-14: the session cookie is not cleared")
	}
}

// callbackForLogin begins a sign-in at an endpoint of ours.
func (w *world) callbackForLogin(path string) *http.Response {
	w.t.Helper()
	res := w.get(path)
	if res.StatusCode != http.StatusFound {
		w.t.Fatalf("GET %s: %d", path, res.StatusCode)
	}
	return res
}

func TestCrossSiteSignOut(t *testing.T) {
	header := func(pairs ...string) func(*http.Request) {
		return func(r *http.Request) {
			for i := 0; i < len(pairs); i += 2 {
				r.Header.Set(pairs[i], pairs[i+1])
			}
		}
	}
	tests := []struct {
		name, method string
		change       func(*http.Request)
		want         string // "" = signed out
	}{
		{"LO-13 POST of another site", http.MethodPost, header("Sec-Fetch-Site", "cross-site"), string(fault.CrossSiteRequest)},
		{"LO-13 POST of a sibling site", http.MethodPost, header("Sec-Fetch-Site", "same-site"), string(fault.CrossSiteRequest)},
		{"LO-13 POST with another Origin", http.MethodPost, header("Origin", "https://evil.example"), string(fault.CrossSiteRequest)},
		{"LO-13 POST with Origin null", http.MethodPost, header("Origin", "null"), string(fault.CrossSiteRequest)},
		{"LO-13 an image of another site", http.MethodGet, header("Sec-Fetch-Site", "cross-site", "Sec-Fetch-Dest", "image"), "confirm"},
		{"LO-13 a link of another site", http.MethodGet, header("Sec-Fetch-Site", "cross-site"), "confirm"},
		{"LO-13 a link of another site, old browser", http.MethodGet, header("Referer", "https://evil.example/"), "confirm"},
		{"typed address", http.MethodGet, header("Sec-Fetch-Site", "none"), ""},
		{"a link of this site", http.MethodGet, header("Sec-Fetch-Site", "same-origin"), ""},
		{"a script without Fetch Metadata", http.MethodPost, nil, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := signedInWorld(t, newHostile(t), nil)
			res := w.ask(tt.method, "/oauth2/logout?rd=/bye", tt.change)
			switch tt.want {
			case "":
				if w.signedIn() != "" {
					t.Error("still signed in")
				}
				return
			case "confirm":
				if len(w.pages.shown) != 1 || w.pages.action != "/oauth2/logout" || w.pages.rd != "/bye" {
					t.Errorf("pages %v, action %q, rd %q; want a question", w.pages.shown, w.pages.action, w.pages.rd)
				}
			default:
				if got := res.Header.Get("Sallyport-Error"); got != tt.want || res.StatusCode != http.StatusForbidden {
					t.Errorf("%d %s, want 403 %s", res.StatusCode, got, tt.want)
				}
			}
			if w.signedIn() != "alice" {
				t.Error("signed out by another site")
			}
		})
	}
}

func TestLocalSignOut(t *testing.T) {
	h := newHostile(t)
	h.metadata = func(m map[string]any) { delete(m, "end_session_endpoint") }
	w := signedInWorld(t, h, nil)
	w.ask(http.MethodPost, "/oauth2/logout", sameOrigin)
	if !w.pages.remains || w.pages.signInURL != "/oauth2/login?prompt=select_account" {
		t.Errorf("P10: page says remains=%t and signs in at %q; want the notice and the question which account", w.pages.remains, w.pages.signInURL)
	}
	if w.signedIn() != "" {
		t.Error("the session lives on")
	}
	to := w.get(w.pages.signInURL).Header.Get("Location")
	if got := mustURL(t, to).Query().Get("prompt"); got != "select_account" {
		t.Errorf("P10: the next sign-in has prompt=%q, want select_account", got)
	}
}

func TestSignOutWhileTheProviderIsDown(t *testing.T) {
	h := newHostile(t)
	w := signedInWorld(t, h, nil)
	h.Close()
	start := time.Now()
	res := w.ask(http.MethodPost, "/oauth2/logout", sameOrigin)
	if res.StatusCode != http.StatusSeeOther || time.Since(start) > 5*time.Second {
		t.Errorf("LO-17: %d after %s, want 303 at once", res.StatusCode, time.Since(start))
	}
	if w.signedIn() != "" {
		t.Error("LO-17: the session lives on")
	}
}

func TestSignOutWhileTheStoreIsDown(t *testing.T) {
	h := newHostile(t)
	w := signedInWorld(t, h, nil)
	w.store.deleteErr = errStoreDown
	res := w.ask(http.MethodPost, "/oauth2/logout", sameOrigin)
	if res.StatusCode != http.StatusServiceUnavailable || res.Header.Get("Sallyport-Error") != string(fault.SignOutIncomplete) {
		t.Errorf("LO-19: %d %s, want 503 sign_out_incomplete", res.StatusCode, res.Header.Get("Sallyport-Error"))
	}
	if len(w.pages.shown) != 0 {
		t.Error("LO-19: a page says signed out")
	}
	for _, c := range w.jar.Cookies(mustURL(t, w.site.URL)) {
		if c.Name == "sallyport" {
			t.Error("LO-19: the cookie is left in the browser")
		}
	}
}

func TestRevocationRetries(t *testing.T) {
	statuses := []int{503, 200, 400}
	h := newHostile(t)
	h.revoke = func(w http.ResponseWriter) { w.WriteHeader(statuses[min(len(h.got("/revoke")), len(statuses))-1]) }
	w := signedInWorld(t, h, nil)
	w.ask(http.MethodPost, "/oauth2/logout", sameOrigin)
	w.client.revoker.drain(20 * time.Second)
	var tokens []string
	for _, call := range h.got("/revoke") {
		tokens = append(tokens, call.form.Get("token_type_hint"))
	}
	if got := strings.Join(tokens, " "); got != "refresh_token refresh_token access_token" {
		t.Errorf("revoked %q; want a second try after 503 and none after 400", got)
	}
}

func TestSignOutReturns(t *testing.T) {
	h := newHostile(t)
	w := signedInWorld(t, h, nil)
	res := w.ask(http.MethodPost, "/oauth2/logout?rd=https://partner.example.com/bye", sameOrigin)
	state := mustURL(t, res.Header.Get("Location")).Query().Get("state")
	if got := w.get("/oauth2/logout/callback?state=" + url.QueryEscape(state)).Header.Get("Location"); got != "https://partner.example.com/bye" {
		t.Errorf("back from the provider: %q, want the rd of the sign-out", got)
	}
	for _, query := range []string{"", "?state=", "?state=x", "?state=" + ("L" + randomText()), "?state=a&state=b", "?state=" + url.QueryEscape(state)} {
		w.pages.shown = nil
		res := w.get("/oauth2/logout/callback" + query)
		if res.StatusCode != http.StatusOK || len(w.pages.shown) != 1 {
			t.Errorf("callback%s: %d %v, want the signed-out page", query, res.StatusCode, w.pages.shown)
		}
	}
}

// The confirmation page posts its rd as a form.
func TestSignOutByForm(t *testing.T) {
	tests := []struct {
		name, contentType, body string
		status                  int
		want                    string // where the logout callback leads; "" = the signed-out page
	}{
		{"rd in the form", "application/x-www-form-urlencoded", "rd=%2Fbye", http.StatusSeeOther, "/bye"},
		{"OR-19 rd of another site", "application/x-www-form-urlencoded", "rd=%2F%2Fevil.com", http.StatusSeeOther, ""},
		{"no form", "application/json", `{"rd":"/bye"}`, http.StatusSeeOther, ""},
		{"rd twice", "application/x-www-form-urlencoded", "rd=%2Fa&rd=%2Fb", http.StatusBadRequest, ""},
		{"over 16 KiB", "application/x-www-form-urlencoded", "rd=" + strings.Repeat("a", idp.MaxQuery), http.StatusBadRequest, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := signedInWorld(t, newHostile(t), nil)
			res := w.ask(http.MethodPost, "/oauth2/logout", func(r *http.Request) {
				sameOrigin(r)
				r.Header.Set("Content-Type", tt.contentType)
				r.Body, r.ContentLength = io.NopCloser(strings.NewReader(tt.body)), int64(len(tt.body))
			})
			if res.StatusCode != tt.status {
				t.Fatalf("status %d, want %d", res.StatusCode, tt.status)
			}
			if signedOut := w.signedIn() == ""; signedOut != (tt.status == http.StatusSeeOther) {
				t.Errorf("signed out: %v", signedOut)
			}
			if tt.status != http.StatusSeeOther {
				return
			}
			state := mustURL(t, res.Header.Get("Location")).Query().Get("state")
			if got := w.get("/oauth2/logout/callback?state=" + state).Header.Get("Location"); got != tt.want {
				t.Errorf("back from the provider: %q, want %q", got, tt.want)
			}
		})
	}
}

// The signed-out page must not tell somebody who is signed in that they are not.
func TestLogoutCallbackWhileSignedIn(t *testing.T) {
	w := signedInWorld(t, newHostile(t), nil)
	res := w.get("/oauth2/logout/callback")
	if res.StatusCode != http.StatusFound || res.Header.Get("Location") != "/" || len(w.pages.shown) != 0 {
		t.Errorf("%d to %q, pages %v; want 302 to the start page", res.StatusCode, res.Header.Get("Location"), w.pages.shown)
	}
	if w.signedIn() != "alice" {
		t.Error("the logout callback signed somebody out")
	}
}

// A HEAD of a link checker must not end a session.
func TestLogoutMethods(t *testing.T) {
	w := signedInWorld(t, newHostile(t), nil)
	for _, method := range []string{http.MethodHead, http.MethodPut, http.MethodDelete} {
		for _, path := range []string{"/oauth2/logout", "/oauth2/logout/callback"} {
			if res := w.ask(method, path, sameOrigin); res.StatusCode != http.StatusMethodNotAllowed || res.Header.Get("Allow") == "" {
				t.Errorf("%s %s: %d, want 405 with Allow", method, path, res.StatusCode)
			}
		}
	}
	if w.signedIn() != "alice" {
		t.Error("the session ended")
	}
}

// No placeholder of a configured template may be filled from a request.
func TestLogoutTemplate(t *testing.T) {
	h := newHostile(t)
	w := signedInWorld(t, h, func(c *Config) {
		c.LogoutURL = "https://idp.example/v2/logout?client_id={client_id}&returnTo={post_logout_redirect_uri}&s={state}"
	})
	res := w.ask(http.MethodPost, "/oauth2/logout?rd="+url.QueryEscape("https://partner.example.com/?t={id_token}"), sameOrigin)
	to := res.Header.Get("Location")
	if !strings.HasPrefix(to, "https://idp.example/v2/logout?client_id=rp1&returnTo="+url.QueryEscape(w.site.URL+"/oauth2/logout/callback")+"&s=") {
		t.Errorf("OP-03: leads to %q", to)
	}
	state := mustURL(t, to).Query().Get("s")
	if got := w.get("/oauth2/logout/callback?state=" + state).Header.Get("Location"); strings.Contains(got, "ey") || got != "https://partner.example.com/?t={id_token}" {
		t.Errorf("OR-23: the return address became %q", got)
	}
}

func TestLongIDTokenIsLeftOut(t *testing.T) {
	h := newHostile(t)
	h.claims = func(c map[string]any) { c["padding"] = strings.Repeat("p", maxLogoutURL) }
	w := signedInWorld(t, h, nil)
	to := w.ask(http.MethodPost, "/oauth2/logout", sameOrigin).Header.Get("Location")
	if len(to) > maxLogoutURL || mustURL(t, to).Query().Has("id_token_hint") {
		t.Errorf("an address of %d bytes, want at most %d", len(to), maxLogoutURL)
	}
}

// Every endpoint that redirects asks the same validator.
func TestReturnAddresses(t *testing.T) {
	evil := []string{
		"https://evil.com", "//evil.com", "///evil.com", "/\\evil.com", "/%5Cevil.com", "/%09/evil.com", "https:/evil.com", "https:evil.com",
		"https://evil.com\\@partner.example.com/", "https://partner.example.com.evil.com/", "https://partner.example.com@evil.com/",
		"javascript:alert(1)", "data:text/html,x", "/oauth2/logout", "/oauth2/callback?code=x&state=y", "#//evil.com",
		"https://partner.example.com./", "https://partner.example.com:8443/", "/" + strings.Repeat("a", 3000), "https://evil。com/",
	}
	for _, rd := range evil {
		for _, parameter := range []string{"rd", "target_link_uri"} {
			t.Run("OR-19 login "+parameter+" "+rd[:min(len(rd), 40)], func(t *testing.T) {
				w := newWorld(t, newHostile(t), nil)
				res := w.get(w.callbackFor("/oauth2/login?" + parameter + "=" + url.QueryEscape(rd)))
				if got := res.Header.Get("Location"); got != "/" {
					t.Errorf("leads to %q, want the start page", got)
				}
			})
		}
		t.Run("OR-19 logout "+rd[:min(len(rd), 40)], func(t *testing.T) {
			w := signedInWorld(t, newHostile(t), nil)
			to := w.ask(http.MethodPost, "/oauth2/logout?rd="+url.QueryEscape(rd), sameOrigin).Header.Get("Location")
			state := mustURL(t, to).Query().Get("state")
			if res := w.get("/oauth2/logout/callback?state=" + state); res.StatusCode != http.StatusOK || res.Header.Get("Location") != "" {
				t.Errorf("back from the provider: %d %q, want the signed-out page", res.StatusCode, res.Header.Get("Location"))
			}
		})
	}
}

func TestRevokerGivesUpWaiting(t *testing.T) {
	w := newWorld(t, newHostile(t), nil)
	release := make(chan struct{})
	w.client.revoker.start(func() { <-release })
	w.client.revoker.drain(time.Millisecond)
	if log := w.log.String(); !strings.Contains(log, "still under way") {
		t.Errorf("log:\n%s", log)
	}
	close(release)
	w.client.revoker.drain(10 * time.Second)
}
