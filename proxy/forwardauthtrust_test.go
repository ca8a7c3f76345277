package proxy

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/proxy/policy"
	"github.com/sallyport/sallyport/session"
)

// TestForwardAuthBelievesNothingElse: a proxy that is trusted states an allowed request, and
// lets through what its client says about another, in every other way of saying it. Alice is
// no admin, and stays none; what is not public stays so for nobody.
func TestForwardAuthBelievesNothingElse(t *testing.T) {
	f := askingFixture(t, nil)
	for name, lines := range map[string][]string{
		"FW-06 prefix":                    {"X-Forwarded-Prefix: /public"},
		"FW-06 prefix of another site":    {"X-Forwarded-Prefix: //evil.com"},
		"FW-07 rewritten address":         {"X-Rewrite-URL: /public/x"},
		"FW-07 method override":           {"X-HTTP-Method-Override: GET", "X-HTTP-Method: GET", "X-Method-Override: GET"},
		"FW-07 original URI":              {"X-Original-URI: /public/x"},
		"FW-07 original host":             {"X-Original-Host: evil.example.com"},
		"FW-08 scheme":                    {"X-Forwarded-Proto: http"},
		"FW-08 schemes":                   {"X-Forwarded-Proto: https, http"},
		"FW-08 scheme of another kind":    {"X-Forwarded-Proto: javascript"},
		"FW-08 other names of the scheme": {"X-Forwarded-Scheme: http", "X-Forwarded-Ssl: off", "Front-End-Https: off", "X-Url-Scheme: http"},
		"FW-11 with underscores":          {"X_Forwarded_Uri: /public/x", "X_Original_URL: /public/x", "X_Forwarded_Method: GET"},
		"FW-11 with other characters":     {"X.Forwarded.Uri: /public/x", "X-Forwarded~Uri: /public/x"},
		"RFC 7239":                        {"Forwarded: for=192.0.2.1;host=evil.example.com;proto=http;path=/public/x"},
		"other names of the path":         {"X-Request-URI: /public/x", "X-Forwarded-Path: /public/x", "X-Envoy-Original-Path: /public/x", "X-Auth-Request-Redirect: /public/x"},
		"hop-by-hop":                      {"Connection: X-Forwarded-Method, X-Forwarded-Uri"},
		"identity":                        {"X-Forwarded-User: root", "X-Auth-Request-User: root", "X-Auth-Request-Groups: admins", "X-Forwarded-Groups: admins", "Remote-User: root"},
		"assertion":                       {"X-Sallyport-Assertion: eyJhbGciOiJub25lIn0.e30."},
		"client address":                  {"X-Forwarded-For: 127.0.0.1", "X-Real-IP: 127.0.0.1", "True-Client-IP: 127.0.0.1"},
	} {
		t.Run(name, func(t *testing.T) {
			alice := []string{"Cookie: " + valid}
			a := f.ask(askPath, traefik("POST", "/admin/x"), lines, alice)
			a.wantStatus(t, 403)
			f.ask(askPath, traefik("POST", "/read/x"), lines).wantStatus(t, 401)
			f.ask(askPath, traefik("GET", "/x"), lines).wantStatus(t, 401)
			a = f.ask(askPath, traefik("GET", "/staff/x"), lines, alice)
			a.wantStatus(t, 200)
			for field, want := range map[string][]string{"X-Auth-Request-User": {"alice"}, "X-Auth-Request-Groups": {"staff"}} {
				if got := a.Header[field]; !slices.Equal(got, want) {
					t.Errorf("%s is %q, want %q", field, got, want)
				}
			}
		})
	}
}

// TestForwardAuthOddTargets: FW-11 and others that two readers take for different paths. None is
// public, and none gets alice where she may not be.
func TestForwardAuthOddTargets(t *testing.T) {
	f := askingFixture(t, nil)
	for _, uri := range []string{
		"/public/..%2fadmin/x", "/public/%2e%2e/admin/x", "/public/%252e%252e/admin/x", "/public/..%c0%afadmin/x", "/public/.%2e/admin/x", "/public/..\\admin/x",
		"/public/..%5cadmin/x", "/public//../admin/x", "/public/./../admin/x", "/public/..;/admin/x", "/public/..;a=b/admin/x", "/public%2f..%2fadmin/x",
		"/public/%2e%2e%2fadmin%2fx", "//admin/x", "/\\admin/x", "/./admin/x", "/%61dmin/../admin/x", "/public/../admin/x?y=/public/", "/public/../admin/x#/public/",
		"/public/..%00/admin/x", "/public/..%0d%0aX: y", "/public/..%09/admin/x", "/public/..%0a/admin/x", "/public/.%0d./admin/x", "/%09admin/x", "/ad%0amin/x", "/public/．．/admin/x", "/public/%ef%bc%8e%ef%bc%8e/admin/x", "/public/..%u002fadmin",
		"http://app.example.com/public/../admin/x", "http:/public/x", "https:public/x", "//evil.com/public/x", "/public/x,/admin/x", "/admin/x,/public/x",
	} {
		for name, told := range map[string][]string{"X-Forwarded": traefik("GET", uri), "X-Original": {"X-Original-Method: GET", "X-Original-URL: " + uri}} {
			if a := f.ask(askPath, told); a.StatusCode != 401 && a.StatusCode != 403 {
				t.Errorf("%s %q is public: %d", name, uri, a.StatusCode)
			}
			if a := f.ask(askPath, told, []string{"Cookie: " + valid}); a.StatusCode == 200 && strings.Contains(uri, "admin") {
				t.Errorf("%s %q lets alice in", name, uri)
			}
		}
	}
}

// TestForwardAuthTrailersSayNothing: the question has a body, and its trailers name another
// request.
func TestForwardAuthTrailersSayNothing(t *testing.T) {
	f := askingFixture(t, nil)
	head := request("POST", askPath, append(traefik("GET", "/admin/x"), "Cookie: "+valid, "Transfer-Encoding: chunked", "Trailer: X-Forwarded-Uri, X-Forwarded-Groups")...)
	a := f.send(head + "1\r\nx\r\n0\r\nX-Forwarded-Uri: /public/x\r\nX-Forwarded-Groups: admins\r\n\r\n")
	a.wantStatus(t, 403)
}

// TestForwardAuthOverAUnixSocket: FW-10. A peer without an address is trusted by a word alone.
func TestForwardAuthOverAUnixSocket(t *testing.T) {
	for _, trusted := range []bool{false, true} {
		f := askingFixture(t, func(c *Config) { c.Trusted, c.TrustUnix = nil, trusted })
		socket := t.TempDir() + "/s"
		l, err := net.Listen("unix", socket)
		if err != nil {
			t.Fatal(err)
		}
		go func() { _ = f.server.Serve(l) }()
		conn, err := net.Dial("unix", socket)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(conn, request("GET", askPath, traefik("GET", "/public/x")...))
		res, err := http.ReadResponse(bufio.NewReader(conn), nil)
		_ = conn.Close()
		if want := map[bool]int{false: 401, true: 200}[trusted]; err != nil || res.StatusCode != want {
			t.Errorf("trusted %v: %v, %v", trusted, res, err)
		}
	}
}

// TestForwardAuthAnswersAreNotCached: UP-08. The answer is about one person, whatever it is.
func TestForwardAuthAnswersAreNotCached(t *testing.T) {
	f := askingFixture(t, nil)
	for want, lines := range map[int][]string{
		200: append(traefik("GET", "/x"), "Cookie: "+valid),
		401: traefik("GET", "/x"),
		403: append(traefik("GET", "/admin/x"), "Cookie: "+valid),
		302: append(traefik("GET", "/x"), acceptsHTML),
	} {
		a := f.ask(askRedirect, lines)
		a.wantStatus(t, want)
		if a.Header.Get("Cache-Control") != "no-store" || !strings.Contains(strings.Join(a.Header["Vary"], ","), "Cookie") {
			if want != 302 { // what begins a sign-in is the protocol's own answer
				t.Errorf("%d: %v", want, a.Header)
			}
		}
	}
}

// TestIdentityCannotSplitAnswers: UP-07. A claim with a line break becomes no field, in the
// answer about a request or in the request itself; it is left out, and not mended.
func TestIdentityCannotSplitAnswers(t *testing.T) {
	bad := []string{"a\r\nX-Admin: 1", "a\nX-Admin: 1", "a\rX-Admin: 1", "a\x00b", "a\x0bb", "a\x7fb", "a\u0085X-Admin: 1", "a\u2028X-Admin: 1", "a\xff"}
	for _, value := range bad {
		f := askingFixture(t, func(c *Config) {
			c.ClaimHeaders = mustClaimHeaders(t, "X-Department=department")
			open, err := policy.New(policy.Config{})
			if err != nil {
				t.Fatal(err)
			}
			c.Policy = open
		})
		f.auth.add("mallory", session.Identity{Subject: "m", User: value, Email: value, Name: value, Groups: []string{value}, Claims: map[string][]string{"department": {value}}})
		const cookie = "Cookie: __Host-sallyport=mallory"
		a := f.ask(askPath, traefik("GET", "/x"), []string{cookie})
		a.wantStatus(t, 200)
		for _, name := range []string{"X-Auth-Request-User", "X-Auth-Request-Email", "X-Auth-Request-Preferred-Username", "X-Auth-Request-Groups", "X-Department"} {
			if got := a.Header[name]; !slices.Equal(got, []string{""}) {
				t.Errorf("%q: %s is %q, want it empty", value, name, got)
			}
		}
		f.get("/x", cookie).wantStatus(t, 200)
		app := f.app.only(t)
		for _, name := range []string{"X-Forwarded-User", "X-Forwarded-Email", "X-Forwarded-Preferred-Username", "X-Forwarded-Groups", "X-Department"} {
			if got := app.values(name); len(got) != 0 {
				t.Errorf("%q: the app got %s %q", value, name, got)
			}
		}
		if a.Header.Get("X-Admin") != "" || strings.Contains(app.head, "X-Admin") {
			t.Errorf("%q became a field", value)
		}
	}
}

// TestForwardAuthIsQuick: FW-13. An announced body that never comes holds up nobody, over HTTP/2 too.
func TestForwardAuthIsQuick(t *testing.T) {
	f := askingFixture(t, nil)
	c := f.dialH2()
	start := time.Now()
	c.headers(false, ":method", "POST", ":scheme", "https", ":path", askPath, ":authority", "app.example.com", "cookie", valid,
		"x-forwarded-method", "GET", "x-forwarded-uri", "/staff/x", "content-length", "5")
	if got := c.verdict(); got != "200" || time.Since(start) > bodyIdle/2 {
		t.Errorf("%s after %s", got, time.Since(start))
	}
}

// TestForwardAuthMethods: FW-14. One method in capital letters, or no rule is relaxed.
func TestForwardAuthMethods(t *testing.T) {
	f := askingFixture(t, nil)
	for _, method := range []string{"get", "Get", "GET, DELETE", "GET,GET", "GET GET", "GET\tDELETE", "G\x00ET", "ＧＥＴ", "OVERRIDE", strings.Repeat("A", 5000)} {
		for name, lines := range map[string][]string{
			"X-Forwarded": {"X-Forwarded-Method: " + method, "X-Forwarded-Uri: /read/x"},
			"X-Original":  {"X-Original-Method: " + method, "X-Original-URL: /read/x"},
		} {
			if a := f.ask(askPath, lines); a.StatusCode != 400 && a.StatusCode != 401 && a.StatusCode != 403 {
				t.Errorf("%s %.20q: %d", name, method, a.StatusCode)
			}
		}
	}
}
