package accesslog

import (
	"unicode"
	"unicode/utf8"
)

const hexDigits = "0123456789abcdef"

// appendJSON appends what stands between the quotes of a JSON string, with the escapes
// of slog.JSONHandler: those that JSON needs, U+2028 and U+2029, which end a line to
// some, and U+FFFD for a byte that is not UTF-8.
func appendJSON(dst []byte, s string) []byte {
	start := 0 // of what is not yet copied
	for i := 0; i < len(s); {
		if plain(s[i]) {
			i++
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		if r >= utf8.RuneSelf && !(r == utf8.RuneError && size == 1) && r != '\u2028' && r != '\u2029' {
			i += size
			continue
		}
		dst = append(dst, s[start:i]...)
		dst = appendEscaped(dst, r)
		i += size
		start = i
	}
	return append(dst, s[start:]...)
}

// plain reports whether a byte stands for itself in a JSON string.
func plain(c byte) bool { return ' ' <= c && c < utf8.RuneSelf && c != '"' && c != '\\' }

func appendEscaped(dst []byte, r rune) []byte {
	dst = append(dst, '\\')
	switch r {
	case '"', '\\':
		return append(dst, byte(r))
	case '\n':
		return append(dst, 'n')
	case '\r':
		return append(dst, 'r')
	case '\t':
		return append(dst, 't')
	}
	return append(dst, 'u', hexDigits[r>>12&0xf], hexDigits[r>>8&0xf], hexDigits[r>>4&0xf], hexDigits[r&0xf])
}

// needsQuotes reports whether slog.TextHandler quotes a value.
func needsQuotes(s string) bool {
	for _, r := range s {
		if r < utf8.RuneSelf && r != '\\' && (!plain(byte(r)) || r == ' ' || r == '=') {
			return true
		}
		if r >= utf8.RuneSelf && (r == utf8.RuneError || unicode.IsSpace(r) || !unicode.IsPrint(r)) {
			return true
		}
	}
	return s == ""
}
