package policy

import (
	"strings"
	"testing"

	"github.com/sallyport/sallyport/session"
)

func TestAdmitByEmail(t *testing.T) {
	p := mustNew(t, Config{
		AllowedEmails:       []string{"bob@partner.example", " Carol@Other.Example "},
		AllowedEmailDomains: []string{"Example.com", "bücher.example"},
	})
	for _, tc := range []struct {
		name, email string
		want        bool
	}{
		{"domain", "alice@example.com", true},
		{"domain in another case", "alice@EXAMPLE.com", true},
		{"any local part of the domain", "alice+x.y'z@example.com", true},
		{"domain beyond ASCII", "alice@bücher.example", true},
		{"address", "bob@partner.example", true},
		{"address, domain in another case", "bob@Partner.Example", true},
		{"address given with spaces and capitals", "Carol@other.example", true},
		{"local part in another case", "Bob@partner.example", false},
		{"tag is not stripped", "bob+x@partner.example", false},
		{"dots are not stripped", "b.ob@partner.example", false},
		{"other address of the partner", "eve@partner.example", false},
		{"subdomain", "alice@sub.example.com", false},
		{"suffix", "alice@evilexample.com", false},
		{"prefix", "alice@example.com.evil.example", false},
		{"trailing dot", "alice@example.com.", false},
		{"trailing space", "alice@example.com ", false},
		{"two @, ours last", "alice@evil.example@example.com", false},
		{"two @, ours first", "alice@example.com@evil.example", false},
		{"quoted @", `"alice@example.com"@evil.example`, false},
		{"quoted @, ours last", `"alice@evil.example"@example.com`, false},
		{"fullwidth @", "alice@evil.example＠example.com", false},
		{"encoded @", "alice%40evil.example@example.org", false},
		{"Kelvin sign is no k", "alice@bücher.example\u212a", false},
		{"angle form", "Alice <alice@example.com>", false},
		{"two addresses", "alice@evil.example,bob@example.com", false},
		{"line break", "alice@example.com\nx", false},
		{"NUL in the local part", "alice\x00@example.com", false},
		{"zero-width space", "alice\u200b@example.com", false},
		{"invalid UTF-8", "alice\xff@example.com", false},
		{"no local part", "@example.com", false},
		{"no domain", "alice@", false},
		{"no @", "example.com", false},
		{"absent", "", false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := p.Admit(&session.Identity{Subject: "s", Email: tc.email, Groups: []string{"staff"}})
			if got.Allowed != tc.want {
				t.Errorf("Admit(%q) = %+v, want allowed %v", tc.email, got, tc.want)
			}
			if !tc.want && got.Code != CodeEmailNotAllowed {
				t.Errorf("code %q, want %q", got.Code, CodeEmailNotAllowed)
			}
			if tc.email != "" && strings.Contains(got.Reason, tc.email) {
				t.Errorf("reason %q repeats the address", got.Reason)
			}
		})
	}
}

func TestAdmitByGroup(t *testing.T) {
	p := mustNew(t, Config{AllowedGroups: []string{"staff", "Domain Users"}})
	for _, tc := range []struct {
		name   string
		groups []string
		want   bool
	}{
		{"one", []string{"staff"}, true},
		{"among others", []string{"guests", "Domain Users"}, true},
		{"CL-11 a name with a comma is one group", []string{"x,staff"}, false},
		{"CL-11 a name with a space is one group", []string{"staff admins"}, false},
		{"case", []string{"Staff"}, false},
		{"prefix", []string{"staff2", "/staff"}, false},
		{"empty name", []string{""}, false},
		{"CL-09 none", nil, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := p.Admit(&session.Identity{Subject: "s", Email: "alice@example.com", Groups: tc.groups})
			if got.Allowed != tc.want {
				t.Errorf("Admit(%q) = %+v, want allowed %v", tc.groups, got, tc.want)
			}
			if !tc.want && got.Code != CodeGroupNotAllowed {
				t.Errorf("code %q, want %q", got.Code, CodeGroupNotAllowed)
			}
		})
	}
}

func TestAdmitCombinesLists(t *testing.T) {
	alice := session.Identity{Subject: "s", Email: "alice@example.com", Groups: []string{"staff"}}
	domain, group := []string{"example.com"}, []string{"staff"}
	other := []string{"other.example"}
	for _, tc := range []struct {
		name   string
		config Config
		want   Verdict
	}{
		{"no list", Config{}, Verdict{Allowed: true}},
		{"only public paths", Config{PublicPaths: []string{"/public/**"}}, Verdict{Allowed: true}},
		{"both fit", Config{AllowedEmailDomains: domain, AllowedGroups: group}, Verdict{Allowed: true}},
		{"address or domain is enough", Config{AllowedEmails: []string{"bob@example.com"}, AllowedEmailDomains: domain}, Verdict{Allowed: true}},
		{"group does not replace the domain", Config{AllowedEmailDomains: other, AllowedGroups: group}, Verdict{Code: CodeEmailNotAllowed}},
		{"domain does not replace the group", Config{AllowedEmailDomains: domain, AllowedGroups: other}, Verdict{Code: CodeGroupNotAllowed}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := mustNew(t, tc.config).Admit(&alice)
			if got.Allowed != tc.want.Allowed || got.Code != tc.want.Code || (got.Reason == "") != got.Allowed {
				t.Errorf("Admit = %+v, want %+v and a reason only for a refusal", got, tc.want)
			}
		})
	}
}

func TestAdmitNobody(t *testing.T) {
	if got := mustNew(t, Config{}).Admit(nil); got.Allowed || got.Code != CodeSignInRequired {
		t.Errorf("Admit(nil) = %+v, want refused with %s", got, CodeSignInRequired)
	}
	empty := &session.Identity{}
	if got := mustNew(t, Config{AllowedEmailDomains: []string{"example.com"}}).Admit(empty); got.Allowed {
		t.Errorf("Admit of an empty identity = %+v", got)
	}
}
