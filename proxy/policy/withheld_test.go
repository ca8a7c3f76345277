package policy

import (
	"testing"

	"github.com/sallyport/sallyport/session"
)

// CL-09: groups that the provider kept back prove nothing, also beside some that it
// stated; rules about addresses go on.
func TestWithheldGroups(t *testing.T) {
	for _, tt := range []struct {
		name string
		cfg  Config
		want string
	}{
		{"groups decide", Config{AllowedGroups: []string{"staff"}}, CodeGroupsWithheld},
		{"addresses and groups decide", Config{AllowedEmailDomains: []string{"example.com"}, AllowedGroups: []string{"staff"}}, CodeGroupsWithheld},
		{"addresses decide", Config{AllowedEmailDomains: []string{"example.com"}}, ""},
		{"nothing decides", Config{}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p, err := New(tt.cfg)
			if err != nil {
				t.Fatal(err)
			}
			v := p.Admit(&session.Identity{Email: "a@example.com", Groups: []string{"staff"}, GroupsWithheld: true})
			if v.Code != tt.want || v.Allowed != (tt.want == "") {
				t.Errorf("= %+v, want %q", v, tt.want)
			}
		})
	}
}

// CL-09: a rule that wants a claim not to have a value is not met by one that was
// kept back, and neither is one that wants it.
func TestWithheldClaims(t *testing.T) {
	for condition, held := range map[string]bool{"groups!=contractors": true, "groups=staff": true, "groups!=staff": false} {
		p, err := New(Config{Rules: []Rule{{Number: 1, Paths: []string{"/**"}, Claims: []string{condition}}}})
		if err != nil {
			t.Fatal(err)
		}
		known := &session.Identity{Claims: map[string][]string{"groups": {"staff"}}}
		withheld := &session.Identity{ClaimsWithheld: []string{"groups"}}
		for id, want := range map[*session.Identity]bool{known: held, withheld: false} {
			if v := p.rules[0].admit(signedIn(id)); v.Allowed != want || !want && v.Code != CodeClaimNotAllowed {
				t.Errorf("%s: %+v, want allowed %v", condition, v, want)
			}
		}
	}
}
