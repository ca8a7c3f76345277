package oidcrp

import (
	"maps"
	"strconv"
	"strings"
	"testing"
)

// configure makes of a profile what cmd/sallyport would: the preset's defaults under
// what the operator sets.
func (p *profiled) configure(t *testing.T, preset string, changes map[string]string) func(*Config) {
	t.Helper()
	known, ok := FindPreset(preset)
	if !ok {
		t.Fatalf("there is no preset %q", preset)
	}
	env := maps.Clone(known.Defaults)
	if env == nil {
		env = map[string]string{}
	}
	maps.Copy(env, p.Env)
	maps.Copy(env, changes)
	return func(c *Config) {
		c.ID, c.Issuer, c.Remedies = preset, p.Issuer, known.Remedies
		c.LogoutFallback = known.LogoutFallback
		for name, value := range env {
			apply(t, c, name, value)
		}
		if known.DiscoveryForm != "" {
			c.Demands = append(c.Demands, Demand{Claims: []string{"tfp", "acr"}, OneOf: []string{"B2C_1_signin"}, Fold: true, Variable: "SALLYPORT_OIDC_POLICIES"})
		}
	}
}

func apply(t *testing.T, c *Config, name, value string) {
	t.Helper()
	switch name {
	case "SALLYPORT_OIDC_ISSUER":
		c.Issuer = value
	case "SALLYPORT_OIDC_DISCOVERY_URL":
		c.DiscoveryURL = value
	case "SALLYPORT_OIDC_CLIENT_AUTH":
		c.ClientAuth = ClientAuth(value)
	case "SALLYPORT_OIDC_CLIENT_ASSERTION_AUDIENCE":
		c.AssertionAudience = AssertionAudience(value)
	case "SALLYPORT_OIDC_SCOPES":
		c.Scopes = strings.Split(strings.ReplaceAll(value, "{client_id}", testClient), ",")
	case "SALLYPORT_OIDC_USERINFO":
		c.Userinfo = UserinfoMode(value)
	case "SALLYPORT_OIDC_REFRESH_BOUND":
		c.RefreshBound = new(value == "yes")
	case "SALLYPORT_OIDC_LOGOUT_URL":
		c.LogoutURL = value
	case "SALLYPORT_OIDC_LOGOUT_HINT":
		c.LogoutHint = LogoutHint(value)
	case "SALLYPORT_OIDC_HOSTED_DOMAINS":
		c.Demands = append(c.Demands, Demand{Claims: []string{"hd"}, OneOf: strings.Split(value, ","), Variable: name})
	case "SALLYPORT_CLAIM_EMAIL":
		c.Claims.Email = value
	case "SALLYPORT_CLAIM_EMAIL_VERIFIED":
		c.Claims.EmailVerified = value
	case "SALLYPORT_CLAIM_NAME":
		c.Claims.Name = value
	case "SALLYPORT_CLAIM_GROUPS":
		c.Claims.Groups = value
	case "SALLYPORT_EMAIL_VERIFIED":
		c.EmailVerified = EmailVerified(value)
	case "SALLYPORT_EMAIL_REQUIRED":
		c.EmailRequired = value == "true"
	case "SALLYPORT_GROUPS_LIMIT":
		limit, err := strconv.Atoi(value)
		must(t, err)
		c.GroupsLimit = limit
	default:
		t.Fatalf("%s is not translated for tests", name)
	}
}
