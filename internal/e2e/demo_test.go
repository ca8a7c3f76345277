package e2e

import (
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// startDemo runs `sallyport demo` and returns the addresses that it prints.
func startDemo(t *testing.T) (home, account string) {
	t.Helper()
	demo := start(t, "sallyport demo", nil, binaries.sallyport, "demo")
	printed := func(label string) string {
		line := regexp.MustCompile(`^\s*` + label + `\s+(http://\S+)`)
		found, ok := demo.await(line.MatchString)
		if !ok {
			t.Fatalf("the demo never printed an address for %q", label)
		}
		return line.FindStringSubmatch(found)[1]
	}
	return printed("open"), printed("provider")
}

// The whole demonstration, as a new user clicks through it.
func TestDemoInABrowser(t *testing.T) {
	home, account := startDemo(t)
	c := newChromium(t)

	c.open(home, `[data-person="ada"]`)
	c.picture("1-account-picker")
	c.click(`[data-person="ada"]`, `[data-greeting]`)
	if at := c.location(); at != home {
		t.Errorf("signed in at %s, want %s", at, home)
	}
	if greeting := c.text(`[data-greeting]`); greeting != "Hello, Ada" {
		t.Errorf("the application says %q", greeting)
	}
	for selector, want := range map[string]string{
		`[data-email]`:                           "ada@example.com",
		`[data-group="engineering"]`:             "engineering",
		`[data-group="admins"]`:                  "admins",
		`[data-header="X-Forwarded-User"] td`:    "ada",
		`[data-header="X-Forwarded-Groups"] td`:  "engineering,admins",
		`[data-cookies]`:                         "Cookies received: none.",
		`[data-clock="ws"] h2`:                   "WebSocket",
		`[data-header="X-Forwarded-Email"] > th`: "X-Forwarded-Email",
		`[data-header="X-Forwarded-Host"] > td`:  strings.TrimSuffix(strings.TrimPrefix(home, "http://"), "/"),
		`[data-header="X-Forwarded-Proto"] > td`: "http",
		`[data-header="X-Forwarded-Email"] td`:   "ada@example.com",
		`button[data-action="sign-out"]`:         "Sign out",
	} {
		if got := c.text(selector); got != want {
			t.Errorf("%s is %q, want %q", selector, got, want)
		}
	}
	for _, clock := range []string{"ws", "sse"} {
		c.eventually("the ticks of "+clock, `document.querySelector('[data-clock="`+clock+`"]').dataset.ticks`, func(ticks string) bool {
			n, _ := strconv.Atoi(ticks)
			return n >= 3
		})
	}
	c.picture("2-signed-in")

	c.open(account, `[data-action="end"]`)
	c.picture("3-provider-account")
	c.open(home, `[data-greeting]`)

	c.click(`[data-action="sign-out"]`, "h1")
	c.eventually("the address after signing out", "location.pathname", func(path string) bool { return path == prefix+"/logout/callback" })
	c.picture("4-signed-out")

	// The provider's session has ended too, so it asks who it is.
	c.open(home, `[data-person="grace"]`)
	c.click(`[data-person="grace"]`, `[data-greeting]`)
	if greeting := c.text(`[data-greeting]`); greeting != "Hello, Grace" {
		t.Errorf("the application says %q", greeting)
	}
	if groups := c.text(`[data-header="X-Forwarded-Groups"] td`); groups != "engineering" {
		t.Errorf("Grace's groups are %q", groups)
	}
	c.noProblems()
}

// Cancelling at the provider leads to a page with a way on.
func TestDemoCancelled(t *testing.T) {
	home, _ := startDemo(t)
	c := newChromium(t)
	c.open(home, `[data-action="cancel"]`)
	c.click(`[data-action="cancel"]`, `a[href*="`+prefix+`/login"]`)
	c.picture("5-cancelled")
	c.click(`a[href*="`+prefix+`/login"]`, `[data-person="alan"]`)
	c.click(`[data-person="alan"]`, `[data-greeting]`)
	if greeting := c.text(`[data-greeting]`); greeting != "Hello, Alan" {
		t.Errorf("the application says %q", greeting)
	}
	c.noProblems()
}
