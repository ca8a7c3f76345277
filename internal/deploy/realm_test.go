package deploy

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
)

// realm is the part of a Keycloak realm export that Sallyport depends on.
type realm struct {
	Realm   string
	Enabled bool
	Groups  []struct{ Name string }
	Users   []realmUser
	Clients []realmClient
}

type realmUser struct {
	Username      string
	Enabled       bool
	Email         string
	EmailVerified bool
	Groups        []string
	Credentials   []struct {
		Type, Value string
		Temporary   bool
	}
}

type realmClient struct {
	ClientID                  string
	Secret                    string
	Enabled                   bool
	PublicClient              bool
	StandardFlowEnabled       bool
	ImplicitFlowEnabled       bool
	DirectAccessGrantsEnabled bool
	RedirectURIs              []string
	Attributes                map[string]string
	ProtocolMappers           []struct {
		ProtocolMapper string
		Config         map[string]string
	}
}

func loadRealm(t *testing.T) realm {
	t.Helper()
	var r realm
	if err := json.Unmarshal([]byte(read(t, "deploy/keycloak/realm-sallyport.json")), &r); err != nil {
		t.Fatalf("parsing the realm: %v", err)
	}
	if !r.Enabled || len(r.Clients) != 1 {
		t.Fatalf("realm enabled %v with %d clients, want one client", r.Enabled, len(r.Clients))
	}
	return r
}

func TestRealmClientIsTheOneSallyportUses(t *testing.T) {
	e, c := env(t, "sallyport"), loadRealm(t).Clients[0]
	public := e["SALLYPORT_PUBLIC_URL"]

	if c.ClientID != e["SALLYPORT_OIDC_CLIENT_ID"] {
		t.Errorf("client id is %q, Sallyport uses %q", c.ClientID, e["SALLYPORT_OIDC_CLIENT_ID"])
	}
	if c.Secret != e["SALLYPORT_OIDC_CLIENT_SECRET"] {
		t.Error("the client's secret differs from SALLYPORT_OIDC_CLIENT_SECRET")
	}
	if !c.Enabled || c.PublicClient || !c.StandardFlowEnabled {
		t.Error("the client is not an enabled, confidential client of the authorization code flow")
	}
	if c.ImplicitFlowEnabled || c.DirectAccessGrantsEnabled {
		t.Error("the client may use a flow that Sallyport does not need")
	}
	if want := []string{public + "/oauth2/callback"}; !slices.Equal(c.RedirectURIs, want) {
		t.Errorf("redirect URIs are %q, Sallyport sends %q", c.RedirectURIs, want)
	}
	if got, want := c.Attributes["post.logout.redirect.uris"], public+"/oauth2/logout/callback"; got != want {
		t.Errorf("post-logout redirect URIs are %q, Sallyport sends %q", got, want)
	}
	if got := c.Attributes["pkce.code.challenge.method"]; got != "S256" {
		t.Errorf("PKCE is %q, want S256 required", got)
	}
}

func TestRealmGroupsReachTheIDToken(t *testing.T) {
	mappers := loadRealm(t).Clients[0].ProtocolMappers
	if len(mappers) != 1 || mappers[0].ProtocolMapper != "oidc-group-membership-mapper" {
		t.Fatalf("mappers are %v, want the one for groups", mappers)
	}
	// full.path off, or the app sees "/engineering".
	want := map[string]string{"claim.name": "groups", "id.token.claim": "true", "full.path": "false"}
	for key, value := range want {
		if got := mappers[0].Config[key]; got != value {
			t.Errorf("the groups mapper has %s %q, want %q", key, got, value)
		}
	}
}

func TestRealmUsersCanSignIn(t *testing.T) {
	r := loadRealm(t)
	groups := map[string]bool{}
	for _, g := range r.Groups {
		groups["/"+g.Name] = true
	}
	memberships := map[string]bool{}
	for _, u := range r.Users {
		if !u.Enabled || u.Email == "" || !u.EmailVerified {
			t.Errorf("%s cannot sign in: enabled %v, email %q verified %v", u.Username, u.Enabled, u.Email, u.EmailVerified)
		}
		if len(u.Credentials) != 1 || u.Credentials[0].Type != "password" || u.Credentials[0].Value != u.Username || u.Credentials[0].Temporary {
			t.Errorf("%s has not the password that docker-compose.yml promises", u.Username)
		}
		if !strings.Contains(read(t, "docker-compose.yml"), u.Username) {
			t.Errorf("docker-compose.yml does not name %s", u.Username)
		}
		for _, g := range u.Groups {
			if !groups[g] {
				t.Errorf("%s is in %s, which the realm lacks", u.Username, g)
			}
		}
		memberships[strings.Join(u.Groups, ",")] = true
	}
	if len(r.Users) != 3 || len(memberships) != 3 {
		t.Errorf("%d users with memberships %q, want three that differ", len(r.Users), slices.Sorted(maps.Keys(memberships)))
	}
}
