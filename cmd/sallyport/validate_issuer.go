package main

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/sallyport/sallyport/idp/oidcrp"
)

const (
	issuerVariable    = "SALLYPORT_OIDC_ISSUER"
	discoveryVariable = "SALLYPORT_OIDC_DISCOVERY_URL"
	tenantsVariable   = "SALLYPORT_OIDC_ALLOWED_TENANTS"
	domainsVariable   = "SALLYPORT_OIDC_HOSTED_DOMAINS"
	policiesVariable  = "SALLYPORT_OIDC_POLICIES"
	clientIDVariable  = "SALLYPORT_OIDC_CLIENT_ID"

	extraParamsVariable = "SALLYPORT_OIDC_EXTRA_PARAMS"
)

const wellKnown = "/.well-known/openid-configuration"

// resolveIssuer brings the issuer into the form that the metadata have, where the
// preset knows how, and says what else an ID token must state.
func (p *provider) resolveIssuer(f *faults) {
	o := &p.OIDC
	p.issuerAsSet = o.Issuer
	if p.preset.BareDomain && o.Issuer != "" {
		if !strings.Contains(o.Issuer, "://") {
			o.Issuer = "https://" + o.Issuer
		}
		o.Issuer = trimSlash(o.Issuer)
	}
	p.resolveTenants(f)
	if p.preset.DiscoveryForm != "" && o.DiscoveryURL == "" {
		f.unreadable(discoveryVariable, "is required with the preset "+p.preset.Name, "set it to "+p.preset.DiscoveryForm)
	}
	p.demand("tid", tenantsVariable, o.Tenants)
	p.checkDomains(f)
	p.resolvePolicies(f)
}

// demand wants a claim to be one of some ids or domains, which may be written in capitals.
func (p *provider) demand(claim, variable string, oneOf []string) {
	if len(oneOf) > 0 {
		p.demands = append(p.demands, oidcrp.Demand{Claims: []string{claim}, OneOf: oneOf, Fold: true, Variable: p.Names.of(variable)})
	}
}

// tenantID is a GUID, which is how a tid is written.
var tenantID = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

// resolveTenants makes an issuer of a shared tenant, such as common, a template, and
// finds the metadata of a template.
func (p *provider) resolveTenants(f *faults) {
	o := &p.OIDC
	if len(p.preset.SharedTenants) > 0 {
		segments := strings.Split(o.Issuer, "/")
		at := slices.IndexFunc(segments, func(segment string) bool {
			return segment == oidcrp.TenantPlaceholder || slices.Contains(p.preset.SharedTenants, segment)
		})
		if at >= 0 {
			shared := segments[at]
			if shared == oidcrp.TenantPlaceholder {
				shared = p.preset.SharedTenants[0]
			}
			segments[at] = oidcrp.TenantPlaceholder
			template := strings.Join(segments, "/")
			if o.DiscoveryURL == "" {
				o.DiscoveryURL = strings.ReplaceAll(template, oidcrp.TenantPlaceholder, shared) + wellKnown
			}
			o.Issuer = template
		}
	}
	o.Tenants = slices.Clone(o.Tenants)
	for i, tenant := range o.Tenants {
		o.Tenants[i] = strings.ToLower(tenant)
		if !tenantID.MatchString(o.Tenants[i]) {
			f.unreadable(tenantsVariable, fmt.Sprintf("has the entry %q", tenant), "list tenant ids as Entra shows them, such as 3f2a6c1e-8b7d-4c5f-9e0a-1d2c3b4a5f6e")
		}
	}
	if !strings.Contains(o.Issuer, oidcrp.TenantPlaceholder) {
		return
	}
	if len(o.Tenants) == 0 {
		f.add(tenantsVariable, "is required, because "+issuerVariable+" stands for every tenant, so that anyone with an account anywhere could sign in", "list the ids of the tenants that may, or set the issuer of your one tenant")
	}
	if o.DiscoveryURL == "" {
		f.add(discoveryVariable, "is required, because "+issuerVariable+" has {tenantid}", "set the address of the metadata")
	}
}

func (p *provider) checkDomains(f *faults) {
	domains := p.OIDC.Domains
	switch {
	case p.preset.HostedDomains && len(domains) == 0:
		f.add(domainsVariable, "is required with the preset "+p.preset.Name+", because anyone can have an account there", "list your Workspace domains, or set * to accept every account, personal ones included")
	case slices.Contains(domains, "*") && len(domains) > 1:
		f.add(domainsVariable, "combines * with other entries", "list domains, or set * alone")
	}
	for _, domain := range domains {
		if domain != "*" && !validName(domain) {
			f.add(domainsVariable, fmt.Sprintf("has the entry %q", domain), "list domains as Google Workspace shows them, such as example.com")
		}
	}
}

// resolveDomains turns the domains into the parameter hd and a demand on the claim,
// and takes an hd of SALLYPORT_OIDC_EXTRA_PARAMS for what it asks for: Google itself
// enforces nothing.
func (p *provider) resolveDomains() {
	domains, asked := p.OIDC.Domains, p.extraParams["hd"]
	switch {
	case slices.Equal(domains, []string{"*"}):
	case len(domains) > 0:
		p.demand("hd", domainsVariable, domains)
		if len(domains) == 1 && len(asked) == 0 {
			p.extraParams.Set("hd", domains[0])
		}
	case len(asked) > 0:
		p.demand("hd", extraParamsVariable, asked)
	}
}

// resolvePolicies reads the policy from the address of the metadata where there is a
// form of it: it is the segment, or the parameter p, that names it there.
func (p *provider) resolvePolicies(f *faults) {
	policies := p.OIDC.Policies
	if len(policies) == 0 && p.preset.DiscoveryForm != "" {
		if policies = policyOf(p.OIDC.DiscoveryURL); policies == nil && p.OIDC.DiscoveryURL != "" {
			f.add(policiesVariable, "is required, because "+discoveryVariable+" does not name the policy", "set the name of the user flow, such as B2C_1_signin")
		}
	}
	if len(policies) > 0 {
		p.demands = append(p.demands, oidcrp.Demand{Claims: []string{"tfp", "acr"}, OneOf: policies, Fold: true, Variable: p.Names.of(policiesVariable)})
	}
}

// policyOf returns the policy that an address of metadata names: in the query, or in
// front of /v2.0/.well-known/openid-configuration.
func policyOf(discoveryURL string) []string {
	u, err := url.Parse(discoveryURL)
	if err != nil {
		return nil
	}
	if p := u.Query().Get("p"); p != "" {
		return []string{p}
	}
	path, ok := strings.CutSuffix(u.Path, "/v2.0"+wellKnown)
	if !ok {
		return nil
	}
	policy := path[strings.LastIndex(path, "/")+1:]
	if policy == "" {
		return nil
	}
	return []string{policy}
}
