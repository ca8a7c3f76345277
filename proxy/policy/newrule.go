package policy

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// newRules checks the rules and sorts them by number.
func newRules(configured []Rule) ([]*rule, error) {
	var faults []error
	sorted := slices.Clone(configured)
	slices.SortStableFunc(sorted, func(a, b Rule) int { return cmp.Compare(a.Number, b.Number) })
	rules := make([]*rule, 0, len(sorted))
	for i := range sorted {
		r, err := sorted[i].check()
		faults = append(faults, err)
		rules = append(rules, r)
	}
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	return rules, checkReach(rules)
}

// check makes the rule ready. The error joins its faults, each naming its variable.
func (r *Rule) check() (*rule, error) {
	var faults []error
	checked := &rule{number: r.Number, acr: r.ACR, maxAge: r.MaxAge, anonymous: cmp.Or(r.Unauthenticated, Login), report: r.ReportOnly}
	fault := func(key, format string, a ...any) {
		faults = append(faults, fmt.Errorf("%s: %w", r.variable(key), fmt.Errorf(format, a...)))
	}
	if len(r.Paths) == 0 {
		fault("PATHS", "is missing; name the paths that the rule is about, such as /admin/**")
	}
	var errs [7]error
	checked.paths, errs[0] = each(r.variable("PATHS"), r.Paths, parsePattern)
	checked.methods, errs[1] = each(r.variable("METHODS"), r.Methods, parseMethod)
	checked.who.groups, errs[2] = set(r.variable("GROUPS"), r.Groups, parseGroup)
	checked.who.emails, checked.who.domains, errs[3] = r.addresses()
	conditions, err := each(r.variable("CLAIMS"), r.Claims, parseCondition)
	checked.who.claims, errs[4] = merge(conditions), err
	_, errs[5] = each(r.variable("ACR"), r.ACR, parseACR)
	checked.who.idps, errs[6] = set(r.variable("IDPS"), r.IDPs, parseIDP)
	faults = append(faults, errs[:]...)
	if slices.Contains(checked.methods, "GET") && !slices.Contains(checked.methods, "HEAD") {
		checked.methods = append(checked.methods, "HEAD")
	}
	switch checked.anonymous {
	case Login, Deny:
	case Allow:
		if len(r.Groups)+len(r.Emails)+len(r.IDPs)+len(r.Claims)+len(r.ACR) > 0 || r.MaxAge != nil {
			fault("UNAUTHENTICATED", "is allow, so that anybody passes, and the rule asks for groups, addresses, providers, claims or a kind of sign-in as well; remove one of the two")
		}
	default:
		fault("UNAUTHENTICATED", "is %q; write login, deny or allow", r.Unauthenticated)
	}
	if r.MaxAge != nil && *r.MaxAge <= 0 {
		fault("MAX_AGE", "is %s; it must be above zero, such as 15m", *r.MaxAge)
	}
	return checked, errors.Join(faults...)
}

// addresses tells whole addresses from domains.
func (r *Rule) addresses() (emails, domains map[string]bool, _ error) {
	var whole, after []string
	for _, entry := range r.Emails {
		if domain, ok := strings.CutPrefix(strings.TrimSpace(entry), "@"); ok {
			after = append(after, domain)
		} else {
			whole = append(whole, entry)
		}
	}
	emails, wholeErr := set(r.variable("EMAILS"), whole, parseEmail)
	domains, afterErr := set(r.variable("EMAILS"), after, parseDomain)
	return emails, domains, errors.Join(wholeErr, afterErr)
}

// each parses the entries of a list.
func each[T any](variable string, entries []string, parse func(string) (T, error)) ([]T, error) {
	var faults []error
	var parsed []T
	for _, entry := range entries {
		value, err := parseEntry(entry, parse)
		if err != nil {
			faults = append(faults, fmt.Errorf("%s: %w", variable, err))
			continue
		}
		parsed = append(parsed, value)
	}
	return parsed, errors.Join(faults...)
}

// parseIDP takes any id: who configures the providers knows which there are.
func parseIDP(entry string) (string, error) { return entry, nil }

func parseACR(entry string) (string, error) {
	if strings.ContainsAny(entry, " \t\"\\") {
		return "", fmt.Errorf("%q has a character that an acr cannot have; separate them by commas", entry)
	}
	return entry, nil
}
