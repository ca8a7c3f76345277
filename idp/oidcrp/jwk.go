package oidcrp

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/go-jose/go-jose/v4"
)

// maxKeys bounds how many keys of a set are kept.
const maxKeys = 64

// The sizes of RSA moduli that are accepted, in bits: below, they can be
// factored; above, each verification costs an attacker nothing and us a lot.
const (
	minRSABits = 2048
	maxRSABits = 8192
)

// publicKey is a key that can verify ID tokens.
type publicKey struct {
	kid string
	alg string // the only algorithm it is for, "" = any that fits
	// issuer is whose tokens alone it may verify, perhaps with TenantPlaceholder;
	// "" = any. Entra ID publishes the keys of several issuers in one set.
	issuer string
	key    any // *rsa.PublicKey or *ecdsa.PublicKey
}

// parseJWKS reads a JWK Set (RFC 7517 §5) and keeps what can verify an ID token.
// A key that is of another kind or broken does not spoil the others; why it was
// left out is in skipped. The error means that there is no set.
func parseJWKS(data []byte) (keys []publicKey, skipped []error, err error) {
	set, err := parseObject(data)
	if err != nil {
		return nil, nil, fmt.Errorf("reading the key set: %w", err)
	}
	list, ok := asArray(set["keys"])
	if !ok {
		return nil, nil, errors.New(`reading the key set: the member "keys" is not an array`)
	}
	for i, raw := range list {
		if len(keys) == maxKeys {
			skipped = append(skipped, fmt.Errorf("only the first %d keys are used", maxKeys))
			break
		}
		k, err := parseJWK(raw)
		if err != nil {
			skipped = append(skipped, fmt.Errorf("key %d: %w", i, err))
			continue
		}
		keys = append(keys, k)
	}
	return keys, skipped, nil
}

// ReadKeys looks at a JWK Set as a Client does that accepts algs: how many of its keys
// can verify an ID token, and why each of the others cannot. The error means that there
// is no set.
func ReadKeys(data []byte, algs []string) (usable int, unusable []error, err error) {
	keys, unusable, err := parseJWKS(data)
	if err != nil {
		return 0, nil, err
	}
	for i := range keys {
		if !slices.ContainsFunc(algs, keys[i].fits) {
			unusable = append(unusable, fmt.Errorf("key %q: not for an accepted algorithm", loggable(keys[i].kid)))
			continue
		}
		usable++
	}
	return usable, unusable, nil
}

func parseJWK(raw json.RawMessage) (publicKey, error) {
	o, err := parseObject(raw)
	if err != nil {
		return publicKey{}, err
	}
	if kty, _ := o.text("kty"); kty != "RSA" && kty != "EC" {
		return publicKey{}, fmt.Errorf("type %q verifies none of the accepted algorithms", loggable(kty))
	}
	if use, ok := o.text("use"); ok && use != "sig" {
		return publicKey{}, errors.New("not for signatures")
	}
	if o.has("d") {
		return publicKey{}, errors.New("a private key, which is not private any more; tell the provider")
	}
	// Certificates play no part: keys are trusted because of where they come
	// from, and go-jose would refuse the key for an unreadable one.
	for _, name := range []string{"x5c", "x5t", "x5t#S256", "x5u"} {
		delete(o, name)
	}
	plain, err := json.Marshal(o)
	if err != nil {
		return publicKey{}, err
	}
	var jwk jose.JSONWebKey
	if err := jwk.UnmarshalJSON(plain); err != nil {
		return publicKey{}, err
	}
	if err := checkStrength(jwk.Key); err != nil {
		return publicKey{}, err
	}
	issuer, ok := o.text("issuer")
	if o.has("issuer") && !ok {
		return publicKey{}, errors.New("its issuer is not a string")
	}
	return publicKey{kid: jwk.KeyID, alg: jwk.Algorithm, issuer: issuer, key: jwk.Key}, nil
}

// checkStrength refuses keys that prove nothing. go-jose has made sure that the
// point of an EC key lies on its curve.
func checkStrength(key any) error {
	switch k := key.(type) {
	case *rsa.PublicKey:
		if bits := k.N.BitLen(); bits < minRSABits || bits > maxRSABits {
			return fmt.Errorf("an RSA modulus of %d bits; %d to %d are accepted", bits, minRSABits, maxRSABits)
		}
		if k.E < 3 || k.E%2 == 0 {
			return errors.New("the RSA exponent is not an odd number of 3 or more")
		}
		return nil
	case *ecdsa.PublicKey:
		return nil
	}
	return errors.New("neither an RSA nor an EC key")
}

// mayVerify reports whether k is one of the issuer whose token these claims are.
// They are not verified yet: whoever changes them loses the signature.
func (k *publicKey) mayVerify(claims object) bool {
	if k.issuer == "" {
		return true
	}
	tenant, _ := claims.text("tid")
	iss, ok := claims.text("iss")
	return ok && iss == strings.ReplaceAll(k.issuer, TenantPlaceholder, tenant)
}

// fits reports whether k may verify signatures of that algorithm (RFC 7518 §3.1):
// a key of another type, on another curve or reserved for another algorithm
// may not.
func (k *publicKey) fits(alg string) bool {
	if k.alg != "" && k.alg != alg {
		return false
	}
	switch key := k.key.(type) {
	case *rsa.PublicKey:
		return strings.HasPrefix(alg, "RS") || strings.HasPrefix(alg, "PS")
	case *ecdsa.PublicKey:
		return alg == "ES256" && key.Curve == elliptic.P256() ||
			alg == "ES384" && key.Curve == elliptic.P384() ||
			alg == "ES512" && key.Curve == elliptic.P521()
	}
	return false
}
