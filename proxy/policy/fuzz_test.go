package policy

import (
	"net/url"
	"regexp"
	"strings"
	"testing"
)

// readings returns what applications may take a path for: the closure of the
// common transformations, three deep.
func readings(path string) map[string]bool {
	transform := []func(string) string{
		unescape,
		func(s string) string { return strings.ReplaceAll(s, `\`, "/") },
		func(s string) string { return strings.ReplaceAll(s, "+", " ") },
		func(s string) string { return regexp.MustCompile(`/{2,}`).ReplaceAllString(s, "/") },
		func(s string) string { return regexp.MustCompile(`;[^/]*`).ReplaceAllString(s, "") },
		func(s string) string { return regexp.MustCompile(`[?#\x00].*`).ReplaceAllString(s, "") },
		func(s string) string { return regexp.MustCompile(`[. ]+(/|$)`).ReplaceAllString(s, "$1") },            // Windows
		func(s string) string { return regexp.MustCompile(`:[^/]*:\$[^/]*|:\$[^/]*`).ReplaceAllString(s, "") }, // NTFS
		func(s string) string { // RFC 3986 §5.2.4, by the standard library
			if u, err := url.Parse("http://x"); err == nil {
				return u.ResolveReference(&url.URL{Path: s}).Path
			}
			return s
		},
	}
	seen := map[string]bool{path: true}
	for range 3 {
		for s := range seen {
			for _, f := range transform {
				if r := f(s); strings.HasPrefix(r, "/") {
					seen[r] = true
				}
			}
		}
	}
	return seen
}

func FuzzPublic(f *testing.F) {
	for _, path := range []string{
		"/public/x", "/public/a%20b", "/public/%2e%2e/admin", "/public/..;/admin", "/public//../admin", `/public/..\x`,
		"/public/%252e", "/public/gr%c3%b6", "/public/..+/x", "/public/.%20./x", "/", "/public/x%00", "/public/...", "//public/",
	} {
		f.Add(path)
	}
	public := regexp.MustCompile(`^/public(/|$)`)
	p, err := New(Config{PublicPaths: []string{"/public/**"}})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, path string) {
		if !p.Public(Request{Method: "GET", Path: path}) {
			return
		}
		if err := CheckPath(path); err != nil {
			t.Errorf("%q is public but not accepted: %v", path, err)
		}
		for r := range readings(path) {
			if !public.MatchString(r) {
				t.Errorf("%q is public, but may be read as %q", path, r)
			}
		}
		u, err := url.ParseRequestURI(path)
		if err != nil {
			t.Fatalf("%q is public, but no request target: %v", path, err)
		}
		if normal := u.JoinPath().EscapedPath(); strings.Count(normal, "/") != strings.Count(path, "/") {
			t.Errorf("%q is public, but its normal form is %q", path, normal)
		}
	})
}

// FuzzGlob compares the matcher with a regular expression made of the pattern.
func FuzzGlob(f *testing.F) {
	f.Add("/**/a/**/b", "/x/a/a/y/b")
	f.Add("/a*b*c/**", "/axbxbc/")
	f.Add("/**/*.css", "/a/b.css")
	f.Add("/a/*", "/a/")
	f.Add("/a/**", "/a")
	f.Add("/**/a", "/a")
	f.Add("/a/**/", "/a/")
	f.Fuzz(func(t *testing.T, entry, path string) {
		if entry == "" || !strings.HasPrefix(path, "/") {
			return
		}
		p, err := parsePattern(entry)
		if err != nil || len(entry) > 200 || len(path) > 200 {
			return
		}
		if got, want := p.decoded.match(path), asRegexp(entry).MatchString(path); got != want {
			t.Errorf("pattern %q, path %q: match %v, regular expression %v", entry, path, got, want)
		}
	})
}

func asRegexp(entry string) *regexp.Regexp {
	var b strings.Builder
	b.WriteString(`(?s)^`)
	for text := range strings.SplitSeq(entry[1:], "/") {
		switch text {
		case "**":
			b.WriteString(`(/[^/]*)*`)
		case "*":
			b.WriteString(`/[^/]+`)
		default:
			pieces := strings.Split(text, "*")
			for i := range pieces {
				pieces[i] = regexp.QuoteMeta(unescape(pieces[i]))
			}
			b.WriteString("/" + strings.Join(pieces, `[^/]*`))
		}
	}
	b.WriteString("$")
	return regexp.MustCompile(b.String())
}
