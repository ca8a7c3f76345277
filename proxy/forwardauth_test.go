package proxy

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/session"
)

func TestForwardAuthDecisions(t *testing.T) {
	alice, nobody := []string{"Cookie: " + valid}, []string(nil)
	tests := []struct {
		name   string
		who    []string
		method string
		uri    string
		want   int
		code   string
	}{
		{"signed in", alice, "GET", "/reports?x=%2F", 200, ""},
		{"nobody", nobody, "GET", "/reports", 401, "sign_in_required"},
		{"public path", nobody, "GET", "/public/a.css", 200, ""},
		{"public path with a query", nobody, "GET", "/public/a.css?v=/admin", 200, ""},
		{"rule refuses", alice, "GET", "/admin/users", 403, "group_not_allowed"},
		{"rule allows", alice, "POST", "/staff/x", 200, ""},
		{"rule denies", nobody, "GET", "/api/x", 401, "sign_in_required"},
		{"optional", nobody, "GET", "/read/x", 200, ""},
		{"optional in another method", nobody, "POST", "/read/x", 401, "sign_in_required"},
		{"PA-01 query like a public path", nobody, "GET", "/secret?path=/public/x", 401, "sign_in_required"},
		{"PA-02 raw fragment", nobody, "GET", "/secret#/public/x", 403, "bad_path"},
		{"PA-02 raw fragment, signed in", alice, "GET", "/staff/x#/public/x", 403, "bad_path"},
		{"PA-02 encoded fragment", nobody, "GET", "/public%23/x", 401, "sign_in_required"},
		{"PA-08 parameters", nobody, "GET", "/public/..;/admin/x", 401, "sign_in_required"},
		{"PA-08 parameters, signed in", alice, "GET", "/public/..;/admin/x", 403, "group_not_allowed"},
		{"PA-08 parameter before dots", nobody, "GET", "/public;x=1/../admin/x", 401, "sign_in_required"},
		{"PA-09 two slashes", alice, "GET", "//admin/x", 403, "group_not_allowed"},
		{"PA-09 two slashes inside", nobody, "GET", "/public//../admin", 401, "sign_in_required"},
		{"PA-09 three slashes", alice, "GET", "///admin/x", 403, "group_not_allowed"},
		{"PA-12 CONNECT", alice, "CONNECT", "/staff/x", 403, "method_not_allowed"},
		{"PA-14 any OPTIONS", nobody, "OPTIONS", "/admin/export", 401, "sign_in_required"},
		{"PA-15 lower-case method", nobody, "get", "/read/x", 403, "method_not_allowed"},
		{"PA-15 HEAD follows GET", nobody, "HEAD", "/read/x", 200, ""},
		{"PA-15 PROPFIND", nobody, "PROPFIND", "/read/x", 401, "sign_in_required"},
		{"PA-20 own endpoint", alice, "GET", "/oauth2/callback", 403, "not_found"},
		{"PA-20 own endpoint, nobody", nobody, "GET", "/oauth2/login", 403, "not_found"},
		{"PA-20 out of the prefix", nobody, "GET", "/oauth2/../admin", 403, "not_found"},
		{"PA-20 into the prefix", nobody, "GET", "/public/../oauth2/x", 403, "not_found"},
		{"PA-20 same beginning", nobody, "GET", "/oauth2evil", 401, "sign_in_required"},
		{"PA-24 NUL", alice, "GET", "/public/x%00.png", 403, "bad_path"},
		{"PA-24 NUL, nobody", nobody, "GET", "/admin%00/public/x", 403, "bad_path"},
		{"PA-25 many parameters", nobody, "GET", "/secret?a=1" + strings.Repeat("&a=1", 2000), 401, "sign_in_required"},
		{"PA-26 query that does not parse", nobody, "GET", "/secret?a=1;b=2&c=%zz", 401, "sign_in_required"},
		{"FW-11 encoded slash", nobody, "GET", "/public/..%2fadmin/x", 401, "sign_in_required"},
		{"FW-11 encoded slash, signed in", alice, "GET", "/public/..%2fadmin/x", 403, "group_not_allowed"},
		{"FW-11 encoded dots", nobody, "GET", "/public/%2e%2e/admin/x", 401, "sign_in_required"},
		{"FW-11 encoded backslash", nobody, "GET", "/public/..%5cadmin", 403, "bad_path"},
		{"FW-14 list of methods", nobody, "GET, DELETE", "/read/x", 403, "method_not_allowed"},
		{"no slash", alice, "GET", "staff/x", 403, "bad_request"},
		{"only a question mark", alice, "GET", "?x", 403, "bad_request"},
	}
	for _, told := range []struct {
		name   string
		fields func(method, uri string) []string
	}{{"X-Forwarded", traefik}, {"X-Original", nginx}} {
		f := askingFixture(t, nil)
		for _, tt := range tests {
			if told.name == "X-Original" && tt.uri[0] != '/' {
				continue // it would be part of the host
			}
			t.Run(told.name+" "+tt.name, func(t *testing.T) {
				a := f.ask(askPath, told.fields(tt.method, tt.uri), tt.who)
				a.wantStatus(t, tt.want)
				if got := a.Header.Get("Sallyport-Error"); got != tt.code {
					t.Errorf("Sallyport-Error %q, want %q", got, tt.code)
				}
				if got := a.Header.Get("Cache-Control"); got != "no-store" {
					t.Errorf("Cache-Control %q", got)
				}
			})
		}
		f.app.wantNone(t)
	}
}

// TestForwardAuthIsAskedInEachMethod: Envoy asks in that of the request.
func TestForwardAuthIsAskedInEachMethod(t *testing.T) {
	f := askingFixture(t, nil)
	for _, method := range []string{"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PROPFIND", "QUERY"} {
		lines := append(traefik(method, "/x"), "Cookie: "+valid)
		f.send(request(method, askPath, lines...)).wantStatus(t, 200)
	}
	f.send(request("TRACE", askPath, append(traefik("TRACE", "/x"), "Cookie: "+valid)...)).wantStatus(t, 403)
}

// TestForwardAuthAgreesWithProxy asks both about the same requests.
func TestForwardAuthAgreesWithProxy(t *testing.T) {
	f := askingFixture(t, nil)
	for _, who := range []string{"Cookie: " + valid, "Cookie: __Host-sallyport=bob", "Cookie: none=1"} {
		for _, method := range []string{"GET", "HEAD", "POST", "DELETE", "OPTIONS", "PROPFIND"} {
			for _, uri := range []string{
				"/", "/public/x", "/public/../x", "/public/%2e%2e/x", "/public//x", "/PUBLIC/x", "/admin/x", "/Admin/x", "/admin", "/admin/", "/%61dmin/x",
				"/read/x", "/read/x;y", "/read/%78", "/staff/x", "/staff/..%2f..%2fadmin/x", "/api/x", "/x%00", "/x%5c", "/oauth2/x",
			} {
				proxied := f.send(request(method, uri, who)).StatusCode
				asked := f.ask(askPath, traefik(method, uri), []string{who}).StatusCode
				switch proxied {
				case 400, 404, 405:
					proxied = 403 // what is told to a proxy that asks
				}
				if asked != proxied {
					t.Errorf("%s %s by %s: proxy %d, forward-auth %d", method, uri, who, proxied, asked)
				}
			}
		}
	}
}

func TestForwardAuthTellsTheCompleteSet(t *testing.T) {
	carol := session.Identity{Subject: "s", User: "carol", Email: "a\r\nX-Admin: 1", Groups: []string{"a,b", "50%"}}
	tests := []struct {
		name, cookie, uri string
		tune              func(*Config)
		want              map[string]string
	}{
		{"all facts", "alice", "/x", nil, map[string]string{
			"X-Auth-Request-User": "alice", "X-Auth-Request-Email": "alice@example.com", "X-Auth-Request-Groups": "staff",
			"X-Auth-Request-Preferred-Username": "alice.a"}},
		{"no groups", "bob", "/x", nil, map[string]string{"X-Auth-Request-User": "bob", "X-Auth-Request-Email": "bob@example.com", "X-Auth-Request-Preferred-Username": "bob.b"}},
		{"ID-23 ID-25 encoded and unfit claims", "carol", "/x", nil, map[string]string{"X-Auth-Request-User": "carol", "X-Auth-Request-Groups": "a%2Cb,50%25"}},
		{"ID-18 public path", "alice", "/public/x", nil, nil},
		{"access token", "alice", "/x", func(c *Config) { c.PassAccessToken = true }, map[string]string{
			"X-Auth-Request-User": "alice", "X-Auth-Request-Email": "alice@example.com", "X-Auth-Request-Groups": "staff",
			"X-Auth-Request-Preferred-Username": "alice.a", "X-Auth-Request-Access-Token": "at-alice"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := askingFixture(t, tt.tune)
			f.auth.add("carol", carol)
			a := f.ask(askPath, traefik("GET", tt.uri), []string{"Cookie: __Host-sallyport=" + tt.cookie})
			a.wantStatus(t, 200)
			for _, name := range theSet {
				if got := a.Header.Values(name); !slices.Equal(got, []string{tt.want[name]}) {
					t.Errorf("%s = %q, want %q once", name, got, tt.want[name])
				}
			}
			if a.body != "" {
				t.Errorf("body %q", a.body)
			}
			if got := a.Header.Get("X-Admin"); got != "" {
				t.Errorf("injected %q", got)
			}
		})
	}
}

func TestForwardAuthTellsWhatIsConfigured(t *testing.T) {
	f := askingFixture(t, func(c *Config) { c.PassIDToken, c.PassAuthorization = true, AuthorizationIDToken })
	a := f.ask(askPath, traefik("GET", "/x"), []string{"Cookie: " + valid})
	if got := a.Header.Get("X-Auth-Request-Id-Token"); got != "idt-alice" {
		t.Errorf("X-Auth-Request-Id-Token %q", got)
	}
	if got := a.Header.Get("Authorization"); got != "Bearer idt-alice" {
		t.Errorf("Authorization %q", got)
	}
	a = f.ask(askPath, traefik("GET", "/public/x"), []string{"Cookie: " + valid})
	for _, name := range []string{"X-Auth-Request-Id-Token", "Authorization"} {
		if got := a.Header.Values(name); !slices.Equal(got, []string{""}) {
			t.Errorf("on a public path %s = %q, want it empty once", name, got)
		}
	}
}

// TestForwardAuthBelievesTrustedPeersAlone: FW-01, FW-10.
func TestForwardAuthBelievesTrustedPeersAlone(t *testing.T) {
	strangers := func(c *Config) { c.Trusted = []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")} }
	admin := session.Identity{Subject: "s", User: "root", Groups: []string{"admins", "staff"}}
	for _, told := range []func(method, uri string) []string{traefik, nginx} {
		f := askingFixture(t, strangers)
		f.auth.add("root", admin)
		for _, uri := range []string{"/public/x", "/read/x", "/staff/x", "/x"} {
			f.ask(askPath, told("GET", uri)).wantStatus(t, 401)
			// Alice may be asking for /admin/x in truth.
			f.ask(askPath, told("GET", uri), []string{"Cookie: " + valid}).wantStatus(t, 403)
			f.ask(askPath, told("GET", uri), []string{"Cookie: __Host-sallyport=root"}).wantStatus(t, 200)
			// A rule may deny even the way to the sign-in.
			f.ask(askRedirect, told("GET", uri), []string{acceptsHTML}).wantStatus(t, 401)
		}
	}
	// Without rules nothing can be relaxed.
	f := newFixture(t, strangers)
	f.ask(askPath, traefik("GET", "/x"), []string{"Cookie: " + valid}).wantStatus(t, 200)
	f.ask(askPath, traefik("GET", "/public/x")).wantStatus(t, 401)
	f.ask(askRedirect, traefik("GET", "/a"), []string{acceptsHTML}).wantStatus(t, 302)
	if to := f.login.last(); to != "/" {
		t.Errorf("the sign-in leads to %q", to)
	}
}

// TestForwardAuthWithHalfAQuestion: what is missing could be anything.
func TestForwardAuthWithHalfAQuestion(t *testing.T) {
	f := askingFixture(t, nil)
	for name, lines := range map[string][]string{
		"FW-14 no method":     {"X-Forwarded-Uri: /public/x"},
		"no target":           {"X-Forwarded-Method: GET"},
		"nothing":             {},
		"empty":               {"X-Forwarded-Method: ", "X-Forwarded-Uri: "},
		"FW-06 only a prefix": {"X-Forwarded-Prefix: /public", "X-Forwarded-Method: GET"},
		"another spelling":    {"X-Forwarded-Method: GET", "X_Forwarded_Uri: /public/x"},
		"X-Rewrite-URL":       {"X-Forwarded-Method: GET", "X-Rewrite-URL: /public/x"},
	} {
		t.Run(name, func(t *testing.T) {
			f.ask(askPath, lines).wantStatus(t, 401)
			f.ask(askPath, lines, []string{"Cookie: " + valid}).wantStatus(t, 403)
		})
	}
}

// TestForwardAuthRefusesTwoAnswers: a client's field that the proxy lets through must
// not win over the one that the proxy sets.
func TestForwardAuthRefusesTwoAnswers(t *testing.T) {
	f := askingFixture(t, nil)
	for name, lines := range map[string][]string{
		"both targets":         slices.Concat(nginx("GET", "/staff/x"), []string{"X-Forwarded-Uri: /public/x"}),
		"both targets, nginx":  slices.Concat(traefik("GET", "/staff/x"), []string{"X-Original-URL: /public/x"}),
		"target twice":         {"X-Forwarded-Method: GET", "X-Forwarded-Uri: /staff/x", "X-Forwarded-Uri: /public/x"},
		"query differs":        slices.Concat(nginx("GET", "/staff/x?a"), []string{"X-Forwarded-Uri: /staff/x?b"}),
		"encoding differs":     slices.Concat(nginx("GET", "/staff/x"), []string{"X-Forwarded-Uri: /staff/%78"}),
		"both methods":         slices.Concat(nginx("POST", "/read/x"), []string{"X-Forwarded-Method: GET"}),
		"FW-14 method twice":   {"X-Forwarded-Method: GET", "X-Forwarded-Method: DELETE", "X-Forwarded-Uri: /read/x"},
		"same method twice":    {"X-Forwarded-Method: GET", "X-Forwarded-Method: GET", "X-Forwarded-Uri: /read/x"},
		"hosts differ":         slices.Concat(nginx("GET", "/staff/x"), []string{"X-Forwarded-Host: other.example.com"}),
		"another scheme":       {"X-Original-Method: GET", "X-Original-URL: ftp://app.example.com/staff/x"},
		"PA-02 user in target": {"X-Original-Method: GET", "X-Original-URL: https://app.example.com@evil.example/staff/x"},
		"white space":          traefik("GET", "/staff/x /y"),
	} {
		t.Run(name, func(t *testing.T) {
			a := f.ask(askPath, lines, []string{"Cookie: " + valid})
			a.wantStatus(t, 403)
			if a.Header.Get("X-Auth-Request-User") != "" {
				t.Error("told who it is")
			}
			f.ask(askPath, lines).wantStatus(t, 403)
		})
	}
	f.ask(askPath, nginx("GET", "/staff/x"), traefik("GET", "/staff/x"), []string{"Cookie: " + valid}).wantStatus(t, 200)
}

// TestForwardAuthHosts: FW-04, FW-05, PA-17.
func TestForwardAuthHosts(t *testing.T) {
	f := askingFixture(t, func(c *Config) { c.AllowedHosts = []string{"b.example.com"} })
	tests := []struct {
		name  string
		lines []string
		want  int
	}{
		{"FW-04 evil host", []string{"X-Forwarded-Host: app.example.com.evil.com"}, 403},
		{"FW-05 capital letters", []string{"X-Forwarded-Host: App.EXAMPLE.com"}, 200},
		{"FW-05 trailing dot and port", []string{"X-Forwarded-Host: app.example.com.:443"}, 200},
		{"allowed", []string{"X-Forwarded-Host: b.example.com"}, 200},
		{"another port", []string{"X-Forwarded-Host: app.example.com:8443"}, 403},
		{"PA-17 empty", []string{"X-Original-URL: https:///staff/x", "X-Original-Method: GET"}, 403},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			lines := tt.lines
			if len(lines) == 1 {
				lines = append(lines, traefik("GET", "/staff/x")...)
			}
			f.ask(askPath, lines, []string{"Cookie: " + valid}).wantStatus(t, tt.want)
		})
	}
	f.send("GET /oauth2/auth HTTP/1.1\r\nHost: evil.example.com\r\nCookie: "+valid+"\r\n\r\n").wantStatus(t, 403)
}

// TestForwardAuthRefusesBrokenSessions: ID-20, PA-21, OP-06.
func TestForwardAuthRefusesBrokenSessions(t *testing.T) {
	f := askingFixture(t, nil)
	for _, lines := range [][]string{
		{"Cookie: __Host-sallyport=%%%; __Host-sallyport"},
		{"Cookie: __Host-sallyport="},
		{"Cookie: __Host-sallyport=alicE"},
		{"User-Agent: GoogleHC/1.0"},
		{"User-Agent: kube-probe/1.30"},
		{"Authorization: Bearer forged"},
		{"X-Auth-Request-User: alice"},
		{"X-Forwarded-User: alice"},
	} {
		for _, path := range []string{askPath, askRedirect} {
			a := f.ask(path, traefik("GET", "/x"), lines)
			a.wantStatus(t, 401)
			if a.Header.Get("X-Auth-Request-User") != "" {
				t.Errorf("%q: told who it is", lines)
			}
		}
	}
	a := f.get(askPath, "Cookie: "+strings.Repeat("a=1; ", 200))
	a.wantStatus(t, 403)
	if got := a.Header.Get("Sallyport-Error"); got != "cookies_too_large" {
		t.Errorf("Sallyport-Error %q", got)
	}
	f.auth.fail(errStore)
	a = f.ask(askPath, traefik("GET", "/x"), []string{"Cookie: " + valid})
	a.wantStatus(t, 503)
	if a.Header.Get("Retry-After") == "" || a.Header.Get("Set-Cookie") != "" {
		t.Errorf("a store that is down: %v", a.Header)
	}
}

// TestForwardAuthReadsNoBody: FW-13.
func TestForwardAuthReadsNoBody(t *testing.T) {
	f := askingFixture(t, nil)
	for _, lines := range [][]string{{"Content-Length: 5"}, {"Transfer-Encoding: chunked"}, {"Content-Length: 5", "Expect: 100-continue"}} {
		for _, method := range []string{"GET", "POST"} {
			c := f.dial()
			start := time.Now()
			c.write(request(method, askPath, slices.Concat(lines, traefik("POST", "/x"), []string{"Cookie: " + valid})...))
			c.answer(method).wantStatus(t, 200)
			if took := time.Since(start); took > bodyIdle/2 {
				t.Errorf("%s %q took %s", method, lines, took)
			}
		}
	}
}

// TestForwardAuthCountsAsUse: idle time is counted from the last question, too.
func TestForwardAuthCountsAsUse(t *testing.T) {
	f := askingFixture(t, nil)
	f.ask(askPath, traefik("GET", "/x"), []string{"Cookie: " + valid}).wantStatus(t, 200)
	f.auth.mu.Lock()
	defer f.auth.mu.Unlock()
	if f.auth.asked != 1 || f.auth.peeked != 0 {
		t.Errorf("authenticated %d times, peeked %d times", f.auth.asked, f.auth.peeked)
	}
}

func TestForwardAuthOff(t *testing.T) {
	f := askingFixture(t, func(c *Config) { c.ForwardAuth = ForwardAuthOff })
	f.ask(askPath, traefik("GET", "/public/x"), []string{"Cookie: " + valid}).wantStatus(t, 404)
	f.app.wantNone(t)
}

func TestForwardAuthOnly(t *testing.T) {
	f := askingFixture(t, func(c *Config) { c.ForwardAuth, c.Upstream, c.UpstreamTimeout = ForwardAuthOnly, nil, 0 })
	f.ask(askPath, traefik("GET", "/x"), []string{"Cookie: " + valid}).wantStatus(t, 200)
	f.get("/oauth2/session", "Cookie: "+valid).wantStatus(t, 200)
	for _, path := range []string{"/", "/public/x", "/staff/x"} {
		a := f.get(path, "Cookie: "+valid)
		a.wantStatus(t, 404)
		if got := a.Header.Get("Sallyport-Error"); got != "not_found" {
			t.Errorf("Sallyport-Error %q", got)
		}
	}
	f.app.wantNone(t)
}

// TestForwardAuthHasFieldsForCookies: only proxies that are trusted get them, and only with
// a store that sets cookies.
func TestForwardAuthHasFieldsForCookies(t *testing.T) {
	for _, tt := range []struct {
		name  string
		parts int
		tune  func(*Config)
		want  int
	}{
		{"cookies", 2, trustLoopback, 2}, {"another store", 0, trustLoopback, 0}, {"nobody is trusted", 2, func(*Config) {}, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := newFixture(t, func(c *Config) {
				tt.tune(c)
				c.CookieParts = tt.parts
			})
			res := f.ask(askPath, traefik("GET", "/x"), []string{"Cookie: " + valid})
			res.wantStatus(t, 200)
			if got := len(res.Header["X-Sallyport-Set-Cookie-0"]) + len(res.Header["X-Sallyport-Set-Cookie-1"]); got != tt.want {
				t.Errorf("%d fields for cookies, want %d", got, tt.want)
			}
			res = f.ask(askPath, traefik("GET", "/x"))
			if res.wantStatus(t, 401); res.Header["X-Sallyport-Set-Cookie-0"] != nil {
				t.Error("a refusal has a field for cookies, which its Set-Cookie does without")
			}
		})
	}
}
