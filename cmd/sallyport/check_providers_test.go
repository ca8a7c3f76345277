package main

import (
	"bytes"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// atTwo is a configuration with two providers that answer, of which the second has
// keys that verify nothing.
func atTwo(t *testing.T) (environ []string, replace []string) {
	t.Helper()
	staff, customers := newFakeProvider(t), newFakeProvider(t)
	customers.keys = `{"keys":[]}`
	upstream := newUpstream(t, http.StatusOK)
	environ = twoProviders(map[string]string{
		"SALLYPORT_UPSTREAM":                     upstream,
		"SALLYPORT_TRUSTED_PROXIES":              "10.0.0.0/8",
		"SALLYPORT_ALLOWED_EMAILS":               "alice@example.com",
		"SALLYPORT_OIDC_1_PROVIDER":              "keycloak",
		"SALLYPORT_OIDC_1_ISSUER":                staff.URL,
		"SALLYPORT_OIDC_2_ID":                    "customers",
		"SALLYPORT_OIDC_2_ISSUER":                customers.URL,
		"SALLYPORT_OIDC_2_CLIENT_SECRET_EXPIRES": "2999-01-15",
	})
	return environ, []string{staff.URL, "STAFF", customers.URL, "CUSTOMERS", upstream, "UPSTREAM"}
}

// Each provider has a section, whose findings name its own variables.
func TestCheckTwoProviders(t *testing.T) {
	environ, replace := atTwo(t)
	found := examine(t.Context(), environ, time.Now)
	var out bytes.Buffer
	writeText(&out, found)
	golden(t, "check/several.txt", atOnce(strings.NewReplacer(replace...).Replace(out.String())))
	if !found.failed() {
		t.Error("nothing fails, although one provider has no keys")
	}
	own := map[string]string{"keycloak": "SALLYPORT_OIDC_1_", "customers": "SALLYPORT_OIDC_2_"}
	for _, f := range found {
		if f.Provider != "" && plainName.MatchString(strings.ReplaceAll(f.Variable+f.Message, own[f.Provider], "")) {
			t.Errorf("%s: %s names a variable that is not this provider's: %s", f.Provider, f.Variable, f.Message)
		}
	}
}

func TestCheckTwoProvidersAsJSON(t *testing.T) {
	environ, _ := atTwo(t)
	var out bytes.Buffer
	writeJSON(&out, examine(t.Context(), environ, time.Now))
	var report struct{ Findings []finding }
	if err := json.Unmarshal(out.Bytes(), &report); err != nil {
		t.Fatal(err)
	}
	var of []string
	for _, f := range report.Findings {
		if len(of) == 0 || of[len(of)-1] != f.Provider {
			of = append(of, f.Provider)
		}
	}
	if want := []string{"", "keycloak", "customers", ""}; !slices.Equal(of, want) {
		t.Errorf("the findings are of %q, want %q", of, want)
	}
}

// One that cannot be reached is one of the findings, and the others are looked at.
func TestCheckOneOfTwoIsDown(t *testing.T) {
	environ, _ := atTwo(t)
	found := examine(t.Context(), append(environ, "SALLYPORT_OIDC_1_ISSUER=http://127.0.0.1:1"), time.Now)
	var failed []string
	for _, f := range found {
		if f.Level == levelFail {
			failed = append(failed, f.Provider+" "+f.Probe+" "+f.Variable)
		}
	}
	if want := []string{"keycloak discovery SALLYPORT_OIDC_1_ISSUER", "customers keys SALLYPORT_OIDC_2_ISSUER"}; !slices.Equal(failed, want) {
		t.Errorf("failed: %q, want %q", failed, want)
	}
}

func TestRegisterTwoProviders(t *testing.T) {
	code, out, errs := runRegister(t, "SALLYPORT_PUBLIC_URL=https://app.example.com", "SALLYPORT_OIDC_1_PROVIDER=entra", "SALLYPORT_OIDC_2_PROVIDER=keycloak", "SALLYPORT_OIDC_2_ID=customers")
	if code != exitOK || errs != "" {
		t.Fatalf("exit %d: %s", code, errs)
	}
	golden(t, "register/several.txt", out)
	if m := plainName.FindString(strings.NewReplacer("SALLYPORT_OIDC_1_", "", "SALLYPORT_OIDC_2_", "").Replace(out)); m != "" {
		t.Errorf("a variable without its number is printed: %s…", m)
	}
}

// Two of one name would share a redirect URI.
func TestRegisterRefusesOneNameTwice(t *testing.T) {
	code, out, errs := runRegister(t, "SALLYPORT_PUBLIC_URL=https://app.example.com", "SALLYPORT_OIDC_1_PROVIDER=okta", "SALLYPORT_OIDC_2_PROVIDER=okta")
	if code != exitUsage || out != "" || !strings.Contains(errs, `SALLYPORT_OIDC_2_ID is "okta", and so is SALLYPORT_OIDC_1_ID`) {
		t.Errorf("exit %d, %q, %q", code, out, errs)
	}
}

// What is odd about providers beside each other is said of the later one.
func TestWarningsAboutSeveralProviders(t *testing.T) {
	said := func(changes map[string]string) string {
		s, err := load(twoProviders(changes))
		if err != nil {
			t.Fatal(err)
		}
		var b strings.Builder
		for _, w := range s.providerWarnings() {
			b.WriteString(w.Variable + ": " + w.Message + "\n")
		}
		return b.String()
	}
	const unbounded = " may state any address, also of another provider's people, and e-mail addresses decide who may pass; list the domains of its own people\n"
	for _, tc := range []struct {
		name    string
		changes map[string]string
		want    string
	}{
		{"nothing", nil, ""},
		{"addresses decide", map[string]string{"SALLYPORT_ALLOWED_EMAIL_DOMAINS": "example.com", "SALLYPORT_OIDC_1_EMAIL_DOMAINS": "example.com"}, "SALLYPORT_OIDC_2_EMAIL_DOMAINS: google" + unbounded},
		{"a rule's addresses decide", map[string]string{"SALLYPORT_RULE_1_PATHS": "/a", "SALLYPORT_RULE_1_EMAILS": "alice@example.com", "SALLYPORT_OIDC_2_EMAIL_DOMAINS": "example.com"}, "SALLYPORT_OIDC_1_EMAIL_DOMAINS: entra" + unbounded},
		{"one title", map[string]string{"SALLYPORT_OIDC_1_TITLE": "Sign in", "SALLYPORT_OIDC_2_TITLE": "Sign in"}, "SALLYPORT_OIDC_2_TITLE: the buttons of entra and google have one title, Sign in; people cannot tell them apart\n"},
		{"one domain", map[string]string{"SALLYPORT_OIDC_1_EMAIL_DOMAINS": "a.example,b.example", "SALLYPORT_OIDC_2_EMAIL_DOMAINS": "B.example"}, "SALLYPORT_OIDC_2_EMAIL_DOMAINS: b.example is also a domain of entra, so that an address of it leads to neither by itself: people choose\n"},
		{"unverified for all, once", map[string]string{"SALLYPORT_EMAIL_VERIFIED": "ignore", "SALLYPORT_ALLOWED_EMAILS": "a@example.com", "SALLYPORT_OIDC_1_EMAIL_DOMAINS": "a.example", "SALLYPORT_OIDC_2_EMAIL_DOMAINS": "b.example"}, "SALLYPORT_EMAIL_VERIFIED: e-mail allow-lists decide, and addresses that nobody verified pass\n"},
		{"a second secret", map[string]string{"SALLYPORT_OIDC_2_CLIENT_SECRET_PREVIOUS": "x"}, "SALLYPORT_OIDC_2_CLIENT_SECRET_PREVIOUS: a second client secret is kept for when the provider refuses the first; remove it once that is accepted\n"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := said(tc.changes); got != tc.want {
				t.Errorf("warnings:\n got %s\nwant %s", got, tc.want)
			}
		})
	}
}
