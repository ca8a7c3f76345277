//go:build keycloak

package e2e

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// keycloakProfile is the part of idp/oidcrp/testdata/profiles/keycloak.json that can
// be held against the product.
type keycloakProfile struct {
	Metadata      map[string]any
	IDToken       map[string]any `json:"id_token"`
	Userinfo      map[string]any
	TokenResponse map[string]any `json:"token_response"`
	Refresh       struct {
		Issued         string
		Rotates, Bound bool
		IDToken        bool `json:"id_token"`
	}
}

func (k *keycloak) profile() keycloakProfile {
	k.t.Helper()
	raw, err := os.ReadFile("../../idp/oidcrp/testdata/profiles/keycloak.json")
	k.must(err)
	var p keycloakProfile
	k.must(json.Unmarshal(bytes.ReplaceAll(raw, []byte("{base}/realms/main"), []byte(k.issuer)), &p))
	return p
}

// Each fact of the profile that the unit tests use in place of Keycloak holds for
// Keycloak, and nothing that it says of itself is missing there.
func (k *keycloak) isAsRecorded() {
	k.addMapper("realm roles", "oidc-usermodel-realm-role-mapper", map[string]string{
		"claim.name": "realm_access.roles", "jsonType.label": "String", "multivalued": "true",
		"id.token.claim": "true", "userinfo.token.claim": "true",
	})
	k.ask(http.MethodPost, realmPath+"/roles", map[string]any{"name": "staff"}, nil)
	k.giveRole("ada", "staff")
	k.giveRole("ada", "offline_access")
	client := k.client()
	client["directAccessGrantsEnabled"] = true // tokens without a browser
	k.ask(http.MethodPut, k.clientPath(), client, nil)
	want := k.profile()

	var metadata map[string]any
	k.get(k.issuer+"/.well-known/openid-configuration", "", &metadata)
	k.same("metadata", metadata, want.Metadata)

	first := k.password("openid profile email")
	k.sameShape("token response", first, want.TokenResponse, "access_token", "token_type", "expires_in", "id_token", "refresh_token")
	k.sameShape("ID token", claimsOf(k.t, first["id_token"]), want.IDToken, "iss", "aud", "iat", "exp", "nonce", "auth_time", "at_hash")
	var userinfo map[string]any
	k.get(metadata["userinfo_endpoint"].(string), first["access_token"].(string), &userinfo)
	k.sameShape("userinfo", userinfo, want.Userinfo)
	k.refreshesAsRecorded(first, want)
}

// renew asks for new tokens with the refresh token of an earlier answer.
func (k *keycloak) renew(after map[string]any) map[string]any {
	k.t.Helper()
	token, _ := after["refresh_token"].(string)
	return k.exchange(url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}})
}

func (k *keycloak) password(scope string) map[string]any {
	k.t.Helper()
	return k.exchange(url.Values{"grant_type": {"password"}, "username": {"ada"}, "password": {"ada"}, "scope": {scope}})
}

func (k *keycloak) refreshesAsRecorded(first map[string]any, want keycloakProfile) {
	k.t.Helper()
	second := k.renew(first)
	_, issued := first["refresh_token"]
	_, again := second["id_token"]
	if issued != (want.Refresh.Issued == "always") || again != want.Refresh.IDToken {
		k.t.Errorf("a refresh token comes without a scope: %v; an ID token with a refresh: %v; recorded %+v", issued, again, want.Refresh)
	}
	if rotates := second["refresh_token"] != first["refresh_token"]; rotates != want.Refresh.Rotates {
		k.t.Errorf("refresh tokens are exchanged: %v, recorded %v", rotates, want.Refresh.Rotates)
	}
	if typ := claimsOf(k.t, first["refresh_token"])["typ"]; typ != "Refresh" {
		k.t.Errorf("the typ of a refresh token is %v", typ)
	}
	if again := k.renew(first); again["access_token"] == nil {
		k.t.Errorf("a refresh token that was exchanged no longer works: %v", again["error_description"])
	}
	offline := k.password("openid offline_access")
	if typ := claimsOf(k.t, offline["refresh_token"])["typ"]; typ != "Offline" {
		k.t.Errorf("the typ of an offline token is %v", typ)
	}
	k.ask(http.MethodDelete, realmPath+"/sessions/"+claimsOf(k.t, first["id_token"])["sid"].(string), nil, nil)
	third := k.renew(second)
	if bound := third["error"] == "invalid_grant"; bound != want.Refresh.Bound {
		k.t.Errorf("after the end of the session a refresh says %v (%v), recorded as bound: %v", third["error"], third["error_description"], want.Refresh.Bound)
	}
	if fourth := k.renew(offline); fourth["access_token"] == nil {
		k.t.Errorf("an offline token ended with another session: %v", fourth["error_description"])
	}
	k.changeRealm(map[string]any{"revokeRefreshToken": true, "refreshTokenMaxReuse": 0})
	fifth := k.password("openid")
	k.renew(fifth)
	if again := k.renew(fifth); again["error"] != "invalid_grant" {
		k.t.Errorf("with Revoke Refresh Token a second use says %v", again["error"])
	}
}

// exchange asks the token endpoint as Sallyport's client; the answer may be an error.
func (k *keycloak) exchange(form url.Values) map[string]any {
	k.t.Helper()
	r, err := http.NewRequestWithContext(k.t.Context(), http.MethodPost, k.issuer+"/protocol/openid-connect/token", strings.NewReader(form.Encode()))
	k.must(err)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.SetBasicAuth(clientID, realmSecret)
	return k.object(r)
}

func (k *keycloak) get(address, bearer string, into *map[string]any) {
	k.t.Helper()
	r, err := http.NewRequestWithContext(k.t.Context(), http.MethodGet, address, nil)
	k.must(err)
	if bearer != "" {
		r.Header.Set("Authorization", "Bearer "+bearer)
	}
	*into = k.object(r)
}

func (k *keycloak) object(r *http.Request) map[string]any {
	k.t.Helper()
	response, err := http.DefaultClient.Do(r)
	k.must(err)
	defer response.Body.Close()
	var answer map[string]any
	k.must(json.NewDecoder(response.Body).Decode(&answer))
	return answer
}

// claimsOf reads the payload of a JWT.
func claimsOf(t *testing.T, jwt any) map[string]any {
	t.Helper()
	text, _ := jwt.(string)
	segments := strings.Split(text, ".")
	if len(segments) != 3 {
		t.Fatalf("a token has %d segments, want a JWT", len(segments))
	}
	payload, err := base64.RawURLEncoding.DecodeString(segments[1])
	if err != nil {
		t.Fatal(err)
	}
	var claims map[string]any
	if err := json.Unmarshal(payload, &claims); err != nil {
		t.Fatal(err)
	}
	return claims
}

// same compares members by value; the order in lists means nothing.
func (k *keycloak) same(what string, got, recorded map[string]any) {
	k.t.Helper()
	for _, name := range names(got, recorded) {
		if g, r := ordered(got[name]), ordered(recorded[name]); g != r {
			k.t.Errorf("%s: %s is %s, recorded is %s", what, name, g, r)
		}
	}
}

// sameShape compares the names of members and the types of their values, beside those
// that are not recorded. It prints no value: some are secret.
func (k *keycloak) sameShape(what string, got, recorded map[string]any, besides ...string) {
	k.t.Helper()
	for _, name := range names(got, recorded) {
		g, r := fmt.Sprintf("%T", got[name]), fmt.Sprintf("%T", recorded[name])
		if g != r && !slices.Contains(besides, name) {
			k.t.Errorf("%s: %s has the type %s, recorded is %s", what, name, g, r)
		}
	}
}

func names(a, b map[string]any) []string {
	all := maps.Clone(a)
	maps.Copy(all, b)
	return slices.Sorted(maps.Keys(all))
}

func ordered(v any) string {
	list, ok := v.([]any)
	if !ok {
		text, _ := json.Marshal(v)
		return string(text)
	}
	var texts []string
	for _, one := range list {
		texts = append(texts, ordered(one))
	}
	slices.Sort(texts)
	return "[" + strings.Join(texts, " ") + "]"
}

// What the doctor says of the real one is what it says of the profile, but for the
// number of keys.
func (k *keycloak) pleasesTheDoctor() {
	check := exec.CommandContext(k.t.Context(), binaries.sallyport, "check")
	check.Env = append(k.environment(k.site()...), "PATH="+os.Getenv("PATH"))
	out, err := check.CombinedOutput()
	if err != nil {
		k.t.Errorf("sallyport check: %v\n%s", err, out)
	}
	golden, err := os.ReadFile("../../cmd/sallyport/testdata/check/keycloak.txt")
	k.must(err)
	k.t.Logf("sallyport check:\n%s", out)
	recorded := strings.ReplaceAll(string(golden), "PROVIDER/realms/main", k.issuer)
	for line := range strings.Lines(recorded) {
		cells := strings.SplitN(strings.TrimSpace(line), " | ", 4)
		if said := cells[3]; cells[1] != "keys" && !strings.Contains(string(out), said) {
			k.t.Errorf("the doctor does not say %q", said)
		}
	}
}
