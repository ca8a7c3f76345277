package main

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// The whole way through configuration, provider and app: a group, a claim, another
// sign-in, an optional one, one that the provider cannot give, and claims in headers.
func TestDemoRules(t *testing.T) {
	d := startDemo(t,
		"SALLYPORT_HEADERS=X-Forwarded-Teams=groups,X-Forwarded-Nothing=nothing",
		"SALLYPORT_RULE_10_PATHS=/slow", "SALLYPORT_RULE_10_ACR=urn:sallyport:demo:elevated", "SALLYPORT_RULE_10_MAX_AGE=15m",
		"SALLYPORT_RULE_20_PATHS=/api/whoami", "SALLYPORT_RULE_20_UNAUTHENTICATED=allow",
		"SALLYPORT_RULE_30_PATHS=/events", "SALLYPORT_RULE_30_CLAIMS=groups=admins",
		"SALLYPORT_RULE_40_PATHS=/ws", "SALLYPORT_RULE_40_ACR=urn:example:unheard-of",
	)
	b := newBrowser(t)
	if who := d.whoami(t, b); who.User != "" {
		t.Fatalf("nobody is signed in, and the app was told %+v", who)
	}
	b.signIn(d.public+"/", "grace")
	told := decode[struct{ Headers http.Header }](t, b.script(d.public+"/api/whoami")).Headers
	if !slices.Equal(told["X-Forwarded-Teams"], []string{"engineering"}) || told["X-Forwarded-Nothing"] != nil || !slices.Equal(told["X-Forwarded-User"], []string{"grace"}) {
		t.Errorf("the app was told %v", told)
	}
	if p := b.script(d.public + "/events"); p.status != http.StatusForbidden || p.header.Get("Sallyport-Error") != "claim_not_allowed" {
		t.Errorf("a claim that is lacking: %d %s", p.status, p.header.Get("Sallyport-Error"))
	}

	challenge := b.script(d.public + "/slow?for=1ms")
	if challenge.status != http.StatusUnauthorized || challenge.header.Get("Sallyport-Error") != "step_up_required" {
		t.Fatalf("a script gets %d: %s", challenge.status, challenge.body)
	}
	login := decode[struct {
		LoginURL string `json:"login_url"`
	}](t, challenge).LoginURL
	picker := b.visit(d.public + "/slow?for=1ms")
	if !isPicker(picker) {
		t.Fatalf("the provider does not ask again: %s\n%s", picker.url, picker.body)
	}
	if back := b.pick(picker, "grace"); back.status != http.StatusOK || back.url.RequestURI() != "/slow?for=1ms" {
		t.Errorf("after another sign-in: %s %d", back.url, back.status)
	}
	if p := b.visit(d.public + login + "&rd=" + url.QueryEscape("/slow?for=1ms")); p.status != http.StatusOK || p.url.Path != "/slow" {
		t.Errorf("login_url leads to %s %d", p.url, p.status)
	}

	refused := b.visit(d.public + "/ws")
	if isPicker(refused) {
		refused = b.pick(refused, "grace")
	}
	if refused.status != http.StatusForbidden || refused.header.Get("Sallyport-Error") != "step_up_failed" || !strings.Contains(refused.body, "not enough") {
		t.Errorf("what the provider cannot give: %s %d\n%s", refused.url, refused.status, refused.body)
	}
	if who := d.whoami(t, b); who.User != "grace" {
		t.Errorf("after that the app was told %+v", who)
	}
}
