package oidcrp

import (
	"fmt"
	"slices"
	"strings"
)

// TenantPlaceholder stands in an issuer for the tenant: Entra ID publishes one set
// of metadata for all tenants, whose issuer is such a template, while each token
// names the issuer of its own tenant.
const TenantPlaceholder = "{tenantid}"

// CheckIssuer compares the issuer that metadata state with SALLYPORT_OIDC_ISSUER:
// byte for byte (OpenID Connect Discovery 1.0 §4.3). The error shows both and says
// how to mend it, with what is known of the provider, if anything.
func CheckIssuer(configured, stated, known string) error {
	if configured == stated {
		return nil
	}
	return remedied(issuerMismatch(configured, stated), known)
}

func issuerMismatch(configured, stated string) error {
	said := loggable(stated)
	problem := fmt.Sprintf("SALLYPORT_OIDC_ISSUER is %q, the provider says %q; they must be equal, byte for byte", configured, said)
	switch {
	case stated == configured+"/":
		return fmt.Errorf("%s: add the slash at the end, SALLYPORT_OIDC_ISSUER=%s", problem, said)
	case configured == stated+"/":
		return fmt.Errorf("%s: remove the slash at the end, SALLYPORT_OIDC_ISSUER=%s", problem, said)
	case strings.Contains(stated, TenantPlaceholder):
		return fmt.Errorf("%s: set the issuer of your one tenant, or SALLYPORT_OIDC_ISSUER=%s with the tenants that may sign in in SALLYPORT_OIDC_ALLOWED_TENANTS", problem, said)
	}
	return fmt.Errorf("%s: if that is the provider that you mean, set SALLYPORT_OIDC_ISSUER=%s", problem, said)
}

// admitsIssuer reports whether iss is one of this provider: its issuer, or that of
// an allowed tenant.
func (c *Config) admitsIssuer(iss string) bool {
	if !strings.Contains(c.Issuer, TenantPlaceholder) {
		return iss == c.Issuer
	}
	return slices.ContainsFunc(c.AllowedTenants, func(tenant string) bool { return iss == c.issuerOf(tenant) })
}

func (c *Config) issuerOf(tenant string) string {
	return strings.ReplaceAll(c.Issuer, TenantPlaceholder, tenant)
}

// checkIssuer checks the iss of a token. Under a template its tid says which tenant
// it is about, and its iss must be that tenant's.
func (c *Config) checkIssuer(claims object) error {
	want := c.Issuer
	if strings.Contains(want, TenantPlaceholder) {
		tenant, _ := claims.text("tid")
		if !slices.Contains(c.AllowedTenants, tenant) {
			return &accountError{fmt.Sprintf("its tenant (tid) is %q, which SALLYPORT_OIDC_ALLOWED_TENANTS does not list", loggable(tenant))}
		}
		want = c.issuerOf(tenant)
	}
	if iss, _ := claims.text("iss"); iss != want {
		return fmt.Errorf("its issuer is %q and SALLYPORT_OIDC_ISSUER is %q; they must be equal, byte for byte", loggable(iss), want)
	}
	return nil
}
