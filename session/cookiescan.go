package session

import (
	"iter"
	"net/http"
	"slices"
	"strings"
)

// maxCandidates is how many different values of one cookie name are tried. A
// sibling host of the domain can plant ("toss") a second cookie of our name
// where no "__Host-" prefix forbids it; the one that opens wins, so tossing
// does not sign anybody out unless it tosses more than this.
const maxCandidates = 3

// candidates are the values that a request gives for one cookie name.
type candidates struct {
	sent   bool // the name occurs, with whatever value
	n      int
	values [maxCandidates]string // the first n: different, and well formed
}

// all returns the values.
func (c *candidates) all() []string { return c.values[:c.n] }

// findCookie collects the values of one name. It reads the Cookie fields
// itself: net/http gives up above 3000 cookies (so that a sibling could sign
// everybody out), unquotes values, and allocates each cookie.
func findCookie(h http.Header, name string, maxLength int) candidates {
	var c candidates
	for got, value := range cookies(h) {
		if got != name {
			continue
		}
		c.sent = true
		if c.n < maxCandidates && isSealed(value, maxLength) && !slices.Contains(c.all(), value) {
			c.values[c.n] = value
			c.n++
		}
	}
	return c
}

// cookies yields the name=value pairs of the Cookie fields (RFC 6265 §5.4),
// byte for byte. A pair without "=" or without a name is passed over.
func cookies(h http.Header) iter.Seq2[string, string] {
	return func(yield func(name, value string) bool) {
		for _, field := range h["Cookie"] {
			for field != "" {
				var pair string
				pair, field, _ = strings.Cut(field, ";")
				name, value, ok := strings.Cut(strings.TrimLeft(pair, " \t"), "=")
				if ok && name != "" && !yield(name, value) {
					return
				}
			}
		}
	}
}

// isSealed reports whether value can be one of ours: base64url with padding,
// nothing around it.
func isSealed(value string, maxLength int) bool {
	if value == "" || len(value) > maxLength {
		return false
	}
	var foreign uint8
	for i := range len(value) {
		foreign |= notBase64URL[value[i]] // no branch: the characters are random
	}
	return foreign == 0
}

// notBase64URL has a 1 for every byte that base64url (RFC 4648 §5) does not use.
var notBase64URL = func() (table [256]uint8) {
	for c := range table {
		if b := byte(c); !isAlphanumeric(b) && b != '-' && b != '_' && b != '=' {
			table[c] = 1
		}
	}
	return table
}()
