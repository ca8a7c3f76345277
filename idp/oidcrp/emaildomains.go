package oidcrp

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sallyport/sallyport/idp"
	"github.com/sallyport/sallyport/internal/fault"
	"github.com/sallyport/sallyport/session"
)

// checkDomains refuses an identity that goes by an e-mail address of a domain that is
// not among Config.EmailDomains: apps know people by their addresses, and a provider is
// not to speak for those of another. What an app may know people by is the address
// itself, and the claim of SALLYPORT_CLAIM_USER where it has the form of one. The error
// is a *fault.Error.
func (c *Client) checkDomains(id *session.Identity) error {
	if len(c.cfg.EmailDomains) == 0 {
		return nil
	}
	for _, named := range [...]struct{ claim, value string }{
		{c.cfg.Claims.Email, id.Email}, {c.cfg.Claims.User, id.User},
	} {
		if !strings.Contains(named.value, "@") {
			continue
		}
		if domain, ok := idp.EmailDomain(named.value); !ok || !slices.Contains(c.cfg.EmailDomains, domain) {
			return fault.New(fault.EmailDomainRefused, fmt.Errorf(
				"the claim %s has an address of the domain %q, which SALLYPORT_OIDC_EMAIL_DOMAINS does not list: this provider may not vouch for it",
				named.claim, loggable(domain)))
		}
	}
	return nil
}
