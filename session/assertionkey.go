package session

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"fmt"
	"math/big"
)

// AssertionKeys returns the keys that assertions about a session are signed with
// (ES256, RFC 7518 §3.4), newest first: the first signs, and all are published, so
// that a verifier knows a key before and after its time. They follow from the keys
// of the ring alone, and so are the same in every replica. The caller must not
// change the slice; it stays the same until Set.
func (k *KeyRing) AssertionKeys() []*ecdsa.PrivateKey { return k.current.Load().assertion }

// scalarBytes are 64 bits more than the order of P-256 has, so that the remainder
// of the division by it is as good as uniform (FIPS 186-5, A.2.1).
const scalarBytes = 40

// assertionKey derives the signing key of one master key.
func (k *KeyRing) assertionKey(key Key) (*ecdsa.PrivateKey, error) {
	seed, err := k.deriveBytes(key, purposeAssertion, "ecdsa-p256", scalarBytes)
	if err != nil {
		return nil, err
	}
	curve := elliptic.P256()
	one := big.NewInt(1)
	d := new(big.Int).SetBytes(seed)
	d.Mod(d, new(big.Int).Sub(curve.Params().N, one)).Add(d, one)
	signing, err := ecdsa.ParseRawPrivateKey(curve, d.FillBytes(make([]byte, 32)))
	if err != nil {
		return nil, fmt.Errorf("making the signing key of assertions: %w", err)
	}
	return signing, nil
}
