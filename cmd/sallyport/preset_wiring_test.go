package main

import (
	"slices"
	"testing"

	"github.com/sallyport/sallyport/idp/oidcrp"
)

// What presets set arrives at the relying party, not only in the settings.
func TestPresetsReachTheRelyingParty(t *testing.T) {
	for _, tc := range []struct {
		name, preset string
		changes      map[string]string
		check        func(s *settings, c oidcrp.Config) bool
	}{
		{"the address of B2C", "b2c", nil, func(s *settings, c oidcrp.Config) bool {
			return c.Claims.Email == "emails" && c.EmailRequired && slices.Equal(s.providers[0].OIDC.Scopes, []string{"openid", "rp1"}) && s.providers[0].OIDC.ClientAuth == "client_secret_post"
		}},
		{"who verifies addresses in Entra", "entra", nil, func(s *settings, c oidcrp.Config) bool {
			return c.Claims.EmailVerified == "xms_edov" && s.providers[0].refreshBound() != nil && !*s.providers[0].refreshBound()
		}},
		{"Google's verified addresses", "google", nil, func(_ *settings, c oidcrp.Config) bool { return c.EmailVerified == oidcrp.EmailRequireVerified }},
		{"the limit of Okta", "okta", nil, func(s *settings, c oidcrp.Config) bool {
			return c.GroupsLimit == 100 && s.providers[0].OIDC.LogoutHint == "fresh"
		}},
		{"the limit of Okta, lifted", "okta", map[string]string{"SALLYPORT_GROUPS_LIMIT": "0"}, func(_ *settings, c oidcrp.Config) bool { return c.GroupsLimit == 0 }},
		{"Cognito's own sign-out", "cognito", nil, func(s *settings, _ oidcrp.Config) bool {
			template, fallback := s.providers[0].signOut()
			return template == "{provider}/logout?client_id={client_id}&logout_uri={post_logout_redirect_uri}" && fallback == ""
		}},
		{"the standard one for Cognito", "cognito", map[string]string{"SALLYPORT_OIDC_LOGOUT_URL": "discovered"}, func(s *settings, _ oidcrp.Config) bool {
			template, fallback := s.providers[0].signOut()
			return template == "" && fallback == ""
		}},
		{"Auth0's older sign-out where there is no other", "auth0", nil, func(s *settings, _ oidcrp.Config) bool {
			template, fallback := s.providers[0].signOut()
			return template == "" && fallback != "" && s.providers[0].signsOut("") && s.providers[0].signsOut("https://a/oidc/logout")
		}},
		{"none at all", "auth0", map[string]string{"SALLYPORT_OIDC_LOGOUT_URL": "none"}, func(s *settings, _ oidcrp.Config) bool {
			template, _ := s.providers[0].signOut()
			return template == oidcrp.LogoutNone && !s.providers[0].signsOut("https://a/oidc/logout")
		}},
		{"Keycloak's answers show what its tokens are", "keycloak", nil, func(s *settings, _ oidcrp.Config) bool { return s.providers[0].refreshBound() == nil }},
		{"Dex with sessions", "dex", map[string]string{"SALLYPORT_OIDC_REFRESH_BOUND": "yes", "SALLYPORT_OIDC_SCOPES": "openid,offline_access", "SALLYPORT_SESSION_BINDING": "idp"}, func(s *settings, _ oidcrp.Config) bool {
			return s.providers[0].refreshBound() != nil && *s.providers[0].refreshBound()
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s, err := load(withPreset(tc.preset, tc.changes))
			if err != nil {
				t.Fatal(err)
			}
			if !tc.check(s, s.providers[0].claimsConfig()) {
				template, fallback := s.providers[0].signOut()
				t.Errorf("claims %+v, sign-out %q or %q, %+v", s.providers[0].claimsConfig(), template, fallback, s.providers[0].OIDC)
			}
		})
	}
}
