package oidcrp

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/internal/fault"
)

func TestLookup(t *testing.T) {
	tests := []struct{ name, claim, json, want string }{
		{"a member", "a", `{"a":"x"}`, `"x"`},
		{"white space around", "a", "{ \"a\" :\n\t[ 1 ] }", `[ 1 ]`},
		{"a path", "a.b.c", `{"a":{"b":{"c":1}}}`, `1`},
		{"a path whose end has dots", "a.b.c", `{"a":{"b.c":1}}`, `1`},
		{"a path whose middle has dots, as Keycloak's clients may", "r.app.example.com.roles", `{"r":{"app.example.com":{"roles":["x"]}}}`, `["x"]`},
		{"a path whose beginning has dots", "a.b.c", `{"a.b":{"c":1}}`, `1`},
		{"a path that goes on after a dead end", "a.b.c", `{"a":{"x":1},"a.b":{"c":2}}`, `2`},
		{"a literal name before a path", "a.b", `{"a":{"b":1},"a.b":2}`, `2`},
		{"a literal name that is null, then a path", "a.b", `{"a":{"b":1},"a.b":null}`, `1`},
		{"a URI with dots", "https://app.example/roles", `{"https://app.example/roles":3}`, `3`},
		{"null", "a", `{"a":null}`, ``},
		{"null at the end of a path", "a.b", `{"a":{"b":null}}`, ``},
		{"through a string", "a.b", `{"a":"b"}`, ``},
		{"through an array", "a.0", `{"a":["x"]}`, ``},
		{"through null", "a.b", `{"a":null}`, ``},
		{"an object with a member that occurs twice", "a.b", `{"a":{"b":1,"b":2}}`, ``},
		{"a dot at the end", "a.", `{"a":{"b":1}}`, ``},
		{"a dot at the beginning", ".a", `{"a":1}`, ``},
		{"an empty name", "a.", `{"a":{"":1}}`, `1`},
		{"other capitals", "Groups", `{"groups":["x"]}`, ``},
		{"letters that fold", "sub", `{"ſub":"x"}`, ``},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o, err := parseObject([]byte(tt.json))
			must(t, err)
			if got := string(o.lookup(tt.claim)); got != tt.want {
				t.Errorf("lookup(%q) in %s = %s, want %s", tt.claim, tt.json, got, tt.want)
			}
		})
	}
}

// An address is as verified as the one who states it says; the word of userinfo
// counts where it speaks of the same address.
func TestEmailOfTwoSources(t *testing.T) {
	const refused = "403"
	tests := []struct {
		name, token, info string
		policy            EmailVerified
		want              string
	}{
		{"CL-06 verified in userinfo", `"email":"a@x.org"`, `"email":"a@x.org","email_verified":true`, EmailRequireVerified, "a@x.org"},
		{"CL-06 unverified in userinfo", `"email":"a@x.org"`, `"email":"a@x.org","email_verified":false`, EmailAllowMissing, refused},
		{"CL-06 the ID token says no, userinfo yes", `"email":"a@x.org","email_verified":false`, `"email":"a@x.org","email_verified":true`, EmailAllowMissing, refused},
		{"CL-06 the ID token says yes, userinfo no", `"email":"a@x.org","email_verified":true`, `"email":"a@x.org","email_verified":false`, EmailRequireVerified, "a@x.org"},
		{"CL-06 verified without an address", `"email":"a@x.org"`, `"email_verified":true`, EmailRequireVerified, refused},
		{"CL-06 verified in other capitals", `"email":"a@x.org"`, `"email":"A@x.org","email_verified":true`, EmailRequireVerified, refused},
		{"CL-06 the ID token verifies the address of userinfo", `"email_verified":true`, `"email":"m@x.org"`, EmailRequireVerified, refused},
		{"CL-06 True", `"email":"a@x.org","email_verified":"True"`, `"x":1`, EmailAllowMissing, refused},
		{"CL-06 an empty string", `"email":"a@x.org","email_verified":""`, `"x":1`, EmailAllowMissing, refused},
		{"CL-06 an array", `"email":"a@x.org","email_verified":[true]`, `"x":1`, EmailAllowMissing, refused},
		{"an address of several", `"email":["a@x.org","b@x.org"],"email_verified":true`, `"x":1`, EmailRequireVerified, "a@x.org"},
		{"an address with white space around", `"email":" a@x.org\n","email_verified":true`, `"x":1`, EmailRequireVerified, "a@x.org"},
		{"two at signs, none after", `"email":"a@@x.org"`, `"x":1`, EmailAllowMissing, ""},
		{"an at sign at the end", `"email":"a@"`, `"x":1`, EmailIgnoreVerified, ""},
		{"a quoted at sign", `"email":"\"a@b\"@x.org"`, `"x":1`, EmailAllowMissing, ""},
		{"a full-width at sign", `"email":"a＠x.org"`, `"x":1`, EmailAllowMissing, ""},
		{"an empty address", `"email":""`, `"email":"m@x.org"`, EmailAllowMissing, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name+" "+string(tt.policy), func(t *testing.T) {
			id, err, _ := readIdentity(t, func(c *Config) { c.EmailVerified = tt.policy }, `{"sub":"a",`+tt.token+`}`, `{"sub":"a",`+tt.info+`}`)
			if tt.want == refused {
				if err == nil || fault.Of(err).Code != fault.EmailUnverified {
					t.Errorf("= %q, %v; want email_unverified", id.Email, err)
				}
				return
			}
			if err != nil || id.Email != tt.want {
				t.Errorf("= %q, %v; want %q", id.Email, err, tt.want)
			}
		})
	}
}

// A policy that requires a verified address admits nobody who has none, in whatever
// way it is missing.
func TestRequiredAddress(t *testing.T) {
	for name, address := range map[string]string{
		"CL-15 invisible": `"a\u200b@x.org"`, "CL-06 true": `true`, "CL-06 an object": `{"a@x.org":true}`, "CL-06 null": `null`, "CL-06 an empty array": `[]`, "CL-06 white space": `"  "`,
	} {
		t.Run(name, func(t *testing.T) {
			id, err, _ := readIdentity(t, func(c *Config) { c.EmailVerified = EmailRequireVerified },
				`{"sub":"a","email":`+address+`,"email_verified":true}`, "")
			if err == nil || fault.Of(err).Code != fault.EmailUnverified {
				t.Errorf("admitted with the address %q, %v; want email_unverified", id.Email, err)
			}
		})
	}
}

// What says how somebody signed in is taken from the ID token alone.
func TestAuthenticationFacts(t *testing.T) {
	id, err, _ := readIdentity(t, nil,
		`{"sub":"a","acr":"mfa","amr":["pwd","otp"],"sid":"s1","auth_time":1800000000.9}`,
		`{"sub":"other","iss":"https://evil.example","acr":"high","amr":["hwk"],"sid":"s2","auth_time":1}`)
	if err != nil || id.Subject != "a" || id.ACR != "mfa" || !slices.Equal(id.AMR, []string{"pwd", "otp"}) || id.SID != "s1" ||
		id.AuthTime.Unix() != 1_800_000_000 || strings.Contains(id.Issuer, "evil") {
		t.Errorf("CL-01: = %+v, %v", id, err)
	}
	id, err, _ = readIdentity(t, nil, `{"sub":"a"}`, `{"sub":"a","acr":"high","amr":"hwk","sid":"s2","auth_time":1}`)
	if err != nil || id.ACR != "" || id.AMR != nil || id.SID != "" || !id.AuthTime.Equal(time.Time{}) {
		t.Errorf("CL-01: of userinfo alone = %+v, %v; want none of it", id, err)
	}
}

// The log speaks of groups kept elsewhere only when they are.
func TestGroupsNotElsewhere(t *testing.T) {
	for name, tt := range map[string]struct{ claim, json string }{
		"CL-09 the other way round":    {"groups", `{"sub":"a","hasgroups":false}`},
		"CL-09 another claim is there": {"groups", `{"sub":"a","_claim_names":{"photo":"src1"}}`},
		"CL-09 no groups at all":       {"groups", `{"sub":"a"}`},
		"CL-09 markers of wrong types": {"groups", `{"sub":"a","_claim_names":"groups","hasgroups":null}`},
		"CL-09 the groups are there":   {"groups", `{"sub":"a","groups":["x"],"hasgroups":true}`},
		"CL-09 roles are wanted":       {"roles", `{"sub":"a","hasgroups":true}`},
	} {
		t.Run(name, func(t *testing.T) {
			_, err, w := readIdentity(t, groupsFrom(tt.claim), tt.json, "")
			if err != nil || strings.Contains(w.log.String(), "too many") {
				t.Errorf("%v; log:\n%s", err, w.log)
			}
		})
	}
	t.Run("CL-09 as a string", func(t *testing.T) {
		_, err, w := readIdentity(t, nil, `{"sub":"a","hasgroups":"true"}`, "")
		if err != nil || !strings.Contains(w.log.String(), "too many") {
			t.Errorf("%v; log:\n%s", err, w.log)
		}
	})
}
