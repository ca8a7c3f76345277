package session

import (
	"crypto/cipher"
	"crypto/ecdsa"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"

	"github.com/gorilla/securecookie"
)

// The purposes that keys are derived for. A value sealed for one never opens
// for another.
const (
	purposeTicket = "ticket"
	purposeLogin  = "login"
	purposeFind   = "find"
	purposeForm   = "form"
	purposeRecord = "record"

	purposeAssertion = "assertion"
)

const (
	// maxTicketValue bounds the session cookie's value; ours has 220 bytes.
	maxTicketValue = 2048
	// maxCookie is what browsers keep of a cookie: name and value together
	// (RFC 6265bis §5.6).
	maxCookie = 4096
)

// KeyRing holds the keys that cookies are sealed with. The newest key seals,
// every key opens, so that a key can be exchanged without signing anybody out.
// Its methods are safe for concurrent use, and opening takes no lock.
type KeyRing struct {
	scope       string
	generations atomic.Uint64
	current     atomic.Pointer[keySet]
}

// keySet is what a KeyRing holds at one moment; it never changes.
type keySet struct {
	generation uint64 // tells one set from the next
	ticket     codecs
	login      codecs
	finders    []finder            // newest first
	forms      []cipher.AEAD       // newest first
	record     [][]byte            // HMAC-SHA-256 keys, newest first
	assertion  []*ecdsa.PrivateKey // newest first
}

// NewKeyRing derives the cookie keys of one deployment from its master keys,
// newest first. The scope names the deployment, say public origin and client
// id: cookies of one scope mean nothing in another, even under the same keys.
func NewKeyRing(keys []Key, scope string) (*KeyRing, error) {
	if scope == "" {
		return nil, errors.New("session: a key ring needs a scope")
	}
	k := &KeyRing{scope: scope}
	if err := k.Set(keys); err != nil {
		return nil, err
	}
	return k, nil
}

// Set exchanges the keys, newest first, at once for all later requests. On an
// error the ring keeps the keys it has.
func (k *KeyRing) Set(keys []Key) error {
	if err := checkKeys(keys); err != nil {
		return err
	}
	set := &keySet{generation: k.generations.Add(1)}
	for _, key := range keys {
		if err := k.add(set, key); err != nil {
			return err
		}
	}
	k.current.Store(set)
	return nil
}

// add derives what one key is for.
func (k *KeyRing) add(set *keySet, key Key) error {
	ticket, ticketErr := k.codec(key, purposeTicket, maxTicketValue)
	login, loginErr := k.codec(key, purposeLogin, maxCookie)
	find, findErr := k.derive(key, purposeFind, "hash")
	form, formErr := k.formCipher(key)
	record, recordErr := k.derive(key, purposeRecord, "hash")
	assertion, assertionErr := k.assertionKey(key)
	if err := errors.Join(ticketErr, loginErr, findErr, formErr, recordErr, assertionErr); err != nil {
		return err
	}
	set.ticket = append(set.ticket, ticket)
	set.login = append(set.login, login)
	set.finders = append(set.finders, finder{key: find})
	set.forms = append(set.forms, form)
	set.record = append(set.record, record)
	set.assertion = append(set.assertion, assertion)
	return nil
}

// codec makes the sealer of one key and purpose: AES-256-CTR, then
// HMAC-SHA-256 over the cookie's name and the ciphertext.
func (k *KeyRing) codec(key Key, purpose string, maxLength int) (*securecookie.SecureCookie, error) {
	hashKey, err := k.derive(key, purpose, "hash")
	if err != nil {
		return nil, err
	}
	blockKey, err := k.derive(key, purpose, "block")
	if err != nil {
		return nil, err
	}
	c := securecookie.New(hashKey, blockKey)
	c.SetSerializer(securecookie.NopEncoder{})
	c.MaxLength(maxLength)
	c.MaxAge(0) // we seal the time ourselves and compare it with the injected clock
	return c, nil
}

// derive is deriveBytes of KeySize bytes.
func (k *KeyRing) derive(key Key, purpose, use string) ([]byte, error) {
	return k.deriveBytes(key, purpose, use, KeySize)
}

// deriveBytes is HKDF-SHA-256 (RFC 5869) whose info names version, purpose, use and
// scope, each with its length, so that no two of them can run together.
func (k *KeyRing) deriveBytes(key Key, purpose, use string, length int) ([]byte, error) {
	var info strings.Builder
	for _, part := range []string{"sallyport/v1", purpose, use, k.scope} {
		fmt.Fprintf(&info, "%d:%s|", len(part), part)
	}
	b, err := hkdf.Key(sha256.New, key.bytes()[:], nil, info.String(), length)
	if err != nil {
		return nil, fmt.Errorf("deriving the %s %s key: %w", purpose, use, err)
	}
	return b, nil
}

// codecs seal with the first and open with any.
type codecs []*securecookie.SecureCookie

// seal seals plain for the cookie of that name; plain is overwritten.
func (c codecs) seal(name string, plain []byte) (string, error) {
	value, err := c[0].Encode(name, plain)
	if err != nil {
		return "", fmt.Errorf("sealing cookie: %w", err)
	}
	return value, nil
}

// open returns what seal was given. Whatever is wrong with the value, the
// answer is the same.
func (c codecs) open(name, value string) ([]byte, bool) {
	// securecookie's base64 ignores line ends and the last character's unused
	// bits, so that several texts would open alike.
	if _, err := base64.URLEncoding.Strict().DecodeString(value); err != nil || strings.ContainsAny(value, "\r\n") {
		return nil, false
	}
	for _, codec := range c {
		var plain []byte
		if codec.Decode(name, value, &plain) == nil {
			return plain, true
		}
	}
	return nil, false
}
