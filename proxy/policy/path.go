package policy

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Request is what Public looks at.
type Request struct {
	// Method as it came; methods are case-sensitive (RFC 9110 §9.1).
	Method string
	// Path is the path of the request line, byte for byte and without the query:
	// not url.URL.Path, which is decoded, nor EscapedPath, which may differ from
	// what came (a raw "#" becomes "%23").
	Path string
}

// CheckPath returns an error for a path that no request may have, whoever sends
// it: with a control byte, an encoded NUL, a backslash in either form or a raw
// "#". Applications cut such paths short or read another one in them; the answer
// is 400. Everything else that is merely unusual passes.
func CheckPath(raw string) error {
	for i := range len(raw) {
		switch c := raw[i]; {
		case c < ' ' || c == 0x7f:
			return fmt.Errorf("the path has the control byte %#02x at offset %d", c, i)
		case c == '\\':
			return fmt.Errorf("the path has a backslash at offset %d", i)
		case c == '#':
			return fmt.Errorf("the path has a # at offset %d", i)
		case c == '%':
			switch b, ok := unhex(raw, i); {
			case ok && b == 0:
				return fmt.Errorf("the path has an encoded NUL at offset %d", i)
			case ok && b == '\\':
				return fmt.Errorf("the path has an encoded backslash at offset %d", i)
			}
		}
	}
	return nil
}

// Public reports whether a request needs no session: its method is written in
// upper-case letters, its path is not ambiguous, and the path matches one of
// SALLYPORT_PUBLIC_PATHS both as it came and decoded. A path without
// percent-encoding costs no allocation.
func (p *Policy) Public(r Request) bool {
	if len(p.public) == 0 || !isUpper(r.Method) {
		return false
	}
	decoded, ok := unambiguous(r.Path)
	if !ok {
		return false
	}
	if decoded == r.Path {
		return slices.ContainsFunc(p.public, func(g pattern) bool { return g.encoded.match(r.Path) })
	}
	wire := upperEscapes(r.Path)
	return slices.ContainsFunc(p.public, func(g pattern) bool { return g.encoded.match(wire) }) &&
		slices.ContainsFunc(p.public, func(g pattern) bool { return g.decoded.match(decoded) })
}

// isUpper leaves out "get", which some applications take for GET.
func isUpper(method string) bool {
	for i := range len(method) {
		if c := method[i]; (c < 'A' || c > 'Z') && c != '-' {
			return false
		}
	}
	return method != ""
}

// unambiguous decodes a path, once, if all common readings agree on what it
// names: decoding again, resolving dot segments, merging slashes, cutting off
// parameters and turning backslashes around leave it as it is.
func unambiguous(raw string) (decoded string, ok bool) {
	if raw == "" || raw[0] != '/' {
		return "", false
	}
	escaped := false
	for i := 0; i < len(raw); i++ {
		if raw[i] != '%' {
			if !plain(raw[i]) {
				return "", false
			}
			continue
		}
		b, valid := unhex(raw, i)
		if !valid || !plainEncoded(b) {
			return "", false
		}
		escaped = true
		i += 2
	}
	decoded = raw
	if escaped {
		decoded = unescape(raw)
		if !onlyLetters(decoded) {
			return "", false
		}
	}
	return decoded, segmentsAgree(decoded)
}

// plain reports whether a byte may stand for itself in an unambiguous path. A
// raw byte beyond ASCII may not: RFC 3986 has it encoded, and applications differ
// on the encoding they assume.
func plain(b byte) bool {
	switch b {
	case '\\', ';', '#', '?', '%':
		return false
	}
	return ' ' < b && b < 0x7f
}

// plainEncoded is plain for a byte that came as %XX: a slash or a dot is then
// ambiguous, too, while a space or a byte beyond ASCII is where it belongs.
func plainEncoded(b byte) bool {
	switch b {
	case '/', '.':
		return false
	}
	return plain(b) || b == ' ' || b >= utf8.RuneSelf
}

// onlyLetters reports whether s is valid UTF-8 with nothing but letters, marks
// and digits beyond ASCII. Applications that fold compatibility characters take
// a fullwidth solidus (U+FF0F) for a slash, and "…" for three dots.
func onlyLetters(s string) bool {
	if !utf8.ValidString(s) {
		return false
	}
	for _, r := range s {
		if r >= utf8.RuneSelf && !unicode.IsLetter(r) && !unicode.IsMark(r) && !unicode.IsDigit(r) {
			return false
		}
	}
	return true
}

// segmentsAgree refuses an empty segment before the last, one of dots alone, and one
// that names a stream of NTFS.
// Windows ignores spaces and dots at a name's end, and forms write a space as
// "+", so those do not make a dot segment harmless.
func segmentsAgree(decoded string) bool {
	rest, more := decoded[1:], true
	for more {
		var segment string
		segment, rest, more = strings.Cut(rest, "/")
		if segment == "" {
			if more {
				return false
			}
			continue
		}
		if strings.Trim(segment, ". +") == "" || strings.Contains(segment, ":$") {
			return false
		}
	}
	return true
}
