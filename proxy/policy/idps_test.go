package policy

import (
	"testing"
	"time"

	"github.com/sallyport/sallyport/session"
)

// What one provider says of groups opens nothing that is for another one's people.
func TestRuleForProviders(t *testing.T) {
	p, err := New(Config{Rules: []Rule{
		{Number: 1, Paths: []string{"/manage/**"}, Groups: []string{"admins"}, IDPs: []string{"staff", "partners"}},
		{Number: 2, Paths: []string{"/reports/**"}, IDPs: []string{"staff"}, ReportOnly: true},
	}})
	if err != nil {
		t.Fatal(err)
	}
	from := func(idp string, groups ...string) *session.Session {
		return &session.Session{IdP: idp, Identity: *person(groups...)}
	}
	for _, tc := range []struct {
		name string
		path string
		who  *session.Session
		want string
	}{
		{"of a provider that is listed", "/manage/x", from("staff", "admins"), ""},
		{"of the other that is listed", "/manage/x", from("partners", "admins"), ""},
		{"of one that is not", "/manage/x", from("customers", "admins"), CodeIdPNotAllowed},
		{"in another case", "/manage/x", from("Staff", "admins"), CodeIdPNotAllowed},
		{"of no provider", "/manage/x", from("", "admins"), CodeIdPNotAllowed},
		{"listed, and not in the group", "/manage/x", from("staff"), CodeGroupNotAllowed},
		{"a path of several readings", "/free/../manage/x", from("customers", "admins"), CodeIdPNotAllowed},
		{"elsewhere", "/", from("customers"), ""},
		{"nobody", "/manage/x", nil, CodeSignInRequired},
	} {
		t.Run(tc.name, func(t *testing.T) {
			v := p.Rule(Request{Method: "GET", Path: tc.path}).Admit(tc.who, time.Now())
			if v.Code != tc.want || v.Allowed != (tc.want == "") {
				t.Errorf("= %+v, want %q", v, tc.want)
			}
		})
	}
	v, number := p.Rule(Request{Method: "GET", Path: "/reports/x"}).Reported(from("customers"), time.Now())
	if v.Code != CodeIdPNotAllowed || number != 2 || v.Reason != "SALLYPORT_RULE_2_IDPS does not list the provider that the session comes from" {
		t.Errorf("reported %+v of rule %d", v, number)
	}
}

// The one provider whose sign-in is of use is that of every rule that decides.
func TestIdPOfRules(t *testing.T) {
	p, err := New(Config{Rules: []Rule{
		{Number: 1, Paths: []string{"/partners/**"}, IDPs: []string{"partner"}},
		{Number: 2, Paths: []string{"/both/**"}, IDPs: []string{"partner", "staff"}},
		{Number: 3, Paths: []string{"/staff/**"}, IDPs: []string{"staff"}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		"/":                        "",
		"/partners/x":              "partner",
		"/both/x":                  "",
		"/both/..%2fpartners/x":    "partner", // has to pass both
		"/partners/..%2fstaff/x":   "",        // which nobody can
		"/both/..%2funknown/x":     "",
		"/unknown/..%2fpartners/x": "partner",
	} {
		if got := p.Rule(Request{Method: "GET", Path: path}).IdP(); got != want {
			t.Errorf("%s: %q, want %q", path, got, want)
		}
	}
}
