package proxy

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/proxy/policy"
	"github.com/sallyport/sallyport/session"
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

func TestOwnEndpoints(t *testing.T) {
	tests := []struct {
		name, path string
		want       int
		atApp      bool
	}{
		{"own", "/oauth2/callback", 200, false},
		{"own with a query", "/oauth2/callback?code=x", 200, false},
		{"own that refuses", "/oauth2/auth", 401, false},
		{"PA-20 same beginning", "/oauth2evil", 200, true},
		{"PA-20 dot segment", "/oauth2/../admin", 404, false},
		{"PA-20 encoded slash", "/oauth2%2fauth", 404, false},
		{"PA-20 case", "/OAUTH2/callback", 200, true},
		{"PA-20 dot segments out", "/oauth2/static/../../admin", 404, false},
		{"PA-20 trailing slash", "/oauth2/auth/", 404, false},
		{"the prefix alone", "/oauth2", 404, false},
		{"the prefix and a slash", "/oauth2/", 404, false},
		{"unknown", "/oauth2/unknown", 404, false},
		{"dot segments in", "/x/../oauth2/auth", 404, false},
		{"dot segment that stays", "/./oauth2/auth", 404, false},
		{"two slashes", "//oauth2/auth", 404, false},
		{"slashes inside", "/oauth2//auth", 404, false},
		{"encoded letter", "/%6fauth2/auth", 404, false},
		{"encoded twice", "/%256fauth2/auth", 404, false},
		{"parameter", "/oauth2;x/auth", 404, false},
		{"empty segment and dots", "//../oauth2/auth", 404, false},
		{"reading that keeps empty segments", "/./oauth2//../x", 404, false},
		{"encoded dots", "/x/%2e%2e/oauth2/auth", 404, false},
		{"deeper", "/app/oauth2/auth", 200, true},
		{"OP-06 configuration page", "/oauth2/config", 404, false},
		{"PA-22 health page with dots", "/healthz/../admin", 200, true},
		{"PA-22 health page with an encoded slash", "/healthz%2f", 200, true},
		{"OP-06 metrics are the app's", "/metrics", 200, true},
		{"PA-22 ping is the app's", "/ping?x=1", 200, true},
		{"robots.txt is the app's", "/robots.txt", 200, true},
		{"OP-06 pprof is the app's", "/debug/pprof/heap", 200, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := newFixture(t, nil)
			f.get(tt.path, "Cookie: "+valid).wantStatus(t, tt.want)
			if got := len(f.app.requests()) == 1; got != tt.atApp {
				t.Errorf("reached the app: %v, want %v", got, tt.atApp)
			}
			if !tt.atApp {
				return
			}
			anon := newFixture(t, nil)
			anon.get(tt.path).wantStatus(t, 401)
			anon.app.wantNone(t)
		})
	}
}

func TestOwnEndpointMethods(t *testing.T) {
	f := newFixture(t, nil)
	a := f.send(request("DELETE", "/oauth2/callback"))
	a.wantStatus(t, 405)
	if got := a.Header.Get("Allow"); got != "GET, POST, HEAD" {
		t.Errorf("Allow = %q", got)
	}
	f.send(request("HEAD", "/oauth2/callback")).wantStatus(t, 200)
	f.get("/oauth2/auth", "User-Agent: GoogleHC/1.0").wantStatus(t, 401) // PA-21
	f.app.wantNone(t)
}

func TestBasePath(t *testing.T) {
	base := func(c *Config) { c.PublicURL.Path = "/app/" }
	for _, tt := range []struct {
		path string
		want int
	}{
		{"/app", 200}, {"/app/", 200}, {"/app/x%2Fy?z", 200}, {"/app/oauth2/callback", 200},
		{"/", 404}, {"/apple", 404}, {"/other", 404}, {"/oauth2/callback", 404}, {"/app/../admin", 404}, {"/app/%2e%2e/admin", 404}, {"/app/..;/admin", 404},
		{"/app/oauth2/x", 404}, {"/app//oauth2/callback", 404},
	} {
		t.Run(tt.path, func(t *testing.T) {
			f := newFixture(t, base)
			f.get(tt.path, "Cookie: "+valid).wantStatus(t, tt.want)
			for _, r := range f.app.requests() {
				if r.target() != tt.path {
					t.Errorf("target at the app %q: the base path stays", r.target())
				}
			}
		})
	}
	t.Run("sign-in leads back below the base path", func(t *testing.T) {
		f := newFixture(t, base)
		a := f.get("/app/x")
		if got := a.Header.Get("Www-Authenticate"); !strings.Contains(got, `realm="https://app.example.com/app", form-action="/app/oauth2/login"`) {
			t.Errorf("WWW-Authenticate = %s", got)
		}
	})
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

func TestAnswersWithoutSession(t *testing.T) {
	document := []string{"Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document"}
	html := "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
	tests := []struct {
		name   string
		method string
		lines  []string
		want   int
	}{
		{"navigation", "GET", document, 302},
		{"HEAD of one", "HEAD", document, 302},
		{"old browser", "GET", []string{html}, 302},
		{"curl", "GET", []string{"Accept: */*"}, 401},
		{"nothing said", "GET", nil, 401},
		{"fetch", "GET", []string{"Sec-Fetch-Mode: cors", "Sec-Fetch-Dest: empty", html}, 401},
		{"iframe", "GET", []string{"Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: iframe", html}, 401},
		{"prefetch", "GET", append([]string{"Sec-Purpose: prefetch;prerender"}, document...), 401},
		{"form", "POST", append([]string{"Content-Length: 0"}, document...), 401},
		{"XMLHttpRequest of an old browser", "GET", []string{html, "X-Requested-With: XMLHttpRequest"}, 401},
		{"JSON preferred", "GET", []string{"Accept: application/json, text/html;q=0.5"}, 401},
		{"JSON as good", "GET", []string{"Accept: text/html, application/json"}, 401},
		{"HTML refused", "GET", []string{"Accept: text/html;q=0, */*"}, 401},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := newFixture(t, nil)
			a := f.send(request(tt.method, "/a/b?c=d", tt.lines...))
			a.wantStatus(t, tt.want)
			f.app.wantNone(t)
			// UP-08: no cache may keep an answer of ours.
			if a.Header.Get("Cache-Control") != "no-store" || !strings.Contains(strings.Join(a.Header["Vary"], ","), "Cookie") || a.Header.Get("X-Request-Id") == "" {
				t.Errorf("fields of our answers are missing: %v", a.Header)
			}
			if tt.want == 302 && f.login.last() != "/a/b?c=d" {
				t.Errorf("the sign-in leads back to %q", f.login.last())
			}
		})
	}
	t.Run("the problem of a 401", func(t *testing.T) {
		f := newFixture(t, nil)
		a := f.get("/x")
		var problem struct {
			Code      string `json:"code"`
			LoginURL  string `json:"login_url"`
			RequestID string `json:"request_id"`
		}
		if err := json.Unmarshal([]byte(a.body), &problem); err != nil {
			t.Fatal(err)
		}
		if problem.Code != "sign_in_required" || problem.LoginURL != "/oauth2/login" || problem.RequestID != a.Header.Get("X-Request-Id") ||
			a.Header.Get("Sallyport-Error") != "sign_in_required" || a.Header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("%v\n%s", a.Header, a.body)
		}
		want := `Cookie realm="https://app.example.com", form-action="/oauth2/login", cookie-name="__Host-sallyport"`
		if got := a.Header.Get("Www-Authenticate"); got != want {
			t.Errorf("WWW-Authenticate = %s, want %s", got, want)
		}
	})
	t.Run("a path that cannot be returned to leads home", func(t *testing.T) {
		f := newFixture(t, nil)
		f.get("//evil.com/", document...).wantStatus(t, 302)
		if got := f.login.last(); got != "/" {
			t.Errorf("the sign-in leads back to %q", got)
		}
	})
}

func TestStoreDown(t *testing.T) {
	f := newFixture(t, nil)
	f.auth.fail(errStore)
	a := f.get("/", "Cookie: "+valid, "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document")
	a.wantStatus(t, 503)
	if a.Header.Get("Retry-After") != "5" || a.Header["Set-Cookie"] != nil {
		t.Errorf("fields %v: want Retry-After, and the cookie left alone", a.Header)
	}
	if strings.Contains(a.body, "192.0.2.1") || !strings.Contains(f.logs.String(), "192.0.2.1") {
		t.Error("the cause belongs into the log and nowhere else")
	}
	f.app.wantNone(t)
	f.get("/public/x").wantStatus(t, 200)
}

func TestDenied(t *testing.T) {
	f := newFixture(t, func(c *Config) {
		rules, err := policy.New(policy.Config{AllowedGroups: []string{"staff"}})
		if err != nil {
			t.Fatal(err)
		}
		c.Policy = rules
	})
	f.get("/", "Cookie: "+valid).wantStatus(t, 200)
	a := f.get("/", "Cookie: __Host-sallyport=bob")
	a.wantStatus(t, 403)
	if a.Header.Get("Sallyport-Error") != "group_not_allowed" {
		t.Errorf("Sallyport-Error = %q", a.Header.Get("Sallyport-Error"))
	}
	if len(f.app.requests()) != 1 {
		t.Error("a person who may not pass reached the app")
	}
}

func TestWebSocketOrigins(t *testing.T) {
	handshake := func(origins ...string) string {
		lines := []string{"Cookie: " + valid, "Connection: Upgrade", "Upgrade: WebSocket", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="}
		for _, o := range origins {
			lines = append(lines, "Origin: "+o)
		}
		return request("GET", "/ws", lines...)
	}
	tests := []struct {
		name    string
		origins []string
		want    int
	}{
		{"our own", []string{"https://app.example.com"}, 200},
		{"our own with the port", []string{"https://APP.example.com:443"}, 200},
		{"allowed", []string{"https://partner.example"}, 200},
		{"no browser", nil, 200},
		{"PA-29 another site", []string{"https://evil.com"}, 403},
		{"PA-29 another scheme", []string{"http://app.example.com"}, 403},
		{"PA-29 same site, another host", []string{"https://other.example.com"}, 403},
		{"PA-29 sandboxed page", []string{"null"}, 403},
		{"PA-29 two", []string{"https://app.example.com", "https://evil.com"}, 403},
		{"PA-29 a path", []string{"https://app.example.com/"}, 403},
		{"PA-29 a user", []string{"https://app.example.com@evil.com"}, 403},
		{"PA-29 empty", []string{""}, 403},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := newFixture(t, func(c *Config) { c.AllowedOrigins = []string{"https://partner.example"} })
			f.send(handshake(tt.origins...)).wantStatus(t, tt.want)
			if tt.want != 200 {
				f.app.wantNone(t)
			}
		})
	}
}

func TestIsNavigationNeedsNoHeaders(t *testing.T) {
	if IsNavigation(&http.Request{Method: "GET", Header: http.Header{}}) {
		t.Error("a request that says nothing is no navigation")
	}
}

func TestDecideIsPure(t *testing.T) {
	rules, err := policy.New(policy.Config{})
	if err != nil {
		t.Fatal(err)
	}
	d, err := newDecider(mustURL(t, "https://app.example.com"), nil, rules)
	if err != nil {
		t.Fatal(err)
	}
	nav, _ := http.NewRequest("GET", "/", nil)
	nav.Header.Set("Accept", "text/html")
	api, _ := http.NewRequest("GET", "/", nil)
	alice := &session.Session{Identity: session.Identity{User: "alice", Subject: "s"}}
	tests := []struct {
		name   string
		r      *http.Request
		s      *session.Session
		err    error
		kind   Kind
		reason string
	}{
		{"signed in", api, alice, nil, Forward, "session"},
		{"navigation", nav, nil, &session.NoSessionError{Why: session.NoCookie}, SignIn, "no_cookie"},
		{"OP-12 expired looks like unknown", api, nil, &session.NoSessionError{Why: session.SessionIdle}, Refuse, "session_idle"},
		{"store", nav, nil, errStore, Refuse, "store_unavailable"},
		{"a failure nobody knows", nav, nil, http.ErrBodyNotAllowed, Refuse, "internal_error"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := d.decide(tt.r, tt.s, tt.err)
			if got.Kind != tt.kind || got.Reason != tt.reason || (got.Fault == nil) != (got.Kind != Refuse) {
				t.Errorf("got %+v", got)
			}
		})
	}
}
