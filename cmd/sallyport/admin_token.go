package main

import (
	"fmt"
	"regexp"
)

const adminTokenName = "SALLYPORT_ADMIN_TOKEN"

// minAdminToken is long enough that nobody guesses a random one, in characters.
const minAdminToken = 32

// bearerToken is b64token of RFC 6750 §2.1.
var bearerToken = regexp.MustCompile(`^[A-Za-z0-9._~+/-]+=*$`)

// judgeAdminToken returns what is wrong with a token and the remedy, in the phrases
// of faults; "" for nothing.
func judgeAdminToken(token string) (problem, remedy string) {
	const generate = ", such as the output of: openssl rand -hex 32"
	switch {
	case len(token) < minAdminToken:
		return fmt.Sprintf("has %d characters, and who guesses it signs anybody out", len(token)), fmt.Sprintf("use at least %d", minAdminToken) + generate
	case !bearerToken.MatchString(token):
		return "has characters that no Authorization field can carry", "use letters, digits, '-', '.', '_', '~', '+', '/' and '='" + generate
	}
	return "", ""
}
