package policy

import (
	"path"
	"strings"
)

// PlainPath reports whether a path has but one reading.
func PlainPath(p string) bool {
	for i := range len(p) {
		switch p[i] {
		case '%', ';':
			return false
		case '/':
			if i+1 < len(p) && (p[i+1] == '/' || p[i+1] == '.') {
				return false
			}
		}
	}
	return true
}

// maxDecodings is how often a path is decoded to find its readings: once is
// usual, twice a common mistake, and the third is for us to be a step ahead.
const maxDecodings = 3

// Readings yields a path as applications may understand it: decoded or not, with
// or without ";parameters", dot segments resolved or not, slashes merged or not.
func Readings(raw string) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		p := raw
		for range maxDecodings + 1 {
			for _, form := range [...]string{p, withoutParameters(p)} {
				if !yield(form) || !yield(path.Clean(form)) || !yield(resolveDots(form)) {
					return
				}
			}
			decoded := unescape(p) // what is no escape stays, as lenient decoders do
			if decoded == p {
				return
			}
			p = decoded
		}
	}
}

// withoutParameters cuts ";…" off every segment, as servlet containers do before
// they look at the path.
func withoutParameters(p string) string {
	if !strings.Contains(p, ";") {
		return p
	}
	segments := strings.Split(p, "/")
	for i, s := range segments {
		segments[i], _, _ = strings.Cut(s, ";")
	}
	return strings.Join(segments, "/")
}

// resolveDots removes dot segments and leaves empty ones (RFC 3986 §5.2.4), where
// path.Clean merges slashes first.
func resolveDots(p string) string {
	segments := strings.Split(strings.TrimPrefix(p, "/"), "/")
	kept := segments[:0]
	for _, s := range segments {
		switch s {
		case ".":
		case "..":
			kept = kept[:max(len(kept)-1, 0)]
		default:
			kept = append(kept, s)
		}
	}
	return "/" + strings.Join(kept, "/")
}
