package oidcrp

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// refusedReturns are return addresses that lead to the start page instead, by the
// row of the corpus. They are what the endpoint is told once a query is decoded.
var refusedReturns = map[string][]string{
	"OR-01": {`/\evil.com`, `/%5Cevil.com`, `\\evil.com`, `/a\..\\evil.com`},
	"OR-02": {"//evil.com", "///evil.com", "////evil.com/%2f..", "/%2fevil.com", "/%2f%2fevil.com"},
	"OR-04": {"/%09/evil.com", "/%0a/evil.com", "/%0d%0a/evil.com", "/%0b/evil.com", "/\t/evil.com", "/\n/evil.com", "/\r/evil.com", "/\v/evil.com", "\t//evil.com", " //evil.com", "/\x00", "/\x7f", "/a\r\nSet-Cookie: x=1"},
	"OR-07": {`https://evil.com\@partner.example.com/`, `https://evil.com\.partner.example.com/`},
	"OR-08": {"https://evil.com?@partner.example.com/", "https://evil.com#@partner.example.com/", "https://evil.com/.partner.example.com", "https://evil.com;@partner.example.com/", "https://partner.example.com@evil.com/", "https://user:x@partner.example.com/"},
	"OR-09": {"https://evilpartner.example.com/", "https://partner.example.com.evil.com/", "https://sub.partner.example.com/", "https://example.com/"},
	"OR-10": {"https:/evil.com", "https:evil.com", "https:///evil.com", `https:\\evil.com`, "HTTPS:evil.com", "javascript:alert(1)", "data:text/html,x", "ftp://partner.example.com/", "http://partner.example.com/"},
	"OR-12": {"https://evil。com/", "//ⓔvil.com", "https://evil.com／.partner.example.com/", "/／evil.com", "https://ｐartner.example.com/"},
	"OR-13": {"https://partner.example.com./", "https://partner.example.com:evil/", "https://partner.example.com:8443/", "https://partner.example.com:/"},
	"OR-17": {"/oauth2/logout", "/oauth2/login?rd=/oauth2/login?rd=/x", "/oauth2/callback?code=x&state=y", "/oauth2", "/x/../oauth2/logout", "/%6fauth2/logout", "/oauth2%2flogout", "/./oauth2/logout"},
	"OR-18": {"/" + strings.Repeat("a", 2048), "/?q=" + strings.Repeat("a", 10<<10)},
	"OR-25": {"#//evil.com", "?next=/x", "evil.com", "app"},
}

// acceptedReturns lead where they say, byte for byte.
var acceptedReturns = map[string][]string{
	"OR-25": {"/app#//evil.com", "/app?next=//evil.com", "/app?next=https://evil.com/#x", "/a%20b?c=%2f", "/", "/a//b", "/oauth2x"},
	"OR-13": {"https://partner.example.com/", "https://partner.example.com:443/x?y#z"},
	"OR-18": {"/" + strings.Repeat("a", 2047)},
}

// returnOf says where each endpoint that redirects leads in the end, "" = nowhere.
var returnOf = map[string]func(*world, string) string{
	"login rd": func(w *world, rd string) string { return w.pendingReturn("/oauth2/login?rd=" + url.QueryEscape(rd)) },
	"login target_link_uri": func(w *world, rd string) string {
		return w.pendingReturn("/oauth2/login?target_link_uri=" + url.QueryEscape(rd))
	},
	"logout rd by GET": func(w *world, rd string) string {
		return w.logoutReturn(w.ask(http.MethodGet, "/oauth2/logout?rd="+url.QueryEscape(rd), sameOrigin))
	},
	"logout rd by POST": func(w *world, rd string) string {
		return w.logoutReturn(w.ask(http.MethodPost, "/oauth2/logout?rd="+url.QueryEscape(rd), sameOrigin))
	},
}

// pendingReturn begins a sign-in and returns where the browser's cookie leads it.
func (w *world) pendingReturn(path string) string {
	w.t.Helper()
	w.newBrowser()
	res := w.get(path)
	if res.StatusCode != http.StatusFound {
		w.t.Fatalf("GET %.80s: %d, want 302 to the provider", path, res.StatusCode)
	}
	state := mustURL(w.t, res.Header.Get("Location")).Query().Get("state")
	p, err := w.sessions.Pending(w.withCookies(), state)
	must(w.t, err)
	return p.ReturnTo.String()
}

// logoutReturn follows a sign-out by way of the provider.
func (w *world) logoutReturn(res *http.Response) string {
	w.t.Helper()
	to := res.Header.Get("Location")
	if !strings.HasPrefix(to, w.idp.URL+"/end?") {
		w.t.Fatalf("the sign-out: %d to %q, want the provider's", res.StatusCode, to)
	}
	return w.get("/oauth2/logout/callback?state=" + mustURL(w.t, to).Query().Get("state")).Header.Get("Location")
}

// Every endpoint that redirects asks the same validator (OR-19).
func TestReturnsOfEveryEndpoint(t *testing.T) {
	w := newWorld(t, newHostile(t), nil)
	for endpoint, lead := range returnOf {
		nowhere := "/"
		if strings.HasPrefix(endpoint, "logout") {
			nowhere = "" // the signed-out page
		}
		for row, list := range refusedReturns {
			for _, rd := range list {
				if got := lead(w, rd); got != nowhere {
					t.Errorf("%s OR-19 %s: %.60q leads to %.60q, want %q", row, endpoint, rd, got, nowhere)
				}
			}
		}
		for row, list := range acceptedReturns {
			for _, rd := range list {
				if got := lead(w, rd); got != rd {
					t.Errorf("%s OR-19 %s: %.60q leads to %.60q, want it as it is", row, endpoint, rd, got)
				}
			}
		}
	}
}

// The same addresses, asked for without a session, are those that the sign-in of the
// app's own pages comes back to.
func TestPageAskedForIsReturnedTo(t *testing.T) {
	w := newWorld(t, newHostile(t), nil)
	for _, page := range []string{"/app?next=//evil.com", "/a%20b?c=%2f"} {
		w.newBrowser()
		if got := w.signIn(page).Header.Get("Location"); got != page {
			t.Errorf("OR-25: %s is asked for and the sign-in leads to %s", page, got)
		}
	}
}

// rd counts before target_link_uri; a bad rd does not make the other count.
func TestWhichReturnCounts(t *testing.T) {
	w := newWorld(t, newHostile(t), nil)
	for query, want := range map[string]string{
		"?rd=/a&target_link_uri=/b": "/a", "?rd=//evil.com&target_link_uri=/b": "/", "?rd=&target_link_uri=/b": "/", "?target_link_uri=/b": "/b",
	} {
		if got := w.pendingReturn("/oauth2/login" + query); got != want {
			t.Errorf("OR-19: login%s leads to %q, want %q", query, got, want)
		}
	}
}
