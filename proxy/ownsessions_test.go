package proxy

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/proxy/pages"
	"github.com/sallyport/sallyport/session"
)

// listOf asks for the JSON of the sessions page.
func (m *managed) listOf(cookie string) pages.OwnSessions {
	m.t.Helper()
	a := m.get("/oauth2/sessions", "Cookie: "+cookie)
	a.wantStatus(m.t, 200)
	var l pages.OwnSessions
	if err := json.Unmarshal([]byte(a.body), &l); err != nil {
		m.t.Fatalf("%v: %s", err, a.body)
	}
	return l
}

// post is what a form of the site's own page sends.
func (m *managed) post(cookie, body string, fields ...string) *answer {
	m.t.Helper()
	fields = append([]string{
		"Cookie: " + cookie, "Sec-Fetch-Site: same-origin", "Origin: https://app.example.com", "Accept: text/html",
		"Content-Type: application/x-www-form-urlencoded",
	}, fields...)
	return m.send(requestWithBody("POST", "/oauth2/sessions/revoke", body, fields...))
}

func (m *managed) postJSON(cookie, body string) *answer {
	m.t.Helper()
	return m.send(requestWithBody("POST", "/oauth2/sessions/revoke", body, "Cookie: "+cookie, "Content-Type: application/json"))
}

func (m *managed) alive(cookie string) bool {
	m.t.Helper()
	a := m.get("/oauth2/session", "Cookie: "+cookie)
	a.wantStatus(m.t, 200, 401)
	return a.StatusCode == 200
}

func TestOwnSessionsAreListed(t *testing.T) {
	m := newManaged(t, "")
	first := m.signInFrom("alice", "203.0.113.9", "Mozilla/5.0 (Windows NT 10.0; rv:128.0) Gecko/20100101 Firefox/128.0")
	second := m.signInFrom("alice", "2001:db8::7", "<script>alert(1)</script> iPhone Safari/1")
	m.signIn("bob")
	l := m.listOf(second)
	if len(l.Sessions) != 2 || l.More != 0 {
		t.Fatalf("%+v", l)
	}
	here, there := l.Sessions[0], l.Sessions[1]
	if !here.Current || here.Device != "Safari on iPhone" || here.Address != "2001:db8::7" {
		t.Errorf("the current session is %+v", here)
	}
	if there.Current || there.Device != "Firefox on Windows" || there.Address != "203.0.113.9" || there.CreatedAt.IsZero() || there.LastSeen.IsZero() || there.ExpiresAt.IsZero() {
		t.Errorf("the other session is %+v", there)
	}
	if other := m.listOf(first); !other.Sessions[0].Current || other.Sessions[0].ID != there.ID {
		t.Errorf("seen from the first: %+v", other)
	}
	page := m.get("/oauth2/sessions", "Cookie: "+second, "Accept: text/html")
	page.wantStatus(t, 200)
	if !strings.Contains(page.body, "Firefox on Windows") || strings.Contains(page.body, "<script") || !strings.Contains(page.body, "app.example.com as alice.") {
		t.Errorf("the page is:\n%s", page.body)
	}
	if got := page.Header.Get("Cache-Control"); got != "no-store" {
		t.Errorf("Cache-Control %q", got)
	}
	m.app.wantNone(t)
}

func TestOwnSessionsNeedASession(t *testing.T) {
	m := newManaged(t, "")
	cookie := m.signIn("alice")
	id := m.listOf(cookie).Sessions[0].ID
	if a := m.get("/oauth2/sessions", "Accept: application/json"); a.StatusCode != 401 || a.Header.Get("Sallyport-Error") != "sign_in_required" {
		t.Errorf("a script without a session: %d\n%s", a.StatusCode, a.body)
	}
	if led := m.login.last(); led != "" {
		t.Errorf("a script was led to a sign-in that leads to %q", led)
	}
	m.post("", "session="+id).wantStatus(t, 401)
	m.post("", "others=true").wantStatus(t, 401)
	if !m.alive(cookie) {
		t.Error("somebody without a session ended one")
	}
}

// A person who opens the page signed out, or comes back to it after the end of
// their session, once got a page that says 401.
func TestOwnSessionsLeadToTheSignIn(t *testing.T) {
	navigation := []string{"Accept: text/html", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document"}
	for name, cookie := range map[string]func(*managed) string{
		"without a session": func(*managed) string { return "x=1" },
		"with one that ended": func(m *managed) string {
			cookie := m.signIn("alice")
			m.signOut(cookie)
			return cookie
		},
	} {
		for _, query := range []string{"", "?from=menu"} {
			m := newManaged(t, "")
			a := m.get("/oauth2/sessions"+query, append(navigation, "Cookie: "+cookie(m))...)
			if a.StatusCode != 302 || m.login.last() != "/oauth2/sessions" || a.Header.Get("Cache-Control") != "no-store" {
				t.Errorf("%s%s: %d, leads to %q", name, query, a.StatusCode, m.login.last())
			}
		}
	}
	f := newFixture(t, func(c *Config) { c.Sessions = failingSessions{errStore} })
	f.get("/oauth2/sessions", navigation...).wantStatus(t, 503)
	if led := f.login.last(); led != "" {
		t.Errorf("while the store is down: led to a sign-in that leads to %q", led)
	}
}

func TestEndOneOfOnesOwn(t *testing.T) {
	m := newManaged(t, "")
	here, there, bobs := m.signIn("alice"), m.signIn("alice"), m.signIn("bob")
	id := other(m.listOf(here))
	bob := m.listOf(bobs).Sessions[0].ID

	if a := m.post(here, "session="+bob); a.StatusCode != 303 || !m.alive(bobs) {
		t.Errorf("somebody else's session: %d, alive %v", a.StatusCode, m.alive(bobs))
	}
	if a := m.post(here, "session="+id); a.StatusCode != 303 || a.Header.Get("Location") != "/oauth2/sessions" {
		t.Errorf("status %d, Location %q", a.StatusCode, a.Header.Get("Location"))
	}
	if m.alive(there) || !m.alive(here) {
		t.Errorf("the other lives: %v, this one: %v", m.alive(there), m.alive(here))
	}
	if a := m.postJSON(here, `{"session":"`+id+`"}`); a.StatusCode != 200 || a.body != `{"ended":0}`+"\n" {
		t.Errorf("once more: %d %s", a.StatusCode, a.body)
	}
}

func TestEndAllOthers(t *testing.T) {
	m := newManaged(t, "")
	here, second, third, bobs := m.signIn("alice"), m.signIn("alice"), m.signIn("alice"), m.signIn("bob")
	a := m.postJSON(here, `{"others":true}`)
	if a.StatusCode != 200 || a.body != `{"ended":2}`+"\n" || a.Header.Get("Content-Type") != "application/json" {
		t.Errorf("%d %s", a.StatusCode, a.body)
	}
	for cookie, want := range map[string]bool{here: true, second: false, third: false, bobs: true} {
		if m.alive(cookie) != want {
			t.Errorf("a session lives: %v, want %v", !want, want)
		}
	}
}

func TestEndingTheCurrentOneLeadsToTheSignOut(t *testing.T) {
	m := newManaged(t, "")
	here := m.signIn("alice")
	id := m.listOf(here).Sessions[0].ID
	if a := m.post(here, "session="+id); a.StatusCode != 303 || a.Header.Get("Location") != "/oauth2/logout" {
		t.Errorf("status %d, Location %q", a.StatusCode, a.Header.Get("Location"))
	}
	if a := m.postJSON(here, `{"session":"`+id+`"}`); a.body != `{"ended":0,"logout_url":"/oauth2/logout"}`+"\n" {
		t.Errorf("a script is told %s", a.body)
	}
	if !m.alive(here) {
		t.Error("it ended without the provider")
	}
}

// LO-13 and its kind: what another site posts ends nothing.
func TestRevokeNeedsTheSameOrigin(t *testing.T) {
	m := newManaged(t, "")
	here, there := m.signIn("alice"), m.signIn("alice")
	id := other(m.listOf(here))
	for name, fields := range map[string][]string{
		"LO-13 cross-site form":         {"Sec-Fetch-Site: cross-site", "Origin: https://evil.com"},
		"LO-13 of a sibling host":       {"Sec-Fetch-Site: same-site", "Origin: https://evil.example.com"},
		"LO-13 by an old browser":       {"Origin: https://evil.com"},
		"LO-13 from a sandboxed iframe": {"Origin: null"},
	} {
		for _, body := range []string{"session=" + id, "others=true"} {
			a := m.send(requestWithBody("POST", "/oauth2/sessions/revoke", body,
				append(fields, "Cookie: "+here, "Content-Type: application/x-www-form-urlencoded")...))
			if a.StatusCode != 403 || a.Header.Get("Sallyport-Error") != "cross_site_request" {
				t.Errorf("%s: %d %s", name, a.StatusCode, a.Header.Get("Sallyport-Error"))
			}
		}
	}
	m.get("/oauth2/sessions/revoke?others=true", "Cookie: "+here).wantStatus(t, 405)
	if !m.alive(there) {
		t.Error("another site ended a session")
	}
}

func TestRevokeRefusesOddBodies(t *testing.T) {
	m := newManaged(t, "")
	here, there := m.signIn("alice"), m.signIn("alice")
	id := other(m.listOf(here))
	const form, js = "application/x-www-form-urlencoded", "application/json"
	for _, tc := range []struct{ name, mediaType, body string }{
		{"nothing", form, ""},
		{"both", form, "session=" + id + "&others=true"},
		{"twice", form, "session=" + id + "&session=" + id},
		{"others twice", form, "others=true&others=true"},
		{"others not true", form, "others=1"},
		{"no id", form, "session=x"},
		{"id with a byte more", form, "session=" + id + "AA"},
		{"malformed form", form, "session=%zz"},
		{"too long", form, "others=true&x=" + strings.Repeat("x", maxRevocation)},
		{"empty object", js, "{}"},
		{"others false", js, `{"others":false}`},
		{"both in JSON", js, `{"others":true,"session":"` + id + `"}`},
		{"no object", js, `["` + id + `"]`},
		{"two objects", js, `{"others":true}{"others":true}`},
		{"a form called JSON", js, "others=true"},
		{"another type", "text/plain", "others=true"},
		{"no type", "", "others=true"},
	} {
		a := m.send(requestWithBody("POST", "/oauth2/sessions/revoke", tc.body, "Cookie: "+here, "Content-Type: "+tc.mediaType))
		if a.StatusCode != 400 || a.Header.Get("Sallyport-Error") != "bad_request" {
			t.Errorf("%s: %d %s", tc.name, a.StatusCode, a.Header.Get("Sallyport-Error"))
		}
	}
	if !m.alive(there) || !m.alive(here) {
		t.Error("a refused request ended a session")
	}
}

func TestOwnSessionsProlongNothing(t *testing.T) {
	m := newManaged(t, "")
	cookie := m.signIn("alice")
	before := m.listOf(cookie).Sessions[0]
	m.later(30 * time.Minute)
	m.listOf(cookie)
	m.postJSON(cookie, `{"others":true}`).wantStatus(t, 200)
	if after := m.listOf(cookie).Sessions[0]; !after.LastSeen.Equal(before.LastSeen) || !after.ExpiresAt.Equal(before.ExpiresAt) {
		t.Errorf("last seen %v, was %v", after.LastSeen, before.LastSeen)
	}
	m.later(31*time.Minute + time.Minute)
	if m.alive(cookie) {
		t.Error("the session outlived its idle limit")
	}
}

func TestMoreSessionsThanAreShown(t *testing.T) {
	m := newManaged(t, "")
	here := m.signIn("alice")
	for range maxShownSessions + 4 {
		m.signIn("alice")
	}
	l := m.listOf(here)
	if len(l.Sessions) != maxShownSessions || l.More != 5 || !l.Sessions[0].Current {
		t.Errorf("%d shown, %d more, the first is current: %v", len(l.Sessions), l.More, l.Sessions[0].Current)
	}
}

// failingSessions is a store that stopped answering.
type failingSessions struct{ err error }

func (f failingSessions) Own(*http.Request) (*session.Session, []session.Listed, error) {
	return nil, nil, f.err
}
func (f failingSessions) EndOwn(*http.Request, session.Handle, session.Reason) (bool, error) {
	return false, f.err
}
func (f failingSessions) EndOthers(*http.Request, session.Reason) (int, error) { return 3, f.err }

func TestStoreDownWhileEnding(t *testing.T) {
	f := newFixture(t, func(c *Config) {
		c.Sessions = failingSessions{errors.Join(errStore, errors.New("which sessions there are is not known"))}
	})
	f.get("/oauth2/sessions", "Cookie: "+valid).wantStatus(t, 503)
	for _, body := range []string{`{"others":true}`, `{"session":"` + (session.Handle{}).String() + `"}`} {
		a := f.send(requestWithBody("POST", "/oauth2/sessions/revoke", body, "Cookie: "+valid, "Content-Type: application/json"))
		if a.StatusCode != 503 || a.Header.Get("Sallyport-Error") != "revoke_incomplete" || a.Header.Get("Retry-After") == "" || a.Header.Get("Set-Cookie") != "" {
			t.Errorf("%s: %d %v", body, a.StatusCode, a.Header)
		}
	}
	if log := f.logs.String(); !strings.Contains(log, `"ended":3,"failed":true`) {
		t.Errorf("not in the log:\n%s", log)
	}
}

// A store that finds nothing has no page, and its path is nobody's.
func TestNoOwnSessionsWithoutAnIndex(t *testing.T) {
	f := newFixture(t, nil)
	f.get("/oauth2/sessions", "Cookie: "+valid).wantStatus(t, 404)
	f.send(requestWithBody("POST", "/oauth2/sessions/revoke", "others=true", "Cookie: "+valid)).wantStatus(t, 404)
	f.app.wantNone(t)
}

// The address in the list is the one that the access log has: forwarding fields
// count only from a trusted peer.
func TestClientAddressOfASignIn(t *testing.T) {
	for want, trusted := range map[string]bool{"127.0.0.1": false, "203.0.113.7": true} {
		m := newManaged(t, "")
		if trusted {
			m.site.trust.peers = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("10.0.0.0/8")}
		}
		a := m.get("/oauth2/start", "X-Forwarded-For: 198.51.100.1, 203.0.113.7, 10.1.2.3")
		if got := m.listOf(cookieOf(a.Response)).Sessions[0].Address; got != want {
			t.Errorf("trusted %v: address %q, want %q", trusted, got, want)
		}
	}
}

// other returns the id of the session that is not the current one.
func other(l pages.OwnSessions) string {
	i := slices.IndexFunc(l.Sessions, func(s pages.OwnSession) bool { return !s.Current })
	return l.Sessions[i].ID
}

// signInFrom is signIn by a browser of that name from there.
func (m *managed) signInFrom(name, address, userAgent string) string {
	m.t.Helper()
	r := httptest.NewRequest("GET", "/", nil)
	r.RemoteAddr = net.JoinHostPort(address, "4711")
	r.Header.Set("User-Agent", userAgent)
	w := httptest.NewRecorder()
	m.start(w, r, name)
	return cookieOf(w.Result())
}

func requestWithBody(method, path, body string, lines ...string) string {
	return request(method, path, append(lines, fmt.Sprintf("Content-Length: %d", len(body)))...) + body
}

// What is read means one session or all others, never both and never nobody's.
func FuzzRevocation(f *testing.F) {
	id := session.Handle{7}.String()
	for _, body := range []string{"session=" + id, "others=true", `{"session":"` + id + `"}`, `{"others":true}`, `{"session":null}`, "session=" + id + "&others=", "{}", "%"} {
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body string) {
		for form, parse := range map[string]func(string) (revocation, error){
			"form": parseRevocationForm, "JSON": func(s string) (revocation, error) { return parseRevocationJSON([]byte(s)) },
		} {
			got, err := parse(body)
			if err != nil && got != (revocation{}) {
				t.Errorf("%s %q: %+v beside %v", form, body, got, err)
			}
			if err == nil && got.others && got.one != (session.Handle{}) {
				t.Errorf("%s %q means both", form, body)
			}
			if again, _ := parseRevocationForm("session=" + got.one.String()); err == nil && !got.others && again != got {
				t.Errorf("%s %q means %+v, which is %+v when it is named", form, body, got, again)
			}
		}
	})
}
