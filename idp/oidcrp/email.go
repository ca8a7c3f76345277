package oidcrp

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/sallyport/sallyport/internal/fault"
)

// pluralEmails is where some providers put addresses instead of email, as an array.
const pluralEmails = "emails"

// email returns the address, "" for one that is none, after applying
// SALLYPORT_EMAIL_VERIFIED and SALLYPORT_EMAIL_REQUIRED. The error is a
// *fault.Error.
func (c *Client) email(r *claimReader) (string, error) {
	address, source := r.text(c.cfg.Claims.Email)
	if address == "" {
		return "", c.withoutEmail(r)
	}
	verified := r.verification(c.cfg.Claims, address, source)
	claim, policy, remedy := c.cfg.Claims.verified(), c.cfg.EmailVerified, c.cfg.Remedies.Unverified
	switch {
	case policy == EmailIgnoreVerified, verified == emailIsVerified:
	case verified == emailIsUnverified:
		return "", fault.New(fault.EmailUnverified, remedied(fmt.Errorf("%s is not true; SALLYPORT_EMAIL_VERIFIED says what that means", claim), remedy))
	case policy == EmailRequireVerified:
		return "", fault.New(fault.EmailUnverified, remedied(fmt.Errorf("there is no %s and SALLYPORT_EMAIL_VERIFIED is require", claim), remedy))
	}
	if isAddress(address) {
		return address, nil
	}
	cause := "it is not an address with exactly one @"
	r.dropped(c.cfg.Claims.Email, cause)
	if policy == EmailRequireVerified {
		return "", fault.New(fault.EmailUnverified, fmt.Errorf("the claim %s cannot be used, and SALLYPORT_EMAIL_VERIFIED is require: %s", c.cfg.Claims.Email, cause))
	}
	return "", c.withoutEmail(r)
}

// withoutEmail says why a sign-in without an address fails; nil when it does not.
// It always does when the address is plainly there under another name: then nobody
// has one here, and the configuration is wrong.
func (c *Client) withoutEmail(r *claimReader) error {
	name := c.cfg.Claims.Email
	if c.cfg.EmailVerified == EmailRequireVerified {
		return fault.New(fault.EmailUnverified, remedied(errors.New("there is no e-mail address and SALLYPORT_EMAIL_VERIFIED is require; check SALLYPORT_CLAIM_EMAIL and SALLYPORT_OIDC_SCOPES"), c.cfg.Remedies.Email))
	}
	if raw, _ := r.find(name); raw == nil && name != "" && name != pluralEmails {
		if other, _ := r.text(pluralEmails); isAddress(other) {
			return fault.New(fault.EmailMissing, fmt.Errorf("there is no claim %s, and one named %s instead, as in Azure AD B2C: set SALLYPORT_CLAIM_EMAIL=%[2]s, or SALLYPORT_OIDC_PROVIDER=b2c", name, pluralEmails))
		}
	}
	if !c.cfg.EmailRequired {
		return nil
	}
	f := fault.New(fault.EmailMissing, remedied(fmt.Errorf("there is no usable e-mail address in the claim %s, and SALLYPORT_EMAIL_REQUIRED is true", name), c.cfg.Remedies.Email))
	if c.cfg.Remedies.Email != "" {
		f.Hint = "Operators: " + c.cfg.Remedies.Email + "."
	}
	return f
}

// isAddress wants exactly one @ with something on both sides: of two, readers
// differ on where the domain begins.
func isAddress(s string) bool {
	local, domain, _ := strings.Cut(s, "@")
	return local != "" && domain != "" && !strings.Contains(domain, "@")
}

// emailVerified is the claim of OpenID Connect Core §5.1 that says whether an address is
// verified.
const emailVerified = "email_verified"

// verified is the claim that says whether an address is verified.
func (n ClaimNames) verified() string { return cmp.Or(n.EmailVerified, emailVerified) }

type emailState int

const (
	emailUnknown emailState = iota
	emailIsVerified
	emailIsUnverified
)

// verification reads whether an address is verified where the address came from, or else in
// another source that states the same address. true and "true" mean verified, and so
// does 1 of a claim that is not email_verified, because Entra writes xms_edov in either
// way; null is absent; everything else means that it is not.
func (r *claimReader) verification(names ClaimNames, address string, from object) emailState {
	claim := names.verified()
	for _, source := range append([]object{from}, r.sources...) {
		same := &claimReader{sources: []object{source}, dropped: func(string, string) {}}
		if there, _ := same.text(names.Email); there != address || !source.has(claim) {
			continue
		}
		if isTrue(source[claim]) || claim != emailVerified && isOne(source[claim]) {
			return emailIsVerified
		}
		return emailIsUnverified
	}
	return emailUnknown
}

func isOne(raw json.RawMessage) bool {
	s, _ := asString(raw)
	return s == "1" || string(raw) == "1"
}

// isTrue accepts "true", too: some providers write booleans as strings.
func isTrue(raw json.RawMessage) bool {
	s, _ := asString(raw)
	return s == "true" || string(raw) == "true"
}
