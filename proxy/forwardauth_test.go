package proxy

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/proxy/policy"
	"github.com/sallyport/sallyport/session"
)

// theSet are the fields that every answer of /auth has.
var theSet = []string{
	headerAuthUser, headerAuthEmail, headerAuthGroups, headerAuthPreferredUsername, headerAuthAccessToken, headerGroupsOmitted, headerAssertion,
}

// wantSet checks that the whole set is there, once each, empty but for what is wanted.
// An assertion is only looked for.
func (a *answer) wantSet(t *testing.T, want map[string]string) {
	t.Helper()
	for _, name := range theSet {
		values, ok := a.Header[name]
		if !ok || len(values) != 1 || name != headerAssertion && values[0] != want[name] {
			t.Errorf("%s = %q, want %q once", name, values, want[name])
		}
		if name == headerAssertion && ok && (values[0] != "") != (want[name] != "") {
			t.Errorf("%s = %q, want one: %v", name, values[0], want[name] != "")
		}
	}
}

// asks are the two ways in which edge proxies state the original request.
func asks(method, target string) map[string][]string {
	return map[string][]string{
		"traefik":  {"X-Forwarded-Method: " + method, "X-Forwarded-Uri: " + target, "X-Forwarded-Proto: https", "X-Forwarded-Host: app.example.com"},
		"nginx":    {"X-Original-Method: " + method, "X-Original-URL: https://app.example.com" + target},
		"combined": {"X-Original-Method: " + method, "X-Original-URL: " + target, "X-Forwarded-Method: " + method, "X-Forwarded-Uri: " + target},
	}
}

// trustAndAssert makes the test a trusted peer, and has assertions signed.
func trustAndAssert(t *testing.T) func(*Config) {
	ring := newRing(t, session.GenerateKey())
	return func(c *Config) {
		trustLoopback(c)
		c.AssertionKeys = ring.AssertionKeys
		c.PassAccessToken = true
	}
}

func TestForwardAuth(t *testing.T) {
	alice := map[string]string{
		headerAuthUser: "alice", headerAuthEmail: "alice@example.com", headerAuthGroups: "staff", headerAuthPreferredUsername: "alice.a",
		headerAuthAccessToken: "at-alice", headerAssertion: "yes",
	}
	tests := []struct {
		name, method, target string
		lines                []string
		status               int
		want                 map[string]string
	}{
		{"signed in", "GET", "/invoices?x=1", []string{"Cookie: " + valid}, 200, alice},
		{"signed in, a form", "POST", "/invoices", []string{"Cookie: " + valid}, 200, alice},
		{"nobody", "GET", "/invoices", nil, 401, nil},
		{"nobody, a navigation that is not to be led away", "GET", "/invoices", asNavigation, 401, nil},
		{"public", "GET", "/public/x", nil, 200, nil},
		{"a public path tells no identity", "GET", "/public/x", []string{"Cookie: " + valid}, 200, nil},
		{"PA-15 HEAD follows GET", "HEAD", "/public/x", nil, 200, nil},
		{"commas are the app's", "GET", "/public/map/@48.1,11.5?a=1,2", nil, 200, nil},
		{"ID-20 malformed cookie", "GET", "/invoices", []string{"Cookie: __Host-sallyport=%%%; __Host-sallyport"}, 401, nil},
		{"ID-18 forged identity, nobody", "GET", "/public/x", []string{"X-Forwarded-User: admin", "X-Auth-Request-User: admin", "X-Sallyport-Assertion: admin"}, 200, nil},
		{"ID-01 forged identity, somebody", "GET", "/invoices", []string{"Cookie: " + valid, "x-FORWARDED-user: admin", "X-Forwarded-User: root", "X_Auth_Request_User: admin"}, 200, alice},
		{"ID-21 forged tokens", "GET", "/invoices", []string{"X-Forwarded-Access-Token: x", "Authorization: Bearer forged", "Remote-User: admin"}, 401, nil},
		{"PA-21 health probe", "GET", "/invoices", []string{"User-Agent: GoogleHC/1.0"}, 401, nil},
		{"PA-14 OPTIONS", "OPTIONS", "/admin/export", nil, 401, nil},
		{"PA-16 override", "GET", "/invoices", []string{"X-HTTP-Method-Override: OPTIONS"}, 401, nil},
		{"PA-28 WebSocket, nobody", "GET", "/ws", []string{"Sec-WebSocket-Key: x", "Sec-WebSocket-Version: 13"}, 401, nil},
		{"PA-29 WebSocket of another site", "GET", "/ws", []string{"Cookie: " + valid, "Sec-WebSocket-Key: x", "Origin: https://evil.com"}, 403, nil},
		{"WebSocket of this site", "GET", "/ws", []string{"Cookie: " + valid, "Sec-WebSocket-Key: x", "Origin: https://app.example.com"}, 200, alice},
		{"PA-01 the query is not the path", "GET", "/admin?path=/public/x", nil, 401, nil},
		{"PA-02 raw #", "GET", "/public/x#/admin", nil, 403, nil},
		{"PA-02 encoded #", "GET", "/public/x%23/admin", nil, 401, nil},
		{"PA-08 parameter", "GET", "/public/..;/admin", nil, 401, nil},
		{"PA-08 parameters", "GET", "/public;x=1/../admin", nil, 401, nil},
		{"PA-09 slashes", "GET", "/public//../admin", nil, 401, nil},
		{"PA-09 slashes in front", "GET", "//public/x", nil, 401, nil},
		{"PA-24 encoded NUL", "GET", "/public/x%00.png", nil, 403, nil},
		{"FW-11 encoded slash", "GET", "/public/..%2fadmin", nil, 401, nil},
		{"FW-11 encoded dots", "GET", "/public/%2e%2e/admin", nil, 401, nil},
		{"FW-11 encoded backslash", "GET", "/public/..%5cadmin", nil, 403, nil},
		{"FW-11 ambiguous, signed in", "GET", "/public/../invoices", []string{"Cookie: " + valid}, 200, alice},
		{"PA-20 one of our own", "GET", "/oauth2/callback", []string{"Cookie: " + valid}, 403, nil},
		{"PA-20 one of our own, to some", "GET", "/public/../oauth2/callback", []string{"Cookie: " + valid}, 403, nil},
		{"PA-25 many parameters", "GET", "/x?" + strings.Repeat("a=1&", 5000), nil, 401, nil},
		{"PA-26 broken query", "GET", "/public/x?a=1;b=2&c=%zz", nil, 200, nil},
		{"PA-12 CONNECT", "CONNECT", "/public/x", []string{"Cookie: " + valid}, 403, nil},
		{"FW-14 lower case", "get", "/public/x", nil, 403, nil},
		{"FW-14 two methods", "GET, DELETE", "/public/x", nil, 403, nil},
	}
	for _, tt := range tests {
		for edge, lines := range asks(tt.method, tt.target) {
			t.Run(tt.name+" by "+edge, func(t *testing.T) {
				f := newFixture(t, trustAndAssert(t))
				a := f.get("/oauth2/auth", append(lines, tt.lines...)...)
				a.wantStatus(t, tt.status)
				a.wantSet(t, tt.want)
				if a.Header.Get("Cache-Control") != "no-store" || a.Header.Get("X-Request-Id") == "" {
					t.Errorf("fields %v", a.Header)
				}
				f.app.wantNone(t)
			})
		}
	}
}

// TestForwardAuthRules: the same rules, for the same readings; who cannot say what is
// asked for has to pass all of them.
func TestForwardAuthRules(t *testing.T) {
	age := 10 * time.Minute
	p, err := policy.New(policy.Config{PublicPaths: []string{"/public/**"}, Rules: []policy.Rule{
		{Number: 1, Paths: []string{"/admin/**"}, Groups: []string{"admins"}},
		{Number: 2, Paths: []string{"/shop/**"}, Unauthenticated: policy.Allow},
		{Number: 3, Paths: []string{"/bank/**"}, MaxAge: &age},
		{Number: 4, Paths: []string{"/files/**"}, Methods: []string{"DELETE"}, Groups: []string{"admins"}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, who, method, target string
		trusted                   bool
		status                    int
	}{
		{"refused", "alice", "GET", "/admin/x", true, 403},
		{"admitted", "root", "GET", "/admin/x", true, 200},
		{"another reading", "alice", "GET", "/x/..%2fadmin/x", true, 403},
		{"optional, nobody", "", "GET", "/shop/x", true, 200},
		{"optional, ambiguous, nobody", "", "GET", "/shop/../x", true, 401},
		{"step-up", "alice", "GET", "/bank/x", true, 401},
		{"by method, another", "alice", "GET", "/files/x", true, 200},
		{"by method, this one", "alice", "DELETE", "/files/x", true, 403},
		{"untrusted peer, a path of anybody", "alice", "GET", "/x", false, 403},
		{"untrusted peer, an optional path", "", "GET", "/shop/x", false, 401},
		{"untrusted peer, who passes all", "root", "GET", "/x", false, 200},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := newFixture(t, func(c *Config) {
				c.Policy = p
				if tt.trusted {
					trustLoopback(c)
				}
			})
			f.auth.add("root", session.Identity{Subject: "sub-root", User: "root", Groups: []string{"admins"}, AuthTime: time.Now()})
			f.get("/oauth2/auth", append(asks(tt.method, tt.target)["nginx"], "Cookie: __Host-sallyport="+tt.who)...).wantStatus(t, tt.status)
		})
	}
}

// TestForwardAuthEqualsProxy asks both about the same requests.
func TestForwardAuthEqualsProxy(t *testing.T) {
	f := newFixture(t, trustLoopback)
	for _, path := range []string{
		"/", "/public/x", "/public", "/PUBLIC/x", "/public/%78", "/public/a%20b", "/public//x", "/public/./x", "/public/x;y", "/public/x%2fy", "/x%23", "/%ff", "/public/%E2%80%AE",
		"/a\\b", "/a%5cb", "/a%00", "/oauth2", "/oauth2/", "/oauth2x", "/x/../oauth2/auth", "/public/%c0%ae/", "/public/é",
	} {
		for _, who := range []string{"Cookie: " + valid, "Cookie: none=1"} {
			proxied := f.get(path, who).StatusCode
			asked := f.get("/oauth2/auth", append(asks("GET", path)["traefik"], who)...).StatusCode
			want := map[int]int{400: 403, 404: 403}[proxied]
			if want == 0 {
				want = proxied
			}
			if asked != want {
				t.Errorf("%s with %s: forward-auth says %d, the proxy %d", path, who, asked, proxied)
			}
		}
	}
}

func TestForwardAuthRedirect(t *testing.T) {
	tests := []struct {
		name   string
		tune   func(*Config)
		lines  []string
		status int
		to     string
	}{
		{"a navigation", trustLoopback, slices.Concat(asks("GET", "/invoices?x=%2F&y=1")["traefik"], asNavigation), 302, "/invoices?x=%2F&y=1"},
		{"a navigation by nginx", trustLoopback, slices.Concat(asks("GET", "/invoices?x=1")["nginx"], asNavigation), 302, "/invoices?x=1"},
		{"a script", trustLoopback, asks("GET", "/invoices")["traefik"], 401, ""},
		{"a form", trustLoopback, slices.Concat(asks("POST", "/invoices")["traefik"], asNavigation), 401, ""},
		{"signed in", trustLoopback, slices.Concat(asks("GET", "/invoices")["traefik"], asNavigation, []string{"Cookie: " + valid}), 200, ""},
		{"RD two slashes", trustLoopback, slices.Concat(asks("GET", "//evil.com/x")["traefik"], asNavigation), 302, "/"},
		{"RD encoded slashes", trustLoopback, slices.Concat(asks("GET", "/%2fevil.com/x")["traefik"], asNavigation), 302, "/"},
		{"an untrusted peer's address is not read", nil, slices.Concat(asks("GET", "/invoices")["traefik"], asNavigation), 302, "/"},
		{"another host of ours that redirects may lead to", otherHost("https://b.example.com"),
			slices.Concat([]string{"X-Forwarded-Method: GET", "X-Forwarded-Uri: /x", "X-Forwarded-Host: b.example.com", "X-Forwarded-Proto: https"}, asNavigation), 302, "https://b.example.com/x"},
		{"another host of ours that redirects may not lead to", otherHost(),
			slices.Concat([]string{"X-Forwarded-Method: GET", "X-Forwarded-Uri: /x", "X-Forwarded-Host: b.example.com", "X-Forwarded-Proto: https"}, asNavigation), 302, "/"},
		{"FW-08 scheme of no use", otherHost("https://b.example.com"),
			slices.Concat([]string{"X-Forwarded-Method: GET", "X-Forwarded-Uri: /x", "X-Forwarded-Host: b.example.com", "X-Forwarded-Proto: javascript"}, asNavigation), 302, "https://b.example.com/x"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := newFixture(t, tt.tune)
			a := f.get("/oauth2/auth?redirect=true", tt.lines...)
			a.wantStatus(t, tt.status)
			if got := f.login.last(); got != tt.to {
				t.Errorf("the sign-in leads to %q, want %q", got, tt.to)
			}
			if tt.status == 302 {
				a.wantSet(t, nil)
			}
		})
	}
}

// otherHost serves b.example.com, too.
func otherHost(redirects ...string) func(*Config) {
	return func(c *Config) {
		trustLoopback(c)
		c.AllowedHosts = []string{"b.example.com"}
		returns, err := session.NewReturnPolicy(session.ReturnConfig{PublicURL: c.PublicURL, Prefix: c.Prefix, AllowedOrigins: redirects})
		if err != nil {
			panic(err)
		}
		c.Returns = returns
	}
}

// TestForwardAuthIsUse: whom the edge proxy asks about is active.
func TestForwardAuthIsUse(t *testing.T) {
	f := newFixture(t, trustLoopback)
	f.get("/oauth2/auth", append(asks("GET", "/x")["nginx"], "Cookie: "+valid)...).wantStatus(t, 200)
	if f.auth.asked != 1 || f.auth.peeked != 0 {
		t.Errorf("asked %d times, peeked %d times", f.auth.asked, f.auth.peeked)
	}
	f.auth.fail(errStore)
	f.get("/oauth2/auth", append(asks("GET", "/x")["nginx"], "Cookie: "+valid)...).wantStatus(t, 503)
	f.get("/oauth2/auth", asks("GET", "/public/x")["nginx"]...).wantStatus(t, 200)
	if logs := f.logs.String(); !strings.Contains(logs, `"asked_method":"GET","asked_path":"/x"`) {
		t.Errorf("the log does not say what was asked about:\n%s", logs)
	}
}

// TestForwardAuthReadsNoBody: many proxies announce the original's body and send none.
func TestForwardAuthReadsNoBody(t *testing.T) {
	for _, framing := range []string{"Content-Length: 5", "Transfer-Encoding: chunked"} {
		for _, method := range []string{"GET", "POST"} {
			f := newFixture(t, trustLoopback)
			start := time.Now()
			f.send(request(method, "/oauth2/auth", append(asks(method, "/x")["nginx"], framing, "Cookie: "+valid)...)).wantStatus(t, 200)
			if took := time.Since(start); took > time.Second {
				t.Errorf("FW-13 %s with %s took %v", method, framing, took)
			}
		}
	}
}

func TestForwardAuthClaims(t *testing.T) {
	for _, tt := range []struct {
		name string
		id   session.Identity
		want map[string]string
	}{
		{"ID-23 delimiters in a group", session.Identity{User: "c", Groups: []string{"a", "x,admins", "50%"}}, map[string]string{headerAuthUser: "c", headerAuthGroups: "a,x%2Cadmins,50%25"}},
		{"ID-25 line break", session.Identity{User: "c", Name: "a\r\nX-Admin: 1", Email: "a\x00b"}, map[string]string{headerAuthUser: "c"}},
		{"ID-25 line break in a group", session.Identity{User: "c", Groups: []string{"a\nb"}}, map[string]string{headerAuthUser: "c", headerGroupsOmitted: "true"}},
		{"beyond ASCII", session.Identity{User: "Zoë"}, map[string]string{headerAuthUser: "Zoë"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := newFixture(t, trustLoopback)
			f.auth.add("carol", tt.id)
			a := f.get("/oauth2/auth", append(asks("GET", "/x")["nginx"], "Cookie: __Host-sallyport=carol")...)
			a.wantStatus(t, 200)
			a.wantSet(t, tt.want)
			if a.Header.Get("X-Admin") != "" {
				t.Error("a claim became a field")
			}
		})
	}
}

// TestForwardAuthAuthorization: where we replace Authorization, the set has it.
func TestForwardAuthAuthorization(t *testing.T) {
	f := newFixture(t, func(c *Config) { trustLoopback(c); c.PassAuthorization = AuthorizationAccessToken })
	a := f.get("/oauth2/auth", append(asks("GET", "/x")["nginx"], "Cookie: "+valid)...)
	if got := a.Header.Get("Authorization"); got != "Bearer at-alice" {
		t.Errorf("Authorization = %q", got)
	}
	a = f.get("/oauth2/auth", asks("GET", "/public/x")["nginx"]...)
	if got, ok := a.Header["Authorization"]; !ok || got[0] != "" {
		t.Errorf("on a public path Authorization = %q, want it empty", got)
	}
}

func TestForwardAuthModes(t *testing.T) {
	off := newFixture(t, func(c *Config) { trustLoopback(c); c.ForwardAuth = ForwardAuthOff })
	off.get("/oauth2/auth", "Cookie: "+valid).wantStatus(t, 404)

	only := newFixture(t, func(c *Config) { trustLoopback(c); c.ForwardAuth, c.Upstream = ForwardAuthOnly, nil })
	only.get("/oauth2/auth", append(asks("GET", "/x")["nginx"], "Cookie: "+valid)...).wantStatus(t, 200)
	only.get("/x", "Cookie: "+valid).wantStatus(t, 404)
	only.get("/public/x").wantStatus(t, 404)
	only.get("/oauth2/session", "Cookie: "+valid).wantStatus(t, 200)
	only.app.wantNone(t)
}

// TestForwardAuthWarns tells the operator of an edge proxy that is not trusted, and
// not of browsers.
func TestForwardAuthWarns(t *testing.T) {
	f := newFixture(t, nil)
	f.get("/oauth2/auth", "Cookie: "+valid).wantStatus(t, 200)
	if logs := f.logs.String(); strings.Contains(logs, "forward-auth was asked") {
		t.Errorf("warned of a browser:\n%s", logs)
	}
	for range 3 {
		f.get("/oauth2/auth", append(asks("GET", "/x")["nginx"], "Cookie: "+valid)...).wantStatus(t, 200)
	}
	if logs := f.logs.String(); strings.Count(logs, "forward-auth was asked") != 1 || !strings.Contains(logs, "SALLYPORT_TRUSTED_PROXIES") {
		t.Errorf("want one warning that names the variable:\n%s", logs)
	}
}

