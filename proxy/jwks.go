package proxy

import (
	"crypto"
	"crypto/ecdsa"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/go-jose/go-jose/v4"
)

// jwksCaching lets verifiers keep the keys for five minutes. A new key of
// SALLYPORT_SECRET is published as soon as it is in the list, so that it can be
// known everywhere before it is the first of it and signs.
const jwksCaching = "public, max-age=300"

// routes is GET /jwks: the keys that assertions may be signed with, as a JSON Web Key
// Set (RFC 7517 §5). It is the same for everybody and needs no session.
func (a *asserter) routes() []Route {
	return []Route{{Path: "/jwks", Name: "jwks", Methods: []string{http.MethodGet}, Handler: http.HandlerFunc(a.jwks)}}
}

func (a *asserter) jwks(w http.ResponseWriter, _ *http.Request) {
	var set jose.JSONWebKeySet
	for _, key := range a.keys() {
		published, err := publicKey(key)
		if err != nil {
			panic(err) // the keys are ours
		}
		set.Keys = append(set.Keys, published)
	}
	body, err := json.Marshal(set)
	if err != nil {
		panic(err)
	}
	h := w.Header()
	h.Del("Vary")
	h.Set("Cache-Control", jwksCaching)
	h.Set("Content-Type", "application/jwk-set+json")
	h.Set("X-Content-Type-Options", "nosniff")
	_, _ = w.Write(append(body, '\n'))
}

// publicKey is what is published of a key. It is named by its thumbprint (RFC 7638),
// which is the same in every replica.
func publicKey(key *ecdsa.PrivateKey) (jose.JSONWebKey, error) {
	k := jose.JSONWebKey{Key: key.Public(), Algorithm: string(jose.ES256), Use: "sig"}
	sum, err := k.Thumbprint(crypto.SHA256)
	if err != nil {
		return jose.JSONWebKey{}, fmt.Errorf("naming the signing key: %w", err)
	}
	k.KeyID = base64.RawURLEncoding.EncodeToString(sum)
	return k, nil
}

// publicText is the public URL without a trailing slash.
func publicText(u *url.URL) string { return strings.TrimSuffix(u.String(), "/") }
