package proxy

import (
	"encoding/json"
	"testing"

	"github.com/sallyport/sallyport/proxy/policy"
)

// Whoever is not signed in where a rule takes one provider's people alone is sent there.
func TestSignInAtTheProviderOfARule(t *testing.T) {
	f := newRuled(t, policy.Config{Rules: []policy.Rule{{Number: 1, Paths: []string{"/partners/**"}, IDPs: []string{"partner"}}}})
	for path, want := range map[string]string{"/partners/x": "partner", "/other": ""} {
		f.get(path, asNavigation...).wantStatus(t, 302)
		if f.login.asked.IdP != want {
			t.Errorf("%s: a navigation is sent to %q, want %q", path, f.login.asked.IdP, want)
		}
		a := f.get(path, "Accept: application/json")
		a.wantStatus(t, 401)
		var said struct {
			LoginURL string `json:"login_url"`
		}
		if err := json.Unmarshal([]byte(a.body), &said); err != nil {
			t.Fatal(err)
		}
		login := "/oauth2/login"
		if want != "" {
			login += "?idp=" + want
		}
		if said.LoginURL != login {
			t.Errorf("%s: a script is told %q, want %q", path, said.LoginURL, login)
		}
	}
}
