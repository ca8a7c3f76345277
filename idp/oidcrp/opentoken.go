package oidcrp

import (
	"context"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"fmt"
	"hash"
	"strings"

	"github.com/sallyport/sallyport/internal/secret"
)

// signatures verifies the signature of a compact JWS and returns its payload.
type signatures interface {
	VerifySignature(ctx context.Context, jwt string) (payload []byte, err error)
}

// openedToken is what the provider has stated, about whomever and for whomever.
type openedToken struct {
	alg    string // that it is signed with, one of signingAlgs
	claims object
}

// openToken reads a token of one of the types whose signature is right.
func openToken(ctx context.Context, keys signatures, raw string, types, algs []string) (openedToken, error) {
	alg, err := checkJOSEHeader(raw, types, algs)
	if err != nil {
		return openedToken{}, err
	}
	payload, err := keys.VerifySignature(ctx, raw)
	if err != nil {
		return openedToken{}, err
	}
	claims, err := parseObject(payload)
	if err != nil {
		return openedToken{}, fmt.Errorf("its payload: %w", err)
	}
	return openedToken{alg: alg, claims: claims}, nil
}

// checkAccessTokenHash compares at_hash when an ID token has one (OpenID Connect Core
// §3.1.3.8) and there is an access token to compare it with.
func (t openedToken) checkAccessTokenHash(accessToken secret.Text) error {
	if !t.claims.has("at_hash") || accessToken.IsEmpty() {
		return nil
	}
	switch stated, ok := t.claims.text("at_hash"); {
	case !ok:
		return errors.New("its at_hash is not a string")
	case stated != accessTokenHash(t.alg, accessToken.Reveal()):
		return errors.New("its at_hash does not fit the access token that came with it")
	}
	return nil
}

// accessTokenHash is the left half of the hash that the algorithm of the ID token uses
// (Core §3.1.3.6).
func accessTokenHash(alg, accessToken string) string {
	var h hash.Hash
	switch {
	case strings.HasSuffix(alg, "256"):
		h = sha256.New()
	case strings.HasSuffix(alg, "384"):
		h = sha512.New384()
	default:
		h = sha512.New()
	}
	h.Write([]byte(accessToken)) // never fails
	sum := h.Sum(nil)
	return base64.RawURLEncoding.EncodeToString(sum[:len(sum)/2])
}
