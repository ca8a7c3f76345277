package policy

import "strings"

const upperHex = "0123456789ABCDEF"

// escape writes a decoded text the way browsers do within a path segment: what
// is no pchar of RFC 3986 §3.3 becomes %XX.
func escape(text string) string {
	var b strings.Builder
	for i := range len(text) {
		if c := text[i]; isPchar(c) {
			b.WriteByte(c)
		} else {
			writeEscape(&b, c)
		}
	}
	return b.String()
}

func isPchar(c byte) bool {
	switch {
	case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		return true
	}
	return strings.IndexByte("-._~!$&'()*+,;=:@", c) >= 0
}

// unescape decodes each valid %XX once and leaves everything else as it is.
func unescape(raw string) string {
	return mapEscapes(raw, (*strings.Builder).WriteByte)
}

// upperEscapes writes each %XX in upper case; both cases mean the same
// (RFC 3986 §6.2.2.1).
func upperEscapes(raw string) string {
	return mapEscapes(raw, func(b *strings.Builder, c byte) error {
		writeEscape(b, c)
		return nil
	})
}

func mapEscapes(raw string, write func(*strings.Builder, byte) error) string {
	var b strings.Builder
	b.Grow(len(raw))
	for i := 0; i < len(raw); i++ {
		if raw[i] == '%' {
			if c, ok := unhex(raw, i); ok {
				write(&b, c)
				i += 2
				continue
			}
		}
		b.WriteByte(raw[i])
	}
	return b.String()
}

func writeEscape(b *strings.Builder, c byte) {
	b.WriteByte('%')
	b.WriteByte(upperHex[c>>4])
	b.WriteByte(upperHex[c&0xf])
}

// unhex reads the two hexadecimal digits after the percent sign at raw[i].
func unhex(raw string, i int) (b byte, ok bool) {
	if i+2 >= len(raw) {
		return 0, false
	}
	high, ok1 := hexDigit(raw[i+1])
	low, ok2 := hexDigit(raw[i+2])
	return high<<4 | low, ok1 && ok2
}

func hexDigit(c byte) (byte, bool) {
	switch {
	case '0' <= c && c <= '9':
		return c - '0', true
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10, true
	case 'A' <= c && c <= 'F':
		return c - 'A' + 10, true
	}
	return 0, false
}
