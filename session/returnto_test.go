package session

import (
	"net/url"
	"strings"
	"testing"
)

func newTestPolicy(t testing.TB, public string, allowed ...string) *ReturnPolicy {
	t.Helper()
	u, err := url.Parse(public)
	if err != nil {
		t.Fatal(err)
	}
	p, err := NewReturnPolicy(ReturnConfig{PublicURL: u, Prefix: "/oauth2", AllowedOrigins: allowed})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestReturnToAccepts(t *testing.T) {
	site := newTestPolicy(t, "https://app.example.com", "https://partner.example.org", "https://dev.example.org:8443", ".example.net")
	based := newTestPolicy(t, "http://localhost:4180/app/")
	for name, test := range map[string]struct {
		policy    *ReturnPolicy
		raw, want string
	}{
		"empty":                             {site, "", "/"},
		"root":                              {site, "/", "/"},
		"path, query, fragment":             {site, "/a/b?c=d&e=%2F#f", "/a/b?c=d&e=%2F#f"},
		"OR-25 fragment with slashes":       {site, "/app#//evil.com", "/app#//evil.com"},
		"OR-25 query with slashes":          {site, "/app?next=//evil.com", "/app?next=//evil.com"},
		"URL in the query":                  {site, "/app?next=https://evil.com/", "/app?next=https://evil.com/"},
		"slashes inside":                    {site, "/a//b", "/a//b"},
		"not normalized":                    {site, "/a/./b/../c", "/a/./b/../c"},
		"encoded space":                     {site, "/My%20Documents/", "/My%20Documents/"},
		"encoded UTF-8":                     {site, "/caf%C3%A9", "/caf%C3%A9"},
		"encoded percent":                   {site, "/100%25", "/100%25"},
		"encoded slash":                     {site, "/repo%2Fname", "/repo%2Fname"},
		"characters browsers encode":        {site, `/a"<>{}|^b`, `/a"<>{}|^b`},
		"bad escape in the query":           {site, "/a?b=%zz", "/a?b=%zz"},
		"colon and at":                      {site, "/a:b@c", "/a:b@c"},
		"like the prefix":                   {site, "/oauth2x/login", "/oauth2x/login"},
		"prefix further down":               {site, "/x/oauth2/login", "/x/oauth2/login"},
		"longest":                           {site, "/" + strings.Repeat("a", MaxReturnTo-1), "/" + strings.Repeat("a", MaxReturnTo-1)},
		"own origin":                        {site, "https://app.example.com/a?b#c", "/a?b#c"},
		"own origin, no path":               {site, "https://app.example.com", "/"},
		"own origin, query alone":           {site, "https://app.example.com?a=b", "/?a=b"},
		"OR-13 own origin, default port":    {site, "https://app.example.com:443/a", "/a"},
		"own origin, upper case":            {site, "HTTPS://App.Example.COM/A", "/A"},
		"allowed origin":                    {site, "https://partner.example.org/x?y#z", "https://partner.example.org/x?y#z"},
		"allowed origin, no path":           {site, "https://partner.example.org", "https://partner.example.org"},
		"allowed origin, our prefix":        {site, "https://partner.example.org/oauth2/login", "https://partner.example.org/oauth2/login"},
		"allowed origin with port":          {site, "https://dev.example.org:8443/", "https://dev.example.org:8443/"},
		"allowed origin, upper case":        {site, "https://Partner.Example.org/", "https://Partner.Example.org/"},
		"OR-09 subdomain":                   {site, "https://a.b.example.net/", "https://a.b.example.net/"},
		"base path empty":                   {based, "", "/app/"},
		"base path":                         {based, "/app", "/app"},
		"below the base path":               {based, "/app/x?y", "/app/x?y"},
		"own origin with port":              {based, "http://localhost:4180/app/x", "/app/x"},
		"prefix outside the base is no one": {based, "/app/x/oauth2", "/app/x/oauth2"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := test.policy.Parse(test.raw)
			if err != nil {
				t.Fatal(err)
			}
			if got.String() != test.want {
				t.Errorf("Parse(%q) = %q, want %q", test.raw, got, test.want)
			}
			if fault := strays(test.policy, got.String()); fault != "" {
				t.Errorf("a browser would leave: %s", fault)
			}
		})
	}
}

func TestReturnToRefuses(t *testing.T) {
	site := newTestPolicy(t, "https://app.example.com", ".example.com", "https://[2001:db8::1]:8443")
	exact := newTestPolicy(t, "https://app.example.com")
	based := newTestPolicy(t, "https://app.example.com/app")
	nested := "/oauth2/start?rd=/"
	for range 10 {
		nested = "/oauth2/start?rd=" + url.QueryEscape(nested)
	}
	for name, test := range map[string]struct {
		policy *ReturnPolicy
		raws   []string
	}{
		"OR-01 backslash":           {exact, []string{`/\evil.com`, `\/evil.com`, `\\evil.com`, "/%5Cevil.com", "/%5cevil.com", `/a\b`, `/a?b=\`, `/a#\`, "/a/%5c../"}},
		"OR-02 two slashes":         {exact, []string{"//evil.com", "///evil.com", "////evil.com/%2f..", "//", "//app.example.com/", "/%2fevil.com", "/%2F%2Fevil.com"}},
		"OR-04 control, encoded":    {exact, []string{"/%09/evil.com", "/%0a/evil.com", "/%0d%0a/evil.com", "/%0b/evil.com", "/%00", "/%7f", "/a%1f"}},
		"OR-04 control, raw":        {exact, []string{"/\t/evil.com", "/\n/evil.com", "/\r\n/evil.com", "/\v/evil.com", "\t//evil.com", " //evil.com", "/a b", "/\x00", "/\x7f", "/a?b=\r\nSet-Cookie:x", "/a#\n"}},
		"OR-07 backslash authority": {exact, []string{`https://evil.com\@app.example.com/`, `https://evil.com\.app.example.com/`}},
		"OR-08 suffix elsewhere": {site, []string{"https://evil.com?@app.example.com/", "https://evil.com#@app.example.com", "https://evil.com/.app.example.com",
			"https://evil.com;@app.example.com/", "https://evil.com;.example.com/", "https://evil.com&.example.com/"}},
		"userinfo":                  {exact, []string{"https://app.example.com@evil.com/", "https://user@app.example.com/", "https://user:pass@app.example.com/", "https://@app.example.com/", "https://app.example.com:443@evil.com"}},
		"OR-09 label boundary":      {site, []string{"https://evilexample.com/", "https://example.com.evil.com/", "https://example.com/", "https://.example.com/", "https://a..example.com/", "https://evil.com%2f.example.com/"}},
		"OR-10 scheme without host": {exact, []string{"https:/evil.com", "https:evil.com", "https:///evil.com", `https:\\evil.com`, "HTTPS:evil.com", "https:", "https://", "http:///", "https:////app.example.com/", "https:/app.example.com/", "https:app.example.com"}},
		"other schemes": {site, []string{"javascript:alert(1)", "JavaScript://app.example.com/%0aalert(1)", "data:text/html,x", "vbscript:x", "ftp://app.example.com/",
			"file:///etc/passwd", "mailto:a@b", "x-http://app.example.com/", "https://https://app.example.com/", "view-source:https://app.example.com/"}},
		"downgrade": {site, []string{"http://app.example.com/", "http://a.example.com/", "wss://app.example.com/"}},
		"OR-12 not ASCII": {site, []string{"https://evil。com/", "//ⓔvil.com", "https://evil.com／.app.example.com/", "/／evil.com", "https://ａpp.example.com/",
			"https://app。example。com/", "/caf\u00e9", "/\u2028", "https://app.example.com\u00ad/", "\ufeffhttps://app.example.com/", "/\xff", "/\u202e"}},
		"OR-13 dot and port": {site, []string{"https://app.example.com./", "https://app.example.com:8443/", "https://app.example.com:evil/", "https://app.example.com:/",
			"https://app.example.com:0443/", "https://app.example.com:0/", "https://app.example.com:65979/", "https://app.example.com:443:443/", "https://app.example.com:+443/"}},
		"OR-17 our own endpoints": {exact, []string{"/oauth2/sign_out", "/oauth2", "/oauth2/", "/oauth2?rd=/", "/oauth2#x", nested, "/oauth2/callback?code=x&state=y",
			"/./oauth2/logout", "/x/../oauth2/logout", "/%6fauth2/logout", "/oauth2%2flogout", "/x/%2e%2e/oauth2/logout", "/x%2f..%2foauth2/logout",
			"/oauth2/a%2f..%2f..%2fb", "/x//../oauth2/logout", "https://app.example.com/oauth2/logout", "https://app.example.com:443/%6Fauth2"}},
		"OR-18 too long":       {exact, []string{"/" + strings.Repeat("a", 100_000), "/?" + strings.Repeat("q", 50_000), "/" + strings.Repeat("a", MaxReturnTo)}},
		"OR-19 other sites":    {exact, []string{"https://evil.com", "https://evil.com/", "http://evil.com", "https://partner.example.com/"}},
		"OR-25 fragment alone": {exact, []string{"#//evil.com", "#x", "#"}},
		"relative":             {exact, []string{"a", "?a", "./a", "../a", "evil.com", "app.example.com/", ":", "%2f", "%2f%2fevil.com", "@evil.com", ".evil.com"}},
		"bad escape":           {exact, []string{"/%", "/%z", "/%zz", "/a%2"}},
		"outside the base":     {based, []string{"/", "/x", "/application", "/app/..", "/app/../x", "/app/%2e%2e/x", "/app/..%2fx", "/app%2f..%2fx", "https://app.example.com/", "https://app.example.com/x"}},
		"prefix in the base":   {based, []string{"/app/oauth2/logout", "/app/x/../oauth2/login", "/app//oauth2/login"}},
		"IPv6":                 {site, []string{"https://[2001:db8::2]:8443/", "https://[2001:db8::1]/", "https://[2001:db8::1/", "https://2001:db8::1/", "https://[::ffff:1.2.3.4%25eth0]/", "https://[]/", "https://[2001:db8::1]evil:8443/"}},
	} {
		t.Run(name, func(t *testing.T) {
			for _, raw := range test.raws {
				if got, err := test.policy.Parse(raw); err == nil {
					t.Errorf("Parse(%q) = %q, want an error", raw, got)
				} else if (got != ReturnTo{}) {
					t.Errorf("Parse(%q) returns %q beside the error", raw, got)
				}
			}
		})
	}
}

func TestReturnToIPv6(t *testing.T) {
	p := newTestPolicy(t, "http://[::1]:4180", "https://[2001:DB8::1]:8443")
	for raw, want := range map[string]string{"http://[::1]:4180/x": "/x", "https://[2001:db8::1]:8443/y": "https://[2001:db8::1]:8443/y"} {
		if got, err := p.Parse(raw); err != nil || got.String() != want {
			t.Errorf("Parse(%q) = %q, %v; want %q", raw, got, err, want)
		}
	}
}

func TestNewReturnPolicyRefuses(t *testing.T) {
	for name, test := range map[string]struct {
		public, prefix string
		allowed        []string
		want           []string
	}{
		"no scheme":           {"//app.example.com", "/oauth2", nil, []string{"SALLYPORT_PUBLIC_URL"}},
		"ftp":                 {"ftp://app.example.com", "/oauth2", nil, []string{"SALLYPORT_PUBLIC_URL"}},
		"not ASCII":           {"https://bücher.example", "/oauth2", nil, []string{"SALLYPORT_PUBLIC_URL"}},
		"trailing dot":        {"https://app.example.com.", "/oauth2", nil, []string{"SALLYPORT_PUBLIC_URL"}},
		"base not plain":      {"https://app.example.com/a/../b", "/oauth2", nil, []string{"SALLYPORT_PUBLIC_URL"}},
		"base encoded":        {"https://app.example.com/a%20b", "/oauth2", nil, []string{"SALLYPORT_PUBLIC_URL"}},
		"base of two slashes": {"https://app.example.com//", "/oauth2", nil, []string{"SALLYPORT_PUBLIC_URL"}},
		"prefix is the root":  {"https://app.example.com", "/", nil, []string{"SALLYPORT_PREFIX"}},
		"prefix relative":     {"https://app.example.com", "oauth2", nil, []string{"SALLYPORT_PREFIX"}},
		"allowed: a host":     {"https://app.example.com", "/oauth2", []string{"partner.example.com"}, []string{`"partner.example.com" is not an origin`}},
		"allowed: a path":     {"https://app.example.com", "/oauth2", []string{"https://partner.example.com/x"}, []string{"not an origin"}},
		"allowed: a star":     {"https://app.example.com", "/oauth2", []string{"https://*.example.com"}, []string{".example.com for every host below it"}},
		"allowed: user":       {"https://app.example.com", "/oauth2", []string{"https://a@example.com"}, []string{"not an origin"}},
		"allowed: top level":  {"https://app.example.com", "/oauth2", []string{".com"}, []string{`".com" is not a domain`}},
		"allowed: a dot":      {"https://app.example.com", "/oauth2", []string{"."}, []string{"not a domain"}},
		"allowed: two dots":   {"https://app.example.com", "/oauth2", []string{"..example.com"}, []string{"not a domain"}},
		"allowed: empty":      {"https://app.example.com", "/oauth2", []string{""}, []string{"not an origin"}},
		"all at once":         {"ftp://x", "y", []string{".com", "z"}, []string{"SALLYPORT_PUBLIC_URL", "SALLYPORT_PREFIX", `".com"`, `"z"`}},
	} {
		t.Run(name, func(t *testing.T) {
			u, err := url.Parse(test.public)
			if err != nil {
				t.Fatal(err)
			}
			_, err = NewReturnPolicy(ReturnConfig{PublicURL: u, Prefix: test.prefix, AllowedOrigins: test.allowed})
			if err == nil {
				t.Fatal("accepted")
			}
			for _, want := range test.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error %q does not say %q", err, want)
				}
			}
		})
	}
	if _, err := NewReturnPolicy(ReturnConfig{Prefix: "/oauth2"}); err == nil {
		t.Error("accepted without a public URL")
	}
}

func TestReturnToText(t *testing.T) {
	p := newTestPolicy(t, "https://app.example.com/app")
	want, err := p.Parse("/app/x?y=z#//w")
	if err != nil {
		t.Fatal(err)
	}
	b, err := want.MarshalText()
	if err != nil {
		t.Fatal(err)
	}
	var got ReturnTo
	if err := got.UnmarshalText(b); err != nil || got != want {
		t.Errorf("UnmarshalText = %q, %v; want %q", got, err, want)
	}
	if s := (ReturnTo{}).String(); s != "/" {
		t.Errorf("the zero value is %q, want /", s)
	}
	if p.Home().String() != "/app/" {
		t.Errorf("Home = %q, want /app/", p.Home())
	}
}

func FuzzReturnTo(f *testing.F) {
	policies := []*ReturnPolicy{
		newTestPolicy(f, "https://app.example.com"),
		newTestPolicy(f, "https://app.example.com/app", ".example.com", "https://partner.example.org"),
		newTestPolicy(f, "http://localhost:4180"),
	}
	for _, raw := range []string{
		"", "/", "/a?b#c", `/\evil.com`, "//evil.com", "/%09/evil.com", "https://app.example.com/x", "https://a.example.com", "https:/evil.com",
		"/app/..//evil.com", "/./oauth2/logout", "https://partner.example.org:443", "HTTP://LOCALHOST:4180/%6f", "/a%2f..%2f..%2f/evil.com", "/app#//evil.com", "https://evil.com?.example.com",
	} {
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		for _, p := range policies {
			to, err := p.Parse(raw)
			if err != nil {
				continue
			}
			if fault := strays(p, to.String()); fault != "" {
				t.Errorf("Parse(%q) = %q: %s", raw, to, fault)
			}
			again, err := p.Parse(to.String())
			if err != nil || again != to {
				t.Errorf("Parse(%q) = %q, which comes back as %q, %v", raw, to, again, err)
			}
		}
	})
}

func TestOracleKnowsTheTricks(t *testing.T) {
	p := newTestPolicy(t, "https://app.example.com")
	for _, location := range []string{
		"//evil.com", `/\evil.com`, `\\evil.com`, "///evil.com", "/\t/evil.com", "\n//evil.com", "https:/evil.com", "https:///evil.com", `https:\\evil.com`,
		"http://app.example.com", "https://app.example.com@evil.com", `https://evil.com\@app.example.com/`, "https://evil.com?@app.example.com/",
		"javascript:alert(1)", "https://evil。com/", "https://app.example.com:8443/", "HTTPS://EVIL.com", "/oauth2/logout", "/x/../oauth2/login",
		"/x/%2e%2E/oauth2", "/./oauth2/", "https://app.example.com:443/oauth2/login",
	} {
		if strays(p, location) == "" {
			t.Errorf("the oracle takes %q for harmless", location)
		}
	}
	for _, location := range []string{"/", "/a", "", "a", "#x", "/app#//evil.com", "https://app.example.com/x", "https:x", "/oauth2x"} {
		if fault := strays(p, location); fault != "" {
			t.Errorf("the oracle: %q %s", location, fault)
		}
	}
}
