package oidcrp

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/session"
)

// Templates as the presets have them. The test provider's authorization endpoint is
// where its sign-out is, too.
func TestSignOutStyles(t *testing.T) {
	preset := func(name string) func(*Config) {
		p, ok := FindPreset(name)
		if !ok {
			t.Fatalf("no preset %q", name)
		}
		return func(c *Config) {
			c.LogoutURL, c.LogoutFallback = p.Defaults["SALLYPORT_OIDC_LOGOUT_URL"], p.LogoutFallback
		}
	}
	without := func(m map[string]any) { delete(m, "end_session_endpoint") }
	for _, tt := range []struct {
		name     string
		metadata func(map[string]any)
		change   func(*Config)
		path     string // "" = a local sign-out
		params   []string
		mode     session.Mode
	}{
		{"standard", nil, preset("generic"), "/end", []string{"client_id", "id_token_hint", "post_logout_redirect_uri", "state"}, session.ModeFull},
		{"Auth0 with a sign-out in its metadata", nil, preset("auth0"), "/end", []string{"client_id", "id_token_hint", "post_logout_redirect_uri", "state"}, session.ModeFull},
		{"Auth0 legacy", without, preset("auth0"), "/v2/logout", []string{"client_id", "returnTo"}, session.ModeFull},
		{"Cognito, whatever its metadata say", nil, preset("cognito"), "/logout", []string{"client_id", "logout_uri"}, session.ModeFull},
		{"none, because there is none", without, preset("google"), "", nil, session.ModeDegraded},
		{"none, because it is set", nil, func(c *Config) { c.LogoutURL = LogoutNone }, "", nil, session.ModeDegraded},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := newHostile(t)
			h.metadata = tt.metadata
			w := signedInWorld(t, h, tt.change)
			s, err := w.sessions.Peek(w.withCookies())
			must(t, err)
			if s.Grant.Mode != tt.mode {
				t.Errorf("mode %q, want %q", s.Grant.Mode, tt.mode)
			}
			res := w.ask(http.MethodPost, "/oauth2/logout", sameOrigin)
			if tt.path == "" {
				if res.StatusCode != http.StatusOK || !w.pages.remains || !strings.HasSuffix(w.pages.signInURL, "prompt=select_account") {
					t.Errorf("P10: status %d, remains %v, sign in again at %q", res.StatusCode, w.pages.remains, w.pages.signInURL)
				}
				return
			}
			to, err := url.Parse(res.Header.Get("Location"))
			must(t, err)
			q := to.Query()
			if got := to.Scheme + "://" + to.Host + to.Path; got != h.URL+tt.path || len(q) != len(tt.params) {
				t.Errorf("leads to %s with %v", got, q)
			}
			for _, name := range tt.params {
				if q.Get(name) == "" {
					t.Errorf("the parameter %s is missing", name)
				}
			}
		})
	}
}

// Before discovery nobody knows where {provider} is; other templates work.
func TestSignOutStyleBeforeDiscovery(t *testing.T) {
	for template, offered := range map[string]bool{"{provider}/logout": false, "https://idp.example/logout": true, "": false} {
		w := prepareWorld(t, newHostile(t), func(c *Config) { c.LogoutURL = template })
		if got := w.client.signOutStyle(nil).offered(); got != offered {
			t.Errorf("%q: offered %v, want %v", template, got, offered)
		}
	}
}
