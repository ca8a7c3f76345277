package policy

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/session"
)

// FuzzRuleReadings: whatever an application may take a path for, the rule about that has to
// be passed; and nothing is let through without a session that another reading names.
func FuzzRuleReadings(f *testing.F) {
	for _, path := range []string{
		"/admin", "/Admin/", "/%61dmin", "/x/../admin", "/x/%2e%2e/admin", "/open/..;/admin", "//admin", "/x%252f..%252fadmin", "/x/..+/admin",
		"/open/x", "/open/%2e", "/open/admin", "/admin%3f/x", "/%EF%BC%8Fadmin", "/a;b/%3b/%25252f/%25253f/..+/a//b;/c%2520/../d", "/open%2f..", "/ADMIN.%20/", "/..../admin",
	} {
		f.Add(path)
	}
	p, err := New(Config{PublicPaths: []string{"/free/**"}, Rules: []Rule{
		{Number: 1, Paths: []string{"/admin/**"}, Groups: []string{"admins"}},
		{Number: 2, Paths: []string{"/open/**"}, Unauthenticated: Allow},
	}})
	if err != nil {
		f.Fatal(err)
	}
	guarded, open := regexp.MustCompile(`(?i)^/+admin(/|$)`), regexp.MustCompile(`^/(open|free)(/|$)`)
	nobody := &session.Identity{Subject: "s"}
	f.Fuzz(func(t *testing.T, path string) {
		if !strings.HasPrefix(path, "/") || CheckPath(path) != nil || len(path) > 100 {
			return
		}
		g := p.Rule(Request{Method: "GET", Path: path})
		admitted := g.Admit(signedIn(nobody), now).Allowed
		anonymous := g.Public() || g.Anonymous() == Allow
		for r := range readings(path) {
			if guarded.MatchString(r) && (admitted || anonymous) {
				t.Errorf("%q passes the rule about /admin and may be read as %q", path, r)
			}
			if anonymous && !open.MatchString(r) {
				t.Errorf("%q needs no session and may be read as %q", path, r)
			}
		}
	})
}

// FuzzCovers: a rule that is called covered has no path of its own.
func FuzzCovers(f *testing.F) {
	f.Add("/a/**", "/a/*/b", "/a/x/b")
	f.Add("/**", "/", "/")
	f.Add("/*", "/a*", "/abc")
	f.Add("/**/b/**", "/a/b", "/a/b")
	f.Fuzz(func(t *testing.T, first, second, path string) {
		if len(first)+len(second) > 60 || first == "" || second == "" || !strings.HasPrefix(path, "/") {
			return
		}
		a, err1 := parsePattern(first)
		b, err2 := parsePattern(second)
		if err1 != nil || err2 != nil {
			return
		}
		if a.decoded.covers(b.decoded) && b.decoded.match(path) && !a.decoded.match(path) {
			t.Errorf("%q is said to cover %q, but does not match %q", first, second, path)
		}
	})
}

// FuzzNear: a path that a pattern matches is also matched in the forms that miss none
// by a hair.
func FuzzNear(f *testing.F) {
	f.Add("/a/**", "/a/B. /c/")
	f.Add("/Größe+x/*", "/Größe+x/y")
	f.Add("/a/*.", "/a/b.")
	f.Fuzz(func(t *testing.T, entry, path string) {
		if entry == "" || len(entry) > 100 {
			return
		}
		p, err := parsePattern(entry)
		if err != nil {
			return
		}
		if decoded, ok := unambiguous(path); ok && p.decoded.match(decoded) {
			if n := near(decoded); !p.near.match(n) {
				t.Errorf("%q matches %q, but %q not %q", entry, decoded, p.near, n)
			}
		}
	})
}

func TestReadingsHoldThemselves(t *testing.T) {
	for _, path := range []string{"/a%2fb;c/../d", "//x", "/%2525"} {
		all, complete := Readings(path)
		if !complete || all[0] != path {
			t.Errorf("Readings(%q) = %q, %v", path, all, complete)
		}
		for _, r := range all {
			again, _ := Readings(r)
			for _, s := range again {
				if !slices.Contains(all, s) {
					t.Errorf("%q is a reading of %q, which is one of %q, but not of that", s, r, path)
				}
			}
		}
	}
}
