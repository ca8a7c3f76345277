package e2e

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// newProfileWorld runs Sallyport with the preset of a provider that behaves like a
// profile. Nothing but variables says what it is.
func newProfileWorld(t *testing.T, p *profileProvider, preset string, more map[string]string) *world {
	t.Helper()
	w := planWorld(t)
	w.issuer = p.profile.Issuer
	w.startSallyport(p.environment(preset, more)...)
	w.awaitReady()
	return w
}

// Each provider on the list, as far as it is recorded: preset and five variables are
// enough for the built binary.
func TestProfilesByTheBinary(t *testing.T) {
	files, err := filepath.Glob("../../idp/oidcrp/testdata/profiles/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no profiles: %v", err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".json")
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newProfileProvider(t, name, nil)
			w := newProfileWorld(t, p, name, nil)
			b := newBrowser(t)
			got, want := b.open(w.public+"/reports").received(), p.profile.Want
			for header, value := range map[string]string{
				"X-Forwarded-User": want.User, "X-Forwarded-Email": want.Email, "X-Forwarded-Preferred-Username": want.Name,
				"X-Forwarded-Groups": strings.Join(want.Groups, ","),
			} {
				if values := got.values(header); strings.Join(values, " and ") != value {
					t.Errorf("%s is %q, want %q", header, values, value)
				}
			}
			var s struct{ IdP, Mode string }
			if answer := b.fetch(http.MethodGet, w.public+prefix+"/session"); json.Unmarshal([]byte(answer.body), &s) != nil || s.IdP != name || s.Mode != want.Mode {
				t.Errorf("GET /session: %s, want the provider %s and the mode %s", answer.body, name, want.Mode)
			}
			w.signsOutAt(b, p)
		})
	}
}

// signsOutAt signs out, and looks at what the provider's sign-out is sent, in its own
// style.
func (w *world) signsOutAt(b *browser, p *profileProvider) {
	w.t.Helper()
	b.stopAt(func(u *url.URL) bool { return !strings.HasPrefix(u.String(), w.public) })
	header := navigation()
	header.Set("Sec-Fetch-Site", "same-origin")
	header.Set("Origin", w.public)
	got, logout := b.send(http.MethodPost, w.public+prefix+"/logout", url.Values{}, header), p.profile.Logout
	there, err := url.Parse(got.header.Get("Location"))
	if err != nil {
		w.t.Fatal(err)
	}
	if logout.ReturnsTo == "" {
		if got.status != http.StatusOK || there.String() != "" {
			w.t.Errorf("a sign-out without the provider: %d %s", got.status, there)
		}
		return
	}
	if back := there.Query().Get(logout.ReturnsTo); back != w.public+prefix+"/logout/callback" {
		w.t.Errorf("%s of the provider's sign-out is %q", logout.ReturnsTo, back)
	}
	for _, name := range logout.Needs {
		if there.Query().Get(name) == "" {
			w.t.Errorf("the provider's sign-out is not sent %s", name)
		}
	}
}

// What is asked for is enforced, and what is not safe is refused with what to do.
func TestProfileRefusalsByTheBinary(t *testing.T) {
	const tenant = "aaaaaaaa-0000-4000-8000-000000000001" // of the profile
	claim := func(name string, value any) func(*profile) {
		return func(p *profile) { p.IDToken = maps.Clone(p.IDToken); p.IDToken[name] = value }
	}
	hs256 := func(p *profile) { p.algorithm = jose.HS256 }
	signedIn := func(ago time.Duration) func(*profile) { return func(p *profile) { p.authTime = ago } }
	groups := map[string]string{"SALLYPORT_ALLOWED_GROUPS": "staff"}
	for _, test := range []struct {
		name, profile, preset string // preset "" = that of the profile
		env                   map[string]string
		change                func(*profile)
		code, log             string // code "" = signed in
	}{
		{"P12 HS256 of authentik", "authentik", "", nil, hs256, "id_token_invalid", "choose a Signing Key"},
		{"P12 HS256 of Auth0", "auth0", "", nil, hs256, "id_token_invalid", "JsonWebToken Signature Algorithm"},
		{"P12 HS256 of Keycloak", "keycloak", "", nil, hs256, "id_token_invalid", "ID token signature algorithm"},
		{"P12 an algorithm taken off the list", "okta", "", map[string]string{"SALLYPORT_OIDC_SIGNING_ALGS": "ES256"}, nil, "id_token_invalid", "RS256"},
		{"P14 B2C without its preset, no access token", "b2c", "generic", map[string]string{"SALLYPORT_OIDC_CLIENT_AUTH": "client_secret_post"}, nil, "idp_access_token_missing", "SALLYPORT_OIDC_PROVIDER=b2c"},
		{"P14 B2C without its preset, no e-mail", "b2c", "generic", map[string]string{"SALLYPORT_OIDC_CLIENT_AUTH": "client_secret_post", "SALLYPORT_OIDC_SCOPES": "openid,{client_id}", "SALLYPORT_EMAIL_REQUIRED": "true"}, nil, "email_missing", "SALLYPORT_CLAIM_EMAIL=emails"},
		{"P5 B2C without its preset, and without an access token", "b2c", "generic", map[string]string{"SALLYPORT_OIDC_CLIENT_AUTH": "client_secret_post", "SALLYPORT_OIDC_ACCESS_TOKEN_REQUIRED": "false", "SALLYPORT_CLAIM_EMAIL": "emails"}, nil, "", ""},
		{"B2C, another policy", "b2c", "", nil, claim("tfp", "B2C_1_reset"), "account_not_allowed", "SALLYPORT_OIDC_POLICIES"},
		{"C37 Google, another domain", "google", "", nil, claim("hd", "example.net"), "account_not_allowed", "SALLYPORT_OIDC_HOSTED_DOMAINS"},
		{"C37 Google, the domain in capitals", "google", "", map[string]string{"SALLYPORT_OIDC_HOSTED_DOMAINS": "Example.COM"}, nil, "", ""},
		{"Google refuses offline_access", "google", "", map[string]string{"SALLYPORT_OIDC_SCOPES": "openid,offline_access"}, nil, "idp_client_rejected", "invalid_scope"},
		{"C38 Entra, a tenant that is listed", "entra", "", map[string]string{"SALLYPORT_OIDC_ISSUER": "{base}/{tenantid}/v2.0", "SALLYPORT_OIDC_ALLOWED_TENANTS": tenant}, tenants, "", ""},
		{"C38 Entra, a tenant that is not", "entra", "", map[string]string{"SALLYPORT_OIDC_ISSUER": "{base}/{tenantid}/v2.0", "SALLYPORT_OIDC_ALLOWED_TENANTS": strings.Replace(tenant, "1", "2", 1)}, tenants, "account_not_allowed", "SALLYPORT_OIDC_ALLOWED_TENANTS"},
		{"Entra, a key of another issuer", "entra", "", nil, func(p *profile) { p.KeyIssuer = "https://idp.example.com/v2.0" }, "id_token_invalid", "issuer"},
		{"Entra, groups left out", "entra", "", groups, func(p *profile) {
			delete(p.IDToken, "groups")
			p.IDToken["_claim_names"] = map[string]any{"groups": "src1"}
			p.IDToken["_claim_sources"] = map[string]any{"src1": map[string]any{"endpoint": "https://graph.example.com"}}
		}, "groups_withheld", ""},
		{"Entra, groups left out without an address", "entra", "", groups, func(p *profile) {
			delete(p.IDToken, "groups")
			p.IDToken["_claim_names"] = map[string]any{"groups": "src1"}
		}, "groups_withheld", ""},
		{"Okta, groups cut at a hundred", "okta", "", groups, func(p *profile) { p.Userinfo["groups"] = hundred() }, "groups_withheld", ""},
		{"Okta, ninety-nine groups", "okta", "", groups, func(p *profile) { p.Userinfo["groups"] = hundred()[1:] }, "", ""},
		{"a boolean in a string, yes", "jumpcloud", "", map[string]string{"SALLYPORT_EMAIL_VERIFIED": "require"}, claim("email_verified", "true"), "", ""},
		{"a boolean in a string, no", "jumpcloud", "", nil, claim("email_verified", "false"), "email_unverified", ""},
		{"two at signs", "ping", "", map[string]string{"SALLYPORT_EMAIL_REQUIRED": "true"}, claim("email", "alice@example.com@example.net"), "email_missing", ""},
		{"acr, as asked for", "onelogin", "", map[string]string{"SALLYPORT_OIDC_ACR_VALUES": "gold"}, claim("acr", "gold"), "", ""},
		{"acr, another", "onelogin", "", map[string]string{"SALLYPORT_OIDC_ACR_VALUES": "gold"}, claim("acr", "bronze"), "id_token_invalid", "SALLYPORT_OIDC_ACR_VALUES"},
		{"max_age, young enough", "onelogin", "", map[string]string{"SALLYPORT_OIDC_MAX_AGE": "1h"}, signedIn(time.Minute), "", ""},
		{"max_age, too old", "onelogin", "", map[string]string{"SALLYPORT_OIDC_MAX_AGE": "1h"}, signedIn(2 * time.Hour), "id_token_invalid", "SALLYPORT_OIDC_MAX_AGE"},
		{"max_age, not said", "onelogin", "", map[string]string{"SALLYPORT_OIDC_MAX_AGE": "1h"}, nil, "id_token_invalid", "auth_time"},
		{"prompt=login, from before", "onelogin", "", map[string]string{"SALLYPORT_OIDC_PROMPT": "login"}, signedIn(time.Hour), "id_token_invalid", "SALLYPORT_OIDC_PROMPT"},
		{"iss that is promised and left out", "keycloak", "", nil, func(p *profile) { p.AnswersIss = false }, "issuer_mismatch", "Exclude Issuer"},
		{"Basic where the provider wants post", "external-id", "", map[string]string{"SALLYPORT_OIDC_CLIENT_AUTH": "client_secret_basic"}, nil, "idp_client_rejected", "SALLYPORT_OIDC_CLIENT_AUTH"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			p := newProfileProvider(t, test.profile, test.change)
			preset := test.preset
			if preset == "" {
				preset = test.profile
			}
			w := newProfileWorld(t, p, preset, test.env)
			got := newBrowser(t).open(w.public + "/")
			if code := got.header.Get("Sallyport-Error"); code != test.code {
				t.Errorf("%d %q at %s, want %q", got.status, code, got.at.Path, test.code)
			}
			if _, ok := w.sallyport.await(func(line string) bool { return strings.Contains(line, test.log) }); !ok {
				t.Errorf("the log does not say %q", test.log)
			}
		})
	}
}

// tenants makes Entra's metadata those that all tenants share.
func tenants(p *profile) {
	p.Metadata["issuer"] = p.KeyIssuer // {tenantid} is written there as such
}

func hundred() []any {
	list := []any{}
	for i := range 99 {
		list = append(list, fmt.Sprintf("group-%d", i))
	}
	return slices.Insert(list, 1, any("staff"))
}
