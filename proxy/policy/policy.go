package policy

import (
	"errors"
	"fmt"
	"strings"
)

// The variables that Config comes from, as New's errors name them.
const (
	varEmails  = "SALLYPORT_ALLOWED_EMAILS"
	varDomains = "SALLYPORT_ALLOWED_EMAIL_DOMAINS"
	varGroups  = "SALLYPORT_ALLOWED_GROUPS"
	varPublic  = "SALLYPORT_PUBLIC_PATHS"
)

// Config makes a Policy. White space around an entry is ignored. The zero value
// admits everybody who is signed in and makes no path public.
type Config struct {
	// AllowedEmails are whole addresses. The part before the "@" is compared
	// exactly, the domain without regard to ASCII case.
	AllowedEmails []string
	// AllowedEmailDomains are what has to follow the only "@" of an address,
	// without regard to ASCII case; a subdomain is another domain.
	AllowedEmailDomains []string
	// AllowedGroups are group names, compared exactly.
	AllowedGroups []string
	// PublicPaths are patterns of whole paths, below the root of the host:
	// "*" stands for any text within a segment (alone, for a segment that is not
	// empty), "**" as a segment of its own for any number of segments, none
	// included. There are no other special characters.
	PublicPaths []string
	// Rules say more about some paths; where none matches, PublicPaths and the lists
	// above are all there is.
	Rules []Rule
}

// Policy holds an operator's rules. It is immutable and safe for concurrent use.
type Policy struct {
	emails  map[string]bool
	domains map[string]bool
	groups  map[string]bool
	public  []pattern
	rules   []*rule
	none    rule // stands for "no rule": anybody who is signed in
}

// New checks c and makes a Policy of it. The error joins every fault found, each
// naming its variable and the remedy.
func New(c Config) (*Policy, error) {
	var faults []error
	emails, err := set(varEmails, c.AllowedEmails, parseEmail)
	faults = append(faults, err)
	domains, err := set(varDomains, c.AllowedEmailDomains, parseDomain)
	faults = append(faults, err)
	groups, err := set(varGroups, c.AllowedGroups, parseGroup)
	faults = append(faults, err)
	public, err := each(varPublic, c.PublicPaths, parsePublicPattern)
	faults = append(faults, err)
	rules, err := newRules(c.Rules)
	faults = append(faults, err)

	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	return &Policy{emails: emails, domains: domains, groups: groups, public: public, rules: rules, none: rule{anonymous: Login}}, nil
}

// set parses each entry of a list. An empty entry is a fault and not a wildcard:
// a list that shrinks to nothing would admit everybody.
func set(variable string, entries []string, parse func(string) (string, error)) (map[string]bool, error) {
	var faults []error
	parsed := make(map[string]bool, len(entries))
	for _, entry := range entries {
		value, err := parseEntry(entry, parse)
		if err != nil {
			faults = append(faults, fmt.Errorf("%s: %w", variable, err))
			continue
		}
		parsed[value] = true
	}
	return parsed, errors.Join(faults...)
}

func parseEntry[T any](entry string, parse func(string) (T, error)) (T, error) {
	entry = strings.TrimSpace(entry)
	if entry == "" {
		var none T
		return none, errors.New("has an empty entry; remove the stray comma, or the whole variable")
	}
	return parse(entry)
}
