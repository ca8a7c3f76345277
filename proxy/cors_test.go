package proxy

import (
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
)

const front = "https://front.example.com"

func withCORS(change func(*CORS)) func(*Config) {
	return func(c *Config) {
		c.CORS = CORS{Origins: []string{front, "https://b.example.com:8443"}, Methods: []string{"GET", "PUT"}, Headers: []string{"Content-Type", "X-Csrf"}, MaxAge: 10 * time.Minute, Credentials: true}
		if change != nil {
			change(&c.CORS)
		}
	}
}

// corsFields are the fields by which a browser lets a page of another origin in.
func corsFields(h http.Header) map[string][]string {
	found := make(map[string][]string)
	for name, values := range h {
		if strings.HasPrefix(name, "Access-Control-") {
			found[name] = values
		}
	}
	return found
}

// wantVary wants Origin to be named, so that a cache keeps an answer for each.
func wantVary(t *testing.T, h http.Header) {
	t.Helper()
	if vary := strings.Join(h.Values("Vary"), ", "); !strings.Contains(vary, "Origin") {
		t.Errorf("Vary: %q", vary)
	}
}

func TestCORSPreflights(t *testing.T) {
	listed := []string{"Origin: " + front, "Access-Control-Request-Method: PUT"}
	tests := []struct {
		name   string
		raw    string
		status int
	}{
		{"allowed", request("OPTIONS", "/api", listed...), 204},
		{"with a query", request("OPTIONS", "/api?x=y", listed...), 204},
		{"on a public path", request("OPTIONS", "/public/x", listed...), 204},
		{"allowed headers", request("OPTIONS", "/api", append(slices.Clone(listed), "Access-Control-Request-Headers: content-type,X-CSRF")...), 204},
		{"a safe method", request("OPTIONS", "/api", "Origin: "+front, "Access-Control-Request-Method: GET"), 204},
		{"a port", request("OPTIONS", "/api", "Origin: https://b.example.com:8443", "Access-Control-Request-Method: PUT"), 204},
		{"another method", request("OPTIONS", "/api", "Origin: "+front, "Access-Control-Request-Method: DELETE"), 403},
		{"a method in small letters", request("OPTIONS", "/api", "Origin: "+front, "Access-Control-Request-Method: put"), 403},
		{"another header", request("OPTIONS", "/api", append(slices.Clone(listed), "Access-Control-Request-Headers: content-type, x-forwarded-user")...), 403},
		{"another header in another line", request("OPTIONS", "/api", append(slices.Clone(listed), "Access-Control-Request-Headers: content-type", "Access-Control-Request-Headers: x-other")...), 403},
		{"an unlisted origin", request("OPTIONS", "/api", "Origin: https://evil.example.com", listed[1]), 401},
		{"a longer origin", request("OPTIONS", "/api", "Origin: "+front+".evil.com", listed[1]), 401},
		{"a shorter origin", request("OPTIONS", "/api", "Origin: https://example.com", listed[1]), 401},
		{"another scheme", request("OPTIONS", "/api", "Origin: http://front.example.com", listed[1]), 401},
		{"another port", request("OPTIONS", "/api", "Origin: "+front+":8443", listed[1]), 401},
		{"capital letters", request("OPTIONS", "/api", "Origin: https://Front.example.com", listed[1]), 401},
		{"null", request("OPTIONS", "/api", "Origin: null", listed[1]), 401},
		{"empty", request("OPTIONS", "/api", "Origin: ", listed[1]), 401},
		{"a star", request("OPTIONS", "/api", "Origin: *", listed[1]), 401},
		{"two in one", request("OPTIONS", "/api", "Origin: "+front+" https://evil.example.com", listed[1]), 401},
		{"two lines", request("OPTIONS", "/api", "Origin: "+front, "Origin: https://evil.example.com", listed[1]), 401},
		{"PA-14 OPTIONS without Origin", request("OPTIONS", "/api", listed[1]), 401},
		{"PA-14 OPTIONS without a method", request("OPTIONS", "/api", listed[0]), 401},
		{"PA-14 OPTIONS with a body", requestWithBody("OPTIONS", "/api", "x=y", listed...), 401},
		{"GET that looks like one", request("GET", "/api", listed...), 401},
		{"below our prefix", request("OPTIONS", "/oauth2/x", listed...), 404},
		{"at an endpoint of ours", request("OPTIONS", "/oauth2/session", listed...), 405},
		{"another host", strings.Replace(request("OPTIONS", "/api", listed...), "app.example.com", "evil.example.com", 1), 421},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := newFixture(t, withCORS(nil))
			a := f.send(tt.raw)
			a.wantStatus(t, tt.status)
			f.app.wantNone(t)
			wantVary(t, a.Header)
			fields := corsFields(a.Header)
			said := strings.Join(fields["Access-Control-Allow-Origin"], " ")
			if !strings.Contains(tt.raw, "Origin: "+said+"\r\n") && said != "" || said != "" && said != front && said != "https://b.example.com:8443" {
				t.Errorf("the answer lets %q in", said)
			}
			if (tt.status == 204) != (fields["Access-Control-Allow-Methods"] != nil) {
				t.Errorf("status %d with %v", tt.status, fields)
			}
			if tt.status == 204 && (a.body != "" || said == "" || a.Header.Get("Access-Control-Allow-Headers") != "content-type, x-csrf" || a.Header.Get("Access-Control-Allow-Methods") != "GET, PUT" ||
				a.Header.Get("Access-Control-Max-Age") != "600" || a.Header.Get("Access-Control-Allow-Credentials") != "true" || a.Header.Get("X-Request-Id") == "") {
				t.Errorf("the answer has %v", a.Header)
			}
			if f.auth.asked+f.auth.peeked > 0 && tt.status == 204 {
				t.Error("a preflight was taken for use of a session")
			}
		})
	}
}

// The other two ways stay: to the app, for origins that are not listed, and 401.
func TestCORSBesidePassedPreflights(t *testing.T) {
	f := newFixture(t, func(c *Config) { withCORS(nil)(c); c.PassPreflights = true })
	for _, origin := range []string{front, "https://evil.example.com"} {
		f.send(request("OPTIONS", "/api", "Origin: "+origin, "Access-Control-Request-Method: PUT"))
	}
	if got := f.app.only(t).values("Origin"); !slices.Equal(got, []string{"https://evil.example.com"}) {
		t.Errorf("the app answers the preflight of %q", got)
	}
	if n := testutil.ToFloat64(f.site.metrics.decisions[Preflight][reasonPreflight]); n != 1 {
		t.Errorf("%v preflights are counted", n)
	}
}

// A page of a listed origin reads what it has to do; any other learns nothing.
func TestCORSOnRefusals(t *testing.T) {
	for name, tt := range map[string]struct {
		path, origin string
		status       int
		listed       bool
	}{
		"nobody":                {"/api", front, 401, true},
		"unlisted":              {"/api", "https://evil.example.com", 401, false},
		"null":                  {"/api", "null", 401, false},
		"an endpoint of ours":   {"/oauth2/session", front, 401, true},
		"nothing there":         {"/oauth2/nothing", front, 404, true},
		"refused, and unlisted": {"/oauth2/nothing", "https://evil.example.com", 404, false},
	} {
		for _, credentials := range []bool{true, false} {
			f := newFixture(t, withCORS(func(c *CORS) { c.Credentials = credentials }))
			a := f.get(tt.path, "Origin: "+tt.origin, "Accept: application/json")
			a.wantStatus(t, tt.status)
			wantVary(t, a.Header)
			fields := corsFields(a.Header)
			if !tt.listed {
				if len(fields) > 0 {
					t.Errorf("%s: %v", name, fields)
				}
				continue
			}
			if a.Header.Get("Access-Control-Allow-Origin") != front || (a.Header.Get("Access-Control-Allow-Credentials") == "true") != credentials ||
				!strings.Contains(a.Header.Get("Access-Control-Expose-Headers"), "Sallyport-Error") {
				t.Errorf("%s: %v", name, fields)
			}
			if tt.status == 401 && !strings.Contains(a.body, `"login_url":"/oauth2/login"`) {
				t.Errorf("%s: %s", name, a.body)
			}
		}
	}
}

func TestCORSInForwardAuth(t *testing.T) {
	f := askingFixture(t, withCORS(nil))
	a := f.ask(askPath, traefik("GET", "/x"), []string{"Origin: " + front})
	a.wantStatus(t, 401)
	if a.Header.Get("Access-Control-Allow-Origin") != front {
		t.Errorf("fields %v", a.Header)
	}
	a = f.ask(askPath, traefik("GET", "/x"), []string{"Origin: https://evil.example.com"})
	if fields := corsFields(a.Header); len(fields) > 0 {
		t.Errorf("for an unlisted origin: %v", fields)
	}
	a = f.ask(askPath, traefik("GET", "/x"), []string{"Origin: " + front, "Cookie: " + valid})
	a.wantStatus(t, 200)
	if a.Header.Get("Access-Control-Allow-Origin") != front {
		t.Errorf("an answer that an edge proxy may copy to the app's has %v", a.Header)
	}
	// A preflight that is asked about is not answered: 200 would send it to the app.
	f.ask(askPath, traefik("OPTIONS", "/x"), []string{"Origin: " + front, "Access-Control-Request-Method: PUT"}).wantStatus(t, 401)
}

// An edge proxy may hand preflights over instead of asking about them.
func TestCORSPreflightsWithoutAnApp(t *testing.T) {
	f := askingFixture(t, func(c *Config) {
		withCORS(nil)(c)
		c.ForwardAuth, c.Upstream = ForwardAuthOnly, nil
	})
	a := f.send(request("OPTIONS", "/api", "Origin: "+front, "Access-Control-Request-Method: PUT"))
	a.wantStatus(t, 204)
	if a.Header.Get("Access-Control-Allow-Origin") != front {
		t.Errorf("fields %v", a.Header)
	}
	for _, lines := range [][]string{{"Origin: https://evil.example.com", "Access-Control-Request-Method: PUT"}, {"Origin: " + front}} {
		f.send(request("OPTIONS", "/api", lines...)).wantStatus(t, 404)
	}
	f.send(request("OPTIONS", "/oauth2/session", "Origin: "+front, "Access-Control-Request-Method: PUT")).wantStatus(t, 405)
}

// The app's own word about who may read its answers stands; without one it is ours.
func TestCORSOnTheAppsAnswers(t *testing.T) {
	const ok = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n"
	for name, tt := range map[string]struct {
		app, origin string
		want        map[string][]string
	}{
		"says nothing": {"", front, map[string][]string{"Access-Control-Allow-Origin": {front}, "Access-Control-Allow-Credentials": {"true"}, "Access-Control-Expose-Headers": {exposed}}},
		"unlisted":     {"", "https://evil.example.com", map[string][]string{}},
		"null":         {"", "null", map[string][]string{}},
		"says who": {"Access-Control-Allow-Origin: https://else.example.com\r\n", front,
			map[string][]string{"Access-Control-Allow-Origin": {"https://else.example.com"}}},
		"says what": {"Access-Control-Expose-Headers: Etag\r\n", front,
			map[string][]string{"Access-Control-Allow-Origin": {front}, "Access-Control-Allow-Credentials": {"true"}, "Access-Control-Expose-Headers": {"Etag"}}},
		"half a word": {"Access-Control-Allow-Credentials: true\r\n", "https://evil.example.com", map[string][]string{}},
	} {
		f := newFixture(t, withCORS(nil))
		f.app.answerBy(func(conn net.Conn, _ *http.Request, _ []byte) {
			_, _ = io.WriteString(conn, ok+tt.app+"Vary: Accept\r\n\r\n")
		})
		a := f.get("/api", "Cookie: "+valid, "Origin: "+tt.origin)
		a.wantStatus(t, 200)
		if got := corsFields(a.Header); len(got) != len(tt.want) {
			t.Errorf("%s: %v, want %v", name, got, tt.want)
		}
		for field, values := range tt.want {
			if got := a.Header.Values(field); !slices.Equal(got, values) {
				t.Errorf("%s: %s is %q, want %q", name, field, got, values)
			}
		}
		if vary := a.Header.Values("Vary"); !slices.Contains(vary, "Accept") || !strings.Contains(tt.app, "Origin") && !slices.Contains(vary, "Origin") {
			t.Errorf("%s: Vary %q", name, vary)
		}
	}
}

// Without the variable nothing is ours to say.
func TestCORSOff(t *testing.T) {
	f := newFixture(t, nil)
	for _, a := range []*answer{f.get("/api", "Origin: "+front), f.get("/api", "Origin: "+front, "Cookie: "+valid), f.get(askPath, "Origin: "+front)} {
		if fields := corsFields(a.Header); len(fields) > 0 || strings.Contains(a.Header.Get("Vary"), "Origin") {
			t.Errorf("status %d has %v", a.StatusCode, a.Header)
		}
	}
}

func TestBadCORS(t *testing.T) {
	good := CORS{Origins: []string{front}, Methods: []string{"GET"}, Headers: []string{"content-type"}}
	for name, tt := range map[string]struct {
		change func(*CORS)
		want   string
	}{
		"any page":        {func(c *CORS) { c.Origins = []string{"*"} }, "SALLYPORT_CORS_ORIGINS"},
		"null":            {func(c *CORS) { c.Origins = []string{"null"} }, "SALLYPORT_CORS_ORIGINS"},
		"a pattern":       {func(c *CORS) { c.Origins = []string{"https://*.example.com"} }, "SALLYPORT_CORS_ORIGINS"},
		"a path":          {func(c *CORS) { c.Origins = []string{front + "/"} }, "SALLYPORT_CORS_ORIGINS"},
		"capital letters": {func(c *CORS) { c.Origins = []string{"https://Front.example.com"} }, `write it like that`},
		"the usual port":  {func(c *CORS) { c.Origins = []string{front + ":443"} }, `"https://front.example.com"`},
		"another scheme":  {func(c *CORS) { c.Origins = []string{"file:///x"} }, "SALLYPORT_CORS_ORIGINS"},
		"any method":      {func(c *CORS) { c.Methods = []string{"*"} }, "SALLYPORT_CORS_METHODS"},
		"small letters":   {func(c *CORS) { c.Methods = []string{"put"} }, "SALLYPORT_CORS_METHODS"},
		"CONNECT":         {func(c *CORS) { c.Methods = []string{"CONNECT"} }, "SALLYPORT_CORS_METHODS"},
		"any header":      {func(c *CORS) { c.Headers = []string{"*"} }, "SALLYPORT_CORS_HEADERS"},
		"not a header":    {func(c *CORS) { c.Headers = []string{"a b"} }, "SALLYPORT_CORS_HEADERS"},
		"a negative age":  {func(c *CORS) { c.MaxAge = -time.Second }, "SALLYPORT_CORS_MAX_AGE"},
		"half a second":   {func(c *CORS) { c.MaxAge = time.Second / 2 }, "SALLYPORT_CORS_MAX_AGE"},
	} {
		c := good
		tt.change(&c)
		if err := c.Check(); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: error %v, want %q", name, err, tt.want)
		}
		cfg := testConfig(t, mustURL(t, "http://127.0.0.1:1"))
		cfg.CORS = c
		if _, err := New(cfg); err == nil {
			t.Errorf("%s: New takes it", name)
		}
	}
	if err := good.Check(); err != nil {
		t.Error(err)
	}
}

// FuzzCORSOrigin: whatever a client says in Origin, no other than a listed origin is let
// in, and none that was not said.
func FuzzCORSOrigin(f *testing.F) {
	for _, seed := range []string{front, "null", "*", "https://evil.example.com", front + ".evil.com", " " + front, front + "\x00", "HTTPS://FRONT.EXAMPLE.COM"} {
		f.Add(seed)
	}
	k, err := newCORS(CORS{Origins: []string{front}, Methods: []string{"GET"}, Credentials: true})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, origin string) {
		h := http.Header{}
		k.allow(h, &http.Request{Header: http.Header{"Origin": {origin}}})
		if said := h.Get("Access-Control-Allow-Origin"); said != "" && (said != front || origin != front) || said == "" && origin == front {
			t.Errorf("Origin %q is answered by %q", origin, said)
		}
	})
}
