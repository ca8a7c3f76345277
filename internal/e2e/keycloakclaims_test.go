//go:build keycloak

package e2e

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

// Roles are in the access token, and in the ID token only by a mapper.
func (k *keycloak) givesRealmRoles() {
	k.ask(http.MethodPost, realmPath+"/roles", map[string]any{"name": "auditor"}, nil)
	k.giveRole("ada", "auditor")
	k.startSite("SALLYPORT_CLAIM_GROUPS=realm_access.roles")
	b := newBrowser(k.t)
	k.signIn(b, "/", "ada")
	if groups := k.state(b).User.Groups; len(groups) != 0 {
		k.t.Errorf("without a mapper the roles are %q", groups)
	}
	k.addMapper("realm roles", "oidc-usermodel-realm-role-mapper", map[string]string{
		"claim.name": "realm_access.roles", "jsonType.label": "String", "multivalued": "true", "id.token.claim": "true",
	})
	b = newBrowser(k.t)
	k.signIn(b, "/", "ada")
	if groups := k.state(b).User.Groups; !slices.Contains(groups, "auditor") {
		k.t.Errorf("with a mapper the roles are %q", groups)
	}
}

// The nine algorithms sign people in, by keys that Keycloak makes when they are first
// used; the others of its metadata do not, and the log names the remedy.
func (k *keycloak) signs() {
	for _, alg := range []string{"RS256", "RS384", "RS512", "ES256", "ES384", "ES512", "PS256", "PS384", "PS512"} {
		k.t.Run(alg, func(t *testing.T) {
			k := k.within(t)
			k.changeClient(map[string]string{"id.token.signed.response.alg": alg})
			k.startSite()
			b := newBrowser(t)
			k.signIn(b, "/", "ada")
			if name := k.state(b).User.Name; name != "ada" {
				t.Errorf("signed in as %q", name)
			}
		})
	}
	for _, alg := range []string{"HS256", "HS384", "HS512", "EdDSA"} {
		k.t.Run(alg, func(t *testing.T) {
			k := k.within(t)
			k.changeClient(map[string]string{"id.token.signed.response.alg": alg})
			k.startSite()
			p := k.signIn(newBrowser(t), "/", "ada")
			if code := p.header.Get("Sallyport-Error"); code != "id_token_invalid" {
				t.Errorf("%d %q at %s", p.status, code, p.at)
			}
			cause := k.sallyport.awaitRecord(record{"msg": "sign-in failed"}).text("cause")
			if !strings.Contains(cause, alg) || !strings.Contains(cause, "ID token signature algorithm") {
				t.Errorf("the log says %q", cause)
			}
		})
	}
}

// A client that excludes iss from its answers, while the metadata go on promising it:
// RFC 9207 §2.4 has the answer refused.
func (k *keycloak) leavesIssuerOut() {
	k.changeClient(map[string]string{"exclude.issuer.from.auth.response": "true"})
	k.startSite()
	p := k.signIn(newBrowser(k.t), "/", "ada")
	if code := p.header.Get("Sallyport-Error"); code != "issuer_mismatch" {
		k.t.Errorf("%d %q at %s", p.status, code, p.at)
	}
	cause := k.sallyport.awaitRecord(record{"msg": "sign-in failed"}).text("cause")
	if !strings.Contains(cause, "Exclude Issuer From Authentication Response") {
		k.t.Errorf("the log says %q", cause)
	}
}

// Somebody whom Keycloak knows is signed in without a word, unless max_age asks for a
// sign-in that is younger.
func (k *keycloak) asksAgain() {
	const maxAge = 2 * time.Second
	k.startSite()
	b := newBrowser(k.t)
	k.signIn(b, "/", "ada")
	<-time.After(maxAge + time.Second)
	if p := k.forgotten(b).open(k.public + "/"); p.at.String() != k.public+"/" {
		k.t.Errorf("without max_age Keycloak asks at %s", p.at)
	}
	k.sallyport.stop()
	k.startSite("SALLYPORT_OIDC_MAX_AGE=" + maxAge.String())
	again := k.forgotten(b)
	k.enter(again, k.signInForm(again, "/"), "ada")
	if name := k.state(again).User.Name; name != "ada" {
		k.t.Errorf("signed in as %q", name)
	}
}

// forgotten is the browser without its session here, but with the one at Keycloak.
func (k *keycloak) forgotten(b *browser) *browser {
	k.t.Helper()
	provider, err := url.Parse(k.issuer + "/")
	k.must(err)
	other := newBrowser(k.t)
	other.client.Jar.SetCookies(provider, b.client.Jar.Cookies(provider))
	return other
}

// acr is what SALLYPORT_OIDC_ACR_VALUES asks for, and what the ID token has to say. A
// session of its own is "0" to Keycloak, so that asking for "1" asks for the password.
func (k *keycloak) saysHow() {
	k.startSite("SALLYPORT_OIDC_ACR_VALUES=1")
	b := newBrowser(k.t)
	k.signIn(b, "/", "ada")
	again := k.forgotten(b)
	k.enter(again, k.signInForm(again, "/"), "ada")
	if name := k.state(again).User.Name; name != "ada" {
		k.t.Errorf("signed in as %q", name)
	}
	k.sallyport.stop()
	k.startSite("SALLYPORT_OIDC_ACR_VALUES=gold")
	p := k.signIn(newBrowser(k.t), "/", "ada")
	if code := p.header.Get("Sallyport-Error"); code != "id_token_invalid" {
		k.t.Errorf("a level that Keycloak does not know: %d %q", p.status, code)
	}
	cause := k.sallyport.awaitRecord(record{"msg": "sign-in failed"}).text("cause")
	if !strings.Contains(cause, "SALLYPORT_OIDC_ACR_VALUES") {
		k.t.Errorf("the log says %q", cause)
	}
}
