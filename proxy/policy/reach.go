package policy

import (
	"errors"
	"fmt"
	"slices"
)

// checkReach refuses rules that can never decide, because earlier ones cover all that
// they do, and one that lets everybody through everywhere.
func checkReach(rules []*rule) error {
	var faults []error
	for i, r := range rules {
		for _, earlier := range rules[:i] {
			if !earlier.report && earlier.covers(r) {
				faults = append(faults, fmt.Errorf("%s: covers nothing, because %s comes first and covers all of it; give this rule the lower number, or remove it",
					r.variable("PATHS"), earlier.variable("PATHS")))
				break
			}
		}
		strict := slices.ContainsFunc(rules[:i], func(e *rule) bool { return !e.report && !e.relaxes() })
		if r.relaxes() && !r.report && !strict && r.everything() {
			faults = append(faults, fmt.Errorf("%s: is allow for everything, so nobody would ever have to sign in; name the part that needs no sign-in in %s, or put rules about the rest before it",
				r.variable("UNAUTHENTICATED"), r.variable("PATHS")))
		}
	}
	return errors.Join(faults...)
}

// everything reports whether the rule covers every request.
func (r *rule) everything() bool {
	return len(r.methods) == 0 && slices.ContainsFunc(r.paths, func(p pattern) bool { return p.decoded.everything() })
}

// everything reports whether the glob has no literal and matches at any depth.
func (g glob) everything() bool {
	return slices.ContainsFunc(g, segment.any) && !slices.ContainsFunc(g, segment.hasLiteral)
}

func (s segment) hasLiteral() bool {
	return slices.ContainsFunc(s, func(piece string) bool { return piece != "" })
}

// covers reports whether r decides about everything that other could. It may miss
// that it does, never claim that it does when it does not.
func (r *rule) covers(other *rule) bool {
	if len(r.methods) > 0 && (len(other.methods) == 0 ||
		slices.ContainsFunc(other.methods, func(m string) bool { return !slices.Contains(r.methods, m) })) {
		return false
	}
	for _, p := range other.paths {
		if !slices.ContainsFunc(r.paths, func(q pattern) bool { return q.decoded.covers(p.decoded) }) {
			return false
		}
	}
	return true
}

// covers reports whether g matches every path that other matches, as far as the
// segments show.
func (g glob) covers(other glob) bool {
	switch {
	case len(g) == 0:
		return len(other) == 0
	case g[0].any():
		return g[1:].covers(other) || len(other) > 0 && g.covers(other[1:])
	case len(other) == 0 || other[0].any():
		return false
	}
	return g[0].covers(other[0]) && g[1:].covers(other[1:])
}

// covers is glob.covers for one segment.
func (s segment) covers(other segment) bool {
	if slices.Equal(s, other) {
		return true
	}
	if len(other) == 1 {
		return s.match(other[0])
	}
	// What other matches is never empty, and "*" matches that.
	return len(s) == 2 && s[0] == "" && s[1] == ""
}
