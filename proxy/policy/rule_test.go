package policy

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/session"
)

var now = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func minutes(n int) *time.Duration {
	d := time.Duration(n) * time.Minute
	return &d
}

// site is an app with most kinds of rules.
func site(t testing.TB) *Policy {
	return mustNew(t, Config{
		PublicPaths: []string{"/static/**", "/admin/logo.png"},
		Rules: []Rule{
			{Number: 30, Paths: []string{"/admin/**"}, Groups: []string{"admins"}},
			{Number: 10, Paths: []string{"/docs/**", "/"}, Methods: []string{"GET"}, Unauthenticated: Allow},
			{Number: 20, Paths: []string{"/admin/billing/**"}, Groups: []string{"billing"}, Emails: []string{"boss@example.com", "@corp.example.com"}},
			{Number: 40, Paths: []string{"/api/**"}, Unauthenticated: Deny},
			{Number: 50, Paths: []string{"/claims"}, Claims: []string{"dept=it", "dept=hr", "level!=guest", "level!=trial"}},
			{Number: 60, Paths: []string{"/bank/**"}, ACR: []string{"gold", "silver"}, MaxAge: minutes(10)},
		},
	})
}

// signedIn is a session of somebody's; nil has none.
func signedIn(id *session.Identity) *session.Session {
	if id == nil {
		return nil
	}
	return &session.Session{IdP: "staff", Identity: *id}
}

func person(groups ...string) *session.Identity {
	return &session.Identity{Subject: "s", Email: "alice@example.com", Groups: groups}
}

func TestRuleDecides(t *testing.T) {
	p := site(t)
	boss := person("billing")
	boss.Email = "boss@example.com"
	corp := person("billing")
	corp.Email = "x@CORP.example.com"
	tests := []struct {
		method, path string
		number       int
		public       bool
		anonymous    Unauthenticated
		who          *session.Identity
		code         string // "" = admitted
	}{
		{"GET", "/other", 0, false, Login, person(), ""},
		{"GET", "/static/a", 0, true, Login, person(), ""},
		{"GET", "/", 10, false, Allow, person(), ""},
		{"HEAD", "/docs/a/b", 10, false, Allow, person(), ""},
		{"POST", "/docs/a", 0, false, Login, person(), ""},
		{"get", "/docs/a", 0, false, Login, person(), ""},
		{"GET", "/DOCS/a", 0, false, Login, person(), ""},
		{"GET", "/admin/x", 30, false, Login, person("admins"), ""},
		{"GET", "/admin/x", 30, false, Login, person("staff"), CodeGroupNotAllowed},
		{"GET", "/admin", 30, false, Login, person(), CodeGroupNotAllowed},
		{"GET", "/admin/", 30, false, Login, person(), CodeGroupNotAllowed},
		{"GET", "/admin/logo.png", 30, false, Login, person(), CodeGroupNotAllowed}, // public paths come after the rules
		{"GET", "/ADMIN/x", 30, false, Login, person(), CodeGroupNotAllowed},
		{"GET", "/admin/billing", 20, false, Login, person("admins"), CodeEmailNotAllowed},
		{"GET", "/admin/billing/x", 20, false, Login, boss, ""},
		{"GET", "/admin/billing/x", 20, false, Login, corp, ""},
		{"DELETE", "/api/x", 40, false, Deny, person(), ""},
		{"GET", "/bank", 60, false, Login, person(), CodeStepUpRequired},

		// AB: a path that applications may read in several ways has to pass every reading.
		{"GET", "/static/..%2fadmin/x", 30, false, Login, person(), CodeGroupNotAllowed},
		{"GET", "/docs/../admin/x", 30, false, Login, person(), CodeGroupNotAllowed},
		{"GET", "/docs/..;/admin/x", 30, false, Login, person(), CodeGroupNotAllowed},
		{"GET", "//admin/x", 30, false, Login, person(), CodeGroupNotAllowed},
		{"GET", "/%61dmin/x", 30, false, Login, person(), CodeGroupNotAllowed},
		{"GET", "/%2561dmin/x", 30, false, Login, person(), CodeGroupNotAllowed},
		{"GET", "/a%64min%2fx/%zz", 30, false, Login, person(), CodeGroupNotAllowed},
		{"GET", "/admin;x=y/z", 30, false, Login, person(), CodeGroupNotAllowed},
		{"GET", "/docs/%2e%2e/api/x", 40, false, Deny, person(), ""},
		{"GET", "/docs/a;b", 0, false, Login, person(), ""}, // what relaxes does not match it
		{"GET", "/docs/x/../../admin/billing", 20, false, Login, person("admins"), CodeEmailNotAllowed},
	}
	for _, tt := range tests {
		t.Run(tt.method+" "+tt.path, func(t *testing.T) {
			g := p.Rule(Request{Method: tt.method, Path: tt.path})
			if g.Public() != tt.public || g.Anonymous() != tt.anonymous {
				t.Errorf("public %t, anonymous %s; want %t, %s", g.Public(), g.Anonymous(), tt.public, tt.anonymous)
			}
			if len(g.others) == 0 && g.Number() != tt.number {
				t.Errorf("rule %d decides, want %d", g.Number(), tt.number)
			}
			v := g.Admit(signedIn(tt.who), now)
			if v.Allowed != (tt.code == "") || v.Code != tt.code {
				t.Errorf("%+v, want %q", v, tt.code)
			}
		})
	}
}

func TestClaimConditions(t *testing.T) {
	g := site(t).Rule(Request{Method: "GET", Path: "/claims"})
	for name, tt := range map[string]struct {
		claims map[string][]string
		want   bool
	}{
		"one alternative":     {map[string][]string{"dept": {"it"}}, true},
		"the other":           {map[string][]string{"dept": {"sales", "hr"}}, true},
		"none":                {map[string][]string{"dept": {"sales"}}, false},
		"absent":              {nil, false},
		"excluded":            {map[string][]string{"dept": {"it"}, "level": {"guest"}}, false},
		"excluded by another": {map[string][]string{"dept": {"it"}, "level": {"full", "trial"}}, false},
		"not excluded":        {map[string][]string{"dept": {"it"}, "level": {"full"}}, true},
		"another case":        {map[string][]string{"dept": {"IT"}}, false},
	} {
		id := person()
		id.Claims = tt.claims
		if v := g.Admit(signedIn(id), now); v.Allowed != tt.want || !tt.want && (v.Code != CodeClaimNotAllowed || v.Rule != 50) {
			t.Errorf("%s: %+v, want %t", name, v, tt.want)
		}
	}
}

func TestStepUp(t *testing.T) {
	g := site(t).Rule(Request{Method: "GET", Path: "/bank/x"})
	for name, tt := range map[string]struct {
		acr  string
		at   time.Time
		want bool
	}{
		"both":          {"gold", now.Add(-10 * time.Minute), true},
		"the other acr": {"silver", now, true},
		"wrong acr":     {"bronze", now, false},
		"no acr":        {"", now, false},
		"too old":       {"gold", now.Add(-11*time.Minute - time.Second), false},
		"time unknown":  {"gold", time.Time{}, false},
	} {
		id := person()
		id.ACR, id.AuthTime = tt.acr, tt.at
		v := g.Admit(signedIn(id), now)
		if v.Allowed != tt.want {
			t.Errorf("%s: %+v, want %t", name, v, tt.want)
		}
		if !tt.want && (v.StepUp == nil || !slices.Equal(v.StepUp.ACR, []string{"gold", "silver"}) || *v.StepUp.MaxAge != 10*time.Minute) {
			t.Errorf("%s asks for %+v", name, v.StepUp)
		}
	}
}

// A report-only rule refuses nobody, and says what it would have refused.
func TestReportOnly(t *testing.T) {
	p := mustNew(t, Config{Rules: []Rule{
		{Number: 1, Paths: []string{"/a/**"}, Groups: []string{"new"}, ReportOnly: true},
		{Number: 2, Paths: []string{"/a/b"}, Groups: []string{"old"}},
	}})
	for path, tt := range map[string]struct{ enforced, reported string }{
		"/a/b":       {CodeGroupNotAllowed, CodeGroupNotAllowed},
		"/a/c":       {"", CodeGroupNotAllowed},
		"/b":         {"", ""},
		"/x/../a/c/": {"", CodeGroupNotAllowed},
	} {
		g := p.Rule(Request{Method: "GET", Path: path})
		if v := g.Admit(signedIn(person()), now); v.Code != tt.enforced {
			t.Errorf("%s: %+v, want %q", path, v, tt.enforced)
		}
		v, number := g.Reported(signedIn(person()), now)
		if v.Code != tt.reported || (number == 1) != (tt.reported != "") {
			t.Errorf("%s: rule %d reports %+v, want %q", path, number, v, tt.reported)
		}
		if v, number := g.Reported(nil, now); number == 1 && v.Code != CodeSignInRequired {
			t.Errorf("%s: of nobody it reports %+v", path, v)
		}
	}
}

// The lists for everybody hold whatever a rule says.
func TestListsHoldBesideRules(t *testing.T) {
	p := mustNew(t, Config{AllowedGroups: []string{"staff"}, Rules: []Rule{{Number: 1, Paths: []string{"/**"}, Groups: []string{"admins"}}}})
	g := p.Rule(Request{Method: "GET", Path: "/x"})
	if v := g.Admit(signedIn(person("admins")), now); v.Code != CodeGroupNotAllowed || v.Rule != 0 {
		t.Errorf("%+v, want the list's refusal", v)
	}
	if v := g.Admit(signedIn(person("admins", "staff")), now); !v.Allowed {
		t.Errorf("%+v, want admitted", v)
	}
	if v := g.Admit(nil, now); v.Code != CodeSignInRequired {
		t.Errorf("nobody: %+v", v)
	}
}

func TestBadRules(t *testing.T) {
	for name, tt := range map[string]struct {
		rule Rule
		want string
	}{
		"no paths":         {Rule{Number: 3}, "SALLYPORT_RULE_3_PATHS: is missing"},
		"bad path":         {Rule{Number: 3, Paths: []string{"admin"}}, "SALLYPORT_RULE_3_PATHS: \"admin\" does not begin with /"},
		"dead path":        {Rule{Number: 3, Paths: []string{"/a/../b"}}, "can never match"},
		"method":           {Rule{Number: 3, Paths: []string{"/a"}, Methods: []string{"get"}}, "SALLYPORT_RULE_3_METHODS"},
		"group":            {Rule{Number: 3, Paths: []string{"/a"}, Groups: []string{"*"}}, "SALLYPORT_RULE_3_GROUPS"},
		"email":            {Rule{Number: 3, Paths: []string{"/a"}, Emails: []string{"x"}}, "SALLYPORT_RULE_3_EMAILS"},
		"domain":           {Rule{Number: 3, Paths: []string{"/a"}, Emails: []string{"@*.example.com"}}, "SALLYPORT_RULE_3_EMAILS"},
		"claim":            {Rule{Number: 3, Paths: []string{"/a"}, Claims: []string{"dept"}}, "SALLYPORT_RULE_3_CLAIMS"},
		"claim no name":    {Rule{Number: 3, Paths: []string{"/a"}, Claims: []string{"!=x"}}, "SALLYPORT_RULE_3_CLAIMS"},
		"acr":              {Rule{Number: 3, Paths: []string{"/a"}, ACR: []string{"gold silver"}}, "SALLYPORT_RULE_3_ACR"},
		"max age":          {Rule{Number: 3, Paths: []string{"/a"}, MaxAge: minutes(0)}, "SALLYPORT_RULE_3_MAX_AGE"},
		"word":             {Rule{Number: 3, Paths: []string{"/a"}, Unauthenticated: "maybe"}, "SALLYPORT_RULE_3_UNAUTHENTICATED"},
		"allow and groups": {Rule{Number: 3, Paths: []string{"/a"}, Groups: []string{"x"}, Unauthenticated: Allow}, "SALLYPORT_RULE_3_UNAUTHENTICATED: is allow"},
		"allow everything": {Rule{Number: 3, Paths: []string{"/**"}, Unauthenticated: Allow}, "nobody would ever have to sign in"},
	} {
		_, err := New(Config{Rules: []Rule{tt.rule}})
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", name, err, tt.want)
		}
	}
}

// FuzzRule: no path that some application may read as one below /admin passes
// without the group, and no refusal depends on how it is written.
func FuzzRule(f *testing.F) {
	for _, seed := range []string{"/admin/x", "/a/../admin", "/%61dmin", "/docs/..;/admin", "/admin;/x", "//admin", "/ADMIN/"} {
		f.Add("GET", seed)
	}
	p := site(f)
	f.Fuzz(func(t *testing.T, method, path string) {
		if path == "" || path[0] != '/' || CheckPath(path) != nil {
			return
		}
		g := p.Rule(Request{Method: method, Path: path})
		for reading := range readings(path) {
			lower := strings.ToLower(reading)
			if (lower == "/admin" || strings.HasPrefix(lower, "/admin/")) && (g.Public() || g.Anonymous() == Allow || g.Admit(signedIn(person("staff")), now).Allowed) {
				t.Errorf("%s %q passes, and may be read as %q", method, path, reading)
			}
		}
	})
}
