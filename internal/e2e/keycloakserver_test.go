//go:build keycloak

package e2e

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const (
	realmName   = "sallyport" // in deploy/keycloak/realm-sallyport.json
	realmPath   = "/admin/realms/" + realmName
	realmSecret = "demo-only-A-feZYPxIe5vzyFiK8Z8tN19ckYJsph3"

	keycloakAdmin    = "admin"
	keycloakPassword = "of-this-test-only"

	// keycloakPatience bounds a start, which takes a minute where nothing else runs.
	keycloakPatience = 10 * time.Minute
)

// keycloak is a running Keycloak with the realm of docker-compose.yml.
type keycloak struct {
	*world
	origin string
}

// startKeycloak runs the distribution in KEYCLOAK_HOME, which .ci/keycloak has fetched
// and which stays as it is. The realm is imported as docker-compose.yml does it, with
// the address of Sallyport changed to this world's.
func startKeycloak(t *testing.T) *keycloak {
	t.Helper()
	distribution := os.Getenv("KEYCLOAK_HOME")
	if distribution == "" {
		t.Fatal("KEYCLOAK_HOME names no distribution of Keycloak: run `make test-keycloak`")
	}
	w := planWorld(t)
	k := &keycloak{world: w, origin: w.issuer}
	w.issuer += "/realms/" + realmName
	home := k.lay(distribution)
	management := freePort(t)
	w.provider = start(t, "Keycloak", []string{
		"KC_BOOTSTRAP_ADMIN_USERNAME=" + keycloakAdmin, "KC_BOOTSTRAP_ADMIN_PASSWORD=" + keycloakPassword,
		"JAVA_OPTS_KC_HEAP=-Xms64m -Xmx512m",
	}, filepath.Join(home, "bin/kc.sh"), "start", "--optimized", "--import-realm",
		"--http-enabled=true", "--hostname-strict=false",
		"--http-host=127.0.0.1", "--http-port="+portOf(k.origin),
		"--http-management-host=127.0.0.1", "--http-management-port="+management)
	began := time.Now()
	for !answers(k.issuer) {
		select {
		case <-w.provider.done:
			t.Fatal("Keycloak ended by itself")
		case <-time.After(500 * time.Millisecond):
		}
		if time.Since(began) > keycloakPatience {
			t.Fatalf("Keycloak does not answer within %s", keycloakPatience)
		}
	}
	t.Logf("Keycloak answers after %s", time.Since(began).Round(time.Second))
	return k
}

func answers(address string) bool {
	response, err := http.Get(address)
	if err != nil {
		return false
	}
	response.Body.Close()
	return response.StatusCode == http.StatusOK
}

// lay makes a home for this run whose big folders are those of the distribution.
func (k *keycloak) lay(distribution string) (home string) {
	k.t.Helper()
	home = k.t.TempDir()
	script, err := os.ReadFile(filepath.Join(distribution, "bin/kc.sh"))
	k.must(err)
	for _, folder := range []string{"bin", "data/import"} {
		k.must(os.MkdirAll(filepath.Join(home, folder), 0o700))
	}
	k.must(os.WriteFile(filepath.Join(home, "bin/kc.sh"), script, 0o700))
	k.must(os.WriteFile(filepath.Join(home, "data/import/realm-sallyport.json"), k.realm(), 0o600))
	for _, folder := range []string{"lib", "conf", "providers", "themes"} {
		k.must(os.Symlink(filepath.Join(distribution, folder), filepath.Join(home, folder)))
	}
	return home
}

func (k *keycloak) must(err error) {
	k.t.Helper()
	if err != nil {
		k.t.Fatal(err)
	}
}

// during is the same Keycloak for a subtest, which starts a Sallyport of its own and
// may change the realm: afterwards it is imported anew.
func (k *keycloak) during(t *testing.T) *keycloak {
	during := k.within(t)
	t.Cleanup(func() {
		during.ask(http.MethodDelete, realmPath, nil, nil)
		during.ask(http.MethodPost, "/admin/realms", json.RawMessage(during.realm()), nil)
	})
	return during
}

// within is the same Keycloak for a test that starts a Sallyport of its own.
func (k *keycloak) within(t *testing.T) *keycloak {
	w := *k.world
	w.t, w.sallyport = t, nil
	return &keycloak{world: &w, origin: k.origin}
}

// realm is the realm of docker-compose.yml, with this world's address of Sallyport.
func (k *keycloak) realm() []byte {
	k.t.Helper()
	realm, err := os.ReadFile("../../deploy/keycloak/realm-sallyport.json")
	k.must(err)
	return bytes.ReplaceAll(realm, []byte("http://localhost:4180"), []byte(k.public))
}

// signIn passes Keycloak's form as a user whose password is the name.
func (k *keycloak) signIn(b *browser, path, username string) page {
	k.t.Helper()
	return k.enter(b, k.signInForm(b, path), username)
}

// signInForm goes to path and expects to be sent to Keycloak's form.
func (k *keycloak) signInForm(b *browser, path string) page {
	k.t.Helper()
	p := b.open(k.public + path)
	if !strings.HasPrefix(p.at.String(), k.issuer+"/") || !strings.Contains(p.body, `name="password"`) {
		k.t.Fatalf("not at Keycloak's form but at %s: %d\n%s", p.at, p.status, p.body)
	}
	return p
}

func (k *keycloak) enter(b *browser, p page, username string) page {
	k.t.Helper()
	return b.submit(p, url.Values{"username": {username}, "password": {username}})
}
