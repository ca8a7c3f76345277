package proxy

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/sallyport/sallyport/proxy/policy"
	"github.com/sallyport/sallyport/session"
)

// newRuled is a fixture whose policy has rules.
func newRuled(t *testing.T, c policy.Config) *fixture {
	t.Helper()
	return newFixture(t, func(cfg *Config) {
		p, err := policy.New(c)
		if err != nil {
			t.Fatal(err)
		}
		cfg.Policy = p
	})
}

var asNavigation = []string{"Accept: text/html", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document"}

// What becomes of requests where rules have a say.
func TestRules(t *testing.T) {
	age := 10 * time.Minute
	f := newRuled(t, policy.Config{
		PublicPaths: []string{"/public/**"}, AllowedGroups: []string{"staff"},
		Rules: []policy.Rule{
			{Number: 1, Paths: []string{"/admin/**"}, Groups: []string{"admins"}},
			{Number: 2, Paths: []string{"/shop/**"}, Unauthenticated: policy.Allow},
			{Number: 3, Paths: []string{"/api/**"}, Unauthenticated: policy.Deny},
			{Number: 4, Paths: []string{"/bank/**"}, ACR: []string{"gold"}, MaxAge: &age},
			{Number: 5, Paths: []string{"/new/**"}, Groups: []string{"pilots"}, ReportOnly: true},
			{Number: 6, Paths: []string{"/tills/**"}, IDPs: []string{"staff"}},
			{Number: 7, Paths: []string{"/desk/**"}, IDPs: []string{"staff", "generic"}},
		},
	})
	f.auth.add("root", session.Identity{Subject: "sub-root", User: "root", Groups: []string{"admins", "staff"}, ACR: "gold", AuthTime: time.Now()})
	const alice, root, bob = "Cookie: " + valid, "Cookie: __Host-sallyport=root", "Cookie: __Host-sallyport=bob"
	tests := []struct {
		name, path, who string // who: a Cookie line, "" = nobody
		navigation      bool
		status          int
		code, user      string // user: what the app is told; "-" = the app is not asked
	}{
		{"a group that is lacking", "/admin/x", alice, false, 403, "group_not_allowed", "-"},
		{"a group that is there", "/admin/x", root, false, 200, "", "root"},
		{"AB-01 dot segments", "/public/../admin/x", alice, false, 403, "group_not_allowed", "-"},
		{"AB-02 encoded slash", "/public/..%2fadmin/x", alice, false, 403, "group_not_allowed", "-"},
		{"another case", "/ADMIN/x", alice, false, 403, "group_not_allowed", "-"},
		{"optional, nobody", "/shop/cart", "", true, 200, "", ""},
		{"optional, a script", "/shop/cart", "", false, 200, "", ""},
		{"optional, somebody", "/shop/cart", alice, false, 200, "", "alice"},
		{"optional, somebody whom the lists refuse", "/shop/cart", bob, false, 200, "", ""},
		{"optional, a forged cookie", "/shop/cart", "Cookie: __Host-sallyport=forged", false, 200, "", ""},
		{"optional, a second reading", "/shop/..%2fadmin", "", true, 302, "", "-"},
		{"never led to a sign-in", "/api/x", "", true, 401, "sign_in_required", "-"},
		{"led to a sign-in", "/other", "", true, 302, "", "-"},
		{"step-up of a navigation", "/bank/x", alice, true, 302, "", "-"},
		{"step-up of a script", "/bank/x", alice, false, 401, "step_up_required", "-"},
		{"stepped up", "/bank/x", root, false, 200, "", "root"},
		{"of another provider", "/tills/x", root, true, 403, "idp_not_allowed", "-"},
		{"of a provider that may", "/desk/x", alice, true, 200, "", "alice"},
		{"report only", "/new/x", alice, false, 200, "", "alice"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			before := len(f.app.requests())
			var lines []string
			if tt.who != "" {
				lines = append(lines, tt.who)
			}
			if tt.navigation {
				lines = append(lines, asNavigation...)
			}
			a := f.get(tt.path, append(lines, "X-Forwarded-User: mallory")...)
			if a.StatusCode != tt.status || a.Header.Get("Sallyport-Error") != tt.code {
				t.Fatalf("%d %s, want %d %s", a.StatusCode, a.Header.Get("Sallyport-Error"), tt.status, tt.code)
			}
			reached := f.app.requests()[before:]
			switch {
			case tt.user == "-" && len(reached) > 0:
				t.Error("it reached the app")
			case tt.user != "-" && (len(reached) != 1 || fmt.Sprint(reached[0].values("X-Forwarded-User")) != fmt.Sprint(strings.Fields(tt.user))):
				t.Errorf("the app is told %q, want %q", reached, tt.user)
			}
		})
	}
	if n := testutil.ToFloat64(f.site.metrics.reported.WithLabelValues("5", "refuse")); n != 1 {
		t.Errorf("%v reported, want 1", n)
	}
	if n := testutil.ToFloat64(f.site.metrics.decisions[Forward][reasonOptional]); n != 4 {
		t.Errorf("%v optional decisions, want 4", n)
	}
}

// A step-up asks the provider for what the rule wants, and tells a script how.
func TestStepUpAsks(t *testing.T) {
	age := 10 * time.Minute
	f := newRuled(t, policy.Config{Rules: []policy.Rule{{Number: 4, Paths: []string{"/bank/**"}, ACR: []string{"gold", "urn:x"}, MaxAge: &age}}})
	f.get("/bank/x?y=z", append(slices.Clone(asNavigation), "Cookie: "+valid)...).wantStatus(t, 302)
	if got := f.login.asked; !slices.Equal(got.ACR, []string{"gold", "urn:x"}) || *got.MaxAge != age || got.To.String() != "/bank/x?y=z" {
		t.Errorf("the sign-in asks for %+v", got)
	}
	a := f.get("/bank/x", "Cookie: "+valid, "Accept: application/json")
	a.wantStatus(t, 401)
	if got := a.Header.Get("WWW-Authenticate"); !strings.HasSuffix(got, `, error="insufficient_user_authentication", acr_values="gold urn:x", max_age="600"`) {
		t.Errorf("challenge %s", got)
	}
	if !strings.Contains(a.body, `"login_url":"/oauth2/login?acr=gold+urn%3Ax\u0026max_age=600"`) {
		t.Errorf("body %s", a.body)
	}
}

// An outage of the store is no sign-out: not even an optional path takes somebody
// with a cookie for nobody.
func TestOptionalPathWithTheStoreDown(t *testing.T) {
	f := newRuled(t, policy.Config{Rules: []policy.Rule{{Number: 2, Paths: []string{"/shop/**"}, Unauthenticated: policy.Allow}}})
	f.auth.fail(errStore)
	f.get("/shop/x", "Cookie: "+valid).wantStatus(t, 503)
	f.app.wantNone(t)
}

// A preflight without a session goes to the app if that is wanted, with no identity;
// what only looks like one does not.
func TestPreflights(t *testing.T) {
	ask := []string{"Origin: https://other.example.com", "Access-Control-Request-Method: PUT"}
	tests := []struct {
		name   string
		pass   bool
		raw    string
		status int
	}{
		{"as by default", false, request("OPTIONS", "/api", ask...), 401},
		{"passed", true, request("OPTIONS", "/api", append(slices.Clone(ask), "X-Forwarded-User: mallory")...), 200},
		{"no Origin", true, request("OPTIONS", "/api", ask[1]), 401},
		{"no method", true, request("OPTIONS", "/api", ask[0]), 401},
		{"another method", true, request("GET", "/api", ask...), 401},
		{"a body", true, requestWithBody("OPTIONS", "/api", "x=y", ask...), 401},
		{"chunks", true, request("OPTIONS", "/api", append(slices.Clone(ask), "Transfer-Encoding: chunked")...) + "0\r\n\r\n", 401},
		{"small letters", true, request("options", "/api", ask...), 405},
		{"below our prefix", true, request("OPTIONS", "/oauth2/x", ask...), 404},
		{"at an endpoint of ours", true, request("OPTIONS", "/oauth2/session", ask...), 405},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := newFixture(t, func(c *Config) { c.PassPreflights = tt.pass })
			f.send(tt.raw).wantStatus(t, tt.status)
			if tt.status != 200 {
				f.app.wantNone(t)
			} else if got := f.app.only(t); got.values("X-Forwarded-User") != nil {
				t.Errorf("the app is told of %q", got.values("X-Forwarded-User"))
			}
		})
	}
	f := newFixture(t, func(c *Config) { c.PassPreflights = true })
	f.auth.fail(errStore)
	f.send(request("OPTIONS", "/api", ask...)).wantStatus(t, 503)
}
