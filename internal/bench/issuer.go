package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// issuer is an OpenID provider for many sign-ins: it has no pages, and its
// authorization endpoint is a method, so that a sign-in costs little beyond
// what it costs Sallyport. Its other methods are called by many at once.
type issuer struct {
	*httptest.Server
	signer jose.Signer
	keys   jose.JSONWebKeySet

	mu     sync.Mutex
	codes  map[string]authorization
	tokens int64 // bytes handed out
}

// authorization is what a code stands for until it is redeemed.
type authorization struct{ subject, nonce, challenge string }

// The sizes of an issuer's opaque tokens in bytes: such as a small signed access token has,
// and a refresh token.
const (
	accessTokenBytes  = 800
	refreshTokenBytes = 100
)

func startIssuer() (*issuer, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("making a key: %w", err)
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: key, KeyID: "bench"}}, new(jose.SignerOptions).WithType("JWT"))
	if err != nil {
		return nil, fmt.Errorf("making a signer: %w", err)
	}
	i := &issuer{signer: signer, codes: map[string]authorization{}}
	i.keys.Keys = []jose.JSONWebKey{{Key: key.Public(), KeyID: "bench", Algorithm: string(jose.ES256), Use: "sig"}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, i.metadata()) })
	mux.HandleFunc("GET /keys", func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, i.keys) })
	mux.HandleFunc("POST /token", i.token)
	// The handlers read i.Server, and a request may be there at once: the port has been
	// somebody else's before.
	i.Server = httptest.NewUnstartedServer(mux)
	i.Server.Start()
	return i, nil
}

func (i *issuer) metadata() map[string]any {
	return map[string]any{
		"issuer": i.URL, "authorization_endpoint": i.URL + "/authorize", "token_endpoint": i.URL + "/token", "jwks_uri": i.URL + "/keys",
		"response_types_supported": []string{"code"}, "subject_types_supported": []string{"public"},
		"id_token_signing_alg_values_supported": []string{"ES256"}, "code_challenge_methods_supported": []string{"S256"},
	}
}

// authorize answers an authorization request as the person would: it returns the
// query of the callback.
func (i *issuer) authorize(request, subject string) (url.Values, error) {
	u, err := url.Parse(request)
	if err != nil || !strings.HasPrefix(request, i.URL+"/authorize?") {
		return nil, fmt.Errorf("the sign-in leads to %q, want the provider", request)
	}
	q, code := u.Query(), rand.Text()
	i.mu.Lock()
	i.codes[code] = authorization{subject: subject, nonce: q.Get("nonce"), challenge: q.Get("code_challenge")}
	i.mu.Unlock()
	return url.Values{"code": {code}, "state": {q.Get("state")}}, nil
}

// token redeems a code once (OIDC Core §3.1.3).
func (i *issuer) token(w http.ResponseWriter, r *http.Request) {
	code := r.PostFormValue("code")
	i.mu.Lock()
	a, ok := i.codes[code]
	delete(i.codes, code)
	i.mu.Unlock()
	sum := sha256.Sum256([]byte(r.PostFormValue("code_verifier")))
	if !ok || base64.RawURLEncoding.EncodeToString(sum[:]) != a.challenge {
		http.Error(w, `{"error":"invalid_grant"}`, http.StatusBadRequest)
		return
	}
	now := time.Now()
	id, err := jwt.Signed(i.signer).Claims(map[string]any{
		"iss": i.URL, "aud": clientID, "sub": a.subject, "nonce": a.nonce, "sid": rand.Text(),
		"iat": now.Unix(), "exp": now.Add(tokensLive).Unix(), "auth_time": now.Unix(),
		"email": a.subject + "@example.com", "email_verified": true, "preferred_username": a.subject, "groups": []string{"staff", "engineering"},
	}).Serialize()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	access, refresh := opaque(accessTokenBytes), opaque(refreshTokenBytes)
	i.mu.Lock()
	i.tokens += int64(len(id) + len(access) + len(refresh))
	i.mu.Unlock()
	writeJSON(w, map[string]any{
		"access_token": access, "refresh_token": refresh, "id_token": id,
		"token_type": "Bearer", "expires_in": int(tokensLive.Seconds()),
	})
}

// tokenBytes is the length of all tokens that were handed out.
func (i *issuer) tokenBytes() int64 {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.tokens
}

// opaque is a token of n characters.
func opaque(n int) string {
	b := make([]byte, n)
	rand.Read(b)
	return base64.RawURLEncoding.EncodeToString(b)[:n]
}

func writeJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(v) // a client that is gone needs no answer
}
