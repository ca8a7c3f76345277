package proxy

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/proxy/policy"
	"github.com/sallyport/sallyport/session"
)

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
	d, err := newDecider(&Config{PublicURL: mustURL(t, "https://app.example.com"), Policy: rules})
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
			got := d.decide(tt.r, d.rule(tt.r.Method, "/"), tt.s, tt.err, time.Now())
			if got.Kind != tt.kind || got.Reason != tt.reason || (got.Fault == nil) != (got.Kind != Refuse) {
				t.Errorf("got %+v", got)
			}
		})
	}
}
