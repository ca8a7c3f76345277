package proxy

import (
	"strings"
	"testing"
)

// TestAuthBypass sends requests without a session (ANON) that a weak proxy lets
// through, and with one that a strict proxy must refuse all the same.
func TestAuthBypass(t *testing.T) {
	const anon, signedIn = false, true
	tests := []struct {
		name   string
		cookie bool
		raw    string
		want   []int
	}{
		{"PA-01 query looks public", anon, request("GET", "/api/private/sensitive?path=/public/"), []int{401}},
		{"PA-02 raw # in the target", anon, request("GET", "/public/secret#/endpoint"), []int{400}},
		{"PA-02 raw # in the target, signed in", signedIn, request("GET", "/x#/endpoint", "Cookie: "+valid), []int{400}},
		{"PA-02 raw # in the query", signedIn, request("GET", "/x?a#b", "Cookie: "+valid), []int{400}},
		{"PA-02 encoded #", anon, request("GET", "/public/secret%23/endpoint"), []int{401}},
		{"PA-08 ..;", anon, request("GET", "/public/..;/admin"), []int{401}},
		{"PA-08 parameter", anon, request("GET", "/public;x=1/../admin"), []int{401}},
		{"PA-08 parameter in front", anon, request("GET", "/admin;/public/"), []int{401}},
		{"PA-09 two slashes", anon, request("GET", "//admin"), []int{401}},
		{"PA-09 slashes and dots", anon, request("GET", "/public//../admin"), []int{401}},
		{"PA-09 three slashes", anon, request("GET", "///admin"), []int{401}},
		{"dot segment", anon, request("GET", "/public/../admin"), []int{401}},
		{"encoded dot segment", anon, request("GET", "/public/%2e%2e/admin"), []int{401}},
		{"encoded slash", anon, request("GET", "/public/..%2fadmin"), []int{401}},
		{"double encoding", anon, request("GET", "/public/%252e%252e/admin"), []int{401}},
		{"PA-12 CONNECT authority", anon, "CONNECT evil.com:443 HTTP/1.1\r\nHost: evil.com:443\r\n\r\n", []int{405}},
		{"PA-12 CONNECT path", anon, "CONNECT /public/x HTTP/1.1\r\nHost: app.example.com\r\n\r\n", []int{405, 400}},
		{"PA-12 CONNECT signed in", signedIn, "CONNECT app.example.com:443 HTTP/1.1\r\nHost: app.example.com\r\nCookie: " + valid + "\r\n\r\n", []int{405}},
		{"PA-14 OPTIONS with a body", anon, request("OPTIONS", "/admin/export", "Content-Length: 3") + "abc", []int{401}},
		{"PA-14 preflight", anon, request("OPTIONS", "/admin/export", "Origin: https://evil.com", "Access-Control-Request-Method: GET"), []int{401}},
		{"PA-15 lower-case method", anon, request("get", "/public/x"), []int{405}},
		{"PA-15 unregistered method", signedIn, request("FOO", "/x", "Cookie: "+valid), []int{405}},
		{"PA-15 PROPFIND elsewhere", anon, request("PROPFIND", "/x"), []int{401}},
		{"PA-17 no host", anon, "GET /admin HTTP/1.0\r\n\r\n", []int{400}},
		{"PA-17 empty host", anon, "GET /admin HTTP/1.1\r\nHost:\r\n\r\n", []int{400}},
		{"PA-19 HTTP/2 preface", anon, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", []int{400, 405, 505}},
		{"OPTIONS *", signedIn, "OPTIONS * HTTP/1.1\r\nHost: app.example.com\r\nCookie: " + valid + "\r\n\r\n", []int{400}},
		{"authority form", signedIn, "GET app.example.com:443 HTTP/1.1\r\nHost: app.example.com\r\nCookie: " + valid + "\r\n\r\n", []int{400}},
		{"opaque target", signedIn, "GET mailto:x HTTP/1.1\r\nHost: app.example.com\r\nCookie: " + valid + "\r\n\r\n", []int{400}},
		{"absolute form with a user", signedIn, "GET http://evil@app.example.com/ HTTP/1.1\r\nHost: app.example.com\r\nCookie: " + valid + "\r\n\r\n", []int{400}},
		{"absolute form of another scheme", signedIn, "GET file://app.example.com/ HTTP/1.1\r\nHost: app.example.com\r\nCookie: " + valid + "\r\n\r\n", []int{400}},
		{"absolute form without a host", signedIn, "GET http:///public/x HTTP/1.1\r\nHost: app.example.com\r\nCookie: " + valid + "\r\n\r\n", []int{400}},
		{"absolute form without slashes", signedIn, "GET http:/public/x HTTP/1.1\r\nHost: app.example.com\r\nCookie: " + valid + "\r\n\r\n", []int{400}},
		{"absolute form of another host", signedIn, "GET http://evil.com/ HTTP/1.1\r\nHost: app.example.com\r\nCookie: " + valid + "\r\n\r\n", []int{421}},
		{"PA-24 encoded NUL before a public path", anon, request("GET", "/admin%00/public/x"), []int{400}},
		{"PA-24 encoded NUL after one", anon, request("GET", "/public/x%00.png"), []int{400}},
		{"PA-24 raw NUL", anon, request("GET", "/public/x\x00.png"), []int{400}},
		{"backslash", signedIn, request("GET", "/public\\..\\admin", "Cookie: "+valid), []int{400}},
		{"encoded backslash", signedIn, request("GET", "/public%5c..%5cadmin", "Cookie: "+valid), []int{400}},
		{"PA-28 WebSocket", anon, request("GET", "/ws", "Connection: keep-alive, Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: x", "Accept: text/html"), []int{401}},
		{"FW-01 path of a header", anon, request("GET", "/admin", "X-Forwarded-Uri: /public/x", "X-Original-URL: /public/x", "X-Forwarded-Method: GET"), []int{401}},
		{"HT-29 TRACE", signedIn, request("TRACE", "/", "Cookie: "+valid), []int{405}},
		{"CK-09 quoted ticket of somebody else", anon, request("GET", "/", "Cookie: __Host-sallyport=\"mallory\""), []int{401}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := newFixture(t, nil)
			f.send(tt.raw).wantStatus(t, tt.want...)
			f.app.wantNone(t)
		})
	}
}

// TestFW01FromTrustedPeer: in proxy mode the request line alone says what is
// asked for, whoever the peer is.
func TestFW01FromTrustedPeer(t *testing.T) {
	f := newFixture(t, trustLoopback)
	f.get("/admin", "X-Forwarded-Uri: /public/x", "X-Original-URL: /public/x", "X-Forwarded-Method: OPTIONS").wantStatus(t, 401)
	f.app.wantNone(t)
}

func TestPublicPath(t *testing.T) {
	for _, tt := range []struct{ name, method, path string }{
		{"PA-15 HEAD follows GET", "HEAD", "/public/x"},
		{"GET", "GET", "/public/x?y=1"},
		{"PA-16 the app's own business", "GET", "/public/x?_method=DELETE"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := newFixture(t, nil)
			f.send(request(tt.method, tt.path, "Cookie: "+valid, "X-HTTP-Method-Override: DELETE", "X-HTTP-Method: DELETE")).wantStatus(t, 200)
			got := f.app.only(t)
			if got.values("X-Forwarded-User") != nil || strings.Contains(got.head, "alice") || strings.Contains(got.head, "Override") || got.values("X-Http-Method") != nil {
				t.Errorf("a public path tells an identity, a cookie or an override:\n%s", got.head)
			}
			if f.auth.asked != 0 {
				t.Error("the session was looked at on a public path")
			}
		})
	}
}

// TestTargetsPassUnchanged: what is unusual but legal reaches the app as it came.
func TestTargetsPassUnchanged(t *testing.T) {
	for _, target := range []string{
		"/", "/a/b", "//a//b", "///", "/a/../b", "/./a", "/a/.", "/a%2Fb", "/a%2fb", "/a;x=1/b", "/..;/a", "/%2e%2e/a", "/%252e", "/a%20b", "/a+b", "/%C3%A9",
		"/a?", "/a?b", "/a?b?c", "/a?a=1;b=2&c=%zz", "/a?x=%", "/?q=a+b", "/a%23b", "/a%3Fb", "/a:b", "/a@b", "/a[1]", "/%E2%80%AE", "/%ff", "/~a", "/a'b(c)*", "/a%41",
		"/x?" + strings.Repeat("a=1&", 10_001) + "hidden=y",
	} {
		name := target
		if len(name) > 40 {
			name = "PA-25 many parameters"
		}
		if strings.Contains(target, "%zz") {
			name = "PA-26 " + name
		}
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, nil)
			f.get(target, "Cookie: "+valid).wantStatus(t, 200)
			if got := f.app.only(t).target(); got != target {
				t.Errorf("target at the app %.200q, sent %.200q", got, target)
			}
		})
	}
	t.Run("bytes that no URL may hold are encoded and nothing else changes", func(t *testing.T) {
		f := newFixture(t, nil)
		f.get("/a|b%2F..%2f\"é;x", "Cookie: "+valid).wantStatus(t, 200)
		if got, want := f.app.only(t).target(), "/a%7Cb%2F..%2f%22%C3%A9;x"; got != want {
			t.Errorf("target at the app %q, want %q", got, want)
		}
	})
	t.Run("absolute form becomes origin form", func(t *testing.T) {
		f := newFixture(t, nil)
		f.send("GET http://app.example.com/a%2Fb?c HTTP/1.1\r\nHost: ignored.example\r\nCookie: "+valid+"\r\n\r\n").wantStatus(t, 200)
		got := f.app.only(t)
		if got.target() != "/a%2Fb?c" || got.values("Host")[0] != "app.example.com" {
			t.Errorf("at the app:\n%s", got.head)
		}
	})
	t.Run("absolute form without a path", func(t *testing.T) {
		f := newFixture(t, nil)
		f.send("GET http://app.example.com HTTP/1.1\r\nHost: app.example.com\r\nCookie: "+valid+"\r\n\r\n").wantStatus(t, 200)
		if got := f.app.only(t).target(); got != "/" {
			t.Errorf("target %q, want /", got)
		}
	})
}

func TestUpstreamWithPath(t *testing.T) {
	f := newFixture(t, func(c *Config) { c.Upstream.Path = "/app/" })
	f.get("/a%2Fb//c?d", "Cookie: "+valid).wantStatus(t, 200)
	if got := f.app.only(t).target(); got != "/app/a%2Fb//c?d" {
		t.Errorf("target at the app %q", got)
	}
}

func TestHosts(t *testing.T) {
	tests := []struct {
		host string
		want int
	}{
		{"app.example.com", 200}, {"APP.example.COM", 200}, {"app.example.com:443", 200}, {"app.example.com.", 200}, {"app.example.com.:443", 200},
		{"other.example.com:8443", 200}, {"[2001:db8::1]", 200},
		{"evil.com", 421}, {"app.example.com:80", 421}, {"app.example.com:4180", 421}, {"app.example.com.evil.com", 421}, {"other.example.com", 421}, {"xapp.example.com", 421},
		{"app.example.com@evil.com", 400}, {"app.example.com:99999", 400}, {"[::1", 400}, {"app.example.com, evil.com", 400}, {"app .example.com", 400},
		{"app.example.com:", 400}, {"app.example.com/x", 400}, {"app.example.com:0", 400}, {"app.example.com:+443", 400}, {"..", 400}, {"app.example.com#", 400},
	}
	for _, tt := range tests {
		t.Run("HT-09 "+tt.host, func(t *testing.T) {
			f := newFixture(t, func(c *Config) { c.AllowedHosts = []string{"other.example.com:8443", "[2001:db8::1]"} })
			f.send("GET / HTTP/1.1\r\nHost: "+tt.host+"\r\nCookie: "+valid+"\r\n\r\n").wantStatus(t, tt.want)
			if tt.want != 200 {
				f.app.wantNone(t)
			}
		})
	}
	t.Run("HT-09 two hosts", func(t *testing.T) {
		f := newFixture(t, nil)
		f.get("/", "Host: app.example.com").wantStatus(t, 400)
		f.app.wantNone(t)
	})
	t.Run("FW-05 the app gets one spelling", func(t *testing.T) {
		f := newFixture(t, nil)
		f.send("GET / HTTP/1.1\r\nHost: APP.Example.com.:443\r\nCookie: "+valid+"\r\n\r\n").wantStatus(t, 200)
		got := f.app.only(t)
		if got.values("Host")[0] != "app.example.com" || got.values("X-Forwarded-Host")[0] != "app.example.com" {
			t.Errorf("at the app:\n%s", got.head)
		}
	})
	t.Run("the app's own host name", func(t *testing.T) {
		f := newFixture(t, func(c *Config) { c.PassHost = false })
		f.get("/", "Cookie: "+valid).wantStatus(t, 200)
		got := f.app.only(t)
		if got.values("Host")[0] != f.app.listener.Addr().String() || got.values("X-Forwarded-Host")[0] != "app.example.com" {
			t.Errorf("at the app:\n%s", got.head)
		}
	})
}

func TestCookieBombs(t *testing.T) {
	many := func(n int) string {
		return "Cookie: " + strings.Repeat("a=1; ", n) + valid
	}
	tests := []struct {
		name string
		line string
		want int
	}{
		{"a hundred pass", many(99), 200},
		{"CK-05 more do not", many(100), 431},
		{"CK-06 3001 cookies, ours last", many(3000), 431},
		{"16 KiB pass", "Cookie: a=" + strings.Repeat("x", maxCookieBytes-len(valid)-4) + "; " + valid, 200},
		{"CK-05 more bytes do not", "Cookie: a=" + strings.Repeat("x", maxCookieBytes) + "; " + valid, 431},
		{"above the header limit", "Cookie: a=" + strings.Repeat("x", 70<<10), 431},
		{"CK-22 a hundred lines", strings.Repeat("Cookie: a\r\n", 99) + "Cookie: " + valid, 200},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := newFixture(t, nil)
			f.get("/", tt.line).wantStatus(t, tt.want)
			if tt.want != 200 {
				f.app.wantNone(t)
			}
		})
	}
}

// A form that meets no session is neither forwarded nor kept to be sent later, and
// the answer is ours alone.
func TestFormWithoutSession(t *testing.T) {
	for name, lines := range map[string][]string{
		"OF-28 form":      {"Content-Type: application/x-www-form-urlencoded", "Content-Length: 3"},
		"OF-28 multipart": {"Content-Type: multipart/form-data; boundary=x", "Content-Length: 3"},
		"OF-27 navigation": {"Content-Type: application/x-www-form-urlencoded", "Content-Length: 3",
			"Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document", "Accept: text/html"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, nil)
			f.send(request("POST", "/form", lines...)+"a=b").wantStatus(t, 401)
			f.app.wantNone(t)
		})
	}
}
