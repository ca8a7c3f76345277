package oidcrp

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// The things that must never be seen where they do not belong.
const (
	testSecret       = "canary-client-secret%+/="
	testCode         = "canary-code"
	testAccessToken  = "canary-access-token"
	testRefreshToken = "canary-refresh-token"
	testClient       = "rp1"
)

// hostile is an OpenID provider that does whatever a test wants. Its zero knobs
// make a correct one.
type hostile struct {
	*httptest.Server
	mux *http.ServeMux

	mu       sync.Mutex
	requests []recorded // in order, of every endpoint but /authorize

	metadata func(map[string]any)             // changes the metadata
	jwks     func(w http.ResponseWriter) bool // answers instead, when true
	claims   func(map[string]any)             // changes the ID token's claims
	idToken  func(claims map[string]any) any  // what stands for id_token; nil = signed by key
	token    func(http.ResponseWriter, map[string]any) bool
	userinfo func(http.ResponseWriter) bool
	revoke   func(http.ResponseWriter)
	deny     func(http.ResponseWriter, *http.Request) bool // answers what a client asks for, when true
	answer   func(answer, request url.Values)              // changes the authorization response
	// grant decides about a token request and changes its answer; an error of
	// RFC 6749 §5.2 refuses it.
	grant func(r *http.Request, body map[string]any) string

	push   func(http.ResponseWriter) bool
	pushed map[string]url.Values // by request_uri

	key   any // signs ID tokens
	kid   string
	alg   string
	keys  []jose.JSONWebKey // published
	nonce string            // of the last authorization request
	sub   string
}

// recorded is one request that the provider got.
type recorded struct {
	path          string
	form          url.Values
	authorization string
	certificate   *x509.Certificate // of the client; nil = none
}

var signingKeys = sync.OnceValue(func() map[string]any {
	keys := map[string]any{}
	small, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	for _, alg := range []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"} {
		keys[alg] = small
	}
	for alg, curve := range map[string]elliptic.Curve{"ES256": elliptic.P256(), "ES384": elliptic.P384(), "ES512": elliptic.P521()} {
		if keys[alg], err = ecdsa.GenerateKey(curve, rand.Reader); err != nil {
			panic(err)
		}
	}
	return keys
})

func newHostile(t *testing.T) *hostile {
	h := &hostile{alg: "RS256", kid: "k1", key: signingKeys()["RS256"], sub: "alice"}
	h.publish(h.kid, h.key)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", h.serveMetadata)
	mux.HandleFunc("GET /jwks", h.serveJWKS)
	mux.HandleFunc("GET /authorize", h.serveAuthorize)
	mux.HandleFunc("POST /par", h.servePushed)
	mux.HandleFunc("POST /token", h.serveToken)
	mux.HandleFunc("GET /userinfo", h.serveUserinfo)
	mux.HandleFunc("POST /revoke", h.serveRevoke)
	h.mux = mux
	h.Server = httptest.NewServer(mux)
	t.Cleanup(h.Close)
	return h
}

// alias serves an endpoint at another path, too.
func (h *hostile) alias(path, canonical string) {
	if path == canonical {
		return
	}
	h.mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
		r.URL.Path = canonical
		h.mux.ServeHTTP(w, r)
	})
}

// publish replaces the published keys by one.
func (h *hostile) publish(kid string, private any) {
	h.keys = []jose.JSONWebKey{{Key: private.(crypto.Signer).Public(), KeyID: kid, Use: "sig"}}
}

func (h *hostile) record(r *http.Request) {
	_ = r.ParseForm()
	h.mu.Lock()
	defer h.mu.Unlock()
	got := recorded{path: r.URL.Path, form: r.PostForm, authorization: r.Header.Get("Authorization")}
	if r.TLS != nil && len(r.TLS.PeerCertificates) > 0 {
		got.certificate = r.TLS.PeerCertificates[0]
	}
	h.requests = append(h.requests, got)
}

// got returns the requests for a path so far.
func (h *hostile) got(path string) []recorded {
	h.mu.Lock()
	defer h.mu.Unlock()
	var found []recorded
	for _, r := range h.requests {
		if r.path == path {
			found = append(found, r)
		}
	}
	return found
}

// set changes knobs while the provider serves.
func (h *hostile) set(change func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	change()
}

func (h *hostile) serveMetadata(w http.ResponseWriter, r *http.Request) {
	h.record(r)
	h.mu.Lock()
	defer h.mu.Unlock()
	m := map[string]any{
		"issuer": h.URL, "authorization_endpoint": h.URL + "/authorize", "token_endpoint": h.URL + "/token",
		"jwks_uri": h.URL + "/jwks", "userinfo_endpoint": h.URL + "/userinfo",
		"revocation_endpoint": h.URL + "/revoke", "end_session_endpoint": h.URL + "/end",
		"response_types_supported": []string{"code"}, "subject_types_supported": []string{"public"},
		"id_token_signing_alg_values_supported": []string{"RS256"},
	}
	if h.metadata != nil {
		h.metadata(m)
	}
	writeTestJSON(w, m)
}

func (h *hostile) serveJWKS(w http.ResponseWriter, r *http.Request) {
	h.record(r)
	h.mu.Lock()
	custom, keys := h.jwks, h.keys
	h.mu.Unlock()
	if custom != nil && custom(w) {
		return
	}
	writeTestJSON(w, map[string]any{"keys": keys})
}

// serveAuthorize signs everybody in without a word.
func (h *hostile) serveAuthorize(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	h.mu.Lock()
	defer h.mu.Unlock()
	if reference := q.Get("request_uri"); reference != "" {
		q = h.pushed[reference]
	}
	h.nonce = q.Get("nonce")
	answer := url.Values{"code": {testCode}, "state": {q.Get("state")}}
	if h.answer != nil {
		h.answer(answer, q)
	}
	http.Redirect(w, r, q.Get("redirect_uri")+"?"+answer.Encode(), http.StatusFound)
}

func (h *hostile) serveToken(w http.ResponseWriter, r *http.Request) {
	h.record(r)
	if h.deny != nil && h.deny(w, r) {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	claims := h.defaultClaims()
	if h.claims != nil {
		h.claims(claims)
	}
	var idToken any = h.sign(h.alg, h.kid, h.key, claims)
	if h.idToken != nil {
		idToken = h.idToken(claims)
	}
	body := map[string]any{
		"access_token": testAccessToken, "token_type": "Bearer", "expires_in": 300,
		"refresh_token": testRefreshToken, "id_token": idToken,
	}
	if h.grant != nil {
		if refused := h.grant(r, body); refused != "" {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusBadRequest)
			_, _ = w.Write(encodeTestJSON(map[string]any{"error": refused}))
			return
		}
	}
	if h.token != nil && h.token(w, body) {
		return
	}
	writeTestJSON(w, body)
}

func (h *hostile) defaultClaims() map[string]any {
	now := time.Now().Unix()
	return map[string]any{
		"iss": h.URL, "sub": h.sub, "aud": testClient, "iat": now, "exp": now + 300, "nonce": h.nonce,
		"name": "Alice", "preferred_username": "alice", "email": "alice@example.com", "email_verified": true,
		"groups": []string{"staff"}, "sid": "idp-session-1",
	}
}

func (h *hostile) serveUserinfo(w http.ResponseWriter, r *http.Request) {
	h.record(r)
	h.mu.Lock()
	custom := h.userinfo
	h.mu.Unlock()
	if custom != nil && custom(w) {
		return
	}
	writeTestJSON(w, map[string]any{"sub": h.sub})
}

func (h *hostile) serveRevoke(w http.ResponseWriter, r *http.Request) {
	h.record(r)
	if h.deny != nil && h.deny(w, r) {
		return
	}
	h.mu.Lock()
	custom := h.revoke
	h.mu.Unlock()
	if custom != nil {
		custom(w)
	}
}

// sign makes a compact JWS with a correct header.
func (h *hostile) sign(alg, kid string, key any, claims map[string]any) string {
	header := map[string]any{"alg": alg, "typ": "JWT"}
	if kid != "" {
		header["kid"] = kid
	}
	return signRaw(header, key, claims)
}

// signRaw signs what no library would: whatever the header says, with whatever
// key there is. A nil key leaves the signature empty, a []byte makes an HMAC.
func signRaw(header map[string]any, key any, claims map[string]any) string {
	return signBytes(encodeTestJSON(header), encodeTestJSON(claims), header["alg"].(string), key)
}

func signBytes(header, payload []byte, alg string, key any) string {
	signed := base64.RawURLEncoding.EncodeToString(header) + "." + base64.RawURLEncoding.EncodeToString(payload)
	return signed + "." + base64.RawURLEncoding.EncodeToString(signature(alg, key, []byte(signed)))
}

func writeTestJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(encodeTestJSON(v))
}

func encodeTestJSON(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return b
}

// jsonInto turns v into JSON and reads that into out.
func jsonInto(v, out any) error { return json.Unmarshal(encodeTestJSON(v), out) }

// with returns claims with some members changed; a nil value removes one.
func with(claims map[string]any, changes map[string]any) map[string]any {
	out := maps.Clone(claims)
	for name, value := range changes {
		if value == nil {
			delete(out, name)
		} else {
			out[name] = value
		}
	}
	return out
}

func drain(r *http.Response) string {
	b, _ := io.ReadAll(r.Body)
	_ = r.Body.Close()
	return string(b)
}

func leftHash(s string) string {
	sum := sha256.Sum256([]byte(s))
	return base64.RawURLEncoding.EncodeToString(sum[:16])
}
