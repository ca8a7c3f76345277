//go:build keycloak

package e2e

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
)

// token signs the administrator in. It lives for a minute, so each call gets its own.
func (k *keycloak) token() string {
	k.t.Helper()
	response, err := http.PostForm(k.origin+"/realms/master/protocol/openid-connect/token", url.Values{
		"grant_type": {"password"}, "client_id": {"admin-cli"}, "username": {keycloakAdmin}, "password": {keycloakPassword},
	})
	k.must(err)
	defer response.Body.Close()
	var answer struct {
		Token string `json:"access_token"`
	}
	k.must(json.NewDecoder(response.Body).Decode(&answer))
	if answer.Token == "" {
		k.t.Fatalf("Keycloak gives its administrator no token: %s", response.Status)
	}
	return answer.Token
}

// ask calls Keycloak's admin API; body and into may be nil.
func (k *keycloak) ask(method, path string, body, into any) {
	k.t.Helper()
	var sent io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		k.must(err)
		sent = bytes.NewReader(text)
	}
	r, err := http.NewRequest(method, k.origin+path, sent) // also after the end of a test, and of its context
	k.must(err)
	r.Header.Set("Authorization", "Bearer "+k.token())
	r.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(r)
	k.must(err)
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	k.must(err)
	if response.StatusCode >= 300 {
		k.t.Fatalf("Keycloak's admin API: %s %s: %s %s", method, path, response.Status, text)
	}
	if into != nil {
		k.must(json.Unmarshal(text, into))
	}
}

// changeRealm sets properties of the realm.
func (k *keycloak) changeRealm(changes map[string]any) {
	k.t.Helper()
	k.ask(http.MethodPut, realmPath, changes, nil)
}

// changeClient sets attributes of Sallyport's client.
func (k *keycloak) changeClient(attributes map[string]string) {
	k.t.Helper()
	client := k.client()
	all := client["attributes"].(map[string]any)
	for name, value := range attributes {
		all[name] = value
	}
	k.ask(http.MethodPut, k.clientPath(), client, nil)
}

// client is the representation of Sallyport's client.
func (k *keycloak) client() map[string]any {
	k.t.Helper()
	var found []map[string]any
	k.ask(http.MethodGet, realmPath+"/clients?clientId="+clientID, nil, &found)
	if len(found) != 1 {
		k.t.Fatalf("the realm has %d clients %q", len(found), clientID)
	}
	return found[0]
}

func (k *keycloak) clientPath() string {
	k.t.Helper()
	return realmPath + "/clients/" + k.client()["id"].(string)
}

// addMapper adds a protocol mapper to Sallyport's client.
func (k *keycloak) addMapper(name, kind string, config map[string]string) {
	k.t.Helper()
	k.ask(http.MethodPost, k.clientPath()+"/protocol-mappers/models", map[string]any{
		"name": name, "protocol": "openid-connect", "protocolMapper": kind, "config": config,
	}, nil)
}

// alwaysGive makes a client scope one that Sallyport's client gets unasked.
func (k *keycloak) alwaysGive(scope string) {
	k.t.Helper()
	var all []struct{ ID, Name string }
	k.ask(http.MethodGet, realmPath+"/client-scopes", nil, &all)
	for _, one := range all {
		if one.Name == scope {
			k.ask(http.MethodDelete, k.clientPath()+"/optional-client-scopes/"+one.ID, nil, nil)
			k.ask(http.MethodPut, k.clientPath()+"/default-client-scopes/"+one.ID, nil, nil)
		}
	}
}

// giveRole gives a realm role to a user.
func (k *keycloak) giveRole(username, name string) {
	k.t.Helper()
	var role map[string]any
	k.ask(http.MethodGet, realmPath+"/roles/"+name, nil, &role)
	k.ask(http.MethodPost, realmPath+"/users/"+k.userID(username)+"/role-mappings/realm", []any{role}, nil)
}

// userID is the identifier of a user, which tokens call sub.
func (k *keycloak) userID(username string) string {
	k.t.Helper()
	var found []struct{ ID string }
	k.ask(http.MethodGet, realmPath+"/users?exact=true&username="+username, nil, &found)
	if len(found) != 1 {
		k.t.Fatalf("the realm has %d users %q", len(found), username)
	}
	return found[0].ID
}

// events counts what Keycloak recorded of a kind since changeRealm turned events on.
func (k *keycloak) events(kind string) int {
	k.t.Helper()
	var found []struct{ Type string }
	k.ask(http.MethodGet, realmPath+"/events?max=1000&type="+kind, nil, &found)
	return len(found)
}
