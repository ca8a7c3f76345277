package proxy

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport/sallyport/session"
)

// spoofing is what pretends to be an identity: lines of a request.
type spoofing struct {
	name  string
	lines []string
}

func spoofings() []spoofing {
	return []spoofing{
		{"ID-01 cases and duplicates", []string{"x-FORWARDED-user: admin", "X-Forwarded-User: root"}},
		{"ID-02 underscore aliases", []string{"X_Forwarded_User: admin", "X-Forwarded_User: admin", "x_forwarded-user: admin"}},
		{"ID-03 other aliases", []string{"X-Forwarded.User: admin", "X-Forwarded~User: admin", "X-Forwarded'User: admin", "X-Forwarded|User: admin"}},
		{"ID-03 no separator at all", []string{"XForwardedUser: admin", "xforwarded-user: admin", "_X-Forwarded-User: admin", "X--Forwarded--User-: admin"}},
		{"ID-08 named by Connection", []string{"Connection: close, X-Forwarded-User", "X-Forwarded-User: admin"}},
		{"ID-21 names apps trust", []string{
			"X-Forwarded-Access-Token: admin", "X-Auth-Request-Id-Token: admin", "Remote-User: admin", "X-Remote-User: admin", "X-User: admin",
			"X-WEBAUTH-USER: admin", "X-Forwarded-Preferred-Username: admin", "X-Forwarded-Groups: admin", "Remote-Groups: admin",
			"Remote-Email: admin", "Remote-Name: admin", "X-Remote-Group: admin", "X-Auth-Request-User: admin", "X-Sallyport-Assertion: admin", "Remote_User: admin",
			"X-Forwarded-Roles: admin", "X-Forwarded-Name: admin",
		}},
		{"FW-07 overrides", []string{"X-Original-URL: /admin", "X-Rewrite-URL: /admin", "X-Http-Method-Override: admin", "X-HTTP-Method: admin", "X-Method-Override: admin", "X-Real-Ip: admin", "X-Original-Method: admin", "X_Original_Url: admin", "Proxy: http://admin", "proxy-: admin"}},
		{"HT-05 misspelt framing", []string{"Content_Length: admin", "Trans-fer-Encoding: admin", "Con-nection: admin", "Ho_st: admin", "Coo.kie: admin", "T-e: admin"}},
		{"FW-06 prefix and the rest of the family", []string{"X-Forwarded-Prefix: admin", "X-Forwarded-Port: admin", "X-Forwarded-Server: admin", "X-Forwarded-Uri: admin", "X-Forwarded-Method: admin", "X-Forwarded: admin", "X-Forwarded-Anything: admin", "Forwarded: for=admin"}},
		{"in a hop's own fields", []string{"Connection: keep-alive, X-Forwarded-User, x_forwarded_user", "Keep-Alive: X-Forwarded-User=admin", "Proxy-Connection: X-Forwarded-User", "X_Forwarded_User: admin"}},
		{"spellings that look the same", []string{"X-Forwarded-User-: admin", "-X-Forwarded-User: admin", "X.Forwarded.User: admin", "X^Forwarded`User: admin", "X-FORWARDED-USER~: root"}},
		{"names of other products", []string{"X-Forwarded-Name: admin", "X-Forwarded-Username: admin", "X-Forwarded-Roles: admin", "X-Remote-Extra-Scopes: admin", "X-WEBAUTH-NAME: admin", "X-WebAuth-Role: admin"}},
		{"tracing", []string{"Traceparent: admin", "Tracestate: admin", "X-Request-Id: admin"}},
	}
}

// TestIdentityHeaderSpoofing sends what pretends to be an identity and looks at
// the bytes that reach the app.
func TestIdentityHeaderSpoofing(t *testing.T) {
	for _, tt := range spoofings() {
		t.Run(tt.name, func(t *testing.T) {
			f := newFixture(t, nil)
			f.get("/", append(tt.lines, "Cookie: "+valid)...).wantStatus(t, 200)
			got := f.app.only(t)
			if strings.Contains(got.head, "admin") || strings.Contains(got.head, "root") {
				t.Errorf("a client's value reached the app:\n%s", got.head)
			}
			if users := got.values("X-Forwarded-User"); !slices.Equal(users, []string{"alice"}) {
				t.Errorf("X-Forwarded-User = %q, want alice alone", users)
			}
		})
		t.Run(tt.name+" on a public path (ID-18)", func(t *testing.T) {
			f := newFixture(t, nil)
			f.get("/public/x", tt.lines...).wantStatus(t, 200)
			if got := f.app.only(t); strings.Contains(got.head, "admin") || strings.Contains(got.head, "root") || got.values("X-Forwarded-User") != nil {
				t.Errorf("an identity reached the app:\n%s", got.head)
			}
		})
		t.Run(tt.name+" from a trusted peer", func(t *testing.T) {
			f := newFixture(t, trustLoopback)
			f.get("/", append(tt.lines, "Cookie: "+valid)...).wantStatus(t, 200)
			got := f.app.only(t)
			for _, l := range got.lines() {
				name, value, _ := strings.Cut(l, ": ")
				if strings.Contains(value, "admin") && name != "X-Request-Id" && !(classify(name) == forwarding && usual(name)) {
					t.Errorf("a client's value reached the app through the trusted peer: %s", l)
				}
			}
			if users := got.values("X-Forwarded-User"); !slices.Equal(users, []string{"alice"}) {
				t.Errorf("X-Forwarded-User = %q, want alice alone", users)
			}
		})
	}
}

// TestHeadersThatPass keeps the list from growing into the app's own names.
func TestHeadersThatPass(t *testing.T) {
	lines := []string{
		"Accept: text/plain", "Authorization: Bearer app-token", "X-Requested-With: fetch", "X_Custom_Name: 1", "X-Api-Key: k",
		"Content-Language: de", "If-None-Match: \"e\"", "X-Csrf-Token: t", "Origin: https://app.example.com", "Sec-Fetch-Site: same-origin",
		"Remote-Control: on", "X-Forwardedness: 1", "Te: trailers", "Accept-Encoding: br", "Range: bytes=0-1",
	}
	f := newFixture(t, nil)
	f.get("/", append(lines, "Cookie: "+valid)...).wantStatus(t, 200)
	got := f.app.only(t)
	for _, l := range lines {
		if l == "X-Forwardedness: 1" {
			continue // begins with a managed family: removed, by design
		}
		name, value, _ := strings.Cut(l, ": ")
		if v := got.values(name); !slices.Equal(v, []string{value}) {
			t.Errorf("%s = %q, want %q", name, v, value)
		}
	}
}

func TestConnectionNamesEndToEndFields(t *testing.T) {
	for _, name := range []string{"Cookie", "Authorization", "Host", "keep-alive, origin", "close,cookie", "Content-Type"} {
		t.Run("ID-09 "+name, func(t *testing.T) {
			f := newFixture(t, nil)
			f.get("/", "Cookie: "+valid, "Connection: "+name).wantStatus(t, 400)
			f.app.wantNone(t)
		})
	}
	t.Run("ID-09 forwarding fields stay", func(t *testing.T) {
		f := newFixture(t, nil)
		f.get("/", "Cookie: "+valid, "Connection: X-Forwarded-Proto, X-Forwarded-For, X-Request-Id, X-Hop", "X-Hop: 1").wantStatus(t, 200)
		got := f.app.only(t)
		if got.values("X-Forwarded-Proto") == nil || got.values("X-Forwarded-For") == nil || got.values("X-Request-Id") == nil {
			t.Errorf("a field of ours is missing:\n%s", got.head)
		}
		if got.values("X-Hop") != nil {
			t.Errorf("a field of a single hop was passed on")
		}
	})
}

func TestIdentityHeaders(t *testing.T) {
	tests := []struct {
		name string
		tune func(*Config)
		id   session.Identity
		want map[string]string // "" = absent
	}{
		{name: "all claims", id: session.Identity{User: "alice", Email: "a@example.com", Name: "Alice", Groups: []string{"staff", "dev"}},
			want: map[string]string{headerUser: "alice", headerEmail: "a@example.com", headerPreferredUsername: "Alice", headerGroups: "staff,dev", headerAccessToken: "", headerIDToken: "", headerAuthorization: "Bearer client"}},
		{name: "absent claims", id: session.Identity{User: "alice"},
			want: map[string]string{headerUser: "alice", headerEmail: "", headerPreferredUsername: "", headerGroups: "", headerGroupsOmitted: ""}},
		{name: "ID-23 delimiters in a group", id: session.Identity{User: "alice", Groups: []string{"a", "x,admins", "50%", ""}},
			want: map[string]string{headerGroups: "a,x%2Cadmins,50%25"}},
		{name: "ID-25 line break in a claim", id: session.Identity{User: "alice", Name: "a\r\nX-Admin: 1", Email: "a\x00b"},
			want: map[string]string{headerUser: "alice", headerPreferredUsername: "", headerEmail: "", "X-Admin": ""}},
		{name: "ID-25 line break in a group omits all", id: session.Identity{User: "alice", Groups: []string{"staff", "a\nb"}},
			want: map[string]string{headerGroups: "", headerGroupsOmitted: "true"}},
		{name: "CL-15 invisible and reordering characters", id: session.Identity{User: "ad\u200bmin", Email: "\u202eadmin", Name: "\u0085x"},
			want: map[string]string{headerUser: "", headerEmail: "", headerPreferredUsername: ""}},
		{name: "CL-15 no normalisation", id: session.Identity{User: "ａdmin", Name: "Zoë", Email: "e\u0301@example.com"},
			want: map[string]string{headerUser: "ａdmin", headerPreferredUsername: "Zoë", headerEmail: "e\u0301@example.com"}},
		{name: "joiners of Persian names", id: session.Identity{User: "می\u200cخواهم"},
			want: map[string]string{headerUser: "می\u200cخواهم"}},
		{name: "not UTF-8", id: session.Identity{User: "a\xff"}, want: map[string]string{headerUser: ""}},
		{name: "CL-11 thousands of groups are omitted, never cut", id: session.Identity{User: "alice", Groups: slices.Repeat([]string{"group"}, 5000)},
			want: map[string]string{headerGroups: "", headerGroupsOmitted: "true"}},
		{name: "a claim longer than 8 KiB", id: session.Identity{User: strings.Repeat("a", maxValue+1)}, want: map[string]string{headerUser: ""}},
		{name: "tokens when asked for", tune: func(c *Config) { c.PassAccessToken, c.PassIDToken = true, true }, id: session.Identity{User: "alice"},
			want: map[string]string{headerAccessToken: "at-carol", headerIDToken: "idt-carol", headerAuthorization: "Bearer client"}},
		{name: "access token as Authorization", tune: func(c *Config) { c.PassAuthorization = AuthorizationAccessToken }, id: session.Identity{User: "alice"},
			want: map[string]string{headerAuthorization: "Bearer at-carol", headerAccessToken: ""}},
		{name: "ID token as Authorization", tune: func(c *Config) { c.PassAuthorization = AuthorizationIDToken }, id: session.Identity{User: "alice"},
			want: map[string]string{headerAuthorization: "Bearer idt-carol"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := newFixture(t, tt.tune)
			f.auth.add("carol", tt.id)
			f.get("/", "Cookie: __Host-sallyport=carol", "Authorization: Bearer client", "X-Forwarded-Groups-: forged").wantStatus(t, 200)
			got := f.app.only(t)
			for name, want := range tt.want {
				var expect []string
				if want != "" {
					expect = []string{want}
				}
				if diff := cmp.Diff(expect, got.values(name)); diff != "" {
					t.Errorf("%s (-want +got):\n%s", name, diff)
				}
			}
			if strings.Contains(f.logs.String(), "X-Admin") || strings.Contains(f.logs.String(), "at-carol") {
				t.Error("the log tells a claim or a token")
			}
		})
	}
}

func TestOmittedClaimIsLogged(t *testing.T) {
	f := newFixture(t, nil)
	f.auth.add("carol", session.Identity{User: "a\nb"})
	f.get("/", "Cookie: __Host-sallyport=carol").wantStatus(t, 200)
	if logs := f.logs.String(); !strings.Contains(logs, "identity field left out") || !strings.Contains(logs, headerUser) {
		t.Errorf("no line names the field:\n%s", logs)
	}
}

// TestReplacedAuthorization: where the app takes a bearer for ours, a client's
// must not reach it, on public paths either.
func TestReplacedAuthorization(t *testing.T) {
	f := newFixture(t, func(c *Config) { c.PassAuthorization = AuthorizationAccessToken })
	f.get("/public/x", "Authorization: Bearer forged", "Author_ization: Bearer forged").wantStatus(t, 200)
	if got := f.app.only(t); strings.Contains(got.head, "forged") {
		t.Errorf("the client's bearer reached the app:\n%s", got.head)
	}
}

func TestRequestTrailers(t *testing.T) {
	for _, tt := range []struct{ name, raw string }{
		{"ID-10 declared", request("POST", "/", "Cookie: "+valid, "Transfer-Encoding: chunked", "Trailer: X-Forwarded-User") + "3\r\nabc\r\n0\r\nX-Forwarded-User: admin\r\n\r\n"},
		{"ID-11 undeclared", request("POST", "/", "Cookie: "+valid, "Transfer-Encoding: chunked", "Content-Type: application/x-www-form-urlencoded") + "3\r\nabc\r\n0\r\nX-Forwarded-User: admin\r\nX_forwarded_user: m2\r\n\r\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := newFixture(t, nil)
			f.send(tt.raw).wantStatus(t, 200)
			got := f.app.only(t)
			if got.body != "3\r\nabc\r\n0\r\n\r\n" {
				t.Errorf("body at the app = %q", got.body)
			}
			if strings.Contains(got.head, "admin") || got.values("Trailer") != nil {
				t.Errorf("a trailer was announced:\n%s", got.head)
			}
		})
	}
}

func TestMalformedFields(t *testing.T) {
	for _, tt := range []struct{ name, line string }{
		{"ID-04 space before the colon", "X-Forwarded-User : admin"},
		{"a name with a NUL", "X-Forwarded-User\x00: admin"},
		{"a line without a colon", "X-Forwarded-User"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := newFixture(t, nil)
			f.get("/", "Cookie: "+valid, tt.line).wantStatus(t, 400)
			f.app.wantNone(t)
		})
	}
	t.Run("ID-05 folded line", func(t *testing.T) {
		f := newFixture(t, nil)
		a := f.get("/", "Cookie: "+valid, "X-Foo: bar\r\n X-Forwarded-User: admin")
		a.wantStatus(t, 200, 400)
		for _, r := range f.app.requests() {
			if !slices.Equal(r.values("X-Forwarded-User"), []string{"alice"}) {
				t.Errorf("the fold became a field:\n%s", r.head)
			}
		}
	})
}

func TestCookiesOnTheWayToTheApp(t *testing.T) {
	tests := []struct {
		name  string
		lines []string
		want  []string
	}{
		{"CK-18 ours alone", []string{"Cookie: " + valid}, nil},
		{"CK-18 among others", []string{"Cookie: a=1; " + valid + "; b=2"}, []string{"a=1; b=2"}},
		{"CK-18 sign-in cookies and parts", []string{"Cookie: " + valid + "; __Host-sallyport-login-abcdefgh=x; __Host-sallyport_0=x; theme=dark"}, []string{"theme=dark"}},
		{"CK-18 several lines", []string{"Cookie: a=1", "Cookie: " + valid, "Cookie: c=\"x y\""}, []string{"a=1", "c=\"x y\""}},
		{"CK-09 nameless", []string{"Cookie: " + valid + "; =__Host-sallyport=alice; k=v"}, []string{"k=v"}},
		{"CK-22 fragments", []string{"Cookie: ;;; ;=;a; ==; " + valid}, []string{"=; a; =="}},
		{"CK-22 blank beside a good one", []string{"Cookie:  ", "Cookie: " + valid}, nil},
		{"similar names are the app's", []string{"Cookie: " + valid + "; __Host-sallyportal=1; sallyport-x=2"}, []string{"__Host-sallyportal=1; sallyport-x=2"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := newFixture(t, nil)
			f.get("/", tt.lines...).wantStatus(t, 200)
			if diff := cmp.Diff(tt.want, f.app.only(t).values("Cookie")); diff != "" {
				t.Errorf("Cookie (-want +got):\n%s", diff)
			}
		})
	}
}

func TestPassClientHeaders(t *testing.T) {
	f := newFixture(t, func(c *Config) { c.PassClientHeaders = []string{"x-http-method-override", " X-Remote-Debug "} })
	f.get("/", "Cookie: "+valid, "X-Http-Method-Override: DELETE", "X_Http_Method_Override: PUT", "X-Remote-Debug: 1", "X-Remote-User: root").wantStatus(t, 200)
	got := f.app.only(t)
	if !slices.Equal(got.values("X-Http-Method-Override"), []string{"DELETE"}) || got.values("X-Remote-Debug") == nil {
		t.Errorf("an exception did not pass:\n%s", got.head)
	}
	if strings.Contains(got.head, "PUT") || strings.Contains(got.head, "root") {
		t.Errorf("more than the exceptions passed:\n%s", got.head)
	}
	for _, name := range []string{"X-Forwarded-User", "x_forwarded_groups", "X-Sallyport-Assertion", "X-Request-Id", "Cookie", "Authorization", "", "a b"} {
		if _, err := exceptions([]string{name}, ClaimHeaders{}); err == nil || !strings.Contains(err.Error(), "SALLYPORT_PASS_CLIENT_HEADERS") {
			t.Errorf("exception %q: error %v, want one that names the variable", name, err)
		}
	}
}

// FuzzFold looks for a spelling of a managed name that survives.
func FuzzFold(f *testing.F) {
	for name := range exactNames {
		f.Add(name, true)
	}
	f.Add("X_Forwarded.User", false)
	f.Add("x-sallyport-assertion", true)
	f.Add("Proxy_Connection", false)
	s := &stripper{}
	f.Fuzz(func(t *testing.T, name string, trusted bool) {
		h := http.Header{http.CanonicalHeaderKey(name): {"forged"}}
		s.strip(h, trusted)
		for kept := range h {
			folded := slowFold(kept)
			if class := exactNames[folded]; class == own || strings.HasPrefix(folded, "xsallyport") {
				t.Fatalf("%q survived as %q", name, kept)
			}
			if strings.HasPrefix(folded, "xforwarded") && (!trusted || !usual(kept)) {
				t.Fatalf("%q survived as %q, trusted %v", name, kept, trusted)
			}
		}
	})
}

// slowFold is fold, written differently.
func slowFold(name string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'A' && r <= 'Z':
			return r + 32
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			return r
		}
		return -1
	}, name)
}

func TestStripDoesNotAllocateForOrdinaryFields(t *testing.T) {
	s := &stripper{}
	h := http.Header{
		"Accept": {"*/*"}, "User-Agent": {"x"}, "Accept-Encoding": {"gzip"}, "Sec-Fetch-Mode": {"cors"}, "Content-Type": {"text/plain"},
		"X-Requested-With": {"fetch"}, "Referer": {"/"}, "If-Modified-Since": {"x"},
	}
	if n := testing.AllocsPerRun(100, func() { s.strip(h, false) }); n > 0 {
		t.Errorf("%v allocations for fields that all pass", n)
	}
}
