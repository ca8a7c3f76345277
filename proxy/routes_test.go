package proxy

import (
	"strings"
	"testing"
)

func TestOwnEndpoints(t *testing.T) {
	tests := []struct {
		name, path string
		want       int
		atApp      bool
	}{
		{"own", "/oauth2/callback", 200, false},
		{"own with a query", "/oauth2/callback?code=x", 200, false},
		{"own for other proxies", "/oauth2/auth", 200, false},
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
