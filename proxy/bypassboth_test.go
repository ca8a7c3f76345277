package proxy

import (
	"strings"
	"testing"
)

// bypasses are requests of nobody that some proxy or app takes for one of /public/** or
// /read/**, which need no session, and that lead elsewhere in some reading.
var bypasses = []struct{ name, method, target string }{
	{"PA-01 query like a public path", "GET", "/admin/x?path=/public/"},
	{"PA-01 query in an encoded mark", "GET", "/admin/x%3f/public/x"},
	{"PA-02 fragment", "GET", "/public/secret#/endpoint"},
	{"PA-02 encoded fragment", "GET", "/public/secret%23/../../admin/x"},
	{"PA-08 dots and a parameter", "GET", "/public/..;/admin/x"},
	{"PA-08 dots and a named parameter", "GET", "/public/..;jsessionid=1/admin/x"},
	{"PA-08 encoded parameter", "GET", "/public/..%3b/admin/x"},
	{"PA-08 parameter before dots", "GET", "/public;x=1/../admin/x"},
	{"PA-08 parameter in front", "GET", "/admin;/public/x"},
	{"PA-09 two slashes", "GET", "//admin/x"},
	{"PA-09 slashes and dots", "GET", "/public//../admin/x"},
	{"PA-09 three slashes", "GET", "///public/x"},
	{"PA-14 OPTIONS", "OPTIONS", "/admin/export"},
	{"PA-15 lower-case method", "get", "/public/x"},
	{"PA-15 mixed case", "Get", "/read/x"},
	{"PA-15 another method", "PROPFIND", "/read/x"},
	{"PA-16 override in the query", "POST", "/read/x?_method=GET"},
	{"PA-20 same beginning", "GET", "/oauth2evil"},
	{"PA-20 out of the prefix", "GET", "/oauth2/../admin/x"},
	{"PA-20 encoded slash", "GET", "/oauth2%2fauth"},
	{"PA-20 another case", "GET", "/OAUTH2/callback"},
	{"PA-20 slash behind", "GET", "/oauth2/auth/"},
	{"PA-20 below an endpoint", "GET", "/oauth2/static/../../admin/x"},
	{"PA-22 health page and dots", "GET", "/healthz/../admin/x"},
	{"PA-22 health page and a slash", "GET", "/healthz%2f"},
	{"PA-22 ping", "GET", "/ping?x=1"},
	{"PA-22 another method", "POST", "/healthz"},
	{"PA-24 NUL in front", "GET", "/admin%00/public/x"},
	{"PA-24 NUL behind", "GET", "/public/x%00.png"},
	{"PA-25 many parameters", "GET", "/admin/x?" + strings.Repeat("a=1&", 2000) + "hidden=y"},
	{"PA-26 query that does not parse", "GET", "/admin/x?a=1;b=2&c=%zz"},

	{"dots", "GET", "/public/../admin/x"},
	{"encoded dots", "GET", "/public/%2e%2e/admin/x"},
	{"half encoded dots", "GET", "/public/.%2E/admin/x"},
	{"encoded twice", "GET", "/public/%252e%252e/admin/x"},
	{"encoded three times", "GET", "/public/%25252e%25252e/admin/x"},
	{"overlong dots", "GET", "/public/%c0%ae%c0%ae/admin/x"},
	{"overlong slash", "GET", "/public/..%c0%af..%c0%afadmin/x"},
	{"overlong slash of three", "GET", "/public/..%e0%80%afadmin/x"},
	{"wide dots", "GET", "/public/%ef%bc%8e%ef%bc%8e/admin/x"},
	{"one dot leader", "GET", "/public/%e2%80%a4%e2%80%a4/admin/x"},
	{"two dot leader", "GET", "/public/%e2%80%a5/admin/x"},
	{"wide slash", "GET", "/public/..%ef%bc%8fadmin/x"},
	{"%u dots", "GET", "/public/%u002e%u002e/admin/x"},
	{"%u slash", "GET", "/public/..%u2215admin/x"},
	{"encoded slash", "GET", "/public/..%2f..%2fadmin/x"},
	{"slash encoded twice", "GET", "/public/..%252fadmin/x"},
	{"encoded backslash", "GET", "/public/..%5cadmin/x"},
	{"backslash encoded twice", "GET", "/public/..%255cadmin/x"},
	{"dots and a space", "GET", "/public/..%20/admin/x"},
	{"dots and a plus", "GET", "/public/..+/admin/x"},
	{"dots and a tab", "GET", "/public/..%09/admin/x"},
	{"dots and a line break", "GET", "/public/..%0a/admin/x"},
	{"space between dots", "GET", "/public/.%20./admin/x"},
	{"dots at the end", "GET", "/public/.."},
	{"three dots", "GET", "/public/.../admin/x"},
	{"a stream of Windows", "GET", "/public/..::$DATA/admin/x"},
	{"an index of Windows", "GET", "/public/x:$i30:$INDEX_ALLOCATION/../../admin/x"},
	{"an encoded stream", "GET", "/public/..%3a%3a%24DATA/admin/x"},
	{"encoded mark and dots", "GET", "/public/x%3f/../../admin/x"},
	{"dot and dots", "GET", "/./public/../admin/x"},
	{"upwards from the root", "GET", "/../../public/../admin/x"},
	{"another case", "GET", "/PUBLIC/../admin/x"},
	{"the name in another case", "GET", "/Public/x"},
	{"an encoded letter", "GET", "/%70ublic/../admin/x"},
	{"the name with more behind", "GET", "/publicity/x"},
	{"the name with a dot behind", "GET", "/public./x"},
	{"the name further down", "GET", "/x/public/a.css"},
	{"a half percent", "GET", "/public/..%"},
	{"a percent and no digits", "GET", "/public/..%zz/admin/x"},
	{"CONNECT", "CONNECT", "/public/x"},
	{"TRACE", "TRACE", "/public/x"},
	{"TRACK", "TRACK", "/public/x"},
	{"DEBUG", "DEBUG", "/public/x"},
	{"an unknown method", "FOO", "/read/x"},
	{"two methods", "GET,POST", "/read/x"},
}

// TestBypassesInBothModes sends each to the proxy, and asks about each as the edge proxies
// do: nobody passes.
func TestBypassesInBothModes(t *testing.T) {
	p := newInProcess(t, func(c *Config) { c.Policy = askingRules(t) })
	const peer = "10.1.2.3:4711"
	extra := []string{"X-HTTP-Method-Override: GET", "X-Original-URI: /public/x", "X-Rewrite-URL: /public/x", "User-Agent: GoogleHC/1.0"}
	// What relaxes has to work, or nothing below says anything.
	for _, target := range []string{"/public/x", "/read/x"} {
		if o := p.send(request("GET", target, extra...), peer); !o.forwarded() {
			t.Errorf("%s needs a session: %d", target, o.status)
		}
		if o := p.send(request("GET", askPath, append(traefik("GET", target), extra...)...), peer); o.status != 200 {
			t.Errorf("forward-auth: %s needs a session: %d", target, o.status)
		}
	}
	for _, tt := range bypasses {
		for _, from := range []string{peer, "192.0.2.9:4711"} {
			if o := p.send(request(tt.method, tt.target, extra...), from); o.forwarded() || o.parsed && o.status/100 != 4 {
				t.Errorf("%s: %s %.100s from %s is forwarded, %d", tt.name, tt.method, tt.target, from, o.status)
			}
			for _, fields := range [][]string{traefik(tt.method, tt.target), nginx(tt.method, tt.target), append(nginx(tt.method, tt.target), traefik(tt.method, tt.target)...)} {
				o := p.send(request("GET", askPath, append(fields, extra...)...), from)
				if o.parsed && o.status != 401 && o.status != 403 {
					t.Errorf("%s: forward-auth answers %d to %.200q from %s", tt.name, o.status, fields, from)
				}
				if o.header.Get("X-Auth-Request-User") != "" {
					t.Errorf("%s: forward-auth tells of %q", tt.name, o.header.Get("X-Auth-Request-User"))
				}
			}
		}
	}
}

// TestBypassesOfTheQuestion are those that are about the request line of a question, not
// of what it asks about: PA-12, PA-14, PA-17, PA-19.
func TestBypassesOfTheQuestion(t *testing.T) {
	f := askingFixture(t, nil)
	about := traefik("GET", "/x")
	for name, tt := range map[string]struct {
		raw  string
		want []int
	}{
		"PA-12 CONNECT":                {"CONNECT app.example.com:443 HTTP/1.1\r\nHost: app.example.com:443\r\n\r\n", []int{405}},
		"PA-12 CONNECT to the address": {"CONNECT /oauth2/auth HTTP/1.1\r\nHost: app.example.com\r\n\r\n", []int{400, 403, 405}},
		"PA-14 OPTIONS with a body":    {requestWithBody("OPTIONS", askPath, "x=y", about...), []int{401}},
		"PA-14 preflight":              {request("OPTIONS", askPath, append(traefik("OPTIONS", "/x"), "Origin: https://evil.example.com", "Access-Control-Request-Method: GET")...), []int{401}},
		"PA-17 no host":                {"GET /oauth2/auth HTTP/1.0\r\n\r\n", []int{400, 403}},
		"PA-17 empty host":             {"GET /oauth2/auth HTTP/1.1\r\nHost:\r\n\r\n", []int{400, 403}},
		"PA-19 HTTP/2 preface":         {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", []int{400, 405, 505}},
		"absolute form":                {"GET http://evil.example.com/oauth2/auth HTTP/1.1\r\nHost: app.example.com\r\n\r\n", []int{403}},
		"another case":                 {request("GET", "/OAUTH2/AUTH", about...), []int{401}},
		"encoded":                      {request("GET", "/oauth2/%61uth", about...), []int{404}},
	} {
		f.send(tt.raw).wantStatus(t, tt.want...)
		if t.Failed() {
			t.Fatal(name)
		}
	}
	f.app.wantNone(t)
}
