package oidcrp

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/sallyport/sallyport/internal/fault"
)

// Demand is something that every ID token must say: which tenant, domain or policy
// it is about. Parameters of the request can ask for that too, but a browser could
// have changed them.
type Demand struct {
	Claims   []string // of which the first that is there counts
	OneOf    []string
	Fold     bool   // compare without regard to ASCII case
	Variable string // that OneOf comes from, for the log
}

// accountError says that somebody has signed in with an account that is not meant
// to be used here. Its text is for the log.
type accountError struct{ cause string }

// Error implements error.
func (e *accountError) Error() string { return e.cause }

// meets returns an error when the claims do not say what is demanded.
func (d *Demand) meets(claims object) error {
	for _, name := range d.Claims {
		if !claims.has(name) {
			continue
		}
		said, _ := claims.text(name)
		if slices.ContainsFunc(d.OneOf, func(accepted string) bool {
			return said == accepted || d.Fold && said != "" && lowerASCII(said) == lowerASCII(accepted)
		}) {
			return nil
		}
		return &accountError{fmt.Sprintf("its %s is %q, which %s does not list", name, loggable(said), d.Variable)}
	}
	return &accountError{fmt.Sprintf("it has no %s, and %s is set", strings.Join(d.Claims, " or "), d.Variable)}
}

// lowerASCII leaves other letters alone: the Kelvin sign is not a "k".
func lowerASCII(s string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, s)
}

// partyFault tells an account that must not be used from a token that proves
// nothing.
func partyFault(err error) error {
	if _, ok := errors.AsType[*accountError](err); ok {
		return fault.New(fault.AccountNotAllowed, fmt.Errorf("the ID token: %w", err))
	}
	return tokenFault(err)
}
