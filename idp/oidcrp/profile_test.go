package oidcrp

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// profile is what is recorded of a real provider that cannot be reached by tests: a
// file of testdata/profiles. {base} stands for the test provider's address. Where a
// fact comes from, or that it is not confirmed, is written beside it.
type profile struct {
	Title      string            `json:"title"`
	Issuer     string            `json:"issuer"`
	MetadataAt string            `json:"metadata_at"`
	NoDate     bool              `json:"no_date"`     // in its answers; for the doctor
	Env        map[string]string `json:"environment"` // beside the five variables

	Metadata      map[string]any `json:"metadata"`
	KeyIssuer     string         `json:"key_issuer"` // the member issuer of its keys
	IDToken       map[string]any `json:"id_token"`   // beside iss, aud, iat, exp and nonce
	IDTokenLives  int64          `json:"id_token_lives"`
	Userinfo      map[string]any `json:"userinfo"`
	TokenResponse map[string]any `json:"token_response"`

	ClientAuth        []string `json:"client_auth"` // accepted at the token endpoint
	TwoCredentials    bool     `json:"refuses_two_credentials"`
	AccessNeedsClient bool     `json:"access_token_needs_client_id_scope"`
	ClaimsNeedScope   string   `json:"claims_need_scope"`
	AnswersIss        bool     `json:"answers_iss"` // RFC 9207
	RefusesScope      string   `json:"refuses_scope"`

	Refresh struct {
		Issued  string `json:"issued"` // "always", "never" or the scope that it needs
		Rotates bool   `json:"rotates"`
		Bound   bool   `json:"bound"` // ends with the provider's session
		IDToken bool   `json:"id_token"`
	} `json:"refresh"`
	Logout struct {
		Needs     []string `json:"needs"`
		ReturnsTo string   `json:"returns_to"` // the parameter; "" = there is no sign-out
		State     bool     `json:"state"`      // comes back
		Error     string   `json:"error"`      // of a sign-out without what it needs
	} `json:"logout"`

	Want struct {
		Mode, User, Email, Name string
		Groups                  []string
	} `json:"want"`
	Facts []struct{ Fact, Source string } `json:"facts"`
}

func profileNames(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("testdata/profiles/*.json")
	must(t, err)
	var names []string
	for _, f := range files {
		names = append(names, strings.TrimSuffix(filepath.Base(f), ".json"))
	}
	return names
}

// loadProfile reads a profile for a provider at base.
func loadProfile(t *testing.T, name, base string) *profile {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("testdata/profiles", name+".json"))
	must(t, err)
	dec := json.NewDecoder(bytes.NewReader(bytes.ReplaceAll(raw, []byte("{base}"), []byte(base))))
	dec.DisallowUnknownFields()
	p := new(profile)
	must(t, dec.Decode(p))
	return p
}

// profiled is the test provider behaving like a profile.
type profiled struct {
	*hostile
	*profile
	scope    []string // of the last authorization request
	current  string   // the refresh token that is good
	issued   int      // refresh tokens so far
	signedIn bool     // the provider's own session
	refused  string   // the error of the last refused token request
}

// newProfiled makes a provider of that profile; change, if any, spoils it first.
func newProfiled(t *testing.T, name string, change func(*profile)) *profiled {
	h := newHostile(t)
	p := &profiled{hostile: h, profile: loadProfile(t, name, h.URL)}
	if change != nil {
		change(p.profile)
	}
	h.metadata = func(m map[string]any) {
		clear(m)
		for name, value := range p.Metadata {
			m[name] = value
		}
	}
	h.claims, h.grant, h.answer, h.userinfo = p.idTokenClaims, p.exchange, p.authorize, p.serveUserinfo
	if p.KeyIssuer != "" {
		h.jwks = func(w http.ResponseWriter) bool {
			var key map[string]any
			must(t, jsonInto(h.keys[0], &key))
			key["issuer"] = p.KeyIssuer
			writeTestJSON(w, map[string]any{"keys": []any{key}})
			return true
		}
	}
	for endpoint, canonical := range map[string]string{
		"authorization_endpoint": "/authorize", "token_endpoint": "/token", "jwks_uri": "/jwks",
		"userinfo_endpoint": "/userinfo", "revocation_endpoint": "/revoke",
	} {
		if address, ok := p.Metadata[endpoint].(string); ok {
			h.alias(mustURL(t, address).Path, canonical)
		}
	}
	h.alias(mustURL(t, p.MetadataAt).Path, "/.well-known/openid-configuration")
	if elsewhere := p.Env["SALLYPORT_OIDC_DISCOVERY_URL"]; elsewhere != "" && elsewhere != p.MetadataAt {
		h.alias(mustURL(t, elsewhere).Path, "/.well-known/openid-configuration")
	}
	return p
}

// authorize changes the authorization response.
func (p *profiled) authorize(answer, request url.Values) {
	p.scope, p.signedIn = strings.Fields(request.Get("scope")), true
	if p.AnswersIss {
		answer.Set("iss", p.Issuer)
	}
	if p.RefusesScope != "" && slices.Contains(p.scope, p.RefusesScope) {
		answer.Del("code")
		answer.Set("error", "invalid_scope")
	}
}

// idTokenClaims replaces what the claims of the test provider say about the person.
func (p *profiled) idTokenClaims(c map[string]any) {
	for _, name := range []string{"sub", "name", "preferred_username", "email", "email_verified", "groups", "sid"} {
		delete(c, name)
	}
	c["iss"] = p.Issuer
	if p.IDTokenLives > 0 {
		c["exp"] = c["iat"].(int64) + p.IDTokenLives
	}
	for name, value := range p.IDToken {
		if p.ClaimsNeedScope == "" || name == "sub" || slices.Contains(p.scope, p.ClaimsNeedScope) {
			c[name] = value
		}
	}
}

// exchange decides about a token request and changes its answer; the first value is
// the error of RFC 6749 §5.2.
func (p *profiled) exchange(r *http.Request, body map[string]any) string {
	p.refused = p.decide(r)
	if p.refused != "" {
		return p.refused
	}
	for name, value := range p.TokenResponse {
		body[name] = value
	}
	if p.AccessNeedsClient && !slices.Contains(p.scope, testClient) {
		delete(body, "access_token")
	}
	delete(body, "refresh_token")
	first := r.PostForm.Get("grant_type") == "authorization_code"
	if !first && !p.Refresh.IDToken {
		delete(body, "id_token")
	}
	switch given := p.Refresh.Issued; {
	case first && (given == "always" || slices.Contains(p.scope, given)), !first && p.Refresh.Rotates:
		p.issued++
		p.current = testRefreshToken + strconv.Itoa(p.issued)
		body["refresh_token"] = p.current
	}
	return ""
}

func (p *profiled) decide(r *http.Request) string {
	form, inHeader := r.PostForm, r.Header.Get("Authorization") != ""
	switch {
	case p.TwoCredentials && inHeader && form.Has("client_secret"):
		return "invalid_request"
	case inHeader && !slices.Contains(p.ClientAuth, "client_secret_basic"), !inHeader && !slices.Contains(p.ClientAuth, "client_secret_post"):
		return "invalid_client"
	case form.Get("grant_type") != "refresh_token":
		return ""
	case form.Get("refresh_token") != p.current || p.current == "", p.Refresh.Bound && !p.signedIn:
		return "invalid_grant"
	}
	return ""
}

func (p *profiled) serveUserinfo(w http.ResponseWriter) bool {
	if p.Userinfo == nil {
		w.WriteHeader(http.StatusNotFound)
		return true
	}
	writeTestJSON(w, p.Userinfo)
	return true
}

// signOut is what the provider does when a browser comes to its sign-out: it ends its
// own session, and leads back or shows an error.
func (p *profiled) signOut(q url.Values) (back string, ok bool) {
	for _, name := range p.Logout.Needs {
		if q.Get(name) == "" {
			return p.Logout.Error, false
		}
	}
	p.set(func() { p.signedIn = false })
	back = q.Get(p.Logout.ReturnsTo)
	if p.Logout.State && q.Has("state") {
		back += "?" + url.Values{"state": {q.Get("state")}}.Encode()
	}
	return back, back != ""
}
