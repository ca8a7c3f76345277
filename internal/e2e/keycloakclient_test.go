//go:build keycloak

package e2e

import (
	"crypto/elliptic"
	"encoding/json"
	"maps"
	"net/http"
	"strings"
	"testing"
)

// A client that must push its requests is told so, and SALLYPORT_OIDC_PAR=always does
// it. The metadata speak of the whole realm and say nothing of this.
func (k *keycloak) insistsOnPushedRequests() {
	k.changeClient(map[string]string{"require.pushed.authorization.requests": "true"})
	k.startSite()
	p := newBrowser(k.t).open(k.public + "/")
	if code := p.header.Get("Sallyport-Error"); code != "idp_client_rejected" {
		k.t.Errorf("an ordinary request: %d %q at %s", p.status, code, p.at)
	}
	k.sallyport.stop()
	k.startSite("SALLYPORT_OIDC_PAR=always")
	k.signsInAndRefreshes()
}

func (k *keycloak) signsInAndRefreshes() {
	k.t.Helper()
	k.recordEvents()
	b := newBrowser(k.t)
	k.signIn(b, "/", "ada")
	k.refresh(b, 1)
	if s := k.state(b); s.User.Name != "ada" || s.Mode != "full" {
		k.t.Errorf("the session is %+v", s)
	}
}

// A client that must bind its tokens to a key (DPoP, RFC 9449), which Sallyport does
// not offer, signs nobody in, and the log has Keycloak's words.
func (k *keycloak) insistsOnDPoP() {
	k.changeClient(map[string]string{"dpop.bound.access.tokens": "true"})
	k.startSite()
	p := k.signIn(newBrowser(k.t), "/", "ada")
	if code := p.header.Get("Sallyport-Error"); p.status == http.StatusOK || code == "" {
		k.t.Errorf("%d %q at %s", p.status, code, p.at)
	}
	if cause := k.sallyport.awaitRecord(record{"msg": "sign-in failed"}).text("cause"); !strings.Contains(cause, "DPoP") {
		k.t.Errorf("the log says %q", cause)
	}
}

// The ways to authenticate the client, each registered as docs/client-authentication.md
// says.
func (k *keycloak) knowsTheClient() {
	for _, test := range []struct {
		name, method, authenticator string
		env                         []string
		keyed                       map[string]string // attributes beside the key; nil: the secret
	}{
		{"post", "client_secret_post", "client-secret", nil, nil},
		{"Basic, pushed", "client_secret_basic", "client-secret", []string{"SALLYPORT_OIDC_PAR=always"}, nil},
		{"the secret before", "client_secret_basic", "client-secret", []string{"SALLYPORT_OIDC_CLIENT_SECRET=the next one", "SALLYPORT_OIDC_CLIENT_SECRET_PREVIOUS=" + realmSecret}, nil},
		{"ES256", "private_key_jwt", "client-jwt", nil, map[string]string{"token.endpoint.auth.signing.alg": "ES256"}},
		{"ES256 with kid, pushed", "private_key_jwt", "client-jwt", []string{"SALLYPORT_OIDC_CLIENT_KEY_ID=k1", "SALLYPORT_OIDC_PAR=always"}, map[string]string{}},
	} {
		k.t.Run(test.name, func(t *testing.T) {
			k := k.during(t)
			env := append([]string{"SALLYPORT_OIDC_CLIENT_AUTH=" + test.method}, test.env...)
			client := k.client()
			client["clientAuthenticatorType"] = test.authenticator
			k.ask(http.MethodPut, k.clientPath(), client, nil)
			if test.keyed != nil {
				env = append(env, "SALLYPORT_OIDC_CLIENT_SECRET=", "SALLYPORT_OIDC_CLIENT_KEY_FILE="+
					writeFile(t, "client.key", issue(t, "sallyport", ecKey(t, elliptic.P256()), nil).keyPEM(t)))
				keys, err := json.Marshal(k.jwks(env))
				k.must(err)
				attributes := map[string]string{"use.jwks.string": "true", "jwks.string": string(keys)}
				maps.Copy(attributes, test.keyed)
				k.changeClient(attributes)
			}
			k.startSite(env...)
			k.signsInAndRefreshes()
		})
	}
}
