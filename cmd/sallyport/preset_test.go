package main

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport/sallyport/idp/oidcrp"
)

const someTenant = "3f2a6c1e-8b7d-4c5f-9e0a-1d2c3b4a5f6e"

// presetNeeds is what some presets want beside the five variables.
var presetNeeds = map[string]map[string]string{
	"google": {"SALLYPORT_OIDC_HOSTED_DOMAINS": "example.com"},
	"b2c":    {"SALLYPORT_OIDC_DISCOVERY_URL": "https://acme.b2clogin.com/acme.onmicrosoft.com/B2C_1_signin/v2.0/.well-known/openid-configuration"},
}

// withPreset is a valid environment with that preset.
func withPreset(name string, changes map[string]string) []string {
	vars := map[string]string{"SALLYPORT_OIDC_PROVIDER": name}
	maps.Copy(vars, presetNeeds[name])
	maps.Copy(vars, changes)
	return with(vars)
}

func TestProviderWordsAreThePresets(t *testing.T) {
	for _, v := range variables() {
		if v.Name != providerVariable {
			continue
		}
		words, names := slices.Sorted(slices.Values(v.OneOf)), slices.Sorted(slices.Values(oidcrp.PresetNames()))
		if diff := cmp.Diff(names, words); diff != "" {
			t.Errorf("the words of %s are not the presets:\n%s", providerVariable, diff)
		}
		return
	}
	t.Fatal("there is no such variable")
}

// C22: a preset is nothing but the long form.
func TestPresetEqualsItsLongForm(t *testing.T) {
	known := map[string]bool{}
	for _, v := range variables() {
		known[v.Name] = true
	}
	for _, name := range oidcrp.PresetNames() {
		t.Run(name, func(t *testing.T) {
			preset, _ := oidcrp.FindPreset(name)
			short, err := load(withPreset(name, nil))
			if err != nil {
				t.Fatal(err)
			}
			long := maps.Clone(preset.Defaults)
			for variable := range long {
				if !known[variable] {
					t.Errorf("the preset sets %s, which is no variable", variable)
				}
				if _, given := valid()[variable]; given {
					delete(long, variable)
				}
			}
			spelled, err := load(withPreset(name, long))
			if err != nil {
				t.Fatal(err)
			}
			if set := spelled.providers[0].FromPreset; len(set) != 0 {
				t.Errorf("set, and taken for the preset's: %v", set)
			}
			for v, value := range short.providers[0].values() {
				other := slices.Collect(func(yield func(any) bool) {
					for w, x := range spelled.providers[0].values() {
						if w.Name == v.Name && !yield(x.Interface()) {
							return
						}
					}
				})
				if v.Secret {
					continue
				}
				if diff := cmp.Diff([]any{value.Interface()}, other); diff != "" {
					t.Errorf("%s (-preset +long form):\n%s", v.Name, diff)
				}
			}
		})
	}
}

func TestPresetGivesWay(t *testing.T) {
	s, err := load(withPreset("b2c", map[string]string{"SALLYPORT_CLAIM_EMAIL": "email", "SALLYPORT_OIDC_SCOPES": "openid,{client_id},api", "SALLYPORT_EMAIL_REQUIRED": "false"}))
	if err != nil {
		t.Fatal(err)
	}
	if s.providers[0].Claims.Email != "email" || s.providers[0].Claims.EmailRequired || s.providers[0].Claims.Name != "name" || !slices.Equal(s.providers[0].OIDC.Scopes, []string{"openid", "rp1", "api"}) {
		t.Errorf("claims %+v, scopes %q", s.providers[0].Claims, s.providers[0].OIDC.Scopes)
	}
	if s.providers[0].FromPreset["SALLYPORT_CLAIM_EMAIL"] || !s.providers[0].FromPreset["SALLYPORT_CLAIM_NAME"] {
		t.Errorf("from the preset: %v", s.providers[0].FromPreset)
	}
}

func TestIssuersOfPresets(t *testing.T) {
	const entra, guid = "https://login.microsoftonline.com/", someTenant
	for _, tc := range []struct {
		name, preset              string
		changes                   map[string]string
		wantIssuer, wantDiscovery string
	}{
		{"C40 Okta, a domain", "okta", map[string]string{"SALLYPORT_OIDC_ISSUER": "acme.okta.com"}, "https://acme.okta.com", ""},
		{"C40 Okta, a URL", "okta", map[string]string{"SALLYPORT_OIDC_ISSUER": "https://acme.okta.com"}, "https://acme.okta.com", ""},
		{"C40 Okta, with a slash", "okta", map[string]string{"SALLYPORT_OIDC_ISSUER": "https://acme.okta.com/"}, "https://acme.okta.com", ""},
		{"Okta, a server of one's own", "okta", map[string]string{"SALLYPORT_OIDC_ISSUER": "acme.okta.com/oauth2/default"}, "https://acme.okta.com/oauth2/default", ""},
		{"Entra, one tenant", "entra", map[string]string{"SALLYPORT_OIDC_ISSUER": entra + guid + "/v2.0"}, entra + guid + "/v2.0", ""},
		{"Entra, the template", "entra", map[string]string{"SALLYPORT_OIDC_ISSUER": entra + "{tenantid}/v2.0", tenantsVariable: guid},
			entra + "{tenantid}/v2.0", entra + "organizations/v2.0/.well-known/openid-configuration"},
		{"Entra, common", "entra", map[string]string{"SALLYPORT_OIDC_ISSUER": entra + "common/v2.0", tenantsVariable: strings.ToUpper(guid)},
			entra + "{tenantid}/v2.0", entra + "common/v2.0/.well-known/openid-configuration"},
		{"a template of another provider", "generic", map[string]string{"SALLYPORT_OIDC_ISSUER": "https://idp.example.com/{tenantid}", tenantsVariable: guid, "SALLYPORT_OIDC_DISCOVERY_URL": "https://idp.example.com/m"},
			"https://idp.example.com/{tenantid}", "https://idp.example.com/m"},
		{"Google", "google", map[string]string{"SALLYPORT_OIDC_ISSUER": ""}, "https://accounts.google.com", ""},
		{"JumpCloud", "jumpcloud", map[string]string{"SALLYPORT_OIDC_ISSUER": ""}, "https://oauth.id.jumpcloud.com/", ""},
		{"the slash of others stays", "auth0", map[string]string{"SALLYPORT_OIDC_ISSUER": "https://acme.eu.auth0.com/"}, "https://acme.eu.auth0.com/", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s, err := load(withPreset(tc.preset, tc.changes))
			if err != nil {
				t.Fatal(err)
			}
			if s.providers[0].OIDC.Issuer != tc.wantIssuer || s.providers[0].OIDC.DiscoveryURL != tc.wantDiscovery {
				t.Errorf("issuer %q, metadata at %q; want %q, %q", s.providers[0].OIDC.Issuer, s.providers[0].OIDC.DiscoveryURL, tc.wantIssuer, tc.wantDiscovery)
			}
			var f findings
			checkPreset(s.providers[0], &f)
			changed := tc.preset != oidcrp.GenericPreset && tc.changes["SALLYPORT_OIDC_ISSUER"] != "" && tc.changes["SALLYPORT_OIDC_ISSUER"] != tc.wantIssuer
			if said := strings.Contains(render(f), "and taken for "+tc.wantIssuer); said != changed {
				t.Errorf("check says what was made of the issuer: %v, want %v", said, changed)
			}
			if tc.changes[tenantsVariable] != "" && !slices.Equal(s.providers[0].OIDC.Tenants, []string{guid}) {
				t.Errorf("tenants %q", s.providers[0].OIDC.Tenants)
			}
		})
	}
}

func TestDemands(t *testing.T) {
	tid := oidcrp.Demand{Claims: []string{"tid"}, OneOf: []string{someTenant}, Fold: true, Variable: tenantsVariable}
	policy := func(names ...string) oidcrp.Demand {
		return oidcrp.Demand{Claims: []string{"tfp", "acr"}, OneOf: names, Fold: true, Variable: policiesVariable}
	}
	hd := func(variable string, domains ...string) oidcrp.Demand {
		return oidcrp.Demand{Claims: []string{"hd"}, OneOf: domains, Fold: true, Variable: variable}
	}
	for _, tc := range []struct {
		name, preset string
		changes      map[string]string
		want         []oidcrp.Demand
		hd           string // the parameter of the request
	}{
		{"nothing", "generic", nil, nil, ""},
		{"a tenant", "entra", map[string]string{tenantsVariable: someTenant}, []oidcrp.Demand{tid}, ""},
		{"C37 a domain", "google", nil, []oidcrp.Demand{hd(domainsVariable, "example.com")}, "example.com"},
		{"two domains", "google", map[string]string{domainsVariable: "a.org,b.org"}, []oidcrp.Demand{hd(domainsVariable, "a.org", "b.org")}, ""},
		{"every account", "google", map[string]string{domainsVariable: "*"}, nil, ""},
		{"hd is asked for", "generic", map[string]string{"SALLYPORT_OIDC_EXTRA_PARAMS": "hd=a.org"}, []oidcrp.Demand{hd("SALLYPORT_OIDC_EXTRA_PARAMS", "a.org")}, "a.org"},
		{"the policy of the address", "b2c", nil, []oidcrp.Demand{policy("B2C_1_signin")}, ""},
		{"the policy of the query", "b2c", map[string]string{discoveryVariable: "https://a.b2clogin.com/a.onmicrosoft.com/v2.0/.well-known/openid-configuration?p=B2C_1_x"}, []oidcrp.Demand{policy("B2C_1_x")}, ""},
		{"policies", "b2c", map[string]string{policiesVariable: "B2C_1_a,B2C_1_b"}, []oidcrp.Demand{policy("B2C_1_a", "B2C_1_b")}, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s, err := load(withPreset(tc.preset, tc.changes))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, s.providers[0].demands); diff != "" {
				t.Errorf("demands (-want +got):\n%s", diff)
			}
			if got := s.providers[0].extraParams.Get("hd"); got != tc.hd {
				t.Errorf("hd = %q, want %q", got, tc.hd)
			}
		})
	}
}
