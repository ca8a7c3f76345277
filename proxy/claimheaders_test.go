package proxy

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/session"
)

func mustClaimHeaders(t testing.TB, entries ...string) ClaimHeaders {
	t.Helper()
	c, err := ParseClaimHeaders(entries)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestClaimHeaders(t *testing.T) {
	f := newFixture(t, func(c *Config) {
		c.ClaimHeaders = mustClaimHeaders(t, "X-Department=department", " x-webauth-role = realm_access.roles ", "X-Absent=absent", "X-Odd=odd", "X-Long=long")
	})
	f.auth.add("carol", session.Identity{Subject: "sub-carol", User: "carol", Claims: map[string][]string{
		"department": {"Größe, Länge & Co 100%"}, "realm_access.roles": {"a,admin", "b", ""}, "odd": {"fine", "x\r\ny"}, "long": {strings.Repeat("x", maxValue+1)},
	}})
	forged := []string{
		"X-Department: forged", "x-department: forged", "X_Department: forged", "X-WEBAUTH-ROLE: admin", "X-Webauth_Role: admin", "XDepartment: forged",
		"X-Absent: forged", "X-Odd: forged", "X-Long: forged", "Connection: X-Department",
	}
	for name, tt := range map[string]struct {
		path, cookie string
		want         map[string]string
	}{
		"somebody who has them": {"/x", "carol", map[string]string{"X-Department": "Größe%2C Länge & Co 100%25", "X-Webauth-Role": "a%2Cadmin,b"}},
		"somebody without":      {"/x", "alice", nil},
		"a public path":         {"/public/x", "carol", nil},
	} {
		before := len(f.app.requests())
		f.get(tt.path, append(slices.Clone(forged), "Cookie: __Host-sallyport="+tt.cookie)...).wantStatus(t, 200)
		got := f.app.requests()[before]
		for _, header := range []string{"X-Department", "X-Webauth-Role", "X-Absent", "X-Odd", "X-Long"} {
			var want []string
			if tt.want[header] != "" {
				want = []string{tt.want[header]}
			}
			if values := got.values(header); !slices.Equal(values, want) {
				t.Errorf("%s: %s is %q, want %q", name, header, values, want)
			}
		}
		if strings.Contains(got.head, "forged") || strings.Contains(got.head, "X_Department") || strings.Contains(got.head, "Xdepartment") {
			t.Errorf("%s: what the client forged reached the app:\n%s", name, got.head)
		}
	}
	if log := f.logs.String(); !strings.Contains(log, `"header":"X-Odd"`) || !strings.Contains(log, `"header":"X-Long"`) || strings.Contains(log, "xxxx") {
		t.Errorf("the log does not name what was left out, or tells its value:\n%.2000s", log)
	}
}

// A trusted peer may say much, but not these.
func TestClaimHeadersFromTrustedPeer(t *testing.T) {
	f := newFixture(t, func(c *Config) {
		trustLoopback(c)
		c.ClaimHeaders = mustClaimHeaders(t, "X-Forwarded-Department=department", "X-Dept=department")
	})
	f.get("/x", "Cookie: "+valid, "X-Forwarded-Department: forged", "X-Dept: forged", "X-Forwarded-Other: kept").wantStatus(t, 200)
	got := f.app.only(t)
	if strings.Contains(got.head, "forged") || got.values("X-Forwarded-Other") == nil {
		t.Errorf("at the app:\n%s", got.head)
	}
}

func TestBadClaimHeaders(t *testing.T) {
	for name, tt := range map[string]struct {
		entries []string
		want    string
	}{
		"no claim":             {[]string{"X-A="}, "write Header=claim"},
		"no header":            {[]string{"=department"}, "write Header=claim"},
		"no pair":              {[]string{"X-A"}, "write Header=claim"},
		"underscore":           {[]string{"X_A=a"}, "letters, digits and dashes"},
		"space":                {[]string{"X A=a"}, "letters, digits and dashes"},
		"line break":           {[]string{"X-A\r\nB=a"}, "letters, digits and dashes"},
		"long":                 {[]string{"X-" + strings.Repeat("a", 60) + "=a"}, "fewer than 48"},
		"twice":                {[]string{"X-A=a", "x-a=b"}, "X-A twice"},
		"two spellings":        {[]string{"X-AB=a", "X-A-B=b"}, "X-A-B twice"},
		"ours":                 {[]string{"X-Forwarded-User=upn"}, "SALLYPORT_CLAIM_"},
		"the assertion":        {[]string{"X-Sallyport-Assertion=a"}, "sets itself"},
		"of forward-auth":      {[]string{"X-Auth-Request-Email=upn"}, "sets itself"},
		"the request id":       {[]string{"X-Request-Id=jti"}, "sets itself"},
		"Host":                 {[]string{"Host=a"}, "means something"},
		"Cookie":               {[]string{"Cookie=a"}, "means something"},
		"Authorization":        {[]string{"Authorization=a"}, "means something"},
		"Content-Length":       {[]string{"Content-Length=a"}, "means something"},
		"Content-Type":         {[]string{"Content-Type=a"}, "means something"},
		"Transfer-Encoding":    {[]string{"Transfer-Encoding=a"}, "means something"},
		"a method override":    {[]string{"X-HTTP-Method-Override=a"}, "means something"},
		"the client's address": {[]string{"X-Real-IP=ipaddr"}, "means something"},
		"an original address":  {[]string{"X-Original-URL=a"}, "means something"},
		"Sec-Fetch-Site":       {[]string{"Sec-Fetch-Site=a"}, "means something"},
	} {
		c, err := ParseClaimHeaders(tt.entries)
		if err == nil || !strings.HasPrefix(err.Error(), "SALLYPORT_HEADERS: ") || !strings.Contains(err.Error(), tt.want) || len(c.list) != 0 {
			t.Errorf("%s: %v, %v; want %q", name, c, err, tt.want)
		}
	}
	if err := CheckClientHeaders([]string{"X-Dept"}, mustClaimHeaders(t, "X-Dept=department")); err == nil || !strings.Contains(err.Error(), "SALLYPORT_PASS_CLIENT_HEADERS") {
		t.Errorf("an exception for a header of ours: %v", err)
	}
	mustClaimHeaders(t, "Remote-User=upn", "X-WEBAUTH-USER=upn", "X-Remote-Groups=groups", "X-Auth-Request-Department=department", "Department=https://example.com/department")
}

// FuzzClaimHeaders looks for a spelling of a configured name that survives.
func FuzzClaimHeaders(f *testing.F) {
	for _, name := range []string{"X-Department", "X_Department", "x.department", "XDEPARTMENT", "X-Webauth-Role", "X--Webauth--Role-"} {
		f.Add(name, true)
	}
	s := &stripper{claims: mustClaimHeaders(f, "X-Department=d", "X-WEBAUTH-ROLE=r"), pass: map[string]struct{}{"X-Remote-User": {}}}
	f.Fuzz(func(t *testing.T, name string, trusted bool) {
		h := http.Header{http.CanonicalHeaderKey(name): {"forged"}}
		s.strip(h, trusted)
		for kept := range h {
			if folded := slowFold(kept); folded == "xdepartment" || folded == "xwebauthrole" {
				t.Fatalf("%q survived as %q", name, kept)
			}
		}
	})
}

// A proxy that asks copies the fields of the answer: they are always all there, so that
// what a client sent is overwritten.
func TestClaimHeadersInForwardAuth(t *testing.T) {
	f := askingFixture(t, func(c *Config) { c.ClaimHeaders = mustClaimHeaders(t, "X-Department=department", "X-Roles=roles") })
	f.auth.add("carol", session.Identity{Subject: "sub-carol", Groups: []string{"staff"}, Claims: map[string][]string{"roles": {"a", "b"}}})
	for _, tt := range []struct {
		name, path, cookie string
		status             int
		roles              string
	}{
		{"somebody", "/x", "carol", 200, "a,b"},
		{"somebody without", "/x", "alice", 200, ""},
		{"nobody", "/x", "forged", 401, ""},
		{"refused", "/admin/x", "carol", 403, ""},
		{"public", "/public/x", "carol", 200, ""},
	} {
		a := f.ask(askPath, traefik("GET", tt.path), []string{"Cookie: __Host-sallyport=" + tt.cookie, "X-Roles: forged", "X-Department: forged"})
		a.wantStatus(t, tt.status)
		for header, want := range map[string]string{"X-Department": "", "X-Roles": tt.roles} {
			if got := a.Header.Values(header); !slices.Equal(got, []string{want}) {
				t.Errorf("%s: %s is %q, want %q", tt.name, header, got, want)
			}
		}
	}
}
