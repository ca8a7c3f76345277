package demoidp_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"

	"github.com/sallyport/sallyport/idp/demoidp"
)

func oidcConfig() *oidc.Config { return &oidc.Config{ClientID: clientID} }

func TestConfigFaults(t *testing.T) {
	app := []demoidp.Client{{ID: "app"}}
	tests := []struct {
		name string
		cfg  demoidp.Config
		want string
	}{
		{"no issuer", demoidp.Config{Clients: app}, "not an http or https URL"},
		{"issuer ends with a slash", demoidp.Config{Issuer: "http://127.0.0.1:1/", Clients: app}, "slash at its end"},
		{"issuer with a query", demoidp.Config{Issuer: "http://127.0.0.1:1?a=b", Clients: app}, "has a query"},
		{"no clients", demoidp.Config{Issuer: "http://127.0.0.1:1"}, "no clients"},
		{"two clients of one id", demoidp.Config{Issuer: "http://127.0.0.1:1", Clients: slices.Repeat(app, 2)}, "not unique"},
		{"person with a colon", demoidp.Config{Issuer: "http://127.0.0.1:1", Clients: app, People: []demoidp.Person{{ID: "a:b"}}}, "has a colon"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if _, err := demoidp.New(test.cfg); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want one with %q", err, test.want)
			}
		})
	}
}

func TestDiscoveryOffersOnlyWhatThereIs(t *testing.T) {
	w := newWorld(t, nil)
	var m struct {
		Issuer        string   `json:"issuer"`
		IssParameter  bool     `json:"authorization_response_iss_parameter_supported"`
		Grants        []string `json:"grant_types_supported"`
		ResponseTypes []string `json:"response_types_supported"`
		Challenges    []string `json:"code_challenge_methods_supported"`
		Algorithms    []string `json:"id_token_signing_alg_values_supported"`
		Auth          []string `json:"token_endpoint_auth_methods_supported"`
		EndSession    string   `json:"end_session_endpoint"`
		Revocation    string   `json:"revocation_endpoint"`
		BackChannel   bool     `json:"backchannel_logout_session_supported"`
		Device        string   `json:"device_authorization_endpoint"`
	}
	if err := json.Unmarshal([]byte(w.get(w.issuer+"/.well-known/openid-configuration").body), &m); err != nil {
		t.Fatal(err)
	}
	if m.Issuer != w.issuer || !m.IssParameter || !m.BackChannel || m.EndSession == "" || m.Revocation == "" || m.Device != "" {
		t.Errorf("metadata %+v", m)
	}
	for name, pair := range map[string][2][]string{
		"grants":         {m.Grants, {"authorization_code", "refresh_token"}},
		"response types": {m.ResponseTypes, {"code"}},
		"challenges":     {m.Challenges, {"S256"}},
		"algorithms":     {m.Algorithms, {"RS256"}},
	} {
		if !slices.Equal(pair[0], pair[1]) {
			t.Errorf("%s %v, want %v", name, pair[0], pair[1])
		}
	}
	if !slices.Contains(m.Auth, "client_secret_basic") || !slices.Contains(m.Auth, "client_secret_post") {
		t.Errorf("client authentication %v", m.Auth)
	}
}

func TestPagesAreClosed(t *testing.T) {
	w := newWorld(t, nil)
	for _, address := range []string{w.begin().url, w.issuer + "/account", w.issuer + "/login?id=x"} {
		p := w.get(address)
		csp := p.header.Get("Content-Security-Policy")
		if !strings.Contains(csp, "default-src 'none'") || !strings.Contains(csp, "frame-ancestors 'none'") || strings.Contains(csp, "unsafe") {
			t.Errorf("%s: policy %q", address, csp)
		}
		if !strings.Contains(p.body, "not for production") {
			t.Errorf("%s does not say that this is no real provider", address)
		}
		if strings.Contains(p.body, "http://") || strings.Contains(p.body, "https://") {
			t.Errorf("%s names an address: pages have no external asset\n%s", address, p.body)
		}
	}
}

// Sessions, and the tokens bound to them, end by themselves.
func TestTimePasses(t *testing.T) {
	var now time.Time
	w := newWorld(t, func(c *demoidp.Config) {
		c.SessionTTL = time.Hour
		c.Now = func() time.Time { return now }
	})
	now = time.Now()
	token, _ := w.signIn("ada")
	a := w.begin()
	late := w.answer(a, w.get(a.url)).Get("code")
	now = now.Add(2 * time.Minute)
	_, err := w.redeem(a, late)
	oauthError(t, err, "invalid_grant")
	fresh, err := w.refresh(token.RefreshToken)
	if err != nil {
		t.Fatal(err)
	}
	pending := w.begin(promptLogin())
	stale := w.get(pending.url)
	now = now.Add(time.Hour)
	_, err = w.refresh(fresh.RefreshToken)
	oauthError(t, err, "invalid_grant")
	if p := w.pick(stale, "ada"); p.status != 400 {
		t.Errorf("a sign-in of an hour ago went on: %d", p.status)
	}
	if w.signedIn() {
		t.Error("the session outlived its time")
	}
}
