package idp

import (
	"errors"
	"fmt"
	"net/url"
)

// MaxQuery bounds the query or form that our endpoints read, in bytes.
const MaxQuery = 16 << 10

// ParseParameters reads a query or form in which none of the given parameters may
// occur twice: which of two counts differs between programs (RFC 6749 §3.1).
func ParseParameters(raw string, once ...string) (url.Values, error) {
	if len(raw) > MaxQuery {
		return nil, fmt.Errorf("the parameters have %d bytes, at most %d are accepted", len(raw), MaxQuery)
	}
	q, err := url.ParseQuery(raw)
	if err != nil {
		return nil, errors.New("the parameters are not well formed")
	}
	for _, name := range once {
		if len(q[name]) > 1 {
			return nil, fmt.Errorf("the parameter %s occurs %d times", name, len(q[name]))
		}
	}
	return q, nil
}
