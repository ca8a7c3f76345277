package policy

import (
	"slices"
	"time"

	"github.com/sallyport/sallyport/session"
)

// clockSkew is how far the provider's clock may be off, as the protocol allows when
// somebody comes back: or else a sign-in could be asked for again and again.
const clockSkew = time.Minute

// admit holds what a signed-in person is and has against one rule.
func (r *rule) admit(s *session.Session) Verdict {
	id := &s.Identity
	if len(r.who.idps) > 0 && !r.who.idps[s.IdP] {
		return r.refuse(CodeIdPNotAllowed, "IDPS", "does not list the provider that the session comes from")
	}
	if len(r.who.emails)+len(r.who.domains) > 0 && !r.who.fitsAddress(id.Email) {
		return r.refuse(CodeEmailNotAllowed, "EMAILS", "does not list the identity's e-mail address, or it has none")
	}
	if len(r.who.groups) > 0 && !slices.ContainsFunc(id.Groups, func(g string) bool { return r.who.groups[g] }) {
		if id.GroupsWithheld {
			return r.refuse(CodeGroupsWithheld, "GROUPS", "cannot be answered: the identity provider left this person's groups out because there are too many")
		}
		return r.refuse(CodeGroupNotAllowed, "GROUPS", "lists none of the identity's groups")
	}
	for _, c := range r.who.claims {
		if slices.Contains(id.ClaimsWithheld, c.claim) {
			return r.refuse(CodeClaimNotAllowed, "CLAIMS", "cannot be answered: the identity provider left a claim out because it has too many values")
		}
		if !c.holds(id.Claims[c.claim]) {
			return r.refuse(CodeClaimNotAllowed, "CLAIMS", "is not met by the identity's claims")
		}
	}
	return Verdict{Allowed: true, Rule: r.number}
}

// assure holds the way in which the person signed in against one rule.
func (r *rule) assure(id *session.Identity, now time.Time) Verdict {
	if len(r.acr) > 0 && !slices.Contains(r.acr, id.ACR) {
		return r.refuse(CodeStepUpRequired, "ACR", "asks for another kind of sign-in than this session began with")
	}
	if r.maxAge != nil && (id.AuthTime.IsZero() || now.Sub(id.AuthTime) > *r.maxAge+clockSkew) {
		return r.refuse(CodeStepUpRequired, "MAX_AGE", "asks for a more recent sign-in than this session's, or its time is not known")
	}
	return Verdict{Allowed: true, Rule: r.number}
}

func (r *rule) refuse(code, key, what string) Verdict {
	v := refuse(code, r.variable(key)+" "+what)
	v.Rule = r.number
	return v
}

func (q *requirements) fitsAddress(email string) bool {
	local, domain, ok := splitEmail(email)
	return ok && (q.domains[domain] || q.emails[local+"@"+domain])
}

// Reporting lists the numbers of the report-only rules.
func (p *Policy) Reporting() []int {
	var all []int
	for _, r := range p.rules {
		if r.report {
			all = append(all, r.number)
		}
	}
	return all
}

// ACRs lists every acr that a rule may ask for, without repetition.
func (p *Policy) ACRs() []string {
	var all []string
	for _, r := range p.rules {
		for _, acr := range r.acr {
			if !slices.Contains(all, acr) {
				all = append(all, acr)
			}
		}
	}
	return all
}

// Claims lists the claims that rules look at, without repetition.
func (p *Policy) Claims() []string {
	var all []string
	for _, r := range p.rules {
		for _, c := range r.who.claims {
			if !slices.Contains(all, c.claim) {
				all = append(all, c.claim)
			}
		}
	}
	return all
}
