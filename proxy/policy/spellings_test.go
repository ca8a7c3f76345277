package policy

import (
	"testing"
	"time"

	"github.com/sallyport/sallyport/session"
)

// TestSpellings sends paths in every spelling that some application reads as the one
// that a rule is about.
func TestSpellings(t *testing.T) {
	staff := &session.Identity{Subject: "s", Email: "alice@example.com", Groups: []string{"staff"}, ACR: "silver", AuthTime: now.Add(-10 * time.Minute)}
	admin := &session.Identity{Subject: "a", Email: "root@example.com", Groups: []string{"admins"}, ACR: "gold", AuthTime: now.Add(-10 * time.Minute)}
	p := mustNew(t, Config{
		PublicPaths: []string{"/robots.txt", "/admin/help", "/assets/**"},
		Rules: []Rule{
			{Number: 1, Paths: []string{"/admin/**"}, Groups: []string{"admins"}},
			{Number: 2, Paths: []string{"/vault/**"}, ACR: []string{"gold", "platinum"}, MaxAge: minutes(60)},
			{Number: 3, Paths: []string{"/api/**"}, Methods: []string{"GET"}, Unauthenticated: Deny},
			{Number: 4, Paths: []string{"/api/**"}, Emails: []string{"root@example.com"}, Unauthenticated: Deny},
			{Number: 5, Paths: []string{"/wiki/**", "/public/*/endpoint"}, Methods: []string{"GET"}, Unauthenticated: Allow},
			{Number: 6, Paths: []string{"/old"}, Unauthenticated: Allow},
			{Number: 7, Paths: []string{"/old/"}, Groups: []string{"admins"}},
			{Number: 8, Paths: []string{"/**/*.bak"}, Groups: []string{"nobody"}},
			{Number: 9, Paths: []string{"/Low"}},
			{Number: 10, Paths: []string{"/low"}, Groups: []string{"admins"}},
		},
	})
	const ok = ""
	for _, tc := range []struct {
		name, method, path string
		rule               int
		public             bool
		without            Unauthenticated // what a request without a session gets
		staff, admin       string          // codes
	}{
		{"no rule", "GET", "/", 0, false, Login, ok, ok},
		{"public", "GET", "/robots.txt", 0, true, Login, ok, ok},
		{"a rule comes before public paths", "GET", "/admin/help", 1, false, Login, CodeGroupNotAllowed, ok},
		{"the first rule", "POST", "/admin/users", 1, false, Login, CodeGroupNotAllowed, ok},
		{"itself", "GET", "/admin", 1, false, Login, CodeGroupNotAllowed, ok},
		{"a neighbour", "GET", "/administration", 0, false, Login, ok, ok},
		{"step-up", "GET", "/vault/1", 2, false, Login, CodeStepUpRequired, ok},
		{"by method", "GET", "/api/x", 3, false, Deny, ok, ok},
		{"PA-15 HEAD follows GET", "HEAD", "/api/x", 3, false, Deny, ok, ok},
		{"another method", "POST", "/api/x", 4, false, Deny, CodeEmailNotAllowed, ok},
		{"PA-14 OPTIONS is a method like others", "OPTIONS", "/api/x", 4, false, Deny, CodeEmailNotAllowed, ok},
		{"optional", "GET", "/wiki/x", 5, false, Allow, ok, ok},
		{"PA-15 optional to HEAD", "HEAD", "/wiki/x", 5, false, Allow, ok, ok},
		{"optional to GET only", "POST", "/wiki/x", 0, false, Login, ok, ok},
		{"in the middle", "GET", "/public/a/endpoint", 5, false, Allow, ok, ok},
		{"the last rule", "GET", "/x/y.bak", 8, false, Login, CodeGroupNotAllowed, CodeGroupNotAllowed},

		{"PA-01 the query is not looked at", "GET", "/public/secret", 0, false, Login, ok, ok},
		{"PA-02 encoded hash", "GET", "/public/secret%23/endpoint", 0, false, Login, ok, ok},
		{"PA-08 parameter before dots", "GET", "/wiki/..;/admin", 1, false, Login, CodeGroupNotAllowed, ok},
		{"PA-08 parameters", "GET", "/wiki;x=1/../admin", 1, false, Login, CodeGroupNotAllowed, ok},
		{"PA-08 parameters hide nothing", "GET", "/admin;/wiki/", 1, false, Login, CodeGroupNotAllowed, ok},
		{"a stream of NTFS", "GET", "/admin::$INDEX_ALLOCATION/x", 1, false, Login, CodeGroupNotAllowed, ok},
		{"an index of NTFS", "GET", "/wiki/../ADMIN:$i30:$Index_Allocation/x", 1, false, Login, CodeGroupNotAllowed, ok},
		{"an encoded stream", "GET", "/admin%3A%3A%24DATA", 1, false, Login, CodeGroupNotAllowed, ok},
		{"a colon is a colon", "GET", "/wiki/x:y", 5, false, Allow, ok, ok},
		{"a dollar is a dollar", "GET", "/wiki/$x", 5, false, Allow, ok, ok},
		{"PA-09 two slashes", "GET", "//admin", 1, false, Login, CodeGroupNotAllowed, ok},
		{"PA-09 dots after two slashes", "GET", "/wiki//../admin", 1, false, Login, CodeGroupNotAllowed, ok},
		{"PA-09 three slashes", "GET", "///admin", 1, false, Login, CodeGroupNotAllowed, ok},
		{"PA-15 lower-case method", "get", "/wiki/x", 0, false, Login, ok, ok},
		{"PA-15 lower-case method of a rule that restricts", "post", "/admin", 1, false, Login, CodeGroupNotAllowed, ok},
		{"PA-12 no path", "GET", "", 0, false, Deny, CodeGroupNotAllowed, CodeGroupNotAllowed},
		{"PA-19 asterisk", "OPTIONS", "*", 0, false, Deny, CodeGroupNotAllowed, CodeGroupNotAllowed},

		{"encoded dots", "GET", "/wiki/%2e%2e/admin", 1, false, Login, CodeGroupNotAllowed, ok},
		{"encoded slash", "GET", "/x%2f..%2fadmin", 1, false, Login, CodeGroupNotAllowed, ok},
		{"FW-11 tab after dots", "GET", "/wiki/..%09/admin", 1, false, Login, CodeGroupNotAllowed, ok},
		{"FW-11 line break in a name", "GET", "/ad%0d%0amin", 1, false, Login, CodeGroupNotAllowed, ok},
		{"FW-11 tab before a name", "GET", "/%09admin", 1, false, Login, CodeGroupNotAllowed, ok},
		{"encoded twice", "GET", "/%2561dmin/x", 1, false, Login, CodeGroupNotAllowed, ok},
		{"encoded three times", "GET", "/%252561dmin/x", 1, false, Login, CodeGroupNotAllowed, ok},
		{"a letter encoded", "GET", "/%61dmin", 1, false, Login, CodeGroupNotAllowed, ok},
		{"a letter encoded in what is optional", "GET", "/w%69ki/x", 0, false, Login, ok, ok},
		{"%u", "GET", "/%u0061dmin", 1, false, Login, CodeGroupNotAllowed, ok},
		{"overlong slash", "GET", "/x%c0%af..%c0%afadmin", 1, false, Login, CodeGroupNotAllowed, ok},
		{"backslash, encoded twice", "GET", "/x%255c..%255cadmin", 1, false, Login, CodeGroupNotAllowed, ok},
		{"fullwidth solidus", "GET", "/x%EF%BC%8F..%EF%BC%8Fadmin", 1, false, Login, CodeGroupNotAllowed, ok},
		{"fullwidth letter", "GET", "/%EF%BD%81dmin", 1, false, Login, CodeGroupNotAllowed, ok},
		{"question mark encoded", "GET", "/admin%3f/x", 1, false, Login, CodeGroupNotAllowed, ok},
		{"dots and a space", "GET", "/x/..%20/admin", 1, false, Login, CodeGroupNotAllowed, ok},
		{"dots and a plus", "GET", "/x/..+/admin", 1, false, Login, CodeGroupNotAllowed, ok},
		{"more readings than are found", "GET", "/a;b/%3b/%2525252525252f/%2525252525253f/..+/%EF%BC%8F/%u002f/a//b;/c%2520/../d", 0, false, Deny, CodeGroupNotAllowed, CodeGroupNotAllowed},

		{"a capital letter", "GET", "/Admin/x", 1, false, Login, CodeGroupNotAllowed, ok},
		{"a Kelvin sign", "GET", "/%E2%84%AA", 0, false, Login, ok, ok},
		{"a slash more", "GET", "/vault/", 2, false, Login, CodeStepUpRequired, ok},
		{"a dot more", "GET", "/admin./x", 1, false, Login, CodeGroupNotAllowed, ok},
		{"a space more", "GET", "/admin%20/x", 1, false, Login, CodeGroupNotAllowed, ok},
		{"a laxer rule of another case does not stand before it", "GET", "/low", 9, false, Login, CodeGroupNotAllowed, ok},
		{"nor the other way round", "GET", "/Low", 9, false, Login, ok, ok},
		{"capital letters are not optional", "GET", "/WIKI/x", 0, false, Login, ok, ok},
		{"nor public", "GET", "/ASSETS/x", 0, false, Login, ok, ok},
		{"what comes later by a hair does not count", "GET", "/old", 6, false, Allow, ok, ok},
		{"what is missed by a hair", "GET", "/OLD/", 7, false, Login, CodeGroupNotAllowed, ok},
		{"optional, missed by a hair", "GET", "/old/", 7, false, Login, CodeGroupNotAllowed, ok},
		{"an ambiguous path is not public", "GET", "/assets//x", 0, false, Login, ok, ok},
		{"nor optional", "GET", "/wiki//x", 0, false, Login, ok, ok},
	} {
		t.Run(tc.name, func(t *testing.T) {
			g := p.Rule(Request{Method: tc.method, Path: tc.path})
			if g.Number() != tc.rule || g.Public() != tc.public || g.Anonymous() != tc.without {
				t.Errorf("%s %s: rule %d, public %v, %s without a session; want %d, %v, %s",
					tc.method, tc.path, g.Number(), g.Public(), g.Anonymous(), tc.rule, tc.public, tc.without)
			}
			if v := g.Admit(signedIn(staff), now); v.Code != tc.staff || v.Allowed != (tc.staff == ok) {
				t.Errorf("staff: %+v, want %q", v, tc.staff)
			}
			if v := g.Admit(signedIn(admin), now); v.Code != tc.admin || v.Allowed != (tc.admin == ok) {
				t.Errorf("admin: %+v, want %q", v, tc.admin)
			}
		})
	}
}
