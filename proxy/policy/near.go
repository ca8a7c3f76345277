package policy

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// near returns the form in which a path is held against patterns that are not to be
// missed by a hair: many applications ignore the case of letters, a slash or dots at
// the end, the difference between "+" and a space, or between a letter and its wide
// form. It does not allocate for a path that is in that form already.
func near(path string) string {
	if isNear(path) {
		return path
	}
	path = eachSegment(fold(path), nearEnd)
	if trimmed := strings.TrimRight(path, "/"); trimmed != "" {
		return trimmed
	}
	return "/"
}

// isNear reports for common paths without further work that near would return them
// as they are.
func isNear(path string) bool {
	for i := range len(path) {
		switch c := path[i]; {
		case 'A' <= c && c <= 'Z', c == '+', c >= utf8.RuneSelf:
			return false
		case c == '/' && i > 0 && (path[i-1] == '.' || path[i-1] == ' '):
			return false
		}
	}
	last := path[len(path)-1]
	return len(path) == 1 || last != '/' && last != '.' && last != ' '
}

// nearEnd drops what Windows ignores at the end of a name.
func nearEnd(segment string) string { return strings.TrimRight(segment, ". ") }

// fold makes texts equal that differ in case, in a compatibility form, or in how a
// form would write a space.
func fold(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '+' {
			return ' '
		}
		least := r
		for other := unicode.SimpleFold(r); other != r; other = unicode.SimpleFold(other) {
			least = min(least, other)
		}
		if 'A' <= least && least <= 'Z' {
			return least + 'a' - 'A'
		}
		return least
	}, norm.NFKC.String(s))
}

// near returns the glob that near forms of paths are held against.
func (g glob) near() glob {
	out := make(glob, 0, len(g))
	for _, s := range g {
		n := make(segment, len(s))
		for i, piece := range s {
			n[i] = fold(piece)
		}
		if len(n) > 0 {
			n[len(n)-1] = nearEnd(n[len(n)-1])
		}
		out = append(out, n)
	}
	if last := len(out) - 1; last > 0 && len(out[last]) == 1 && out[last][0] == "" {
		out = out[:last]
	}
	return out
}
