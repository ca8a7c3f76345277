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
