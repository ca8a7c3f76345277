package e2e

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// profile is the part of a file of idp/oidcrp/testdata/profiles that a sign-in needs:
// what is recorded of a provider that cannot be reached from here.
type profile struct {
	Issuer            string            `json:"issuer"`
	MetadataAt        string            `json:"metadata_at"`
	Env               map[string]string `json:"environment"`
	Metadata          map[string]any    `json:"metadata"`
	KeyIssuer         string            `json:"key_issuer"`
	IDToken           map[string]any    `json:"id_token"`
	IDTokenLives      int64             `json:"id_token_lives"` // seconds; 0 = five minutes
	Userinfo          map[string]any    `json:"userinfo"`
	TokenResponse     map[string]any    `json:"token_response"`
	ClientAuth        []string          `json:"client_auth"`
	AccessNeedsClient bool              `json:"access_token_needs_client_id_scope"`
	ClaimsNeedScope   string            `json:"claims_need_scope"`
	AnswersIss        bool              `json:"answers_iss"`
	RefusesScope      string            `json:"refuses_scope"`
	Refresh           struct{ Issued string }
	Logout            struct {
		Needs     []string `json:"needs"`
		ReturnsTo string   `json:"returns_to"` // the parameter; "" = there is no sign-out
	}
	Want struct {
		Mode, User, Email, Name string
		Groups                  []string
	}

	algorithm jose.SignatureAlgorithm // "" = RS256, "none" = unsigned
	authTime  time.Duration           // how long ago the person signed in; 0 = not said
}

// profileProvider behaves like a profile.
type profileProvider struct {
	*httptest.Server
	t       *testing.T
	profile profile
	key     *rsa.PrivateKey

	mu      sync.Mutex
	request url.Values // the last authorization request
}

// newProfileProvider makes one; change, if any, spoils the profile first.
func newProfileProvider(t *testing.T, name string, change func(*profile)) *profileProvider {
	t.Helper()
	p := &profileProvider{t: t}
	p.Server = httptest.NewUnstartedServer(p)
	base := "http://" + p.Listener.Addr().String()
	raw, err := os.ReadFile("../../idp/oidcrp/testdata/profiles/" + name + ".json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(bytes.ReplaceAll(raw, []byte("{base}"), []byte(base)), &p.profile); err != nil {
		t.Fatal(err)
	}
	if p.key, err = rsa.GenerateKey(rand.Reader, 2048); err != nil {
		t.Fatal(err)
	}
	if change != nil {
		change(&p.profile)
	}
	p.Start() // the handlers read what was set until here
	t.Cleanup(p.Close)
	return p
}

// environment is what an operator of that provider sets.
func (p *profileProvider) environment(preset string, more map[string]string) []string {
	all := map[string]string{"SALLYPORT_OIDC_PROVIDER": preset, "SALLYPORT_OIDC_ISSUER": p.profile.Issuer}
	maps.Copy(all, p.profile.Env)
	maps.Copy(all, more)
	var env []string
	for name, value := range all {
		env = append(env, name+"="+strings.ReplaceAll(value, "{base}", p.URL))
	}
	return env
}

func (p *profileProvider) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	at := func(endpoint string) bool {
		address, _ := p.profile.Metadata[endpoint].(string)
		u, err := url.Parse(address)
		return err == nil && address != "" && u.Path == r.URL.Path
	}
	switch {
	case strings.HasSuffix(r.URL.Path, "/.well-known/openid-configuration"):
		writeJSON(w, p.profile.Metadata)
	case at("authorization_endpoint"):
		p.authorize(w, r)
	case at("token_endpoint"):
		p.token(w, r)
	case at("jwks_uri"):
		p.keys(w)
	case at("userinfo_endpoint") && p.profile.Userinfo != nil:
		writeJSON(w, p.profile.Userinfo)
	default:
		http.NotFound(w, r)
	}
}

func writeJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v) // a client that went away is the test's to notice
}

// authorize knows the person already and leads back at once.
func (p *profileProvider) authorize(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	p.mu.Lock()
	p.request = q
	p.mu.Unlock()
	answer := url.Values{"state": {q.Get("state")}, "code": {"the code"}}
	if p.profile.RefusesScope != "" && slices.Contains(strings.Fields(q.Get("scope")), p.profile.RefusesScope) {
		answer = url.Values{"state": {q.Get("state")}, "error": {"invalid_scope"}}
	}
	if p.profile.AnswersIss {
		answer.Set("iss", p.profile.Issuer)
	}
	http.Redirect(w, r, q.Get("redirect_uri")+"?"+answer.Encode(), http.StatusFound)
}

func (p *profileProvider) token(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	scope := strings.Fields(p.request.Get("scope"))
	p.mu.Unlock()
	method := "client_secret_post"
	if r.Header.Get("Authorization") != "" {
		method = "client_secret_basic"
	}
	if !slices.Contains(p.profile.ClientAuth, method) {
		w.WriteHeader(http.StatusUnauthorized)
		writeJSON(w, map[string]string{"error": "invalid_client"})
		return
	}
	body := map[string]any{"token_type": "Bearer", "access_token": "opaque", "expires_in": 300, "id_token": p.idToken(scope)}
	if given := p.profile.Refresh.Issued; given == "always" || slices.Contains(scope, given) {
		body["refresh_token"] = "opaque too"
	}
	maps.Copy(body, p.profile.TokenResponse)
	if p.profile.AccessNeedsClient && !slices.Contains(scope, clientID) {
		delete(body, "access_token")
	}
	writeJSON(w, body)
}

func (p *profileProvider) idToken(scope []string) string {
	p.mu.Lock()
	nonce := p.request.Get("nonce")
	p.mu.Unlock()
	now, lives := time.Now(), p.profile.IDTokenLives
	if lives == 0 {
		lives = 300
	}
	claims := map[string]any{
		"iss": p.profile.Issuer, "aud": clientID, "nonce": nonce, "iat": now.Unix(), "exp": now.Unix() + lives,
	}
	if p.profile.authTime != 0 {
		claims["auth_time"] = now.Add(-p.profile.authTime).Unix()
	}
	for name, value := range p.profile.IDToken {
		if p.profile.ClaimsNeedScope == "" || name == "sub" || slices.Contains(scope, p.profile.ClaimsNeedScope) {
			claims[name] = value
		}
	}
	if p.profile.IDToken["azp"] != nil {
		claims["azp"] = clientID
	}
	return p.sign(claims)
}

func (p *profileProvider) sign(claims map[string]any) string {
	var key any = jose.JSONWebKey{Key: p.key, KeyID: "1"}
	alg := p.profile.algorithm
	switch alg {
	case "":
		alg = jose.RS256
	case jose.HS256:
		key = []byte(clientSecret)
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: key}, (&jose.SignerOptions{}).WithType("JWT"))
	if err != nil {
		p.t.Error(err)
		return ""
	}
	token, err := jwt.Signed(signer).Claims(claims).Serialize()
	if err != nil {
		p.t.Error(err)
	}
	return token
}

func (p *profileProvider) keys(w http.ResponseWriter) {
	text, err := jose.JSONWebKey{Key: p.key.Public(), KeyID: "1", Use: "sig", Algorithm: "RS256"}.MarshalJSON()
	if err != nil {
		p.t.Error(err)
	}
	var key map[string]any
	if err := json.Unmarshal(text, &key); err != nil {
		p.t.Error(err)
	}
	if p.profile.KeyIssuer != "" {
		key["issuer"] = p.profile.KeyIssuer
	}
	writeJSON(w, map[string]any{"keys": []any{key}})
}
