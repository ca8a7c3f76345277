package policy

import (
	"fmt"
	"slices"
	"time"

	"github.com/sallyport/sallyport/session"
)

// clockSkew is how far the provider's clock may be off, as the protocol allows when
// somebody comes back: or else a sign-in could be asked for again and again.
const clockSkew = time.Minute

// StepUp is the sign-in that a rule asks for (RFC 9470).
type StepUp struct {
	ACR    []string       // one of these; empty = any
	MaxAge *time.Duration // not longer ago than that; nil = of any age
}

// admit holds a signed-in person against one rule.
func (r *rule) admit(id *session.Identity, now time.Time) Verdict {
	v := r.judge(id, now)
	v.Rule = r.number
	return v
}

func (r *rule) judge(id *session.Identity, now time.Time) Verdict {
	if len(r.who.emails)+len(r.who.domains) > 0 && !r.who.fitsAddress(id.Email) {
		return refuse(CodeEmailNotAllowed, r.because("EMAILS", "does not list the identity's e-mail address, or it has none"))
	}
	if len(r.who.groups) > 0 && !slices.ContainsFunc(id.Groups, func(g string) bool { return r.who.groups[g] }) {
		if id.GroupsWithheld {
			return refuse(CodeGroupsWithheld, r.because("GROUPS", "cannot be answered: the identity provider left this person's groups out because there are too many"))
		}
		return refuse(CodeGroupNotAllowed, r.because("GROUPS", "lists none of the identity's groups"))
	}
	for _, c := range r.who.claims {
		if slices.Contains(id.ClaimsWithheld, c.claim) {
			return refuse(CodeClaimNotAllowed, r.because("CLAIMS", "cannot be answered: the identity provider left a claim out because it has too many values"))
		}
		if !c.holds(id.Claims[c.claim]) {
			return refuse(CodeClaimNotAllowed, r.because("CLAIMS", "is not met by the identity's claims"))
		}
	}
	if len(r.acr) > 0 && !slices.Contains(r.acr, id.ACR) {
		return r.stepUp("ACR", "asks for another kind of sign-in than this session began with")
	}
	if r.maxAge != nil && (id.AuthTime.IsZero() || now.Sub(id.AuthTime) > *r.maxAge+clockSkew) {
		return r.stepUp("MAX_AGE", "asks for a more recent sign-in than this session's, or its time is not known")
	}
	return Verdict{Allowed: true}
}

func (r *rule) because(key, what string) string {
	return fmt.Sprintf("SALLYPORT_RULE_%d_%s %s", r.number, key, what)
}

func (r *rule) stepUp(key, what string) Verdict {
	v := refuse(CodeStepUpRequired, r.because(key, what))
	v.StepUp = &StepUp{ACR: r.acr, MaxAge: r.maxAge}
	return v
}

func (q *requirements) fitsAddress(email string) bool {
	local, domain, ok := splitEmail(email)
	return ok && (q.domains[domain] || q.emails[local+"@"+domain])
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
