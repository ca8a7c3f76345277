package e2e

import (
	"net/http"
	"os"
	"strings"
	"testing"
)

// corsAdditions are what docs/forward-auth.md has people add, by file: the line that it goes in
// front of, and the beginning of the addition on the page.
var corsAdditions = map[string][][2]string{
	"nginx.conf": {
		{"        auth_request /oauth2/auth;\n", "        if ($preflight)"}, {"    location @refused {\n", "    location @preflight"}, {"map $sallyport_cookie_0", "map \"$request_method"},
	},
	"Caddyfile": {{"\t\t# Everything else is the app's, after", "\t\t@preflight {"}},
}

// addition returns the block of docs/forward-auth.md that begins so.
func (e *edge) addition(begins string) string {
	e.t.Helper()
	page, err := os.ReadFile(edgeConfigs + "../forward-auth.md")
	if err != nil {
		e.t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(page), "```\n"+begins)
	if !found {
		e.t.Fatalf("docs/forward-auth.md has no block that begins with %q", begins)
	}
	block, _, _ := strings.Cut(rest, "```")
	return begins + block
}

// TestEdgePreflights has the proxy in front hand preflights over instead of asking.
func TestEdgePreflights(t *testing.T) {
	for _, test := range []struct {
		name, file string
		start      func(*edge)
		copies     bool // the fields of a 200 to the app's answer
	}{{"nginx", "nginx.conf", startNginx, true}, {"caddy", "Caddyfile", startCaddy, false}} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			const origin = "https://front.example.com"
			e := newEdge(t, func(e *edge) {
				e.further = map[string][]string{}
				for _, add := range corsAdditions[test.file] {
					text := e.addition(add[1])
					e.further[test.file] = append(e.further[test.file], add[0], strings.ReplaceAll(text, "127.0.0.1:4180", e.listen)+add[0])
				}
				test.start(e)
			}, "SALLYPORT_CORS_ORIGINS="+origin)
			preflight := []string{"Access-Control-Request-Method: PUT", "Access-Control-Request-Headers: content-type"}
			p := e.send(http.MethodOptions, "/api", append(preflight, "Origin: "+origin)...)
			if p.wantRefused("a preflight", 204); p.header.Get("Access-Control-Allow-Origin") != origin || p.header.Get("Access-Control-Allow-Methods") == "" {
				t.Errorf("a preflight is answered with %v", p.header)
			}
			p = e.send(http.MethodOptions, "/api", append(preflight, "Origin: https://evil.example.com")...)
			if p.wantRefused("a preflight of another origin", 404); p.header["Access-Control-Allow-Origin"] != nil {
				t.Errorf("a preflight of another origin is answered with %v", p.header)
			}
			e.send(http.MethodOptions, "/api", "Origin: "+origin).wantRefused("no preflight", 401)
			if p := e.send(http.MethodGet, "/api", "Origin: "+origin); p.status != 401 || p.header.Get("Access-Control-Allow-Origin") != origin {
				t.Errorf("without a session: %d %v", p.status, p.header)
			}
			b := e.browser()
			e.signIn(b, "/", "ada")
			p = e.send(http.MethodGet, "/api", "Origin: "+origin, e.cookies(b))
			if got := p.header["Access-Control-Allow-Origin"]; p.status != http.StatusOK || (len(got) == 1 && got[0] == origin) != test.copies {
				t.Errorf("signed in: %d, Access-Control-Allow-Origin %q", p.status, got)
			}
		})
	}
}

// TestEdgePassedPreflights: with SALLYPORT_PASS_PREFLIGHTS a question about a preflight lets
// it through to the app, so the proxies in front have to pass on what makes it one.
func TestEdgePassedPreflights(t *testing.T) {
	for _, server := range edgeServers {
		t.Run(server.name, func(t *testing.T) {
			t.Parallel()
			e := newEdge(t, server.start, "SALLYPORT_PASS_PREFLIGHTS=true")
			const origin = "Origin: https://front.example.com"
			p := e.send(http.MethodOptions, "/api", origin, "Access-Control-Request-Method: PUT")
			if p.status != http.StatusOK || p.received().told("X-Forwarded-User") != nil {
				t.Errorf("a preflight: %d %s", p.status, p.body)
			}
			e.send(http.MethodOptions, "/api", origin).wantRefused("no preflight", 401)
			e.send(http.MethodPut, "/api", origin, "Access-Control-Request-Method: PUT").wantRefused("another method", 401)
		})
	}
}
