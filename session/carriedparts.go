package session

import (
	"net/http"
	"strings"
)

// HasParts reports whether a request's header holds these values of the session
// cookie's parts 0 to len(parts)-1, ten at most, and no other values of these. It is
// what Parts would have to say, for less, when a Store knows what to expect.
func (c Cookies) HasParts(h http.Header, parts []string) bool {
	found, all := 0, 1<<len(parts)-1
	for name, value := range cookies(h) {
		number, ok := strings.CutPrefix(name, c.session)
		if !ok || len(number) != 2 || number[0] != '_' || number[1] < '0' || '9' < number[1] {
			continue
		}
		n := int(number[1] - '0')
		if n >= len(parts) {
			continue
		}
		if value != parts[n] {
			return false
		}
		found |= 1 << n
	}
	return found == all
}
