package proxy

import (
	"fmt"
	"html"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/proxy/pages"
)

// formFields are what a browser sends with a form of the site's own page.
var formFields = []string{
	"Accept: text/html,*/*;q=0.8", "Origin: https://app.example.com", "Sec-Fetch-Site: same-origin", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document",
	"Content-Type: application/x-www-form-urlencoded",
}

// endedSession is the cookie of alice's session, which is over.
func (m *managed) endedSession() string {
	m.t.Helper()
	cookie := m.signIn("alice")
	m.signOut(cookie)
	return cookie
}

func (m *managed) sendForm(path, cookie, body string, fields ...string) *answer {
	m.t.Helper()
	return m.send(requestWithBody("POST", path, body, append(slices.Clone(fields), "Cookie: "+cookie)...))
}

// sealedIn returns what a page has the tab keep.
func sealedIn(t *testing.T, a *answer) string {
	t.Helper()
	found := regexp.MustCompile(`id="sealed" value="([A-Za-z0-9_-]+)"`).FindStringSubmatch(a.body)
	if a.StatusCode != 401 || a.Header.Get("Sallyport-Error") != "sign_in_required" || found == nil {
		t.Fatalf("status %d, no kept form:\n%s", a.StatusCode, a.body)
	}
	return found[1]
}

// fieldsIn returns the fields that a page sends, in their order.
func fieldsIn(body string) (fields []pages.Field) {
	for _, f := range regexp.MustCompile(`<input type="hidden" name="([^"]*)" value="([^"]*)">`).FindAllStringSubmatch(body, -1) {
		fields = append(fields, pages.Field{Name: html.UnescapeString(f[1]), Value: html.UnescapeString(f[2])})
	}
	return fields
}

// A form that met an ended session is sent after the sign-in, as it was, to where it
// was going, and to nobody in between.
func TestFormIsKept(t *testing.T) {
	const body = "title=H%C3%A4llo+%3Cscript%3Ealert%281%29%3C%2Fscript%3E&note=a%0D%0Ab&submit=%22%27%26&action=x&note=&=empty&%3D=%2B"
	m := newManaged(t, "")
	a := m.sendForm("/orders/new?draft=1&x=(a)", m.endedSession(), body, formFields...)
	sealed := sealedIn(t, a)
	if !strings.Contains(strings.ToLower(html.UnescapeString(a.body)), `href="/oauth2/login?renew=true&rd=%2foauth2%2fform"`) {
		t.Errorf("the page does not lead to the sign-in:\n%s", a.body)
	}
	for _, field := range []string{"Cache-Control: no-store", "X-Frame-Options: DENY"} {
		name, want, _ := strings.Cut(field, ": ")
		if got := a.Header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if strings.Contains(a.body, "orders") || strings.Contains(a.body, "llo") {
		t.Errorf("the page tells what is kept:\n%s", a.body)
	}
	again := m.sendForm("/oauth2/form", m.signIn("alice"), "form="+sealed, formFields...)
	again.wantStatus(t, 200)
	want := []pages.Field{
		{Name: "title", Value: "Hällo <script>alert(1)</script>"}, {Name: "note", Value: "a\r\nb"}, {Name: "submit", Value: `"'&`},
		{Name: "action", Value: "x"}, {Name: "note"}, {Value: "empty"}, {Name: "=", Value: "+"},
	}
	if got := fieldsIn(again.body); !slices.Equal(got, want) {
		t.Errorf("the page sends %q, want %q", got, want)
	}
	if !strings.Contains(again.body, `data-to="/orders/new?draft=1&amp;x=(a)"`) || strings.Contains(again.body, "<script>alert") {
		t.Errorf("the page sends it elsewhere, or runs it:\n%s", again.body)
	}
	m.app.wantNone(t)
}

// CVE-2025-31492 of mod_auth_openidc told the app's answer to a kept form to those
// who were not signed in; CVE-2022-23527 and its kin were open redirects. Neither
// another person, nor another site, nor a stale or forged form gets anywhere.
func TestFormIsNotSent(t *testing.T) {
	m := newManaged(t, "")
	sealed := sealedIn(t, m.sendForm("/orders", m.endedSession(), "a=b", formFields...))
	alice := m.signIn("alice")
	tests := []struct {
		name, cookie, body string
		fields             []string
		status             int
		code               string
	}{
		{"somebody else", m.signIn("bob"), "form=" + sealed, formFields, 403, "form_not_yours"},
		{"nobody", "x=y", "form=" + sealed, formFields, 401, "sign_in_required"},
		{"an ended session", m.endedSession(), "form=" + sealed, formFields, 401, "sign_in_required"},
		{"another site", alice, "form=" + sealed, []string{"Accept: text/html", "Sec-Fetch-Site: cross-site", "Content-Type: application/x-www-form-urlencoded"}, 403, "cross_site_request"},
		{"changed", alice, "form=A" + sealed, formFields, 400, "bad_request"},
		{"empty", alice, "form=", formFields, 400, "bad_request"},
		{"nothing", alice, "", formFields, 400, "bad_request"},
		{"two", alice, "form=" + sealed + "&form=" + sealed, formFields, 400, "bad_request"},
		{"more", alice, "form=" + sealed + "&x=y", formFields, 400, "bad_request"},
		{"JSON", alice, `{"form":"x"}`, []string{"Accept: text/html", "Sec-Fetch-Site: same-origin", "Content-Type: application/json"}, 400, "bad_request"},
		{"too large", alice, "form=" + strings.Repeat("A", maxSealedForm), formFields, 400, "bad_request"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := m.sendForm("/oauth2/form", tt.cookie, tt.body, tt.fields...)
			if a.StatusCode != tt.status || a.Header.Get("Sallyport-Error") != tt.code || len(fieldsIn(a.body)) > 0 {
				t.Errorf("%d %s, want %d %s", a.StatusCode, a.Header.Get("Sallyport-Error"), tt.status, tt.code)
			}
		})
	}
	m.later(12 * time.Minute)
	a := m.sendForm("/oauth2/form", m.signIn("alice"), "form="+sealed, formFields...)
	if a.StatusCode != 410 || a.Header.Get("Sallyport-Error") != "form_expired" {
		t.Errorf("too late: %d %s", a.StatusCode, a.Header.Get("Sallyport-Error"))
	}
	m.app.wantNone(t)
}

// What is no form of our own pages, or cannot be sent again exactly, is refused as
// ever. CVE-2025-3891 of mod_auth_openidc crashed on the one without a Content-Type.
func TestFormIsNotKept(t *testing.T) {
	m := newManaged(t, "")
	ended := m.endedSession()
	change := func(from, to string) []string {
		var fields []string
		for _, f := range formFields {
			if strings.HasPrefix(f, from) {
				f = to
			}
			if f != "" {
				fields = append(fields, f)
			}
		}
		return fields
	}
	tests := []struct {
		name, path, cookie, body string
		fields                   []string
	}{
		{"no cookie", "/x", "a=b", "a=b", formFields},
		{"a cookie of nobody", "/x", "__Host-sallyport=AAAA", "a=b", formFields},
		{"another site", "/x", ended, "a=b", append(change("Sec-Fetch-Site", ""), "Sec-Fetch-Site: cross-site")},
		{"a sibling site", "/x", ended, "a=b", append(change("Sec-Fetch-Site", ""), "Sec-Fetch-Site: same-site")},
		{"another origin, no Fetch Metadata", "/x", ended, "a=b", []string{"Accept: text/html", "Origin: https://evil.example.com", "Content-Type: application/x-www-form-urlencoded"}},
		{"an opaque origin", "/x", ended, "a=b", []string{"Accept: text/html", "Origin: null", "Content-Type: application/x-www-form-urlencoded"}},
		{"no proof at all", "/x", ended, "a=b", []string{"Accept: text/html", "Content-Type: application/x-www-form-urlencoded"}},
		{"a script", "/x", ended, "a=b", change("Sec-Fetch-Mode", "Sec-Fetch-Mode: cors")},
		{"a frame", "/x", ended, "a=b", change("Sec-Fetch-Dest", "Sec-Fetch-Dest: iframe")},
		{"XMLHttpRequest", "/x", ended, "a=b", append(slices.Clone(formFields), "X-Requested-With: XMLHttpRequest")},
		{"no HTML wanted", "/x", ended, "a=b", change("Accept", "Accept: */*")},
		{"no Content-Type", "/x", ended, "a=b", change("Content-Type", "")},
		{"an empty Content-Type", "/x", ended, "a=b", change("Content-Type", "Content-Type: ")},
		{"two Content-Types", "/x", ended, "a=b", append(slices.Clone(formFields), "Content-Type: application/x-www-form-urlencoded")},
		{"files", "/x", ended, "--x\r\n--x--", change("Content-Type", "Content-Type: multipart/form-data; boundary=x")},
		{"another charset", "/x", ended, "a=b", change("Content-Type", "Content-Type: application/x-www-form-urlencoded; charset=latin1")},
		{"compressed", "/x", ended, "a=b", append(slices.Clone(formFields), "Content-Encoding: gzip")},
		{"too large", "/x", ended, "a=" + strings.Repeat("b", maxForm), formFields},
		{"too many fields", "/x", ended, strings.Repeat("a&", maxFormFields+1), formFields},
		{"no UTF-8", "/x", ended, "a=%ff", formFields},
		{"NUL", "/x", ended, "a=%00", formFields},
		{"a bare line end", "/x", ended, "a=x%0Ay", formFields},
		{"bad escapes", "/x", ended, "a=%zz", formFields},
		{"_charset_", "/x", ended, "_charset_=latin1", formFields},
		{"a path that is another host", "//evil.example.com/x", ended, "a=b", formFields},
		{"a path with a backslash", "/%5cevil.example.com", ended, "a=b", formFields},
		{"a path that is too long", "/" + strings.Repeat("a", 3000), ended, "a=b", formFields},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := m.sendForm(tt.path, tt.cookie, tt.body, tt.fields...)
			if strings.Contains(a.body, `id="sealed"`) || a.StatusCode != 401 && a.StatusCode != 400 {
				t.Errorf("%d:\n%s", a.StatusCode, a.body)
			}
		})
	}
	off := newFixture(t, nil)
	a := off.send(requestWithBody("POST", "/x", "a=b", append(slices.Clone(formFields), "Cookie: __Host-sallyport=gone")...))
	a.wantStatus(t, 401)
	off.get("/oauth2/form").wantStatus(t, 404)
	m.app.wantNone(t)
}

// The page where a sign-in leads has a script and no content of its own.
func TestFormWaits(t *testing.T) {
	m := newManaged(t, "")
	a := m.get("/oauth2/form", "Accept: text/html")
	a.wantStatus(t, 200)
	if csp := a.Header.Get("Content-Security-Policy"); !strings.Contains(csp, "script-src 'sha256-") || strings.Contains(csp, "unsafe") {
		t.Errorf("its policy is %q", csp)
	}
	m.get("/oauth2/form", "Accept: application/json").wantStatus(t, 404)
}

// FuzzForm: whatever is kept is what comes back, encoded once more by a browser.
func FuzzForm(f *testing.F) {
	for _, seed := range []string{"a=b", "a=b&a=c&&=", "%3D=%26", "a=%0D%0A", "a", "=", "&", "a=+%2B%20"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body string) {
		fields, err := parseForm(body)
		if err != nil {
			return
		}
		var again []string
		for _, field := range fields {
			again = append(again, url.QueryEscape(field.Name)+"="+url.QueryEscape(field.Value))
		}
		twice, err := parseForm(strings.Join(again, "&"))
		if err != nil || fmt.Sprint(twice) != fmt.Sprint(fields) {
			t.Errorf("%q becomes %q and then %q, %v", body, fields, twice, err)
		}
	})
}
