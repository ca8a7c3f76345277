package proxy

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/proxy/policy"
)

// TestForwardAuthUnclear: the fields of the original request say it in one way, or
// nothing is relaxed.
func TestForwardAuthUnclear(t *testing.T) {
	get, public := "X-Forwarded-Method: GET", "X-Forwarded-Uri: /public/x"
	tests := []struct {
		name      string
		untrusted bool
		lines     []string
		status    int
	}{
		{"FW-01 untrusted peer", true, []string{get, public}, 401},
		{"FW-01 untrusted peer, as nginx", true, []string{"X-Original-Method: GET", "X-Original-URL: /public/x"}, 401},
		{"nothing stated", false, nil, 401},
		{"FW-14 method missing", false, []string{public}, 401},
		{"address missing", false, []string{get}, 401},
		{"empty", false, []string{"X-Forwarded-Method: ", "X-Forwarded-Uri: "}, 401},
		{"FW-14 method twice", false, []string{get, get, public}, 403},
		{"address twice", false, []string{get, public, public}, 403},
		{"a client's address beside the proxy's", false, []string{get, public, "X-Original-URL: https://app.example.com/admin"}, 403},
		{"a client's method beside the proxy's", false, []string{get, public, "X-Original-Method: DELETE"}, 403},
		{"FW-07 another spelling of it", false, []string{get, "X_Forwarded_Uri: /public/x", "X-Rewrite-URL: /public/x"}, 401},
		{"an address appended to the client's", false, []string{get, "X-Forwarded-Uri: /public/x,/admin"}, 401},
		{"an address appended in the query", false, []string{get, "X-Forwarded-Uri: /public/x?a,/admin"}, 401},
		{"an absolute address appended", false, []string{get, "X-Original-URL: https://app.example.com/public/x,https://app.example.com/admin"}, 401},
		{"an appended method", false, []string{"X-Forwarded-Method: GET,DELETE", public}, 403},
		{"relative", false, []string{get, "X-Forwarded-Uri: public/x"}, 403},
		{"white space", false, []string{get, "X-Forwarded-Uri: /public/x y"}, 403},
		{"FW-08 another scheme", false, []string{get, "X-Original-URL: javascript://app.example.com/public/x"}, 403},
		{"FW-05 another host in the address", false, []string{get, "X-Original-URL: https://a.B.example.com/public/x"}, 403},
		{"FW-05 our host in another spelling", false, []string{get, "X-Original-URL: https://App.Example.com.:443/public/x"}, 200},
		{"user name in the address", false, []string{get, "X-Original-URL: https://app.example.com@evil.com/public/x"}, 403},
		{"FW-06 prefix", false, []string{get, "X-Forwarded-Uri: /admin", "X-Forwarded-Prefix: /public"}, 401},
		{"FW-04 another host", false, []string{get, public, "X-Forwarded-Host: app.example.com.evil.com"}, 421},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := newFixture(t, func(c *Config) {
				if !tt.untrusted {
					trustLoopback(c)
				}
			})
			f.get("/oauth2/auth", tt.lines...).wantStatus(t, tt.status)
		})
	}
	t.Run("FW-10 peer on a unix socket that is not trusted", func(t *testing.T) {
		f := newFixture(t, nil)
		for _, remote := range []string{"@", ""} {
			r := httptest.NewRequest("GET", "https://app.example.com/oauth2/auth", nil)
			r.RemoteAddr = remote
			r.Header.Set("X-Forwarded-Method", "GET")
			r.Header.Set("X-Forwarded-Uri", "/public/x")
			w := httptest.NewRecorder()
			f.site.ServeHTTP(w, r)
			if w.Code != 401 {
				t.Errorf("from %q: %d", remote, w.Code)
			}
		}
	})
	t.Run("PA-17 no host", func(t *testing.T) {
		f := newFixture(t, trustLoopback)
		f.send("GET /oauth2/auth HTTP/1.0\r\n"+get+"\r\n"+public+"\r\n\r\n").wantStatus(t, 400)
	})
}

// FuzzForwardAuth looks for fields of an original request that open a path which is
// not public in every reading, and for answers beyond the few that there are.
func FuzzForwardAuth(f *testing.F) {
	for _, seed := range []string{"/public/x", "/public/../x", "//public/x", "/public/x,/admin", "https://app.example.com/public/x", "/public/%2e%2e/x", "/oauth2/auth", ""} {
		f.Add("GET", seed, "", "GET")
		f.Add("GET", "", seed, "")
	}
	cfg := testConfig(f, nil)
	cfg.ForwardAuth, cfg.Trusted = ForwardAuthOnly, []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}
	site, err := New(cfg)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, method, uri, address, otherMethod string) {
		r := httptest.NewRequest("GET", "https://app.example.com/oauth2/auth", nil)
		r.Header = http.Header{headerForwardedMethod: {method}, headerForwardedURI: {uri}, headerOriginalURL: {address}, headerOriginalMethod: {otherMethod}}
		w := httptest.NewRecorder()
		site.ServeHTTP(w, r)
		switch w.Code {
		case 401, 403:
		case 200:
			for _, stated := range []string{uri, address} {
				for reading := range policy.Readings(pathOf(stated)) {
					if stated != "" && !strings.HasPrefix(reading, "/public/") && reading != "/public" {
						t.Fatalf("%q %q %q: public although %q is a reading", method, uri, address, reading)
					}
				}
			}
		default:
			t.Fatalf("status %d", w.Code)
		}
	})
}

// pathOf is the path of an address that may be absolute.
func pathOf(address string) string {
	path, _, _ := strings.Cut(address, "?")
	if i := strings.Index(path, "://"); i >= 0 {
		path = path[i+3:]
		path = path[max(strings.IndexByte(path, '/'), 0):]
	}
	return path
}
