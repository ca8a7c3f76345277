package proxy

import (
	"slices"
	"testing"

	"github.com/sallyport/sallyport/proxy/policy"
)

const (
	askPath     = "/oauth2/auth"
	askRedirect = askPath + "?redirect=true"
	acceptsHTML = "Accept: text/html,*/*;q=0.8"
)

// theSet are the fields that every answer has.
var theSet = []string{
	"X-Auth-Request-User", "X-Auth-Request-Email", "X-Auth-Request-Groups", "X-Auth-Request-Preferred-Username",
	"X-Auth-Request-Access-Token", "X-Sallyport-Assertion", "X-Sallyport-Groups-Omitted",
}

// askingRules are those of askingFixture.
func askingRules(t testing.TB) *policy.Policy {
	t.Helper()
	rules, err := policy.New(policy.Config{
		PublicPaths: []string{"/public/**"},
		Rules: []policy.Rule{
			{Number: 1, Paths: []string{"/admin/**"}, Groups: []string{"admins"}},
			{Number: 2, Paths: []string{"/read/**"}, Methods: []string{"GET"}, Unauthenticated: policy.Allow},
			{Number: 3, Paths: []string{"/staff/**"}, Groups: []string{"staff"}},
			{Number: 4, Paths: []string{"/api/**"}, Unauthenticated: policy.Deny},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return rules
}

// askingFixture is a Site whose trusted proxy is the test, with some rules.
func askingFixture(t *testing.T, tune func(*Config)) *fixture {
	t.Helper()
	return newFixture(t, func(c *Config) {
		trustLoopback(c)
		c.Policy = askingRules(t)
		if tune != nil {
			tune(c)
		}
	})
}

// traefik are the fields of Traefik and Caddy, nginx those of nginx.
func traefik(method, uri string) []string {
	return []string{"X-Forwarded-Method: " + method, "X-Forwarded-Uri: " + uri}
}

func nginx(method, uri string) []string {
	return []string{"X-Original-Method: " + method, "X-Original-URL: https://app.example.com" + uri}
}

// ask sends the question.
func (f *fixture) ask(path string, lines ...[]string) *answer {
	f.t.Helper()
	return f.get(path, slices.Concat(lines...)...)
}
