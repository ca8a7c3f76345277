package policy

import (
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// PlainPath reports whether a path has but one reading.
func PlainPath(p string) bool {
	for i := range len(p) {
		switch p[i] {
		case '%', ';':
			return false
		case ':':
			if i+1 < len(p) && p[i+1] == '$' {
				return false
			}
		case '/':
			if i+1 < len(p) && (p[i+1] == '/' || p[i+1] == '.') {
				return false
			}
		}
	}
	return true
}

// What bounds the search for readings, so that no path costs more than a few
// milliseconds. Paths that people meet have fewer than ten.
const (
	maxReadings = 256
	maxRead     = 256 << 10 // bytes of all readings together
)

// Readings returns a path and everything that an application may take it for: the
// closure of the transformations that servers, frameworks and file systems are known
// to apply. complete is false when there are more than are worth finding; then the
// path may mean anything.
func Readings(raw string) (readings []string, complete bool) {
	readings = append(make([]string, 0, 8), raw)
	size := len(raw)
	for i := 0; i < len(readings); i++ {
		for _, transform := range transformations() {
			next := transform(readings[i])
			if next == readings[i] || slices.Contains(readings, next) {
				continue
			}
			if size += len(next); len(readings) == maxReadings || size > maxRead {
				return readings, false
			}
			readings = append(readings, next)
		}
	}
	return readings, true
}

// transformations are what an application may do to a path. Each is one step;
// Readings combines them.
func transformations() [13]func(string) string {
	return [...]func(string) string{
		unescape,
		legacyUnescape,
		withoutParameters,
		truncate,
		mergeSlashes,
		resolveDots,
		norm.NFKC.String,
		func(s string) string { return strings.ReplaceAll(s, `\`, "/") },
		func(s string) string { return strings.ReplaceAll(s, "+", " ") },
		withoutBreaks,
		func(s string) string { return eachSegment(s, withoutStream) },
		func(s string) string { return eachSegment(s, withoutSpaces) },
		func(s string) string { return eachSegment(s, withoutDots) },
	}
}

func eachSegment(p string, change func(string) string) string {
	segments := strings.Split(p, "/")
	for i, s := range segments {
		segments[i] = change(s)
	}
	return strings.Join(segments, "/")
}

// withoutSpaces trims what Java's String.trim does, and Windows of spaces at the end.
func withoutSpaces(segment string) string {
	return strings.TrimFunc(segment, func(r rune) bool { return r <= ' ' })
}

// withoutBreaks drops what a URL parser of browsers drops anywhere (WHATWG URL §4.4), for
// apps that parse what they have decoded.
func withoutBreaks(p string) string {
	return strings.NewReplacer("\t", "", "\n", "", "\r", "").Replace(p)
}

// withoutStream leaves the file or directory of which a stream is named, as NTFS does:
// "admin::$INDEX_ALLOCATION" is "admin".
func withoutStream(segment string) string {
	if strings.Contains(segment, ":$") {
		segment, _, _ = strings.Cut(segment, ":")
	}
	return segment
}

// withoutDots drops what Windows ignores at the end of a name, but leaves dot segments.
func withoutDots(segment string) string {
	if segment == "." || segment == ".." {
		return segment
	}
	return nearEnd(segment)
}

// withoutParameters cuts ";…" off every segment, as servlet containers do before
// they look at the path.
func withoutParameters(p string) string {
	if !strings.Contains(p, ";") {
		return p
	}
	return eachSegment(p, func(s string) string {
		s, _, _ = strings.Cut(s, ";")
		return s
	})
}

// truncate ends a path where a query, a fragment or, in C, a string would end.
func truncate(p string) string {
	if i := strings.IndexAny(p, "?#\x00"); i >= 0 {
		return p[:i]
	}
	return p
}

func mergeSlashes(p string) string {
	for strings.Contains(p, "//") {
		p = strings.ReplaceAll(p, "//", "/")
	}
	return p
}

// resolveDots removes dot segments and leaves empty ones (RFC 3986 §5.2.4). A
// dot segment at the end leaves its slash.
func resolveDots(p string) string {
	if !strings.HasPrefix(p, "/") {
		return p
	}
	segments := strings.Split(p[1:], "/")
	kept := segments[:0]
	for i, s := range segments {
		switch s {
		case ".", "..":
			if s == ".." {
				kept = kept[:max(len(kept)-1, 0)]
			}
			if i == len(segments)-1 {
				kept = append(kept, "")
			}
		default:
			kept = append(kept, s)
		}
	}
	return "/" + strings.Join(kept, "/")
}

// legacyUnescape decodes what never was an encoding of a URL but is taken for one
// by old servers: %uXXXX, and ASCII in overlong UTF-8 (RFC 3629 §10), such as the
// bytes C0 AF for a slash.
func legacyUnescape(s string) string {
	if !strings.Contains(s, "%u") && !strings.Contains(s, "%U") && utf8.ValidString(s) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		r, size := legacyRune(s[i:])
		if size == 0 {
			b.WriteByte(s[i])
			i++
			continue
		}
		b.WriteRune(r)
		i += size
	}
	return b.String()
}

// legacyRune reads one such form at the beginning of s; size 0 means that there is
// none.
func legacyRune(s string) (r rune, size int) {
	continues := func(i int) bool { return i < len(s) && s[i]&0xC0 == 0x80 }
	switch {
	case len(s) >= 6 && s[0] == '%' && s[1]|0x20 == 'u':
		for _, c := range []byte(s[2:6]) {
			d, ok := hexDigit(c)
			if !ok {
				return 0, 0
			}
			r = r<<4 | rune(d)
		}
		return r, 6
	case (s[0] == 0xC0 || s[0] == 0xC1) && continues(1):
		return rune(s[0]&1)<<6 | rune(s[1]&0x3F), 2
	case s[0] == 0xE0 && continues(1) && continues(2) && s[1] < 0xA0:
		return rune(s[1]&0x3F)<<6 | rune(s[2]&0x3F), 3
	case s[0] == 0xF0 && continues(1) && continues(2) && continues(3) && s[1] < 0x90:
		return rune(s[1]&0x3F)<<12 | rune(s[2]&0x3F)<<6 | rune(s[3]&0x3F), 4
	}
	return 0, 0
}
