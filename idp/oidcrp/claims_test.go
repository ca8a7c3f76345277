package oidcrp

import (
	"slices"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/internal/fault"
	"github.com/sallyport/sallyport/session"
)

// readIdentity makes an identity of claims and userinfo, given as JSON.
func readIdentity(t *testing.T, cfg func(*Config), claims, info string) (session.Identity, error, *world) {
	t.Helper()
	w := prepareWorld(t, newHostile(t), cfg)
	c, err := parseObject([]byte(claims))
	must(t, err)
	var i object
	if info != "" {
		i, err = parseObject([]byte(info))
		must(t, err)
	}
	id, err := w.client.identityOf(t.Context(), c, i)
	return id, err, w
}

func groupsFrom(claim string) func(*Config) {
	return func(c *Config) { c.Claims.Groups = claim }
}

func TestGroups(t *testing.T) {
	tests := []struct {
		name, claim, json string
		want              []string
	}{
		{"an array", "groups", `{"sub":"a","groups":["x","y"]}`, []string{"x", "y"}},
		{"CL-11 a string", "groups", `{"sub":"a","groups":"staff"}`, []string{"staff"}},
		{"CL-11 a string with a space is one group", "groups", `{"sub":"a","groups":"staff admins"}`, []string{"staff admins"}},
		{"CL-11 a comma stays in its group", "groups", `{"sub":"a","groups":["staff,admins"]}`, []string{"staff,admins"}},
		{"CL-11 mixed elements", "groups", `{"sub":"a","groups":["staff",5,null,{}]}`, []string{"staff"}},
		{"CL-11 the keys of an object", "roles", `{"sub":"a","roles":{"b":{"org":"1"},"a":true}}`, []string{"a", "b"}},
		{"a path", "realm_access.roles", `{"sub":"a","realm_access":{"roles":["r"]}}`, []string{"r"}},
		{"a literal name with dots first", "a.b", `{"sub":"a","a.b":["literal"],"a":{"b":["path"]}}`, []string{"literal"}},
		{"a namespaced name", "https://app.example/roles", `{"sub":"a","https://app.example/roles":["r"]}`, []string{"r"}},
		{"null", "groups", `{"sub":"a","groups":null}`, nil},
		{"a number", "groups", `{"sub":"a","groups":5}`, nil},
		{"absent", "groups", `{"sub":"a"}`, nil},
		{"ID-24 CL-15 trimmed, and without what cannot be seen", "groups", `{"sub":"a","groups":["  x ","a\u200bdmin","\u0000y","","z"]}`, []string{"x", "z"}},
		{"very long", "groups", `{"sub":"a","groups":["` + strings.Repeat("g", maxClaim+1) + `","z"]}`, []string{"z"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			id, err, _ := readIdentity(t, groupsFrom(tt.claim), tt.json, "")
			if err != nil || !slices.Equal(id.Groups, tt.want) {
				t.Errorf("groups %q, %v; want %q", id.Groups, err, tt.want)
			}
		})
	}
}

func TestFiveThousandGroups(t *testing.T) {
	list := strings.TrimSuffix(strings.Repeat(`"g",`, 5000), ",")
	id, err, _ := readIdentity(t, nil, `{"sub":"a","groups":[`+list+`]}`, "")
	if err != nil || len(id.Groups) != 5000 {
		t.Errorf("CL-11: %d groups, %v; want all: none is left out without a word", len(id.Groups), err)
	}
}

// Groups that the provider keeps elsewhere are not fetched from an address that a
// token names, and the log says why there are none.
func TestGroupsElsewhere(t *testing.T) {
	for name, claims := range map[string]string{
		"CL-09 overage":           `{"sub":"a","_claim_names":{"groups":"src1"},"_claim_sources":{"src1":{"endpoint":"https://graph.example/x"}}}`,
		"CL-09 overage, implicit": `{"sub":"a","hasgroups":true}`,
		"CL-10 an address inside": `{"sub":"a","_claim_names":{"groups":"s"},"_claim_sources":{"s":{"endpoint":"http://169.254.169.254/latest","access_token":"x"}}}`,
		"CL-10 another scheme":    `{"sub":"a","_claim_names":{"groups":"s"},"_claim_sources":{"s":{"endpoint":"file:///etc/passwd"}}}`,
	} {
		t.Run(name, func(t *testing.T) {
			id, err, w := readIdentity(t, nil, claims, "")
			if err != nil || len(id.Groups) != 0 {
				t.Errorf("groups %q, %v; want none", id.Groups, err)
			}
			if log := w.log.String(); !strings.Contains(log, "too many") || strings.Contains(log, "169.254") {
				t.Errorf("log:\n%s", log)
			}
			if n := len(w.idp.requests); n != 0 {
				t.Errorf("%d requests, want none", n)
			}
		})
	}
}

func TestEmail(t *testing.T) {
	tests := []struct {
		name, json string
		// what each policy makes of it: an address, "" for none, or "403"
		require, allowMissing, ignore string
	}{
		{"CL-06 verified", `"email":"a@x.org","email_verified":true`, "a@x.org", "a@x.org", "a@x.org"},
		{"CL-06 verified, as a string", `"email":"a@x.org","email_verified":"true"`, "a@x.org", "a@x.org", "a@x.org"},
		{"CL-06 not verified", `"email":"a@x.org","email_verified":false`, "403", "403", "a@x.org"},
		{"CL-06 not verified, as a string", `"email":"a@x.org","email_verified":"false"`, "403", "403", "a@x.org"},
		{"CL-06 a number", `"email":"a@x.org","email_verified":1`, "403", "403", "a@x.org"},
		{"CL-06 null", `"email":"a@x.org","email_verified":null`, "403", "a@x.org", "a@x.org"},
		{"CL-06 absent", `"email":"a@x.org"`, "403", "a@x.org", "a@x.org"},
		{"no address", `"email_verified":true`, "403", "", ""},
		{"a verified address that is none: two at signs", `"email":"a@x.org@evil.org","email_verified":true`, "403", "", ""},
		{"no at sign", `"email":"a","email_verified":true`, "403", "", ""},
		{"nothing before the at sign", `"email":"@x.org","email_verified":true`, "403", "", ""},
		{"CL-15 an invisible character", `"email":"a\u202e@x.org","email_verified":true`, "403", "", ""},
	}
	for _, tt := range tests {
		for policy, want := range map[EmailVerified]string{EmailRequireVerified: tt.require, EmailAllowMissing: tt.allowMissing, EmailIgnoreVerified: tt.ignore} {
			t.Run(tt.name+" "+string(policy), func(t *testing.T) {
				id, err, _ := readIdentity(t, func(c *Config) { c.EmailVerified = policy }, `{"sub":"a",`+tt.json+`}`, "")
				if want == "403" {
					if err == nil || fault.Of(err).Code != fault.EmailUnverified {
						t.Errorf("= %q, %v; want email_unverified", id.Email, err)
					}
					return
				}
				if err != nil || id.Email != want {
					t.Errorf("= %q, %v; want %q", id.Email, err, want)
				}
			})
		}
	}
}

func TestEmailsArray(t *testing.T) {
	id, err, _ := readIdentity(t, func(c *Config) { c.Claims.Email = "emails" }, `{"sub":"a","emails":["first@x.org","second@x.org"]}`, "")
	if err != nil || id.Email != "first@x.org" {
		t.Errorf("P14: e-mail %q, %v; want the first of emails", id.Email, err)
	}
}

// userinfo adds what the ID token lacks and replaces nothing; its word about an
// address counts for that address alone.
func TestUserinfoAddsAndNeverReplaces(t *testing.T) {
	id, err, _ := readIdentity(t, nil,
		`{"sub":"a","iss":"i","preferred_username":"token","acr":"low","sid":"s1"}`,
		`{"sub":"a","preferred_username":"info","email":"a@x.org","email_verified":true,"groups":["g"],"acr":"high","sid":"s2"}`)
	if err != nil || id.Name != "token" || id.Email != "a@x.org" || !slices.Equal(id.Groups, []string{"g"}) || id.ACR != "low" || id.SID != "s1" {
		t.Errorf("= %+v, %v", id, err)
	}
	_, err, _ = readIdentity(t, func(c *Config) { c.EmailVerified = EmailRequireVerified },
		`{"sub":"a","email":"a@x.org"}`, `{"sub":"a","email":"other@x.org","email_verified":true}`)
	if err == nil {
		t.Error("the verification of another address counts")
	}
}

func TestTextClaims(t *testing.T) {
	tests := []struct{ name, json, want string }{
		{"a string", `"ada"`, "ada"},
		{"ID-24 white space around", `"  ada\t"`, "ada"},
		{"a number keeps its digits", `12345678901234567890`, "12345678901234567890"},
		{"the first of an array", `["ada","b"]`, "ada"},
		{"true", `true`, ""},
		{"an object", `{"x":1}`, ""},
		{"ID-25 CR LF", `"a\r\nX-Admin: 1"`, ""},
		{"ID-25 NUL", `"a\u0000b"`, ""},
		{"CL-15 zero width", `"ad\u200bmin"`, ""},
		{"CL-15 bidi override", `"ad\u202emin"`, ""},
		{"CL-15 full width stays as it is", `"ａdmin"`, "ａdmin"},
		{"CL-15 a combining mark stays as it is", `"e\u0301"`, "e\u0301"},
		{"an escaped character", `"Zo\u00eb"`, "Zoë"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			id, err, w := readIdentity(t, nil, `{"sub":"a","preferred_username":`+tt.json+`}`, "")
			if err != nil || id.Name != tt.want {
				t.Errorf("name %q, %v; want %q", id.Name, err, tt.want)
			}
			if tt.want == "" && !strings.Contains(w.log.String(), `"claim":"preferred_username"`) {
				t.Errorf("the log does not name the claim that was left out:\n%s", w.log)
			}
			if strings.Contains(w.log.String(), "X-Admin") {
				t.Errorf("the log holds the claim's value:\n%s", w.log)
			}
		})
	}
}
