package proxy

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// HeaderEncoding says how claims are written in fields.
type HeaderEncoding string

// The values of SALLYPORT_HEADER_ENCODING. "" means EncodingUTF8.
const (
	// EncodingUTF8 writes a claim as it is. In a list "%" and "," of a value are
	// percent-encoded.
	EncodingUTF8 HeaderEncoding = "utf-8"
	// EncodingPercent writes every byte that is not printable ASCII, and "%", as "%"
	// and two upper-case hexadecimal digits (RFC 3986 §2.1), and in a list the ","
	// of a value as well. Fields are ASCII then. Undoing the percent-encoding once
	// (decodeURIComponent, urllib.parse.unquote) gives the claim back, of a list that
	// of each part between commas.
	EncodingPercent HeaderEncoding = "percent"
)

// text encodes one value. ok is false if it could not stand in a field, or is too
// long for one.
func (e HeaderEncoding) text(value string) (_ string, ok bool) {
	if len(value) > maxValue || !printable(value) {
		return "", false
	}
	if e != EncodingPercent || !needsPercent(value) {
		return value, true
	}
	var b strings.Builder
	b.Grow(3 * len(value))
	e.write(&b, value, false)
	return b.String(), b.Len() <= maxValue
}

// list joins values with commas. ok is false if one of them could not stand in a
// field, or all of them are too long for one.
func (e HeaderEncoding) list(values []string) (_ string, ok bool) {
	size := 0
	for _, v := range values {
		if !printable(v) {
			return "", false
		}
		size += len(v) + 1
	}
	if size == 0 {
		return "", true
	}
	var b strings.Builder
	b.Grow(size)
	for _, v := range values {
		if v == "" {
			continue
		}
		if b.Len() > 0 {
			b.WriteByte(',')
		}
		e.write(&b, v, true)
	}
	return b.String(), b.Len() <= maxValue
}

const upperHex = "0123456789ABCDEF"

// write appends value with "%", in a list ",", and with EncodingPercent all that is
// not printable ASCII percent-encoded.
func (e HeaderEncoding) write(b *strings.Builder, value string, inList bool) {
	for i := range len(value) {
		c := value[i]
		if c != '%' && (c != ',' || !inList) && (e != EncodingPercent || isPrintableASCII(c)) {
			b.WriteByte(c)
			continue
		}
		b.WriteByte('%')
		b.WriteByte(upperHex[c>>4])
		b.WriteByte(upperHex[c&15])
	}
}

func needsPercent(value string) bool {
	for i := range len(value) {
		if c := value[i]; c == '%' || !isPrintableASCII(c) {
			return true
		}
	}
	return false
}

func isPrintableASCII(c byte) bool { return ' ' <= c && c <= '~' }

// printable reports whether a claim can stand in a field as it is: valid UTF-8
// without control characters, and without those that are invisible or turn the
// order of the text around, which make one name look like another. The joiners
// of Persian and Indic names (U+200C, U+200D) pass.
func printable(s string) bool {
	ascii := true
	for i := range len(s) {
		switch c := s[i]; {
		case c < ' ' || c == 0x7f:
			return false
		case c >= utf8.RuneSelf:
			ascii = false
		}
	}
	if ascii {
		return true
	}
	if !utf8.ValidString(s) {
		return false
	}
	return strings.IndexFunc(s, func(r rune) bool {
		switch {
		case r == '\u200c', r == '\u200d':
			return false
		case r == '\u2028', r == '\u2029': // line and paragraph separators
			return true
		}
		return unicode.In(r, unicode.Cc, unicode.Cf)
	}) < 0
}
