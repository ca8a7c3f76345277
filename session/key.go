package session

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"strings"
)

// KeySize is the length of a Key in bytes.
const KeySize = 32

// minDistinct is how many different byte values a key must have. 32 random
// bytes have fewer than that once in 10^30; a typed or zeroed one often does.
const minDistinct = 8

const redacted = "[redacted]"

// Key is one master key of SALLYPORT_SECRET. It prints as "[redacted]" through
// fmt, encoding/json and log/slog; Encode alone shows it. The zero value is no
// key. It is immutable and safe for concurrent use.
type Key struct {
	// A function, because fmt does not ask the methods of a value in an
	// unexported field but prints its bytes, with some verbs even those behind a
	// pointer. Of a function it prints the address. nil is no key.
	bytes func() *[KeySize]byte
}

// GenerateKey makes a fresh random key.
func GenerateKey() Key {
	var b [KeySize]byte
	rand.Read(b[:]) // never fails: crypto/rand ends the process instead
	return newKey(b)
}

func newKey(b [KeySize]byte) Key {
	return Key{bytes: func() *[KeySize]byte { return &b }}
}

// ParseKeys reads the value of SALLYPORT_SECRET: keys of 32 bytes in base64
// (standard or URL alphabet, padded or not), separated by commas, newest first.
// Weak and repeated keys are refused; the error names the position in the list
// and never shows the key.
func ParseKeys(text string) ([]Key, error) {
	if strings.TrimSpace(text) == "" {
		return nil, errors.New("SALLYPORT_SECRET is empty; make a key with 'sallyport keygen'")
	}
	var keys []Key
	for i, item := range strings.Split(text, ",") {
		k, err := parseKey(strings.TrimSpace(item))
		if err != nil {
			return nil, keyError(i, err)
		}
		keys = append(keys, k)
	}
	if err := checkKeys(keys); err != nil {
		return nil, err
	}
	return keys, nil
}

func parseKey(text string) (Key, error) {
	if text == "" {
		return Key{}, errors.New("it is empty")
	}
	standard := strings.NewReplacer("-", "+", "_", "/").Replace(strings.TrimRight(text, "="))
	b, err := base64.RawStdEncoding.Strict().DecodeString(standard)
	if err != nil {
		return Key{}, errors.New("it is not base64") // err quotes a place in the secret
	}
	if len(b) != KeySize {
		return Key{}, fmt.Errorf("it has %d bytes instead of %d", len(b), KeySize)
	}
	return newKey([KeySize]byte(b)), nil
}

// checkKeys refuses an empty list, absent, weak and repeated keys.
func checkKeys(keys []Key) error {
	if len(keys) == 0 {
		return errors.New("SALLYPORT_SECRET has no key; make one with 'sallyport keygen'")
	}
	for i, k := range keys {
		if err := k.check(); err != nil {
			return keyError(i, err)
		}
		for j := range i {
			if subtle.ConstantTimeCompare(k.bytes()[:], keys[j].bytes()[:]) == 1 {
				return keyError(i, fmt.Errorf("it is the same as key %d", j+1))
			}
		}
	}
	return nil
}

func keyError(index int, err error) error {
	return fmt.Errorf("key %d of SALLYPORT_SECRET: %w; make one with 'sallyport keygen'", index+1, err)
}

func (k Key) check() error {
	if k.bytes == nil {
		return errors.New("it is empty")
	}
	var seen [256]bool
	distinct := 0
	for _, b := range k.bytes() {
		if !seen[b] {
			seen[b] = true
			distinct++
		}
	}
	if distinct < minDistinct {
		return errors.New("it is not random")
	}
	return nil
}

// Encode returns the key as SALLYPORT_SECRET takes it: padded standard base64.
// Only 'sallyport keygen' and the demo's set-up have a use for it.
func (k Key) Encode() string {
	if k.bytes == nil {
		return ""
	}
	return base64.StdEncoding.EncodeToString(k.bytes()[:])
}

// String implements fmt.Stringer and shows nothing of the key.
func (k Key) String() string { return redacted }

// GoString implements fmt.GoStringer, for %#v.
func (k Key) GoString() string { return redacted }

// LogValue implements slog.LogValuer.
func (k Key) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText implements encoding.TextMarshaler, and so encoding/json.
func (k Key) MarshalText() ([]byte, error) { return []byte(redacted), nil }
