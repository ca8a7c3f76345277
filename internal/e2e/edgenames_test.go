package e2e

import (
	"net/http"
	"strings"
	"testing"
)

// managedNames are those that a client must not set: docs/headers.md, with the
// usual members of its families.
var managedNames = []string{
	"X-Forwarded-User", "X-Forwarded-Email", "X-Forwarded-Groups", "X-Forwarded-Preferred-Username",
	"X-Forwarded-Access-Token", "X-Forwarded-Id-Token", "X-Sallyport-Assertion", "X-Sallyport-Groups-Omitted",
	"X-Forwarded-Name", "X-Forwarded-Username", "X-Forwarded-Roles", "X-Forwarded-Group",
	"X-Auth-Request-User", "X-Auth-Request-Email", "X-Auth-Request-Groups", "X-Auth-Request-Preferred-Username",
	"X-Auth-Request-Access-Token", "X-Auth-Request-Id-Token", "X-Auth-Request-Redirect",
	"Remote-User", "Remote-Groups", "Remote-Email", "Remote-Name",
	"X-Remote-User", "X-Remote-Group", "X-Remote-Groups", "X-Remote-Email", "X-Remote-Name",
	"X-WEBAUTH-USER", "X-WEBAUTH-EMAIL", "X-WEBAUTH-NAME", "X-WEBAUTH-FULLNAME", "X-WEBAUTH-GROUPS", "X-WEBAUTH-ROLE", "X-User",
	"X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override", "HTTP-Method-Override", "Proxy",
	"Forwarded", "X-Forwarded", "X-Real-IP", "X-Original-URL", "X-Original-URI", "X-Original-Method", "X-Original-Host", "X-Rewrite-URL",
	"X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "X-Forwarded-Uri", "X-Forwarded-Method", "X-Forwarded-Prefix",
	"X-Forwarded-Port", "X-Forwarded-Server", "X-Forwarded-Scheme", "X-Forwarded-Ssl", "X-Forwarded-By",
}

// spellings are ways to write a name that apps on CGI, WSGI and their like read as
// the same one: with each other character of a token (RFC 9110 §5.6.2) for a dash.
func spellings(name string) []string {
	list := []string{name, strings.ToLower(name)}
	for _, dash := range "_.~'|*`!#$%&+^" {
		list = append(list, strings.ReplaceAll(name, "-", string(dash)), strings.Replace(name, "-", string(dash), 1))
	}
	return list
}

// removesEachName sends them one by one: a proxy that refuses some would hide what it
// does to others. ID-01, ID-02, FW-07.
func (e *edge) removesEachName(t *testing.T, b *browser) {
	e, b = e.in(t, b)
	for _, path := range []string{"/x", "/public/x"} {
		for _, name := range managedNames {
			for _, spelling := range spellings(name) {
				header := navigation()
				header[spelling] = []string{"forged", "also forged"}
				p := b.send(http.MethodGet, e.public+path, nil, header)
				if p.status >= http.StatusInternalServerError || strings.Contains(p.body, "forged") {
					t.Errorf("%s at %s: %d %s", spelling, path, p.status, p.body)
				}
			}
		}
	}
}
