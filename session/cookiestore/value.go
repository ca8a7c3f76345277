package cookiestore

import (
	"encoding/base64"
	"encoding/binary"
	"slices"
	"strings"
	"time"

	"github.com/sallyport/sallyport/session"
)

const (
	// maxPart is how many characters of the value one cookie carries: a browser
	// keeps 4096 of name and value (RFC 6265bis §5.6), and the name has up to 73.
	maxPart = 3600
	// MaxParts bounds what a browser sends with every request. With the ticket it is
	// at most 7.7 KiB: one header field of that size passes the servers that are
	// commonly in front (nginx, Apache and Tomcat take 8 KiB), and leaves something
	// to the app's own cookies.
	MaxParts = 2

	valueVersion = 1
	headerSize   = 1 + 8 + 8 + 8 + 1
	macSize      = 32
	// maxSealed is the largest record that fits.
	maxSealed = MaxParts*maxPart/4*3 - headerSize - macSize
)

// A value is, in unpadded base64url, cut into parts of maxPart characters:
//
//	version 1 | record version 8 | last seen 8 | expires at 8 | parts 1 | sealed | HMAC 32
//
// with big-endian integers and Unix seconds.

// encode returns the parts that hold r.
func (s *Store) encode(h session.Handle, r session.Record) ([]string, error) {
	if len(r.Sealed) > maxSealed {
		return nil, &session.TooLargeError{Size: len(r.Sealed), Limit: maxSealed}
	}
	size := base64.RawURLEncoding.EncodedLen(headerSize + len(r.Sealed) + macSize)
	count := (size + maxPart - 1) / maxPart
	b := make([]byte, 0, headerSize+len(r.Sealed)+macSize)
	b = append(b, valueVersion)
	b = binary.BigEndian.AppendUint64(b, r.Version)
	b = binary.BigEndian.AppendUint64(b, uint64(r.LastSeen.Unix()))
	b = binary.BigEndian.AppendUint64(b, uint64(r.ExpiresAt.Unix()))
	b = append(b, byte(count))
	b = append(b, r.Sealed...)
	b = append(b, s.keys.SignRecord(s.signed(h, b))...)
	var parts []string
	for part := range slices.Chunk([]byte(base64.RawURLEncoding.EncodeToString(b)), maxPart) {
		parts = append(parts, string(part))
	}
	return parts, nil
}

// signed is what a value's HMAC is over: the cookie's name with its length, the
// handle, and the value itself.
func (s *Store) signed(h session.Handle, value []byte) []byte {
	name := s.cookies.SessionName()
	b := make([]byte, 0, 1+len(name)+len(h)+len(value))
	b = append(b, byte(len(name))) // at most 73
	b = append(b, name...)
	b = append(b, h[:]...)
	return append(b, value...)
}

// count returns how many parts the first one says that its value has; 0 is none of
// ours. Until decode has verified it, it only saves the work of trying others.
func count(first string) int {
	var text [(headerSize + 2) / 3 * 4]byte // the group of the count, its last byte, included
	var b [len(text) / 4 * 3]byte
	n, err := base64.RawURLEncoding.Decode(b[:], text[:copy(text[:], first)])
	if err != nil || n < headerSize || b[0] != valueVersion {
		return 0
	}
	return int(b[headerSize-1])
}

// read returns what decode makes of the parts, without verifying again what it
// verified last. A nil reading is no record of h.
func (s *Store) read(h session.Handle, parts []string) *reading {
	generation := s.keys.Generation()
	if known := s.cache.get(h, generation); known != nil && slices.Equal(known.parts, parts) {
		return known
	}
	if count(parts[0]) != len(parts) {
		return nil
	}
	r, ok := s.decode(h, parts)
	if !ok {
		return nil
	}
	fresh := &reading{generation: generation, parts: parts, record: r}
	s.cache.put(h, fresh, s.now())
	return fresh
}

// decode returns the record of h that the parts hold, if they are exactly what
// encode returned.
func (s *Store) decode(h session.Handle, parts []string) (session.Record, bool) {
	value := strings.Join(parts, "")
	if strings.ContainsAny(value, "\r\n") { // the decoder would pass over them
		return session.Record{}, false
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(value)
	if err != nil || len(b) < headerSize+macSize {
		return session.Record{}, false
	}
	body, mac := b[:len(b)-macSize], b[len(b)-macSize:]
	if !s.keys.VerifyRecord(s.signed(h, body), mac) {
		return session.Record{}, false
	}
	if body[0] != valueVersion || int(body[25]) != len(parts) {
		return session.Record{}, false
	}
	return session.Record{
		Version:   binary.BigEndian.Uint64(body[1:]),
		LastSeen:  time.Unix(int64(binary.BigEndian.Uint64(body[9:])), 0).UTC(),
		ExpiresAt: time.Unix(int64(binary.BigEndian.Uint64(body[17:])), 0).UTC(),
		Sealed:    body[headerSize:len(body):len(body)],
	}, true
}

// find looks for the record of h among the parts that a request sent. Each part
// has few candidates, and all but the last of a value are full, so the number of
// attempts is small whatever the browser sends. Nil is none.
func (s *Store) find(h session.Handle, sent [][]string) *reading {
	return s.findAfter(h, make([]string, 0, MaxParts), sent)
}

func (s *Store) findAfter(h session.Handle, before []string, sent [][]string) *reading {
	if len(sent) == 0 {
		return nil
	}
	for _, part := range sent[0] {
		parts := append(before, part) // the array is find's alone; put copies it
		if r := s.read(h, parts); r != nil {
			return r
		}
		if len(part) != maxPart {
			continue
		}
		if r := s.findAfter(h, parts, sent[1:]); r != nil {
			return r
		}
	}
	return nil
}
