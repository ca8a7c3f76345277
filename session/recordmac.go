package session

import (
	"crypto/hmac"
	"crypto/sha256"
)

// SignRecord returns the HMAC-SHA-256 (32 bytes) of data under the newest key, for
// a Store that gives records out of its hands.
func (k *KeyRing) SignRecord(data []byte) []byte {
	return signRecord(k.current.Load().record[0], data)
}

// VerifyRecord reports whether mac is what SignRecord returns for data under any
// of the keys.
func (k *KeyRing) VerifyRecord(data, mac []byte) bool {
	for _, key := range k.current.Load().record {
		if hmac.Equal(mac, signRecord(key, data)) {
			return true
		}
	}
	return false
}

func signRecord(key, data []byte) []byte {
	h := hmac.New(sha256.New, key)
	h.Write(data)
	return h.Sum(nil)
}
