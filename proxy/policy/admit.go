package policy

import (
	"errors"
	"fmt"
	"strings"
	"unicode"

	"github.com/sallyport/sallyport/session"
)

// Verdict is what Admit found. Code and Reason are "" when Allowed.
type Verdict struct {
	Allowed bool
	// Code is one of the codes of internal/fault: what the person is shown.
	Code string
	// Reason is a sentence for the operator's log. It is one of a fixed few and
	// holds nothing of the identity.
	Reason string
	// Rule is the number of the rule that refused; 0 = none did.
	Rule int
	// StepUp is the sign-in that would help, when Code is CodeStepUpRequired.
	StepUp *StepUp
}

// The codes of a Verdict, equal to those of internal/fault.
const (
	CodeSignInRequired  = "sign_in_required"
	CodeEmailNotAllowed = "email_not_allowed"
	CodeGroupNotAllowed = "group_not_allowed"
	CodeGroupsWithheld  = "groups_withheld"
	CodeClaimNotAllowed = "claim_not_allowed"
	CodeIdPNotAllowed   = "idp_not_allowed"
	// CodeStepUpRequired: they may, after the sign-in that Verdict.StepUp asks for.
	CodeStepUpRequired = "step_up_required"
	// CodeStepUpFailed: no sign-in would help.
	CodeStepUpFailed = "step_up_failed"
)

// Admit says whether a signed-in person may use the application. Addresses and
// domains form one list, of which one entry has to fit; groups form another. A
// list that is not configured is passed by everybody; when both are, both have
// to be passed. A nil identity is never admitted.
func (p *Policy) Admit(id *session.Identity) Verdict {
	if id == nil {
		return refuse(CodeSignInRequired, "there is no identity to admit")
	}
	if len(p.emails)+len(p.domains) > 0 {
		if why := p.refuseEmail(id.Email); why != "" {
			return refuse(CodeEmailNotAllowed, why)
		}
	}
	if len(p.groups) > 0 {
		if id.GroupsWithheld {
			return refuse(CodeGroupsWithheld, "the identity provider left this person's groups out because there are too many; let it send only the groups that this application needs")
		}
		if why := p.refuseGroups(id.Groups); why != "" {
			return refuse(CodeGroupNotAllowed, why)
		}
	}
	return Verdict{Allowed: true}
}

func refuse(code, reason string) Verdict { return Verdict{Code: code, Reason: reason} }

func (p *Policy) refuseEmail(email string) string {
	if email == "" {
		return "the identity has no e-mail address; check SALLYPORT_CLAIM_EMAIL and SALLYPORT_OIDC_SCOPES"
	}
	local, domain, ok := splitEmail(email)
	if !ok {
		return "the identity's e-mail address is not of the form name@domain with a single @"
	}
	if p.domains[domain] || p.emails[local+"@"+domain] {
		return ""
	}
	return "the identity's e-mail address is neither in SALLYPORT_ALLOWED_EMAILS nor of a domain in SALLYPORT_ALLOWED_EMAIL_DOMAINS"
}

func (p *Policy) refuseGroups(groups []string) string {
	if len(groups) == 0 {
		return "the identity has no groups; check SALLYPORT_CLAIM_GROUPS and what the identity provider is set to send"
	}
	for _, g := range groups {
		if p.groups[g] {
			return ""
		}
	}
	return "none of the identity's groups is in SALLYPORT_ALLOWED_GROUPS"
}

// splitEmail cuts an address at its only "@" and lower-cases the domain in ASCII.
// An address with a second "@", also a quoted one, is refused: readers differ on
// where its domain begins.
func splitEmail(email string) (local, domain string, ok bool) {
	local, domain, _ = strings.Cut(email, "@")
	if local == "" || domain == "" || strings.Contains(domain, "@") || strings.ContainsFunc(email, notPrinted) {
		return "", "", false
	}
	return local, lowerASCII(domain), true
}

func notPrinted(r rune) bool {
	return unicode.IsSpace(r) || !unicode.IsGraphic(r) || r == unicode.ReplacementChar
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

func parseEmail(entry string) (string, error) {
	local, domain, ok := splitEmail(entry)
	if !ok {
		return "", fmt.Errorf("%q is not an e-mail address; write name@domain (whole domains belong in %s)", entry, varDomains)
	}
	if strings.Contains(entry, "*") {
		return "", fmt.Errorf("%q contains *, which stands for nothing here; to admit a whole domain, list it in %s", entry, varDomains)
	}
	return local + "@" + domain, nil
}

func parseDomain(entry string) (string, error) {
	switch {
	case entry == "*":
		return "", errors.New(`"*" would admit every address; to admit everybody who can sign in, leave the variable out`)
	case strings.HasPrefix(entry, "@"):
		return "", fmt.Errorf("%q begins with @; write the domain alone, %q", entry, strings.TrimLeft(entry, "@"))
	case strings.Contains(entry, "*") || strings.HasPrefix(entry, "."):
		return "", fmt.Errorf("%q looks like a pattern, but a domain is compared exactly; list each subdomain", entry)
	case strings.ContainsAny(entry, "@/:") || strings.HasSuffix(entry, ".") || strings.Contains(entry, "..") || strings.ContainsFunc(entry, notPrinted):
		return "", fmt.Errorf("%q is not a domain; write what follows the @ of an address, such as example.com", entry)
	}
	return lowerASCII(entry), nil
}

func parseGroup(entry string) (string, error) {
	if entry == "*" {
		return "", errors.New(`"*" is no group; to admit members of any group, leave the variable out`)
	}
	return entry, nil
}
