package proxy

import (
	"encoding/base64"
	"slices"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/internal/secret"
	"github.com/sallyport/sallyport/proxy/policy"
	"github.com/sallyport/sallyport/session"
)

const basicPassword = "pä:ss word"

// withBasic sends Basic with the part of the identity that who names.
func withBasic(who BasicUser) func(*Config) {
	return func(c *Config) {
		c.PassAuthorization, c.BasicUser = AuthorizationBasic, who
		c.BasicPassword = func() secret.Text { return secret.New(basicPassword) }
	}
}

func basicField(user string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+basicPassword))
}

func TestBasic(t *testing.T) {
	tests := []struct {
		name string
		who  BasicUser
		id   session.Identity
		user string // "" = refused
	}{
		{"the user", BasicUserUser, session.Identity{User: "alice", Email: "a@example.com"}, "alice"},
		{"by default", "", session.Identity{User: "alice", Email: "a@example.com"}, "alice"},
		{"the address", BasicUserEmail, session.Identity{User: "alice", Email: "a@example.com"}, "a@example.com"},
		{"the name", BasicUserName, session.Identity{User: "1", Name: "Zoë Größe 100%"}, "Zoë Größe 100%"},
		{"absent", BasicUserEmail, session.Identity{User: "alice"}, ""},
		{"a colon", BasicUserUser, session.Identity{User: "admin:x"}, ""},
		{"a colon in front", BasicUserUser, session.Identity{User: ":admin"}, ""},
		{"a colon behind", BasicUserUser, session.Identity{User: "admin:"}, ""},
		{"another colon is no colon", BasicUserUser, session.Identity{User: "admin：x"}, "admin：x"},
		{"a line break", BasicUserUser, session.Identity{User: "admin\n"}, ""},
		{"a NUL", BasicUserUser, session.Identity{User: "admin\x00x"}, ""},
		{"C1 control", BasicUserUser, session.Identity{User: "admin\u0085"}, ""},
		{"reordering", BasicUserUser, session.Identity{User: "\u202enimda"}, ""},
		{"not UTF-8", BasicUserUser, session.Identity{User: "admin\xff"}, ""},
		{"too long", BasicUserUser, session.Identity{User: strings.Repeat("a", maxBasicUser+1)}, ""},
		{"long", BasicUserUser, session.Identity{User: strings.Repeat("a", maxBasicUser)}, strings.Repeat("a", maxBasicUser)},
	}
	forged := []string{"Authorization: " + basicField("admin"), "Author_ization: " + basicField("admin"), "Cookie: __Host-sallyport=carol"}
	for _, tt := range tests {
		t.Run("proxy: "+tt.name, func(t *testing.T) {
			f := newFixture(t, withBasic(tt.who))
			f.auth.add("carol", tt.id)
			a := f.get("/", forged...)
			if tt.user == "" {
				wantUnfit(t, a)
				f.app.wantNone(t)
			} else if got := f.app.only(t); !slices.Equal(got.values("Authorization"), []string{basicField(tt.user)}) || got.values("Author_ization") != nil {
				t.Errorf("at the app:\n%.2000s", got.head)
			}
			wantNoPassword(t, f)
		})
		t.Run("forward-auth: "+tt.name, func(t *testing.T) {
			f := askingFixture(t, withBasic(tt.who))
			f.auth.add("carol", tt.id)
			a := f.ask(askPath, traefik("GET", "/x"), forged)
			want := ""
			if tt.user == "" {
				wantUnfit(t, a)
			} else {
				want = basicField(tt.user)
			}
			if got := a.Header.Values("Authorization"); !slices.Equal(got, []string{want}) {
				t.Errorf("Authorization is %.200q, want %.200q", got, want)
			}
			wantNoPassword(t, f)
		})
	}
}

func wantUnfit(t *testing.T, a *answer) {
	t.Helper()
	a.wantStatus(t, 403)
	if code := a.Header.Get("Sallyport-Error"); code != "user_name_unfit" {
		t.Errorf("Sallyport-Error %q", code)
	}
}

func wantNoPassword(t *testing.T, f *fixture) {
	t.Helper()
	if logs := f.logs.String(); strings.Contains(logs, basicPassword) || strings.Contains(logs, base64.StdEncoding.EncodeToString([]byte(basicPassword))) || strings.Contains(logs, "admin") {
		t.Errorf("the log tells the password or the claim:\n%s", logs)
	}
}

// Nobody is told as nobody: there is no name without one.
func TestBasicWithoutAPerson(t *testing.T) {
	f := askingFixture(t, withBasic(BasicUserUser))
	f.auth.add("carol", session.Identity{User: "a:b"})
	for _, path := range []string{"/public/x", "/read/x"} {
		for _, cookie := range []string{"carol", "none"} {
			before := len(f.app.requests())
			lines := []string{"Authorization: " + basicField("admin"), "Cookie: __Host-sallyport=" + cookie}
			f.get(path, lines...).wantStatus(t, 200)
			if got := f.app.requests()[before]; got.values("Authorization") != nil {
				t.Errorf("%s for %s: at the app:\n%s", path, cookie, got.head)
			}
			a := f.ask(askPath, traefik("GET", path), lines)
			a.wantStatus(t, 200)
			if got := a.Header.Values("Authorization"); !slices.Equal(got, []string{""}) {
				t.Errorf("%s for %s: Authorization %q, want it empty once", path, cookie, got)
			}
		}
	}
}

// What is changed while the process runs is sent from then on.
func TestBasicPasswordChanges(t *testing.T) {
	password := "first"
	f := newFixture(t, func(c *Config) {
		c.PassAuthorization, c.BasicPassword = AuthorizationBasic, func() secret.Text { return secret.New(password) }
	})
	f.get("/", "Cookie: "+valid).wantStatus(t, 200)
	password = "second"
	f.get("/", "Cookie: "+valid).wantStatus(t, 200)
	for i, want := range []string{"first", "second"} {
		field := "Basic " + base64.StdEncoding.EncodeToString([]byte("alice:"+want))
		if got := f.app.requests()[i].values("Authorization"); !slices.Equal(got, []string{field}) {
			t.Errorf("request %d has %q, want %q", i, got, field)
		}
	}
}

func TestBadBasic(t *testing.T) {
	for _, password := range []string{"", "a\nb", "a\x7f", "\xff", strings.Repeat("x", maxValue)} {
		if err := CheckBasicPassword(password); err == nil || len(password) > 2 && strings.Contains(err.Error(), password) {
			t.Errorf("%.20q: error %v, want one without it", password, err)
		}
	}
	if err := CheckBasicPassword(basicPassword); err != nil {
		t.Error(err)
	}
	for name, tune := range map[string]func(*Config){
		"SALLYPORT_BASIC_PASSWORD": func(c *Config) { c.PassAuthorization = AuthorizationBasic },
		"SALLYPORT_BASIC_USER":     func(c *Config) { withBasic("sub")(c) },
	} {
		cfg := testConfig(t, mustURL(t, "http://127.0.0.1:1"))
		tune(&cfg)
		if _, err := New(cfg); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("error %v, want one that names %s", err, name)
		}
	}
}

// A rule that lets nobody in particular through lets an unfit name through as nobody;
// every other rule refuses it.
func TestBasicUnderRules(t *testing.T) {
	rules := policy.Config{Rules: []policy.Rule{{Number: 1, Paths: []string{"/shop/**"}, Unauthenticated: policy.Allow}}}
	p, err := policy.New(rules)
	if err != nil {
		t.Fatal(err)
	}
	f := newFixture(t, func(c *Config) { withBasic(BasicUserUser)(c); c.Policy = p })
	f.auth.add("carol", session.Identity{User: "a:b"})
	f.get("/shop/x", "Cookie: __Host-sallyport=carol").wantStatus(t, 200)
	f.get("/x", "Cookie: __Host-sallyport=carol").wantStatus(t, 403)
	if got := f.app.only(t); got.values("X-Forwarded-User") != nil {
		t.Errorf("at the app:\n%s", got.head)
	}
}
