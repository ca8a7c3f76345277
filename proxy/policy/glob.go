package policy

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// pattern is one entry of a list of paths in the two forms a path is held
// against: as a browser writes it on the wire, and decoded.
type pattern struct {
	encoded, decoded glob
	near             glob // decoded, for what misses it by a hair
}

// glob is the segments of a pattern.
type glob []segment

// segment is one part of a glob between slashes: the literal texts around its
// "*"s, so that one text means no "*". A segment without texts is "**".
type segment []string

func (s segment) any() bool { return len(s) == 0 }

// parsePattern accepts only patterns that can match an unambiguous path, so that
// a pattern that looks right is never silently dead.
func parsePattern(entry string) (pattern, error) {
	if err := checkPattern(entry); err != nil {
		return pattern{}, err
	}
	var p pattern
	for text := range strings.SplitSeq(entry[1:], "/") {
		if text == "**" {
			if n := len(p.decoded); n == 0 || !p.decoded[n-1].any() {
				p.encoded, p.decoded = append(p.encoded, nil), append(p.decoded, nil)
			}
			continue
		}
		var encoded, decoded segment
		for piece := range strings.SplitSeq(text, "*") {
			piece = unescape(piece)
			decoded = append(decoded, piece)
			encoded = append(encoded, escape(piece))
		}
		p.encoded, p.decoded = append(p.encoded, encoded), append(p.decoded, decoded)
	}
	p.near = p.decoded.near()
	return p, nil
}

// parsePublicPattern refuses a pattern that covers everything.
func parsePublicPattern(entry string) (pattern, error) {
	p, err := parsePattern(entry)
	if err == nil && p.decoded.everything() {
		return pattern{}, fmt.Errorf("%q covers everything, so nobody would ever have to sign in; name the public part, such as /public/**", entry)
	}
	return p, err
}

func checkPattern(entry string) error {
	if entry[0] != '/' {
		return fmt.Errorf("%q does not begin with /; patterns are whole paths such as /public/**", entry)
	}
	if i := strings.IndexAny(entry, `?#;[]{}\`); i >= 0 {
		return fmt.Errorf("%q contains %q; a pattern is a path without query, and only * and ** are special in it", entry, entry[i])
	}
	for text := range strings.SplitSeq(entry, "/") {
		if text != "**" && strings.Contains(text, "**") {
			return fmt.Errorf("%q has ** beside other text; ** stands alone between slashes, and * is what matches within a segment", entry)
		}
	}
	if _, ok := unambiguous(standIn(entry)); !ok {
		return fmt.Errorf("%q can never match: it has an empty or dot segment, an encoded delimiter or a control character; write the plain path, whose other spellings are taken care of", entry)
	}
	return nil
}

// standIn is a path that the pattern matches, so that the pattern can be judged
// by the rules for paths.
func standIn(entry string) string {
	var b strings.Builder
	for i := range len(entry) {
		switch c := entry[i]; {
		case c == '*':
			b.WriteByte('x')
		case c == ' ' || c >= utf8.RuneSelf:
			writeEscape(&b, c)
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

// match reports whether the glob matches the whole path. It walks both once and
// goes back to the last "**" only, which is enough: what an earlier "**" took can
// always be given to the later one.
func (g glob) match(path string) bool {
	rest, done := path[1:], false // done: all segments of path are used
	i := 0
	star, starRest := -1, "" // the last "**", and what to try after one more segment
	starDone := false
	for !done || i < len(g) {
		if i < len(g) && g[i].any() {
			star, starRest, starDone = i, rest, done
			i++
			continue
		}
		if i < len(g) && !done {
			text, after, more := strings.Cut(rest, "/")
			if g[i].match(text) {
				rest, done = after, !more
				i++
				continue
			}
		}
		if star < 0 || starDone {
			return false
		}
		_, after, more := strings.Cut(starRest, "/")
		starRest, starDone = after, !more
		rest, done, i = starRest, starDone, star+1
	}
	return true
}

// match reports whether text has all literals of s in order, the first at its
// beginning and the last at its end. A "*" alone does not match the empty segment
// behind a trailing slash: to many applications "/files/" is "/files", which
// "/files/*" does not name.
func (s segment) match(text string) bool {
	if len(s) == 1 {
		return text == s[0]
	}
	if text == "" {
		return false
	}
	first, last := s[0], s[len(s)-1]
	if len(text) < len(first)+len(last) || !strings.HasPrefix(text, first) || !strings.HasSuffix(text, last) {
		return false
	}
	text = text[len(first) : len(text)-len(last)]
	for _, literal := range s[1 : len(s)-1] {
		i := strings.Index(text, literal)
		if i < 0 {
			return false
		}
		text = text[i+len(literal):]
	}
	return true
}
