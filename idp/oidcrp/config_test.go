package oidcrp

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/sallyport/sallyport/internal/secret"
	"github.com/sallyport/sallyport/session"
)

// goodConfig is what the tables below spoil.
func goodConfig(t *testing.T) Config {
	return prepareWorld(t, newHostile(t), nil).client.cfg
}

func TestBadConfigurations(t *testing.T) {
	negative := -time.Second
	tests := []struct {
		name  string
		spoil func(*Config)
		want  string
	}{
		{"no name", func(c *Config) { c.ID = "" }, "Config.ID"},
		{"no issuer", func(c *Config) { c.Issuer = "" }, "SALLYPORT_OIDC_ISSUER"},
		{"no client", func(c *Config) { c.ClientID = "" }, "SALLYPORT_OIDC_CLIENT_ID"},
		{"no openid", func(c *Config) { c.Scopes = []string{"profile"} }, "SALLYPORT_OIDC_SCOPES must contain openid"},
		{"no redirect URL", func(c *Config) { c.RedirectURL = "" }, "Config.RedirectURL"},
		{"prefix with a slash at its end", func(c *Config) { c.Prefix = "/oauth2/" }, "Config.Prefix"},
		{"no timeout", func(c *Config) { c.Timeout = 0 }, "SALLYPORT_OIDC_TIMEOUT"},
		{"negative max_age", func(c *Config) { c.MaxAge = &negative }, "SALLYPORT_OIDC_MAX_AGE"},
		{"no sessions", func(c *Config) { c.Sessions = nil }, "Config.Sessions"},
		{"no logins", func(c *Config) { c.Logins = nil }, "Config.Logins"},
		{"no pages", func(c *Config) { c.Pages = nil }, "Config.Pages"},
		{"no return policy", func(c *Config) { c.Returns = nil }, "Config.Returns"},
		{"no navigation test", func(c *Config) { c.IsNavigation = nil }, "Config.IsNavigation"},
		{"no secret", func(c *Config) { c.ClientSecret = nil }, "SALLYPORT_OIDC_CLIENT_SECRET is missing"},
		{"empty secret", func(c *Config) {
			c.ClientAuth, c.ClientSecret = ClientSecretPost, func() secret.Text { return secret.Text{} }
		}, "SALLYPORT_OIDC_CLIENT_SECRET is missing"},
		{"no key", func(c *Config) { c.ClientAuth = PrivateKeyJWT }, "SALLYPORT_OIDC_CLIENT_KEY_FILE is missing"},
		{"no certificate", func(c *Config) { c.ClientAuth = TLSClientAuth; useKey(t, "RS256")(c) }, "SALLYPORT_OIDC_CLIENT_CERT_FILE is missing"},
		{"unknown audience", func(c *Config) { c.AssertionAudience = "both" }, "SALLYPORT_OIDC_CLIENT_ASSERTION_AUDIENCE"},
		{"no one issuer for an audience", func(c *Config) {
			c.ClientAuth, c.AssertionAudience, c.Issuer = PrivateKeyJWT, AudienceIssuer, "https://idp.example.com/{tenantid}"
			c.AllowedTenants, c.DiscoveryURL = []string{"a"}, "https://idp.example.com/metadata"
			useKey(t, "RS256")(c)
		}, "SALLYPORT_OIDC_CLIENT_ASSERTION_AUDIENCE is issuer"},
		{"unknown client authentication", func(c *Config) { c.ClientAuth = "guess" }, "SALLYPORT_OIDC_CLIENT_AUTH"},
		{"unknown userinfo mode", func(c *Config) { c.Userinfo = "maybe" }, "SALLYPORT_OIDC_USERINFO"},
		{"unknown e-mail policy", func(c *Config) { c.EmailVerified = "maybe" }, "SALLYPORT_EMAIL_VERIFIED"},
		{"no algorithm", func(c *Config) { c.SigningAlgs = nil }, "SALLYPORT_OIDC_SIGNING_ALGS is empty"},
		{"OT-02 none", func(c *Config) { c.SigningAlgs = []string{"RS256", "none"} }, `SALLYPORT_OIDC_SIGNING_ALGS contains "none"`},
		{"OT-02 HS256", func(c *Config) { c.SigningAlgs = []string{"HS256"} }, `SALLYPORT_OIDC_SIGNING_ALGS contains "HS256"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			cfg := goodConfig(t)
			cfg.Registerer = nil
			tt.spoil(&cfg)
			if _, err := New(cfg); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("New: %v; want an error that says %q", err, tt.want)
			}
		})
	}
}

func TestAllFaultsAtOnce(t *testing.T) {
	_, err := New(Config{})
	for _, want := range []string{"SALLYPORT_OIDC_ISSUER", "SALLYPORT_OIDC_CLIENT_ID", "SALLYPORT_OIDC_CLIENT_AUTH", "SALLYPORT_OIDC_USERINFO", "SALLYPORT_OIDC_SIGNING_ALGS"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("New of nothing: %v; want it to name %s", err, want)
		}
	}
}

// What is left out has a default, and a public client needs no secret.
func TestSmallestConfiguration(t *testing.T) {
	cfg := goodConfig(t)
	cfg.ClientAuth, cfg.ClientSecret = ClientAuthNone, nil
	cfg.Now, cfg.Logger, cfg.Registerer = nil, nil, nil
	c, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Ready(); err == nil {
		t.Error("ready before discovery")
	}
}

func TestConfigPrintsNoSecret(t *testing.T) {
	cfg := goodConfig(t)
	out := fmt.Sprintf("%v %+v %#v", cfg, cfg, cfg)
	if strings.Contains(out, testSecret) {
		t.Error("a printed Config holds the client secret")
	}
	g, err := json.Marshal(session.Grant{AccessToken: secret.New(testAccessToken)})
	must(t, err)
	if strings.Contains(string(g), testAccessToken) {
		t.Error("a printed Grant holds the access token")
	}
}

// Several providers in one process share the series and differ in their label.
func TestTwoClientsShareARegistry(t *testing.T) {
	reg := prometheus.NewRegistry()
	for _, name := range []string{"staff", "partners"} {
		cfg := goodConfig(t)
		cfg.ID, cfg.Registerer = name, reg
		c, err := New(cfg)
		if err != nil {
			t.Fatalf("New of %s: %v", name, err)
		}
		c.metrics.loginDone(time.Second)
	}
	families, err := reg.Gather()
	must(t, err)
	done := map[string]float64{}
	for _, family := range families {
		if family.GetName() != "sallyport_logins_total" {
			continue
		}
		for _, m := range family.GetMetric() {
			labels := map[string]string{}
			for _, l := range m.GetLabel() {
				labels[l.GetName()] = l.GetValue()
			}
			if labels["outcome"] == loginSucceeded {
				done[labels["idp"]] = m.GetCounter().GetValue()
			}
		}
	}
	if len(done) != 2 || done["staff"] != 1 || done["partners"] != 1 {
		t.Errorf("successful sign-ins %v, want one each", done)
	}
	if _, err := New(withForeignMetric(t)); err == nil {
		t.Error("a series of that name with other labels is no error")
	}
}

// withForeignMetric is a configuration whose registry has our name for something
// else.
func withForeignMetric(t *testing.T) Config {
	cfg := goodConfig(t)
	reg := prometheus.NewRegistry()
	reg.MustRegister(prometheus.NewCounter(prometheus.CounterOpts{Name: "sallyport_logins_total", Help: "something else"}))
	cfg.Registerer = reg
	return cfg
}

// OP-07: whatever happens, the set of series is the one from the start.
func TestSeriesExistFromTheStart(t *testing.T) {
	w := prepareWorld(t, newHostile(t), nil)
	before := seriesOf(t, w.registry)
	must(t, w.client.discover(t.Context()))
	w.signIn("/")
	w.get("/oauth2/callback?state=x")
	w.get("/oauth2/callback?error=" + strings.Repeat("e", 100) + "&state=" + newState(stateRestarted))
	w.ask(http.MethodPost, "/oauth2/logout", sameOrigin)
	w.client.revoker.drain(10 * time.Second)
	for series := range seriesOf(t, w.registry) {
		// The mode is known once discovery is done.
		if !before[series] && !strings.HasPrefix(series, "sallyport_idp_info") {
			t.Errorf("%s did not exist from the start", series)
		}
	}
}

func seriesOf(t *testing.T, reg *prometheus.Registry) map[string]bool {
	t.Helper()
	families, err := reg.Gather()
	must(t, err)
	series := map[string]bool{}
	for _, family := range families {
		for _, m := range family.GetMetric() {
			series[family.GetName()+fmt.Sprint(m.GetLabel())] = true
		}
	}
	return series
}
