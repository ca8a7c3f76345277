package oidcrp

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/internal/fault"
	"github.com/sallyport/sallyport/session"
)

const (
	tenantA = "aaaaaaaa-0000-4000-8000-000000000001"
	tenantB = "bbbbbbbb-0000-4000-8000-000000000002"
)

func TestCheckIssuer(t *testing.T) {
	for _, tt := range []struct{ name, configured, stated, want string }{
		{"P28 the slash is missing", "https://a.auth0.com", "https://a.auth0.com/", `SALLYPORT_OIDC_ISSUER is "https://a.auth0.com", the provider says "https://a.auth0.com/"; they must be equal, byte for byte: add the slash at the end, SALLYPORT_OIDC_ISSUER=https://a.auth0.com/`},
		{"P33 a slash too many", "https://fs.example.com/adfs/", "https://fs.example.com/adfs", `SALLYPORT_OIDC_ISSUER is "https://fs.example.com/adfs/", the provider says "https://fs.example.com/adfs"; they must be equal, byte for byte: remove the slash at the end, SALLYPORT_OIDC_ISSUER=https://fs.example.com/adfs`},
		{"OT-10 the template", "https://login.example.com/common/v2.0", "https://login.example.com/{tenantid}/v2.0", `SALLYPORT_OIDC_ISSUER is "https://login.example.com/common/v2.0", the provider says "https://login.example.com/{tenantid}/v2.0"; they must be equal, byte for byte: set the issuer of your one tenant, or SALLYPORT_OIDC_ISSUER=https://login.example.com/{tenantid}/v2.0 with the tenants that may sign in in SALLYPORT_OIDC_ALLOWED_TENANTS`},
		{"OT-10 another host", "https://a.example.com", "https://b.example.com", `SALLYPORT_OIDC_ISSUER is "https://a.example.com", the provider says "https://b.example.com"; they must be equal, byte for byte: if that is the provider that you mean, set SALLYPORT_OIDC_ISSUER=https://b.example.com`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if err := CheckIssuer(tt.configured, tt.stated, ""); err == nil || err.Error() != tt.want {
				t.Errorf("got  %v\nwant %s", err, tt.want)
			}
			if err := CheckIssuer(tt.stated, tt.stated, "a remedy"); err != nil {
				t.Errorf("equal, and refused: %v", err)
			}
		})
	}
}

func TestCheckIssuerAddsWhatIsKnown(t *testing.T) {
	entra, _ := FindPreset("entra")
	err := CheckIssuer("https://login.example.com/"+tenantA, "https://sts.example.net/"+tenantA+"/", entra.Remedies.Issuer)
	if err == nil || !strings.HasSuffix(err.Error(), entra.Remedies.Issuer) || !strings.Contains(entra.Remedies.Issuer, "/v2.0 at the end") {
		t.Errorf("P26: %v", err)
	}
}

// newTenants is a provider like Entra's common endpoint: one set of metadata whose
// issuer is a template, tokens of the tenant that claims make of it.
func newTenants(t *testing.T, claims func(base string, c map[string]any)) (*hostile, func(*Config)) {
	h := newHostile(t)
	h.metadata = func(m map[string]any) { m["issuer"] = h.URL + "/{tenantid}/v2.0" }
	h.claims = func(c map[string]any) {
		c["tid"], c["iss"] = tenantA, h.URL+"/"+tenantA+"/v2.0"
		if claims != nil {
			claims(h.URL, c)
		}
	}
	return h, func(c *Config) {
		c.Issuer, c.AllowedTenants = h.URL+"/{tenantid}/v2.0", []string{tenantA}
		c.DiscoveryURL = h.URL + "/.well-known/openid-configuration"
	}
}

func TestTenants(t *testing.T) {
	const account, invalid = fault.AccountNotAllowed, fault.IDTokenInvalid
	for _, tt := range []struct {
		name   string
		claims func(base string, c map[string]any)
		want   fault.Code
	}{
		{"an allowed tenant", nil, ""},
		{"OT-27 C38 a tenant that is not allowed", func(b string, c map[string]any) { c["tid"], c["iss"] = tenantB, b+"/"+tenantB+"/v2.0" }, account},
		{"OT-27 the issuer of another tenant", func(b string, c map[string]any) { c["iss"] = b + "/" + tenantB + "/v2.0" }, invalid},
		{"the tid of another tenant", func(_ string, c map[string]any) { c["tid"] = tenantB }, account},
		{"no tid", func(_ string, c map[string]any) { delete(c, "tid") }, account},
		{"a tid that is a list", func(_ string, c map[string]any) { c["tid"] = []string{tenantA} }, account},
		{"the template itself", func(b string, c map[string]any) { c["tid"], c["iss"] = TenantPlaceholder, b+"/{tenantid}/v2.0" }, account},
		{"the template as issuer", func(b string, c map[string]any) { c["iss"] = b + "/{tenantid}/v2.0" }, invalid},
		{"in capitals", func(b string, c map[string]any) {
			c["tid"], c["iss"] = strings.ToUpper(tenantA), b+"/"+strings.ToUpper(tenantA)+"/v2.0"
		}, account},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h, cfg := newTenants(t, tt.claims)
			w := newWorld(t, h, cfg)
			res := w.signIn("/")
			if tt.want != "" {
				w.wantFault(res, tt.want)
				return
			}
			s, err := w.sessions.Peek(w.withCookies())
			must(t, err)
			if s.Identity.Issuer != h.URL+"/"+tenantA+"/v2.0" {
				t.Errorf("the identity's issuer is %q, want that of the tenant", s.Identity.Issuer)
			}
			h.set(func() { h.nonce = "" })
			if _, err := w.client.Refresh(t.Context(), s); err != nil {
				t.Errorf("refresh: %v", err)
			}
			h.claims = func(c map[string]any) { c["tid"], c["iss"] = tenantB, h.URL+"/"+tenantB+"/v2.0" }
			_, err = w.client.Refresh(t.Context(), s)
			if e, ok := errors.AsType[*session.RefreshError](err); !ok || e.Outcome != session.RefreshEnded {
				t.Errorf("a refresh into another tenant: %v, want the session ended", err)
			}
		})
	}
}

// The provider's page would sign the same account in again without a word.
func TestAnotherAccountIsAskedFor(t *testing.T) {
	h, cfg := newTenants(t, func(_ string, c map[string]any) { c["tid"] = tenantB })
	w := newWorld(t, h, cfg)
	res := w.signIn("/reports")
	if got := res.Header.Get("Retry-Url"); got != "/oauth2/login?rd=%2Freports&prompt=select_account" {
		t.Errorf("Try again leads to %q", got)
	}
	if res.StatusCode != http.StatusForbidden {
		t.Errorf("status %d", res.StatusCode)
	}
}

func TestKeyOfAnIssuer(t *testing.T) {
	const consumers = "9188040d-6c67-4c5b-b112-36a304b66dad"
	for _, tt := range []struct {
		name, issuer string // of the key, below the provider's address
		want         fault.Code
	}{
		{"of the tenant", "/" + tenantA + "/v2.0", ""},
		{"of every tenant", "/{tenantid}/v2.0", ""},
		{"of consumers alone", "/" + consumers + "/v2.0", fault.IDTokenInvalid},
		{"of nobody", "", fault.IDTokenInvalid},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h, cfg := newTenants(t, nil)
			h.jwks = func(w http.ResponseWriter) bool {
				var key map[string]any
				must(t, jsonInto(h.keys[0], &key))
				key["issuer"] = h.URL + tt.issuer
				writeTestJSON(w, map[string]any{"keys": []any{key}})
				return true
			}
			w := newWorld(t, h, cfg)
			res := w.signIn("/")
			if tt.want != "" {
				w.wantFault(res, tt.want)
			} else if user := w.signedIn(); user != "alice" {
				t.Errorf("signed in as %q; log:\n%s", user, w.log)
			}
		})
	}
}

func TestDemandsOfTokens(t *testing.T) {
	hd := Demand{Claims: []string{"hd"}, OneOf: []string{"example.com", "example.org"}, Variable: "SALLYPORT_OIDC_HOSTED_DOMAINS"}
	policy := Demand{Claims: []string{"tfp", "acr"}, OneOf: []string{"B2C_1_signin"}, Fold: true, Variable: "SALLYPORT_OIDC_POLICIES"}
	for _, tt := range []struct {
		name   string
		demand Demand
		claims map[string]any
		want   fault.Code
	}{
		{"C37 the domain", hd, map[string]any{"hd": "example.org"}, ""},
		{"C37 no domain", hd, nil, fault.AccountNotAllowed},
		{"C37 another domain", hd, map[string]any{"hd": "example.net"}, fault.AccountNotAllowed},
		{"C37 a subdomain", hd, map[string]any{"hd": "a.example.com"}, fault.AccountNotAllowed},
		{"C37 in capitals", hd, map[string]any{"hd": "EXAMPLE.COM"}, fault.AccountNotAllowed},
		{"C37 a list", hd, map[string]any{"hd": []string{"example.com"}}, fault.AccountNotAllowed},
		{"the policy", policy, map[string]any{"tfp": "b2c_1_SignIn"}, ""},
		{"the policy in acr", policy, map[string]any{"acr": "b2c_1_signin"}, ""},
		{"the policy of a password reset", policy, map[string]any{"tfp": "B2C_1_reset"}, fault.AccountNotAllowed},
		{"tfp counts before acr", policy, map[string]any{"tfp": "B2C_1_reset", "acr": "B2C_1_signin"}, fault.AccountNotAllowed},
		{"no policy", policy, nil, fault.AccountNotAllowed},
		{"a letter that folds elsewhere", policy, map[string]any{"tfp": "B2C_1_\u017fignin"}, fault.AccountNotAllowed},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := tryClaims(t, tt.claims, func(c *Config) { c.Demands = []Demand{tt.demand} }, tt.want)
			if tt.want != "" && !strings.Contains(w.log.String(), tt.demand.Variable) {
				t.Errorf("the log does not name the variable:\n%s", w.log)
			}
		})
	}
}
