package policy

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Unauthenticated says what a request without a session gets.
type Unauthenticated string

// The values of SALLYPORT_RULE_<n>_UNAUTHENTICATED. "" means Login.
const (
	Login Unauthenticated = "login" // a navigation is led to the sign-in, anything else gets 401
	Deny  Unauthenticated = "deny"  // 401 for navigations, too
	Allow Unauthenticated = "allow" // it passes, without an identity
)

// Rule says who may do what below some paths. Every list that is not empty has to
// be passed, within a list one entry has to fit; only Claims differs. A rule with
// none of them wants somebody who is signed in.
type Rule struct {
	Number  int      // n of SALLYPORT_RULE_<n>_…; rules are tried by rising number
	Paths   []string // patterns as in Config.PublicPaths; at least one
	Methods []string // upper case, e.g. "GET", which includes HEAD; empty = any
	Groups  []string
	Emails  []string // addresses, or "@" and a domain
	IDPs    []string // ids of the providers that the session may come from
	// Claims are name=value, name!=value, name=* for one that has a value, and name!=*
	// for one that has none. Those with "=" and a value for one claim are alternatives;
	// apart from that each has to hold. A claim with several values equals each of
	// them. One that is absent equals nothing, so that it meets name!=value: who wants
	// it to be there adds name=*.
	Claims []string
	// ACR and MaxAge ask for a sign-in of that kind, and not longer ago than that
	// (whole seconds); nil = of any age.
	ACR             []string
	MaxAge          *time.Duration
	Unauthenticated Unauthenticated
	// ReportOnly has the rule only say what it would refuse; the next rules decide.
	ReportOnly bool
}

// rule is a Rule that was checked.
type rule struct {
	number    int
	paths     []pattern
	methods   []string
	who       requirements
	acr       []string
	maxAge    *time.Duration
	anonymous Unauthenticated
	report    bool
}

// requirements are what an identity has to have.
type requirements struct {
	emails, domains, groups, idps map[string]bool
	claims                        []condition
}

// condition is about one claim: one of the values, or none of them.
type condition struct {
	claim  string
	values []string // nil = any
	not    bool
}

// variable is the name of one of the rule's variables.
func (r *Rule) variable(key string) string { return variable(r.Number, key) }

func (r *rule) variable(key string) string { return variable(r.number, key) }

func variable(number int, key string) string { return fmt.Sprintf("SALLYPORT_RULE_%d_%s", number, key) }

func parseCondition(entry string) (condition, error) {
	name, value, ok := strings.Cut(entry, "=")
	if !ok {
		return condition{}, fmt.Errorf("%q is not of the form claim=value or claim!=value", entry)
	}
	name, not := strings.CutSuffix(name, "!")
	name, value = strings.TrimSpace(name), strings.TrimSpace(value)
	switch {
	case name == "":
		return condition{}, fmt.Errorf("%q names no claim; write claim=value or claim!=value", entry)
	case value == "":
		return condition{}, fmt.Errorf("%q has no value; write one, or %s=* for any", entry, name)
	case value == "*":
		return condition{claim: name, not: not}, nil
	case strings.Contains(value, "*"):
		return condition{}, fmt.Errorf("%q looks like a pattern, but a claim is compared exactly; %s=* alone stands for any value", entry, name)
	}
	return condition{claim: name, values: []string{value}, not: not}, nil
}

// merge makes the alternatives for one claim one condition.
func merge(conditions []condition) []condition {
	var merged []condition
	for _, c := range conditions {
		i := slices.IndexFunc(merged, func(m condition) bool {
			return m.claim == c.claim && m.not == c.not && m.values != nil && c.values != nil
		})
		if i < 0 {
			merged = append(merged, c)
			continue
		}
		merged[i].values = append(merged[i].values, c.values...)
	}
	return merged
}

// holds reports whether somebody's values of the claim are as they have to be.
func (c condition) holds(values []string) bool {
	found := slices.ContainsFunc(values, func(v string) bool {
		return v != "" && c.values == nil || slices.Contains(c.values, v)
	})
	return found != c.not
}

// relaxes reports whether the rule lets through what would have been refused, so
// that it must match nothing but what it names.
func (r *rule) relaxes() bool { return r.anonymous == Allow }

// speaksOf reports whether the rule is about a method. An application may take
// "get" for GET, so a rule that relaxes does not.
func (r *rule) speaksOf(method string) bool {
	if len(r.methods) == 0 {
		return !r.relaxes() || isUpper(method)
	}
	if !r.relaxes() {
		method = strings.ToUpper(method)
	}
	return slices.Contains(r.methods, method)
}

// nearly reports whether a pattern matches a path that is in its near form.
func (r *rule) nearly(near string) bool {
	return slices.ContainsFunc(r.paths, func(p pattern) bool { return p.near.match(near) })
}

// namesExactly reports whether the patterns match both forms of an unambiguous path.
func (r *rule) namesExactly(wire, decoded string) bool {
	return slices.ContainsFunc(r.paths, func(p pattern) bool { return p.encoded.match(wire) }) &&
		slices.ContainsFunc(r.paths, func(p pattern) bool { return p.decoded.match(decoded) })
}
