package oidcrp

import (
	"slices"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/internal/fault"
)

// P12: every algorithm with every kind of key. The key that signs is also the one
// that the provider publishes, so that nothing but the fit of the two can be wrong.
func TestAlgorithmsFitTheirKeys(t *testing.T) {
	rsaAlgs := []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"}
	fits := map[string][]string{"RS256": rsaAlgs, "ES256": {"ES256"}, "ES384": {"ES384"}, "ES512": {"ES512"}}
	tried := append(slices.Clone(signingAlgs[:]), "none", "None", "HS256", "HS384", "HS512", "ES256K", "EdDSA", "Ed25519", "RSA-OAEP", "rs256", "")
	accepted := 0
	for keyOf, algs := range fits {
		for _, alg := range tried {
			t.Run("P12 "+alg+" by the key of "+keyOf, func(t *testing.T) {
				h := newHostile(t)
				h.alg, h.key = alg, signingKeys()[keyOf]
				h.publish(h.kid, h.key)
				w := newWorld(t, h, nil)
				res := w.signIn("/")
				if !slices.Contains(algs, alg) {
					w.wantFault(res, fault.IDTokenInvalid)
					return
				}
				accepted++
				if w.signedIn() != "alice" {
					t.Errorf("refused; log:\n%s", w.log)
				}
			})
		}
	}
	if accepted != len(signingAlgs) {
		t.Errorf("%d combinations are accepted, want one for each of the %d algorithms", accepted, len(signingAlgs))
	}
}

// P12, authentik, Auth0 and Keycloak: who signs with the client secret, or not at all, gets the
// provider's own remedy in the log.
func TestRefusedAlgorithmNamesTheProvidersRemedy(t *testing.T) {
	for _, name := range []string{"authentik", "auth0", "keycloak"} {
		preset, _ := FindPreset(name)
		for alg, key := range map[string]any{"HS256": []byte(testSecret), "none": nil} {
			t.Run("P12 "+name+" "+alg, func(t *testing.T) {
				h := newHostile(t)
				h.idToken = func(claims map[string]any) any { return signRaw(header(alg, nil), key, claims) }
				w := newWorld(t, h, func(c *Config) { c.Remedies = preset.Remedies })
				w.wantFault(w.signIn("/"), fault.IDTokenInvalid)
				remedy := strings.ReplaceAll(preset.Remedies.SigningAlg, `"`, `\"`)
				if remedy == "" || !strings.Contains(w.log.String(), remedy) {
					t.Errorf("the log does not say %q:\n%s", remedy, w.log)
				}
			})
		}
	}
}
