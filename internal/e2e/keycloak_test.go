//go:build keycloak

package e2e

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// Keycloak itself, with the realm of docker-compose.yml. It takes a minute to start
// and is not small, so `make test-keycloak` runs this and `make test` does not.
func TestKeycloak(t *testing.T) {
	k := startKeycloak(t)
	for _, test := range []struct {
		name string
		run  func(*keycloak)
	}{
		{"signs in with the realm as it is", (*keycloak).signsIn},
		{"is what its profile says", (*keycloak).isAsRecorded},
		{"pleases the doctor", (*keycloak).pleasesTheDoctor},
		{"rotates refresh tokens", (*keycloak).rotates},
		{"ends its session, and ours at the next refresh", (*keycloak).endsSession},
		{"says so by back-channel logout", (*keycloak).callsBack},
		{"is signed out from", (*keycloak).isSignedOutFrom},
		{"gives offline tokens", (*keycloak).givesOfflineTokens},
		{"gives realm roles to a mapper", (*keycloak).givesRealmRoles},
		{"signs with every algorithm", (*keycloak).signs},
		{"leaves the issuer out", (*keycloak).leavesIssuerOut},
		{"asks again when the sign-in is too old", (*keycloak).asksAgain},
		{"insists on pushed requests", (*keycloak).insistsOnPushedRequests},
		{"insists on DPoP", (*keycloak).insistsOnDPoP},
		{"says how somebody signed in", (*keycloak).saysHow},
		{"knows the client", (*keycloak).knowsTheClient},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(k.during(t)) })
	}
}

// startSite runs Sallyport with the variables of docs/providers/keycloak.md.
func (k *keycloak) startSite(env ...string) {
	k.t.Helper()
	k.startSallyport(k.site(env...)...)
	k.awaitReady()
}

func (k *keycloak) site(env ...string) []string {
	return append([]string{"SALLYPORT_OIDC_PROVIDER=keycloak", "SALLYPORT_OIDC_CLIENT_SECRET=" + realmSecret}, env...)
}

// state is the answer of GET /oauth2/session.
type state struct {
	User struct {
		Sub, Email, Name string
		Groups           []string
	}
	IdP, Mode string
}

func (k *keycloak) state(b *browser) state {
	k.t.Helper()
	var s state
	p := b.fetch(http.MethodGet, k.public+prefix+"/session")
	if p.status != http.StatusOK || json.Unmarshal([]byte(p.body), &s) != nil {
		k.t.Fatalf("GET /session: %d %s", p.status, p.body)
	}
	return s
}

func (k *keycloak) signsIn() {
	k.startSite()
	for username, groups := range map[string][]string{"ada": {"admins", "engineering"}, "grace": {"engineering"}, "alan": {"guests"}} {
		b := newBrowser(k.t)
		p := k.signInForm(b, "/reports?tab=open")
		if p = k.enter(b, p, "nobody"); !strings.HasPrefix(p.at.String(), k.issuer) {
			k.t.Fatalf("a wrong password leads to %s", p.at)
		}
		p = k.enter(b, p, username)
		if p.at.String() != k.public+"/reports?tab=open" {
			k.t.Fatalf("%s is at %s: %d\n%s", username, p.at, p.status, p.body)
		}
		got := p.received()
		for name, want := range map[string]string{
			"X-Forwarded-User":               k.userID(username),
			"X-Forwarded-Email":              username + "@example.com",
			"X-Forwarded-Preferred-Username": username,
		} {
			if values := got.values(name); !slices.Equal(values, []string{want}) {
				k.t.Errorf("%s is %q, want %q", name, values, want)
			}
		}
		s := k.state(b)
		slices.Sort(s.User.Groups)
		if s.IdP != "keycloak" || s.Mode != "full" || !slices.Equal(s.User.Groups, groups) {
			k.t.Errorf("the session of %s is %+v, want the groups %q", username, s, groups)
		}
	}
}
