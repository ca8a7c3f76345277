package oidcrp

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	_ "crypto/sha512" // SHA-384 and SHA-512 for the signatures
	"encoding/base64"
	"strings"
)

// hashOf is the hash that the digits of an algorithm name.
func hashOf(alg string) crypto.Hash {
	switch {
	case strings.HasSuffix(alg, "384"):
		return crypto.SHA384
	case strings.HasSuffix(alg, "512"):
		return crypto.SHA512
	}
	return crypto.SHA256
}

// signature signs with the key whatever the algorithm says, which no library
// would: RFC 7518 §3 by hand.
func signature(alg string, key any, signed []byte) []byte {
	hash := hashOf(alg)
	h := hash.New()
	h.Write(signed)
	sum := h.Sum(nil)
	switch k := key.(type) {
	case nil:
		return nil
	case []byte:
		mac := hmac.New(hash.New, k)
		mac.Write(signed)
		return mac.Sum(nil)
	case *ecdsa.PrivateKey:
		r, s, err := ecdsa.Sign(rand.Reader, k, sum)
		if err != nil {
			panic(err)
		}
		size := (k.Curve.Params().BitSize + 7) / 8
		out := make([]byte, 2*size)
		r.FillBytes(out[:size])
		s.FillBytes(out[size:])
		return out
	case *rsa.PrivateKey:
		var out []byte
		var err error
		if strings.HasPrefix(alg, "PS") {
			out, err = rsa.SignPSS(rand.Reader, k, hash, sum, &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash})
		} else {
			out, err = rsa.SignPKCS1v15(rand.Reader, k, hash, sum)
		}
		if err != nil {
			panic(err)
		}
		return out
	}
	panic("no key")
}

// basic is the value of RFC 7617 for credentials.
func basic(user, password string) string {
	return base64.StdEncoding.EncodeToString([]byte(user + ":" + password))
}
