package proxy

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/proxy/policy"
)

// TestForwardAuthRefusesWithTheSet: a proxy may be told to let people through as nobody
// where we say 401, and must not let their own fields through, too.
func TestForwardAuthRefusesWithTheSet(t *testing.T) {
	f := askingFixture(t, nil)
	for _, lines := range [][]string{traefik("GET", "/x"), traefik("GET", "/oauth2/x"), {"X-Forwarded-Method: get"}} {
		a := f.ask(askPath, lines, []string{"X-Auth-Request-User: forged"})
		a.wantStatus(t, 401, 403)
		for _, name := range theSet {
			if got, ok := a.Header[name]; !ok || got[0] != "" {
				t.Errorf("%d: %s = %q, want it empty", a.StatusCode, name, got)
			}
		}
	}
}

// TestForwardAuthOfTwoTargets: some proxies append where they should replace.
func TestForwardAuthOfTwoTargets(t *testing.T) {
	f := askingFixture(t, nil)
	for _, line := range []string{
		"X-Forwarded-Uri: /public/x,/admin", "X-Forwarded-Uri: /public/x?a,/admin", "X-Original-URL: https://app.example.com/public/x,https://app.example.com/admin",
	} {
		f.ask(askPath, []string{"X-Forwarded-Method: GET", line}).wantStatus(t, 401)
	}
	f.ask(askPath, traefik("GET", "/public/@48.1,11.5?q=a,b")).wantStatus(t, 200)
}

func TestForwardAuthIsLogged(t *testing.T) {
	f := askingFixture(t, nil)
	f.ask(askPath, nginx("GET", "/staff/x?secret=1"), []string{"Cookie: " + valid}).wantStatus(t, 200)
	logs := f.logs.String()
	if !strings.Contains(logs, `"asked_method":"GET","asked_path":"/staff/x"`) || strings.Contains(logs, "secret") {
		t.Errorf("want method and path that was asked about, without the query:\n%s", logs)
	}
}

// TestForwardAuthWarns tells the operator of a proxy that is not trusted, once, and
// not of browsers.
func TestForwardAuthWarns(t *testing.T) {
	f := newFixture(t, nil)
	f.ask(askPath, []string{"Cookie: " + valid}).wantStatus(t, 200)
	if logs := f.logs.String(); strings.Contains(logs, "a proxy asked") {
		t.Errorf("warned of a browser:\n%s", logs)
	}
	for range 3 {
		f.ask(askPath, nginx("GET", "/x"), []string{"Cookie: " + valid}).wantStatus(t, 200)
	}
	if logs := f.logs.String(); strings.Count(logs, "a proxy asked") != 1 || !strings.Contains(logs, "SALLYPORT_TRUSTED_PROXIES") {
		t.Errorf("want one warning that names the variable:\n%s", logs)
	}
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
		r.Header = http.Header{"X-Forwarded-Method": {method}, "X-Forwarded-Uri": {uri}, "X-Original-Url": {address}, "X-Original-Method": {otherMethod}}
		w := httptest.NewRecorder()
		site.ServeHTTP(w, r)
		if w.Code == 401 || w.Code == 403 {
			return
		}
		if w.Code != 200 {
			t.Fatalf("status %d", w.Code)
		}
		for _, stated := range []string{uri, address} {
			readings, _ := policy.Readings(pathOf(stated))
			for _, reading := range readings {
				if stated != "" && !strings.HasPrefix(reading, "/public/") && reading != "/public" {
					t.Fatalf("%q %q %q: public although %q is a reading", method, uri, address, reading)
				}
			}
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
