package policy

import "testing"

func TestCheckPath(t *testing.T) {
	for _, tc := range []struct {
		name, path string
		ok         bool
	}{
		{"plain", "/public/x", true},
		{"root", "/", true},
		{"encoded slash", "/a%2fb", true},
		{"encoded hash", "/a%23b", true},
		{"dot segments", "/a/../b/%2e%2e", true},
		{"PA-08 parameters", "/public/..;/admin", true},
		{"PA-09 slashes", "//admin", true},
		{"broken percent", "/100%", true},
		{"percent at the end", "/a%0", true},
		{"invalid UTF-8", "/%ff", true},
		{"encoded percent before 00", "/a%2500", true},
		{"Next.js chunk", "/_next/static/[slug].js", true},
		{"PA-24 encoded NUL", "/admin%00/public/x", false},
		{"PA-24 encoded NUL before a suffix", "/public/x%00.png", false},
		{"NUL", "/a\x00", false},
		{"encoded NUL at the end", "/%00", false},
		{"line feed", "/a\nb", false},
		{"tab", "/a\tb", false},
		{"DEL", "/a\x7f", false},
		{"backslash", `/public\..\admin`, false},
		{"encoded backslash", "/public%5c..%5Cadmin", false},
		{"upper case", "/%5C", false},
		{"PA-02 raw hash", "/public/secret#/endpoint", false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if err := CheckPath(tc.path); (err == nil) != tc.ok {
				t.Errorf("CheckPath(%q) = %v, want ok %v", tc.path, err, tc.ok)
			}
		})
	}
}

// The corpus writes rules as regular expressions, such as ^/api/.*/status; the
// patterns here are the same rules as globs.
var publicPaths = []string{"/public/**", "/api/**/status", "/docs/*/intro.html", "/assets/*", "/", "/caf%C3%A9/**", "/größe", "/a b/x"}

func TestPublic(t *testing.T) {
	p := mustNew(t, Config{PublicPaths: publicPaths})
	for _, tc := range []struct {
		name, path string
		want       bool
	}{
		{"below", "/public/x", true},
		{"far below", "/public/x/y/z.css", true},
		{"itself", "/public", true},
		{"with a slash", "/public/", true},
		{"root", "/", true},
		{"** in the middle", "/api/v1/x/status", true},
		{"** may be nothing", "/api/status", true},
		{"*", "/docs/install/intro.html", true},
		{"encoded space", "/public/a%20b", true},
		{"letters in UTF-8", "/public/%E2%82%AC", false}, // a currency sign is no letter
		{"letters", "/public/gr%C3%B6%C3%9Fe", true},
		{"pattern given encoded", "/caf%C3%A9/menu", true},
		{"pattern given decoded", "/gr%C3%B6%C3%9Fe", true},
		{"lower-case hex", "/gr%c3%b6%c3%9fe", true},
		{"pattern with a space", "/a%20b/x", true},
		{"tilde, encoded needlessly", "/public/%7Ealice", true},
		{"brackets", "/public/[slug].js", true},
		{"colon and at", "/public/a:b@c", true},
		{"dots in a name", "/public/..x/x../.well-known", true},

		{"elsewhere", "/admin", false},
		{"longer name", "/publicity", false},
		{"another case", "/Public/x", false},
		{"* does not cross a slash", "/docs/a/b/intro.html", false},
		{"* needs a segment", "/docs/intro.html", false},
		{"* alone matches no empty segment", "/assets/", false},
		{"suffix only", "/docs/a/intro.html.bak", false},
		{"prefix encoded needlessly", "/p%75blic/x", false},
		{"raw letters beyond ASCII", "/größe", false},

		{"PA-01 query in the path", "/api/private/sensitive?path=/status", false},
		{"PA-01 anchored", "/api/private/sensitive", false},
		{"PA-02 raw hash", "/api/secret#/status", false},
		{"PA-02 encoded hash", "/api/secret%23/status", false},
		{"encoded question mark", "/api/secret%3f/status", false},
		{"PA-08 dot-dot-semicolon", "/public/..;/admin", false},
		{"PA-08 parameters before dots", "/public;x=1/../admin", false},
		{"PA-08 parameters", "/admin;/public/", false},
		{"parameters in a public segment", "/public/a;x=1", false},
		{"encoded semicolon", "/public/..%3b/admin", false},
		{"PA-09 two slashes", "//admin", false},
		{"PA-09 dots after slashes", "/public//../admin", false},
		{"PA-09 three slashes", "///admin", false},
		{"slashes at the end", "/public//", false},
		{"PA-22 dots out of a public path", "/public/../admin", false},
		{"PA-22 encoded slash at the end", "/public%2f", false},
		{"FW-11 encoded slash", "/public/..%2fadmin", false},
		{"FW-11 encoded dots", "/public/%2e%2e/admin", false},
		{"half-encoded dots", "/public/.%2E/admin", false},
		{"single dot", "/public/./x", false},
		{"dots at the end", "/public/..", false},
		{"three dots", "/public/.../x", false},
		{"dots and a space", "/public/..%20/admin", false},
		{"dots and a plus", "/public/..+/admin", false},
		{"dots into a public path", "/admin/../public/x", false},
		{"double encoding", "/public/%252e%252e/admin", false},
		{"double-encoded slash", "/public/..%252fadmin", false},
		{"encoded percent alone", "/public/100%25", false},
		{"PA-24 encoded NUL", "/public/x%00.png", false},
		{"encoded line feed", "/public/x%0a", false},
		{"backslash", `/public/..\admin`, false},
		{"encoded backslash", "/public/..%5cadmin", false},
		{"broken percent", "/public/%zz", false},
		{"percent at the end", "/public/%", false},
		{"IIS escape", "/public/%u002e%u002e/admin", false},
		{"invalid UTF-8", "/public/%ff", false},
		{"overlong dot", "/public/%c0%ae%c0%ae/admin", false},
		{"overlong slash", "/public/..%c0%afadmin", false},
		{"fullwidth solidus", "/public/..%EF%BC%8Fadmin", false},
		{"fullwidth dots", "/public/%EF%BC%8E%EF%BC%8E/admin", false},
		{"division slash", "/public/..%E2%88%95admin", false},
		{"zero-width space", "/public/.%E2%80%8B./admin", false},
		{"space", "/public/a b", false},
		{"absolute form", "http://app.example.com/public/x", false},
		{"asterisk form", "*", false},
		{"authority form", "app.example.com:443", false},
		{"relative", "public/x", false},
		{"empty", "", false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := p.Public(Request{Method: "GET", Path: tc.path}); got != tc.want {
				t.Errorf("Public(%q) = %v, want %v", tc.path, got, tc.want)
			}
		})
	}
}

func TestPublicMethods(t *testing.T) {
	p := mustNew(t, Config{PublicPaths: publicPaths})
	for method, want := range map[string]bool{
		"GET": true, "HEAD": true, "POST": true, "OPTIONS": true, "PROPFIND": true, "M-SEARCH": true,
		"get": false, "Get": false, "GET ": false, " GET": false, "": false, "GÉT": false, "GET1": false,
	} {
		if got := p.Public(Request{Method: method, Path: "/public/x"}); got != want {
			t.Errorf("PA-15: Public(%q /public/x) = %v, want %v", method, got, want)
		}
	}
}

func TestNothingIsPublicByDefault(t *testing.T) {
	p := mustNew(t, Config{})
	for _, path := range []string{"/", "/public", "/robots.txt", "/healthz", "/ping"} {
		if p.Public(Request{Method: "GET", Path: path}) {
			t.Errorf("%s is public without SALLYPORT_PUBLIC_PATHS", path)
		}
	}
}

func TestPublicDoesNotAllocate(t *testing.T) {
	p := mustNew(t, Config{PublicPaths: publicPaths})
	for _, path := range []string{"/public/css/site.css", "/admin/users/42", "/api/v1/deep/down/status"} {
		if n := testing.AllocsPerRun(100, func() { p.Public(Request{Method: "GET", Path: path}) }); n != 0 {
			t.Errorf("Public(%q) allocates %v times", path, n)
		}
	}
}

func BenchmarkPublic(b *testing.B) {
	p := mustNew(b, Config{PublicPaths: publicPaths})
	for _, path := range []string{"/public/css/site.css", "/admin/users/42", "/gr%C3%B6%C3%9Fe"} {
		b.Run(path, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				p.Public(Request{Method: "GET", Path: path})
			}
		})
	}
}
