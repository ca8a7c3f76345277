package session

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
)

// facet is something that sessions have in common and are found by: a kind and
// what it consists of.
type facet struct {
	kind  string
	parts [2]string
}

// The kinds of facet.
const (
	facetSID     = "sid"     // issuer, sid
	facetSubject = "sub"     // issuer, sub
	facetUser    = "user"    // what an administrator calls somebody
	facetOnce    = "once"    // what for, a value that counts once
	facetNote    = "note"    // makes the note's key from the tag's
	noteVersion  = byte(0x1) // in front of a sealed note, and authenticated with it
)

// finder makes tags and seals notes with one key of the ring.
type finder struct{ key []byte }

// hash is HMAC-SHA-256 over the kind and the parts, each with its length, so that
// no two of them can run together.
func (f finder) hash(kind string, parts ...string) []byte {
	mac := hmac.New(sha256.New, f.key)
	for _, part := range append([]string{kind}, parts...) {
		var length [8]byte
		binary.BigEndian.PutUint64(length[:], uint64(len(part)))
		mac.Write(length[:])
		mac.Write([]byte(part))
	}
	return mac.Sum(nil)
}

func (f finder) tag(of facet) Tag { return Tag(f.hash(of.kind, of.parts[:]...)) }

// mark returns the mark of a facet, with a sealed note unless that is empty. Who
// does not know the facet cannot read the note, not even with the key.
func (f finder) mark(of facet, h Handle, note []byte) (Mark, error) {
	m := Mark{Tag: f.tag(of)}
	if len(note) == 0 {
		return m, nil
	}
	gcm, err := f.noteCipher(of)
	if err != nil {
		return Mark{}, err
	}
	m.Note = gcm.Seal([]byte{noteVersion}, nil, note, noteAAD(h))
	return m, nil
}

// openNote is the reverse of mark. A note of another facet or record opens
// nothing.
func (f finder) openNote(of facet, h Handle, sealed []byte) ([]byte, error) {
	if len(sealed) == 0 || sealed[0] != noteVersion {
		return nil, fmt.Errorf("opening session note: not of version %d", noteVersion)
	}
	gcm, err := f.noteCipher(of)
	if err != nil {
		return nil, err
	}
	note, err := gcm.Open(nil, nil, sealed[1:], noteAAD(h))
	if err != nil {
		return nil, fmt.Errorf("opening session note: %w", err)
	}
	return note, nil
}

func (f finder) noteCipher(of facet) (cipher.AEAD, error) {
	block, err := aes.NewCipher(f.hash(facetNote, of.kind, of.parts[0], of.parts[1]))
	if err != nil {
		return nil, fmt.Errorf("making note cipher: %w", err)
	}
	gcm, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, fmt.Errorf("making note cipher: %w", err)
	}
	return gcm, nil
}

func noteAAD(h Handle) []byte { return append([]byte{noteVersion}, h[:]...) }
