package main

import (
	"bytes"
	"errors"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// numbered gives the provider of an environment the number n.
func numbered(vars map[string]string, n int) map[string]string {
	own := numberedNames(n)
	out := make(map[string]string)
	for name, value := range vars {
		out[own.of(name)] = value
	}
	return out
}

// twoProviders is a complete environment with two providers: staff at Entra, customers
// at Google.
func twoProviders(changes map[string]string) []string {
	vars := valid()
	for name := range vars {
		if strings.HasPrefix(name, oidcPrefix) {
			delete(vars, name)
		}
	}
	maps.Copy(vars, map[string]string{
		"SALLYPORT_OIDC_1_PROVIDER":       "entra",
		"SALLYPORT_OIDC_1_ISSUER":         "https://login.microsoftonline.com/" + someTenant + "/v2.0",
		"SALLYPORT_OIDC_1_CLIENT_ID":      "rp1",
		"SALLYPORT_OIDC_1_CLIENT_SECRET":  "canary-client-secret",
		"SALLYPORT_OIDC_2_PROVIDER":       "google",
		"SALLYPORT_OIDC_2_HOSTED_DOMAINS": "customer.example",
		"SALLYPORT_OIDC_2_CLIENT_ID":      "rp2",
		"SALLYPORT_OIDC_2_CLIENT_SECRET":  "canary-other-secret",
	})
	maps.Copy(vars, changes)
	return environment(vars)
}

func TestTwoProviders(t *testing.T) {
	s, err := load(twoProviders(map[string]string{"SALLYPORT_OIDC_2_ID": "customers", "SALLYPORT_OIDC_2_TITLE": "Customers", "SALLYPORT_OIDC_2_EMAIL_DOMAINS": "Customer.Example"}))
	if err != nil {
		t.Fatal(err)
	}
	if len(s.providers) != 2 {
		t.Fatalf("%d providers", len(s.providers))
	}
	entra, google := s.providers[0], s.providers[1]
	type facts struct{ ID, Title, Issuer, Client, Callback, BackChannel string }
	of := func(p *provider) facts {
		return facts{p.id(), p.title(), p.OIDC.Issuer, p.OIDC.ClientID, p.endpoint("/callback"), p.endpoint("/logout/backchannel")}
	}
	const app = "https://app.example.com/oauth2"
	want := []facts{
		{"entra", "Microsoft Entra ID (Azure AD)", "https://login.microsoftonline.com/" + someTenant + "/v2.0", "rp1", app + "/callback/entra", app + "/logout/backchannel/entra"},
		{"customers", "Customers", "https://accounts.google.com", "rp2", app + "/callback/customers", app + "/logout/backchannel/customers"},
	}
	if diff := cmp.Diff(want, []facts{of(entra), of(google)}); diff != "" {
		t.Errorf("providers (-want +got):\n%s", diff)
	}
	if entra.Claims.VerifiedClaim != "xms_edov" || google.Claims.VerifiedClaim != "email_verified" || google.Claims.EmailVerified != "require" {
		t.Errorf("each preset is its provider's own: %+v, %+v", entra.Claims, google.Claims)
	}
	if !slices.Equal(google.emailDomains, []string{"customer.example"}) || entra.emailDomains != nil {
		t.Errorf("domains %q and %q", entra.emailDomains, google.emailDomains)
	}
	if got := google.demands[0].Variable; got != "SALLYPORT_OIDC_2_HOSTED_DOMAINS" {
		t.Errorf("the demand on hd names %s", got)
	}
}

// The provider without a number keeps its redirect URI, is the first, and need not be there.
func TestProviderWithoutANumberBesideOthers(t *testing.T) {
	s, err := load(with(map[string]string{
		"SALLYPORT_OIDC_7_PROVIDER": "keycloak", "SALLYPORT_OIDC_7_ISSUER": "https://kc.example.com/realms/x", "SALLYPORT_OIDC_7_CLIENT_ID": "rp7", "SALLYPORT_OIDC_7_CLIENT_AUTH": "none",
		"SALLYPORT_OIDC_3_ISSUER": "", // set to nothing counts as unset
	}))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, p := range s.providers {
		got = append(got, p.id()+" "+p.title()+" "+p.endpoint("/callback"))
	}
	want := []string{"generic idp.example.com https://app.example.com/oauth2/callback", "keycloak Keycloak https://app.example.com/oauth2/callback/keycloak"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("providers (-want +got):\n%s", diff)
	}
	alone, err := load(with(nil))
	if err != nil {
		t.Fatal(err)
	}
	if s.scope() != alone.scope() {
		t.Error("another provider beside the first ends everybody's sessions")
	}
}

// What is set for one provider goes before what is set for all, and that before presets.
func TestClaimsOfSeveralProviders(t *testing.T) {
	for _, tc := range []struct {
		name               string
		changes            map[string]string
		entra, google      string // the name's claim
		presets1, presets2 bool   // whether that is the preset's
	}{
		{"nothing is set", nil, "preferred_username", "name", false, true},
		{"for all", map[string]string{"SALLYPORT_CLAIM_NAME": "upn"}, "upn", "upn", false, false},
		{"for one", map[string]string{"SALLYPORT_OIDC_2_CLAIM_NAME": "given_name"}, "preferred_username", "given_name", false, false},
		{"for all and one", map[string]string{"SALLYPORT_CLAIM_NAME": "upn", "SALLYPORT_OIDC_2_CLAIM_NAME": "given_name"}, "upn", "given_name", false, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s, err := load(twoProviders(tc.changes))
			if err != nil {
				t.Fatal(err)
			}
			for i, want := range []string{tc.entra, tc.google} {
				p := s.providers[i]
				if p.Claims.Name != want || p.claimsConfig().Claims.Name != want {
					t.Errorf("%s takes the name from %q, want %q", p.id(), p.Claims.Name, want)
				}
				if preset := []bool{tc.presets1, tc.presets2}[i]; p.FromPreset["SALLYPORT_CLAIM_NAME"] != preset {
					t.Errorf("%s: from the preset is %v", p.id(), !preset)
				}
			}
		})
	}
}

// plainName matches the variables that a provider has, wherever they are named.
var plainName = regexp.MustCompile(`SALLYPORT_(OIDC_|CLAIM_[A-Z]|GROUPS_LIMIT|EMAIL_(?:VERIFIED|REQUIRED))`)

// Whatever is wrong with a provider that has a number is said with that number, in
// the same words.
func TestBadConfigurationOfANumberedProvider(t *testing.T) {
	tested := 0
	for _, tc := range badConfigurations(t) {
		if strings.Contains(tc.want, "is not a variable") || strings.Contains(tc.want, "has the number") {
			continue
		}
		t.Run(tc.name, func(t *testing.T) {
			vars := valid()
			maps.Copy(vars, tc.changes)
			_, err := load(environment(numbered(vars, 12)))
			if err == nil {
				t.Fatal("accepted")
			}
			want := plainName.ReplaceAllStringFunc(tc.want, func(name string) string {
				return "SALLYPORT_OIDC_12_" + strings.TrimPrefix(strings.TrimPrefix(name, "SALLYPORT_"), "OIDC_")
			})
			if err.Error() != want {
				t.Errorf("message:\n got %s\nwant %s", err, want)
			}
			for _, one := range configErrors(err) {
				if plainName.MatchString(strings.ReplaceAll(one.Variable, "SALLYPORT_OIDC_12_", "")) {
					t.Errorf("the fault is of %s", one.Variable)
				}
			}
		})
		if plainName.MatchString(tc.want) {
			tested++
		}
	}
	if tested < 50 {
		t.Errorf("only %d messages were about a provider", tested)
	}
}

// TestBadConfigurationOfTwoProviders pins what is wrong between providers.
func TestBadConfigurationOfTwoProviders(t *testing.T) {
	for _, tc := range []badConfiguration{
		{"one name twice", map[string]string{"SALLYPORT_OIDC_2_ID": "entra"}, `SALLYPORT_OIDC_2_ID is "entra", and so is SALLYPORT_OIDC_1_ID; set one of the two to another name; while it is not set, it is the provider's preset`},
		{"one preset twice", map[string]string{"SALLYPORT_OIDC_3_PROVIDER": "google", "SALLYPORT_OIDC_3_HOSTED_DOMAINS": "*", "SALLYPORT_OIDC_3_CLIENT_ID": "rp3", "SALLYPORT_OIDC_3_CLIENT_SECRET": "x"}, `SALLYPORT_OIDC_3_ID is "google", and so is SALLYPORT_OIDC_2_ID; set one of the two to another name; while it is not set, it is the provider's preset`},
		{"for a provider that is not there", map[string]string{"SALLYPORT_OIDC_TIMEOUT": "5s"}, "SALLYPORT_OIDC_TIMEOUT is about a provider without a number, and there is none; set it for each provider that needs it, such as SALLYPORT_OIDC_1_TIMEOUT"},
		{"a secret of a provider that is not there", map[string]string{"SALLYPORT_OIDC_CLIENT_SECRET_FILE": "x"}, "SALLYPORT_OIDC_CLIENT_SECRET_FILE is about a provider without a number, and there is none; set it for each provider that needs it, such as SALLYPORT_OIDC_1_CLIENT_SECRET_FILE"},
		{"for all, once", map[string]string{"SALLYPORT_EMAIL_VERIFIED": "maybe"}, `SALLYPORT_EMAIL_VERIFIED is "maybe"; use require, allow_missing or ignore`},
		{"for all, a wrong form", map[string]string{"SALLYPORT_GROUPS_LIMIT": "many"}, `SALLYPORT_GROUPS_LIMIT is "many", not a whole number; write digits alone`},
		{"the second alone", map[string]string{"SALLYPORT_OIDC_2_EMAIL_VERIFIED": "maybe"}, `SALLYPORT_OIDC_2_EMAIL_VERIFIED is "maybe"; use require, allow_missing or ignore`},
		{"near a variable of the second", map[string]string{"SALLYPORT_2_OIDC_ISSUER": "x"}, "SALLYPORT_2_OIDC_ISSUER is not a variable of Sallyport; did you mean SALLYPORT_OIDC_2_ISSUER?"},
		{"a number at the end", map[string]string{"SALLYPORT_OIDC_ISSUER_2": "x"}, "SALLYPORT_OIDC_ISSUER_2 is not a variable of Sallyport; did you mean SALLYPORT_OIDC_2_ISSUER?"},
		{"a number without its line", map[string]string{"SALLYPORT_OIDC2_CLIENT_SECERT_FILE": "x"}, "SALLYPORT_OIDC2_CLIENT_SECERT_FILE is not a variable of Sallyport; did you mean SALLYPORT_OIDC_2_CLIENT_SECRET_FILE?"},
		{"a claim with a number", map[string]string{"SALLYPORT_CLAIM_2_GROUPS": "x"}, "SALLYPORT_CLAIM_2_GROUPS is not a variable of Sallyport; did you mean SALLYPORT_OIDC_2_CLAIM_GROUPS?"},
		{"a number where there are none", map[string]string{"SALLYPORT_UPSTREAM_2": "x"}, "SALLYPORT_UPSTREAM_2 is not a variable of Sallyport; did you mean SALLYPORT_UPSTREAM?"},
		{"a claim of the second, misspelt", map[string]string{"SALLYPORT_OIDC_2_CLAIMS_GROUPS": "x"}, "SALLYPORT_OIDC_2_CLAIMS_GROUPS is not a variable of a provider; did you mean SALLYPORT_OIDC_2_CLAIM_GROUPS?"},
		{"a variable that providers share", map[string]string{"SALLYPORT_OIDC_2_SESSION_MAX_AGE": "1h"}, "SALLYPORT_OIDC_2_SESSION_MAX_AGE is not a variable of a provider; did you mean SALLYPORT_OIDC_2_MAX_AGE?"},
		{"drafts alone", map[string]string{"SALLYPORT_OIDC_1_DRAFT": "true", "SALLYPORT_OIDC_2_DRAFT": "true"}, "SALLYPORT_OIDC_1_DRAFT is true of every provider, so that nobody would be sent to sign in; take it from the one that people use"},
		{"one that does not bind", map[string]string{"SALLYPORT_SESSION_BINDING": "idp", "SALLYPORT_OIDC_1_REFRESH_BOUND": "yes", "SALLYPORT_OIDC_2_REFRESH_BOUND": "no"}, "SALLYPORT_SESSION_BINDING is idp, and the provider's refresh tokens outlive the person's session there (SALLYPORT_OIDC_2_REFRESH_BOUND is no), so that nobody could sign in; use auto"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := load(twoProviders(tc.changes))
			if err == nil {
				t.Fatal("accepted")
			}
			if err.Error() != tc.want {
				t.Errorf("message:\n got %s\nwant %s", err, tc.want)
			}
		})
	}
}

// Each provider's secret has a file of its own, which is read again by itself.
func TestSecretFilesOfTwoProviders(t *testing.T) {
	dir := t.TempDir()
	file := func(name string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(name+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	second := file("second")
	s, err := load(twoProviders(map[string]string{
		"SALLYPORT_OIDC_1_CLIENT_SECRET": "", "SALLYPORT_OIDC_1_CLIENT_SECRET_FILE": file("first"),
		"SALLYPORT_OIDC_2_CLIENT_SECRET": "", "SALLYPORT_OIDC_2_CLIENT_SECRET_FILE": second,
		"SALLYPORT_OIDC_2_CLIENT_SECRET_PREVIOUS_FILE": file("older"),
	}))
	if err != nil {
		t.Fatal(err)
	}
	live := newLiveSecrets(s)
	var log bytes.Buffer
	w := newSecretWatch(s, nil, live, slog.New(slog.NewTextHandler(&log, nil)))
	secrets := func() []string {
		var all []string
		for _, c := range live.providers {
			all = append(all, c.secret().Reveal(), c.previousSecret().Reveal())
		}
		return all
	}
	if diff := cmp.Diff([]string{"first", "", "second", "older"}, secrets()); diff != "" {
		t.Errorf("at the start (-want +got):\n%s", diff)
	}
	if err := os.WriteFile(second, []byte("newer\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	w.look()
	if diff := cmp.Diff([]string{"first", "", "newer", "older"}, secrets()); diff != "" {
		t.Errorf("after a change of the second (-want +got):\n%s", diff)
	}
	if got := log.String(); strings.Count(got, "\n") != 1 || !strings.Contains(got, "variable=SALLYPORT_OIDC_2_CLIENT_SECRET_FILE") {
		t.Errorf("the log:\n%s", got)
	}
}

func TestBadSecretFileOfTheSecondProvider(t *testing.T) {
	_, err := load(twoProviders(map[string]string{"SALLYPORT_OIDC_2_CLIENT_SECRET_FILE": "/nonexistent"}))
	if want := "SALLYPORT_OIDC_2_CLIENT_SECRET is set and so is SALLYPORT_OIDC_2_CLIENT_SECRET_FILE; remove one of the two"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	_, err = load(twoProviders(map[string]string{"SALLYPORT_OIDC_2_CLIENT_SECRET": "", "SALLYPORT_OIDC_2_CLIENT_SECRET_FILE": "/nonexistent"}))
	if err == nil || !strings.HasPrefix(err.Error(), "SALLYPORT_OIDC_2_CLIENT_SECRET_FILE cannot be read: ") || len(flatten(err)) != 1 {
		t.Errorf("got %v", err)
	}
}

// A provider's log names its variables as they are called.
func TestLogNamesTheNumber(t *testing.T) {
	var out bytes.Buffer
	l := numberedNames(2).logger(slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}})))
	l.With("remedy", "SALLYPORT_OIDC_SCOPES").WithGroup("g").Info("SALLYPORT_OIDC_CLIENT_SECRET or SALLYPORT_OIDC_CLIENT_SECRET_FILE",
		"cause", errors.New("SALLYPORT_CLAIM_EMAIL, SALLYPORT_UPSTREAM"), slog.Group("more", "variable", "SALLYPORT_OIDC_ISSUER"), "n", 1)
	want := `level=INFO msg="SALLYPORT_OIDC_2_CLIENT_SECRET or SALLYPORT_OIDC_2_CLIENT_SECRET_FILE" remedy=SALLYPORT_OIDC_2_SCOPES ` +
		`g.cause="SALLYPORT_OIDC_2_CLAIM_EMAIL, SALLYPORT_UPSTREAM" g.more.variable=SALLYPORT_OIDC_2_ISSUER g.n=1` + "\n"
	if out.String() != want {
		t.Errorf("log:\n got %s\nwant %s", out.String(), want)
	}
}
