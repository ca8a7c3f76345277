package session

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"strings"
)

var errNotPacked = errors.New("it ends too early")

// packToken appends a token: the number of its dots, and each part between them with its
// length. A part in base64url, as those of a JWT (RFC 7515 §3.1) and most opaque tokens
// are, is kept as the bytes that it encodes, and takes three quarters of its length.
func packToken(b []byte, token string) []byte {
	b = binary.AppendUvarint(b, uint64(strings.Count(token, ".")))
	for part := range strings.SplitSeq(token, ".") {
		raw, err := base64.RawURLEncoding.Strict().DecodeString(part)
		// The decoder passes over line breaks.
		if err != nil || base64.RawURLEncoding.EncodedLen(len(raw)) != len(part) {
			b = append(binary.AppendUvarint(b, uint64(len(part))<<1), part...)
			continue
		}
		b = append(binary.AppendUvarint(b, uint64(len(raw))<<1|1), raw...)
	}
	return b
}

// unpackToken reads what packToken appended, and returns what follows it.
func unpackToken(b []byte) (token string, rest []byte, err error) {
	dots, n := binary.Uvarint(b)
	if n <= 0 {
		return "", nil, errNotPacked
	}
	var text []byte
	for rest = b[n:]; ; dots-- {
		size, n := binary.Uvarint(rest)
		if n <= 0 || size>>1 > uint64(len(rest)-n) {
			return "", nil, errNotPacked
		}
		part := rest[n : n+int(size>>1)]
		rest = rest[n+len(part):]
		if size&1 == 1 {
			text = base64.RawURLEncoding.AppendEncode(text, part)
		} else {
			text = append(text, part...)
		}
		if dots == 0 {
			return string(text), rest, nil
		}
		text = append(text, '.')
	}
}

// packBody puts a text and tokens into one.
func packBody(text []byte, tokens ...string) []byte {
	b := append(binary.AppendUvarint(nil, uint64(len(text))), text...)
	for _, t := range tokens {
		b = packToken(b, t)
	}
	return b
}

// unpackBody is the reverse, for that many tokens.
func unpackBody(b []byte, tokens ...*string) (text []byte, err error) {
	size, n := binary.Uvarint(b)
	if n <= 0 || size > uint64(len(b)-n) {
		return nil, errNotPacked
	}
	text, b = b[n:n+int(size)], b[n+int(size):]
	for _, t := range tokens {
		if *t, b, err = unpackToken(b); err != nil {
			return nil, err
		}
	}
	if len(b) > 0 {
		return nil, errors.New("more follows")
	}
	return text, nil
}
