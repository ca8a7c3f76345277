package oidcrp

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/internal/fault"
)

func TestGroupsWithheld(t *testing.T) {
	const elsewhere = `"_claim_names":{"groups":"src1"},"_claim_sources":{"src1":{"endpoint":"http://169.254.169.254/latest","access_token":"x"}}`
	many := func(n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, `"g%d",`, i)
		}
		return `"groups":[` + strings.TrimSuffix(b.String(), ",") + `]`
	}
	limited := func(c *Config) { c.GroupsLimit = 100 }
	for _, tt := range []struct {
		name, json string
		change     func(*Config)
		withheld   bool
		groups     int
	}{
		{"CL-09 CL-10 Entra's overage", elsewhere, nil, true, 0},
		{"CL-09 hasgroups", `"hasgroups":true`, nil, true, 0},
		{"CL-09 hasgroups as a string", `"hasgroups":"true"`, nil, true, 0},
		{"hasgroups says nothing of roles", `"hasgroups":true`, groupsFrom("roles"), false, 0},
		{"the beginning of a path is elsewhere", `"_claim_names":{"realm_access":"src1"}`, groupsFrom("realm_access.roles"), true, 0},
		{"another claim is elsewhere", `"_claim_names":{"address":"src1"}`, nil, false, 0},
		{"no groups at all", `"x":1`, nil, false, 0},
		{"Okta, one below its limit", many(99), limited, false, 99},
		{"Okta, at its limit", many(100), limited, true, 0},
		{"Okta, a limit counts what was sent", `"groups":[` + strings.Repeat(`"",`, 99) + `"g"]`, limited, true, 0},
		{"no limit", many(300), nil, false, 300},
	} {
		t.Run(tt.name, func(t *testing.T) {
			id, err, w := readIdentity(t, func(c *Config) {
				c.Remedies.Groups = "the remedy"
				if tt.change != nil {
					tt.change(c)
				}
			}, `{"sub":"a",`+tt.json+`}`, "")
			if err != nil || id.GroupsWithheld != tt.withheld || len(id.Groups) != tt.groups {
				t.Errorf("withheld %v, %d groups, %v; want %v, %d", id.GroupsWithheld, len(id.Groups), err, tt.withheld, tt.groups)
			}
			if said := strings.Contains(w.log.String(), "the remedy"); said != tt.withheld {
				t.Errorf("the log says why: %v\n%s", said, w.log)
			}
			if len(w.idp.requests) > 0 {
				t.Error("something was fetched")
			}
		})
	}
}

// CL-09: what rules look at beside the groups.
func TestClaimsWithheld(t *testing.T) {
	more := func(c *Config) { c.MoreClaims, c.GroupsLimit = []string{"groups", "roles", "department"}, 2 }
	for _, tt := range []struct {
		name, json string
		want       []string
	}{
		{"the overage of groups", `"hasgroups":true,"roles":["r"]`, []string{"groups"}},
		{"a list of groups that was cut", `"groups":["a","b"],"roles":["x","y","z"]`, []string{"groups"}},
		{"another claim elsewhere", `"_claim_names":{"roles":"src1"}`, []string{"roles"}},
		{"nothing elsewhere", `"groups":["a"]`, nil},
		// Without these, level!=3 would be passed by somebody whose level is 3.
		{"an object in an array", `"roles":["r",{"level":3}]`, []string{"roles"}},
		{"an array in an array", `"roles":[["r"]]`, []string{"roles"}},
		{"null in an array", `"roles":["r",null]`, []string{"roles"}},
		{"a line break", `"roles":["r","a\nb"]`, []string{"roles"}},
		{"a long value", `"roles":"` + strings.Repeat("x", maxClaim+1) + `"`, []string{"roles"}},
		{"numbers, truth and blanks", `"roles":[3,true," ","r"]`, nil},
		{"null", `"roles":null`, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			id, err, _ := readIdentity(t, more, `{"sub":"a","department":"d",`+tt.json+`}`, "")
			if err != nil || !slices.Equal(id.ClaimsWithheld, tt.want) || id.Claims["department"] == nil {
				t.Errorf("withheld %q, claims %v, %v; want %q", id.ClaimsWithheld, id.Claims, err, tt.want)
			}
			for _, name := range tt.want {
				if id.Claims[name] != nil {
					t.Errorf("%s is there all the same", name)
				}
			}
		})
	}
	id, err, _ := readIdentity(t, more, `{"sub":"a","roles":[3,-1.5,true," ","r"],"department":7}`, "")
	if got := id.Claims["roles"]; err != nil || !slices.Equal(got, []string{"3", "-1.5", "true", "r"}) || !slices.Equal(id.Claims["department"], []string{"7"}) {
		t.Errorf("claims %v, %v", id.Claims, err)
	}
}

func TestEmailElsewhere(t *testing.T) {
	required := func(c *Config) { c.EmailRequired, c.Remedies.Email = true, "the remedy" }
	for _, tt := range []struct {
		name, json, want string // in the cause; "" = no fault
		change           func(*Config)
	}{
		{"P14 emails instead of email", `"emails":["a@x.org"]`, "set SALLYPORT_CLAIM_EMAIL=emails", nil},
		{"P14 both", `"email":"a@x.org","emails":["a@x.org"]`, "", nil},
		{"emails that hold no address", `"emails":["a"]`, "", nil},
		{"P32 none, and one is required", `"upn":"a@x.org"`, "the remedy", required},
		{"one that is none, and one is required", `"email":"a@b@c"`, "the remedy", required},
		{"one is required, and there", `"email":"a@x.org"`, "", required},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err, _ := readIdentity(t, tt.change, `{"sub":"a",`+tt.json+`}`, "")
			if tt.want == "" {
				if err != nil {
					t.Errorf("refused: %v", err)
				}
				return
			}
			f := fault.Of(err)
			if err == nil || f.Code != fault.EmailMissing || !strings.Contains(f.Cause.Error(), tt.want) {
				t.Errorf("= %v (%v), want email_missing that says %q", err, f.Cause, tt.want)
			}
			if f.Status != 403 || tt.change != nil && f.Hint != "Operators: the remedy." {
				t.Errorf("the page: %d %q", f.Status, f.Hint)
			}
		})
	}
}

func TestVerifiedClaim(t *testing.T) {
	edov := func(c *Config) { c.Claims.EmailVerified, c.EmailVerified = "xms_edov", EmailRequireVerified }
	for _, tt := range []struct{ name, json, want string }{
		{"Entra says that the domain is the tenant's", `"xms_edov":true`, "a@x.org"},
		{"as a string", `"xms_edov":"true"`, "a@x.org"},
		{"as Entra writes it at times", `"xms_edov":"1"`, "a@x.org"},
		{"as a number", `"xms_edov":1`, "a@x.org"},
		{"that it is not", `"xms_edov":false`, ""},
		{"that it is not, as Entra writes it at times", `"xms_edov":"0"`, ""},
		{"nothing; email_verified does not count", `"email_verified":true`, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			id, err, _ := readIdentity(t, edov, `{"sub":"a","email":"a@x.org",`+tt.json+`}`, "")
			if id.Email != tt.want || (err != nil) != (tt.want == "") {
				t.Errorf("= %q, %v; want %q", id.Email, err, tt.want)
			}
		})
	}
}
