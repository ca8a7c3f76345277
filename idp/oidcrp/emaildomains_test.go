package oidcrp

import (
	"net/http"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/internal/fault"
)

// A provider that lists domains does not speak for people of others, by whatever claim
// apps know them.
func TestEmailDomainsAreEnforced(t *testing.T) {
	domains := []string{"partner.example", "sub.partner.example"}
	tests := []struct {
		name   string
		user   string // SALLYPORT_CLAIM_USER
		claims string
		want   fault.Code // "" = signed in
	}{
		{"its own", "sub", `{"iss":"i","sub":"s","email":"bob@partner.example"}`, ""},
		{"in any case of letters", "sub", `{"iss":"i","sub":"s","email":"Bob@Partner.EXAMPLE"}`, ""},
		{"another of its own", "sub", `{"iss":"i","sub":"s","email":"bob@sub.partner.example"}`, ""},
		{"no address", "sub", `{"iss":"i","sub":"s"}`, ""},
		{"no address at all in the claim", "sub", `{"iss":"i","sub":"s","email":"bob"}`, ""},
		{"of another provider's people", "sub", `{"iss":"i","sub":"s","email":"alice@corp.example"}`, fault.EmailDomainRefused},
		{"verified, too", "sub", `{"iss":"i","sub":"s","email":"alice@corp.example","email_verified":true}`, fault.EmailDomainRefused},
		{"a domain below", "sub", `{"iss":"i","sub":"s","email":"a@x.partner.example"}`, fault.EmailDomainRefused},
		{"a domain that ends so", "sub", `{"iss":"i","sub":"s","email":"a@evilpartner.example"}`, fault.EmailDomainRefused},
		{"with a dot at the end", "sub", `{"iss":"i","sub":"s","email":"a@partner.example."}`, fault.EmailDomainRefused},
		{"two @", "sub", `{"iss":"i","sub":"s","email":"alice@corp.example@partner.example"}`, ""}, // no address: dropped
		{"by the user claim", "upn", `{"iss":"i","sub":"s","upn":"alice@corp.example","email":"bob@partner.example"}`, fault.EmailDomainRefused},
		{"by the user claim with two @", "upn", `{"iss":"i","sub":"s","upn":"alice@corp.example@partner.example"}`, fault.EmailDomainRefused},
		{"by its sub", "sub", `{"iss":"i","sub":"alice@corp.example"}`, fault.EmailDomainRefused},
		{"a user that is no address", "upn", `{"iss":"i","sub":"s","upn":"corp\\alice"}`, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := ReadIdentity(Config{
				Claims: ClaimNames{User: tt.user, Email: "email"}, EmailVerified: EmailAllowMissing, EmailDomains: domains,
			}, []byte(tt.claims))
			if tt.want == "" {
				if err != nil {
					t.Errorf("refused: %v", err)
				}
				return
			}
			if err == nil || fault.Of(err).Code != tt.want || !strings.Contains(fault.Of(err).Cause.Error(), "SALLYPORT_OIDC_EMAIL_DOMAINS") {
				t.Errorf("= %v, want %s that names the variable", err, tt.want)
			}
		})
	}
}

// The page leads back to a sign-in that asks which account: the provider would
// otherwise answer with the same one at once.
func TestRefusedDomainAsksForAnotherAccount(t *testing.T) {
	w := newWorld(t, newHostile(t), func(c *Config) { c.EmailDomains = []string{"partner.example"} })
	res := w.signIn("/reports")
	w.wantFault(res, fault.EmailDomainRefused)
	if got := res.Header.Get("Retry-Url"); got != "/oauth2/login?rd=%2Freports&prompt=select_account" {
		t.Errorf("leads to %q", got)
	}
	if res.StatusCode != http.StatusForbidden {
		t.Errorf("status %d", res.StatusCode)
	}
}
