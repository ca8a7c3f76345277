package oidcrp

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// LO-12: a frame ends the session that its sid names, and tells nobody anything.
func TestFrontChannel(t *testing.T) {
	h, w := logoutWorld(t, nil)
	alice := w.jar
	frame := func(query string) *http.Response {
		w.newBrowser() // browsers keep cookies from frames of other sites
		res := w.ask(http.MethodGet, "/oauth2/logout/frontchannel"+query, func(r *http.Request) { r.Header.Set("Sec-Fetch-Dest", "iframe") })
		w.jar = alice
		return res
	}
	iss := url.QueryEscape(h.URL)
	tests := []struct {
		name, query string
		ends        bool
	}{
		{"LO-12 a guess", "?iss=" + iss + "&sid=guess", false},
		{"LO-12 nothing", "", false},
		{"LO-12 no sid", "?iss=" + iss, false},
		{"LO-12 empty sid", "?iss=" + iss + "&sid=", false},
		{"LO-12 another issuer", "?iss=https%3A%2F%2Fevil.example.com&sid=idp-session-1", false},
		{"LO-12 an empty issuer", "?iss=&sid=idp-session-1", false},
		{"LO-12 two sids", "?sid=guess&sid=idp-session-1", false},
		{"LO-12 the subject for the sid", "?sid=alice", false},
		{"LO-12 without iss, as Entra ID", "?sid=idp-session-1", true},
		{"with the host of the issuer, as authentik", "?iss=" + iss + "%2F&sid=idp-session-1", true},
		{"LO-12 with iss", "?iss=" + iss + "&sid=idp-session-1", true},
	}
	var first string
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if w.signedIn() == "" {
				w.signIn("/")
			}
			res := frame(tt.query)
			answer := res.Status + drain(res)
			if first == "" {
				first = answer
			}
			if answer != first || res.StatusCode != http.StatusOK || res.Header.Get("Location") != "" || len(res.Cookies()) > 0 {
				t.Errorf("it answers %q, want the same as ever", answer)
			}
			if csp := res.Header.Get("Content-Security-Policy"); !strings.Contains(csp, "frame-ancestors "+h.URL) || strings.Contains(csp, "*") {
				t.Errorf("policy %q", csp)
			}
			if res.Header.Get("X-Frame-Options") != "" || res.Header.Get("Cache-Control") != "no-store" {
				t.Errorf("header %v", res.Header)
			}
			if out := w.signedIn() == ""; out != tt.ends {
				t.Errorf("signed out: %t, want %t", out, tt.ends)
			}
		})
	}
	if got := len(h.got("/revoke")); got != 0 {
		t.Errorf("%d tokens were revoked because of a frame", got)
	}
	if res := w.ask(http.MethodPost, "/oauth2/logout/frontchannel?sid=x", nil); res.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("POST: %d, want 405", res.StatusCode)
	}
}

func TestFrontChannelIssuers(t *testing.T) {
	c := &Config{Issuer: "https://sso.example.com/application/o/app/"}
	for iss, want := range map[string]bool{
		"https://sso.example.com/application/o/app/": true, "https://sso.example.com/": true, "https://sso.example.com": true,
		"https://sso.example.com/application/o/other/": false, "http://sso.example.com/": false, "https://sso.example.com//": false, "/": false, "": false,
	} {
		if got := c.admitsFrontIssuer(iss); got != want {
			t.Errorf("%q: %v, want %v", iss, got, want)
		}
	}
}

// With a template for an issuer, a sid without iss may be of any allowed tenant.
func TestFrontChannelOfTenants(t *testing.T) {
	c := &Config{Issuer: "https://login.example.com/" + TenantPlaceholder + "/v2.0", AllowedTenants: []string{"a", "b"}}
	if got := strings.Join(c.issuers(), " "); got != "https://login.example.com/a/v2.0 https://login.example.com/b/v2.0" {
		t.Errorf("issuers %s", got)
	}
}
