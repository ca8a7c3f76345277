package proxy

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/sallyport/sallyport/session"
)

func TestSessionEndpoint(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 18, 53, 0, time.UTC)
	f := newFixture(t, func(c *Config) {
		c.Now = func() time.Time { return now }
		c.Mode = func(*session.Session) string { return "full" }
	})
	a := f.get("/oauth2/session", "Cookie: "+valid, "Origin: https://evil.com")
	a.wantStatus(t, 200)
	want := `{"user":{"sub":"sub-alice","email":"alice@example.com","name":"alice.a","groups":["staff"]},"idp":"generic","mode":"full",` +
		`"created_at":"2026-01-02T03:04:05Z","expires_at":"2026-01-02T15:04:05Z","idle_expires_at":"2026-01-02T04:04:05Z","seconds_left":2712}` + "\n"
	if diff := cmp.Diff(want, a.body); diff != "" {
		t.Errorf("body (-want +got):\n%s", diff)
	}
	// OP-05: a script of another site learns nothing, a script of the app no token.
	for name := range a.Header {
		if strings.HasPrefix(name, "Access-Control-") {
			t.Errorf("%s is set", name)
		}
	}
	if a.Header.Get("Cache-Control") != "no-store" || a.Header.Get("Content-Type") != "application/json" || a.Header.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("fields %v", a.Header)
	}
	if f.auth.asked != 0 || f.auth.peeked != 1 {
		t.Error("asking prolonged the session")
	}
	if a := f.get("/oauth2/session", "Accept: text/html"); a.StatusCode != 401 || a.Header.Get("Www-Authenticate") == "" {
		t.Errorf("without a session: %d %v", a.StatusCode, a.Header)
	}
	f.auth.fail(errStore)
	f.get("/oauth2/session", "Cookie: "+valid).wantStatus(t, 503)
	f.app.wantNone(t)
}

func TestSessionWithoutIdleLimit(t *testing.T) {
	f := newFixture(t, nil)
	s := f.auth.add("carol", session.Identity{Subject: "c"})
	s.IdleAt, s.ExpiresAt = time.Time{}, time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
	var got map[string]any
	if err := json.Unmarshal([]byte(f.get("/oauth2/session", "Cookie: __Host-sallyport=carol").body), &got); err != nil {
		t.Fatal(err)
	}
	if _, ok := got["idle_expires_at"]; ok || got["seconds_left"] != 0.0 {
		t.Errorf("got %v: no idle limit, and never less than zero seconds", got)
	}
	if groups, ok := got["user"].(map[string]any)["groups"].([]any); !ok || len(groups) != 0 {
		t.Errorf("groups are %v, want an empty list", got["user"])
	}
}

func TestUserinfoEndpoint(t *testing.T) {
	f := newFixture(t, nil)
	a := f.get("/oauth2/userinfo", "Cookie: "+valid)
	want := `{"user":"alice","email":"alice@example.com","preferred_username":"alice.a","groups":["staff"]}` + "\n"
	if a.body != want || strings.Contains(a.body, "at-alice") {
		t.Errorf("body %s, want %s", a.body, want)
	}
	f.get("/oauth2/userinfo").wantStatus(t, 401)
	f.send(request("POST", "/oauth2/userinfo", "Cookie: "+valid, "Content-Length: 0")).wantStatus(t, 405)
}

func TestMetrics(t *testing.T) {
	f := newFixture(t, nil)
	before, err := testutil.GatherAndCount(f.reg)
	if err != nil {
		t.Fatal(err)
	}
	if before < 50 {
		t.Errorf("%d series at the start: the usual ones must exist", before)
	}
	f.get("/", "Cookie: "+valid).wantStatus(t, 200)
	f.get("/").wantStatus(t, 401)
	f.get("/public/x").wantStatus(t, 200)
	f.get("/oauth2/userinfo", "Cookie: "+valid).wantStatus(t, 200)
	f.send(request("REPORT", "/", "Cookie: "+valid)).wantStatus(t, 200)
	f.app.answerWith("HTTP/1.1 999 Odd\r\nContent-Length: 0\r\n\r\n")
	f.get("/", "Cookie: "+valid).wantStatus(t, 999)
	m := f.site.metrics
	for _, want := range []struct {
		kind   Kind
		reason string
		n      float64
	}{{Forward, reasonPublic, 1}, {Forward, reasonSession, 3}, {Refuse, "no_cookie", 1}, {SignIn, "no_cookie", 0}} {
		if got := testutil.ToFloat64(m.decisions[want.kind][want.reason]); got != want.n {
			t.Errorf("decisions_total of %+v is %v", want, got)
		}
	}
	for _, want := range []struct {
		handler, method, code string
		n                     float64
	}{
		{"proxy", "GET", "200", 2}, {"proxy", "other", "200", 1}, {"userinfo", "GET", "200", 1}, {"proxy", "GET", "401", 1}, {"proxy", "GET", "other", 1}, {"proxy", "GET", "502", 0},
	} {
		// An answer is counted when it has been written, perhaps after it was read.
		eventually(t, fmt.Sprintf("%+v", want), func() bool {
			return testutil.ToFloat64(m.requests.WithLabelValues(want.handler, want.method, want.code)) == want.n
		})
	}
}

// TestMetricsStayBounded: OP-07.
func TestMetricsStayBounded(t *testing.T) {
	f := newFixture(t, nil)
	series := func() int {
		n, err := testutil.GatherAndCount(f.reg)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	ask := func(i int) {
		c := f.dial()
		for _, raw := range []string{
			request("GET", fmt.Sprintf("/p%d", i), "Cookie: "+valid), request("GET", fmt.Sprintf("/oauth2/p%d", i)),
			fmt.Sprintf("GET / HTTP/1.1\r\nHost: h%d.example\r\n\r\n", i), request(fmt.Sprintf("M%d", i), "/"),
			// An answer is counted perhaps after it was read: that to this one tells that all
			// before it were.
			request("GET", "/last", "Cookie: "+valid),
		} {
			c.write(raw)
			c.answer("GET")
		}
	}
	ask(0)
	before := series()
	for i := range 100 {
		ask(i)
	}
	if after := series(); after != before {
		t.Errorf("%d series became %d", before, after)
	}
}

func TestMetricsRegisteredTwice(t *testing.T) {
	cfg := testConfig(t, mustURL(t, "http://127.0.0.1:1"))
	cfg.Registerer = prometheus.NewRegistry()
	if _, err := New(cfg); err != nil {
		t.Fatal(err)
	}
	if _, err := New(cfg); err == nil || !strings.Contains(err.Error(), "metrics") {
		t.Errorf("error %v", err)
	}
}

func TestAccessLog(t *testing.T) {
	f := newFixture(t, nil)
	f.get("/a%0ab?code=secret-code", "Cookie: "+valid, "User-Agent: x\\n2026-01-01 AUTH_SUCCESS", "Referer: https://app.example.com/?token=secret-code").wantStatus(t, 200)
	var entry map[string]any
	eventually(t, "a line", func() bool { return strings.Contains(f.logs.String(), `"msg":"request"`) })
	for line := range strings.Lines(f.logs.String()) {
		if err := json.Unmarshal([]byte(line), &entry); err != nil {
			t.Fatalf("OP-09 a line is not JSON: %q", line)
		}
		if entry["msg"] == "request" {
			break
		}
	}
	want := map[string]any{"method": "GET", "path": "/a%0ab", "status": 200.0, "bytes": 2.0, "handler": "proxy", "decision": "forward", "reason": "session", "sub": "sub-alice", "remote": "127.0.0.1"}
	for name, v := range want {
		if entry[name] != v {
			t.Errorf("%s = %v, want %v", name, entry[name], v)
		}
	}
	for _, name := range []string{"request_id", "session", "duration_ms", "upstream_ms"} {
		if entry[name] == nil {
			t.Errorf("%s is missing", name)
		}
	}
	// OP-08: no query, no cookie, no token in the log.
	for _, secret := range []string{"secret-code", valid, "at-alice", "AUTH_SUCCESS"} {
		if strings.Contains(f.logs.String(), secret) {
			t.Errorf("%q is in the log", secret)
		}
	}
	f.logs.mu.Lock()
	defer f.logs.mu.Unlock()
	if f.logs.torn > 0 {
		t.Errorf("%d writes do not end where a line does", f.logs.torn)
	}
}

func TestAccessLogOff(t *testing.T) {
	f := newFixture(t, func(c *Config) { c.AccessLog = nil })
	f.get("/", "Cookie: "+valid).wantStatus(t, 200)
	if logs := f.logs.String(); strings.Contains(logs, `"msg":"request"`) {
		t.Errorf("logged all the same: %s", logs)
	}
}

func TestConfigFaults(t *testing.T) {
	tests := []struct {
		name string
		tune func(*Config)
		want string
	}{
		{"host", func(c *Config) { c.AllowedHosts = []string{"a b"} }, "SALLYPORT_ALLOWED_HOSTS"},
		{"origin", func(c *Config) { c.AllowedOrigins = []string{"app.example.com"} }, "SALLYPORT_ALLOWED_ORIGINS"},
		{"upstream", func(c *Config) { c.Upstream = mustURL(t, "ftp://x") }, "SALLYPORT_UPSTREAM"},
		{"authorization", func(c *Config) { c.PassAuthorization = "all" }, "SALLYPORT_PASS_AUTHORIZATION"},
		{"exception", func(c *Config) { c.PassClientHeaders = []string{"X-Forwarded-User"} }, "SALLYPORT_PASS_CLIENT_HEADERS"},
		{"prefix", func(c *Config) { c.Prefix = "/" }, "Prefix"},
		{"two routes", func(c *Config) { c.Routes = append(c.Routes, c.Routes[0]) }, "two routes"},
		{"route without a handler", func(c *Config) { c.Routes = []Route{{Path: "/x"}} }, "needs a path"},
		{"nothing", func(c *Config) { *c = Config{} }, "Policy is missing"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			cfg := testConfig(t, mustURL(t, "http://127.0.0.1:1"))
			tt.tune(&cfg)
			if _, err := New(cfg); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want one that names %s", err, tt.want)
			}
		})
	}
}

// FuzzGate: no request line gets past the gate and the routes into one of our
// endpoints by a spelling other than its own, and nothing panics.
func FuzzGate(f *testing.F) {
	for _, seed := range []string{"/", "/oauth2/callback", "//oauth2/x", "/a/../oauth2", "/%6fauth2/", "/oauth2%2fx", "/;/../oauth2/x", "*", "http://app.example.com/x", "/a\\b", "/%00", "/a#b"} {
		f.Add("GET", seed, "app.example.com")
	}
	public := &url.URL{Scheme: "https", Host: "app.example.com"}
	g, err := newGate(public, nil)
	if err != nil {
		f.Fatal(err)
	}
	table, err := newRoutes(public, "/oauth2", []Route{{Path: "/callback", Name: "callback", Methods: []string{"GET"}, Handler: http.NotFoundHandler()}})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, method, target, host string) {
		r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(method + " " + target + " HTTP/1.1\r\nHost: " + host + "\r\n\r\n")))
		if err != nil {
			return
		}
		got, refused := g.check(r, r.Host)
		if refused != nil {
			return
		}
		if got.path == "" || got.path[0] != '/' || got.host != "app.example.com" || strings.ContainsAny(got.path, "\\#\x00") {
			t.Fatalf("passed with %+v", got)
		}
		at, e := table.find(got.path)
		if (at == atOwn) != (got.path == "/oauth2/callback") || (at == atOwn) != (e != nil) {
			t.Fatalf("%q is at %d", got.path, at)
		}
		up := upstream{scheme: "http", host: "app"}
		up.address(r.URL)
		if sent := r.URL.EscapedPath(); sent != encodeInvalid(got.path) {
			t.Fatalf("%q would reach the app as %q", got.path, sent)
		}
	})
}
