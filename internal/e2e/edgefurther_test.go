package e2e

import (
	"net/http"
	"slices"
	"testing"
)

// further is what docs/forward-auth.md has people add for X-Department, by file: the
// line that it goes behind, and what that line becomes.
var further = map[string][]string{
	"nginx.conf": {
		"        auth_request_set $sallyport_user ",
		"        auth_request_set $sallyport_department $upstream_http_x_department;\n        proxy_set_header X-Department $sallyport_department;\n        auth_request_set $sallyport_user ",
	},
	"haproxy.lua": {"local identity = {", "local identity = {\n  [\"X-Department\"] = \"x-department\","},
	"apache.lua":  {"local identity = {", "local identity = {\n  [\"X-Department\"] = \"x-department\","},
	"Caddyfile": {
		"\t\trequest_header -X-User", "\t\trequest_header -X-Department\n\t\trequest_header -X-User",
		"copy_headers {", "copy_headers {\n\t\t\t\t\tX-Department",
	},
}

// TestEdgeFurtherHeaders sends a claim of SALLYPORT_HEADERS through the edge proxies.
func TestEdgeFurtherHeaders(t *testing.T) {
	for _, server := range edgeServers {
		t.Run(server.name, func(t *testing.T) {
			t.Parallel()
			e := newEdge(t, func(e *edge) {
				e.further = further
				server.start(e)
			}, "SALLYPORT_HEADERS=X-Department=email")
			b := e.browser()
			e.signIn(b, "/", "ada")
			const forged = "X-Department: forged"
			got := e.send(http.MethodGet, "/x", e.cookies(b), forged).received()
			if values := got.values("X-Department"); !slices.Equal(values, []string{"ada@example.com"}) {
				t.Errorf("X-Department is %q", values)
			}
			if got := e.send(http.MethodGet, "/public/x", forged).received(); got.told("X-Department") != nil {
				t.Errorf("on a public path X-Department is %q", got.values("X-Department"))
			}
		})
	}
}

// TestEdgeWithoutChunks/haproxy runs the line of its page that keeps trailers away from the app.
func TestEdgeWithoutChunks(t *testing.T) {
	t.Run("haproxy", func(t *testing.T) {
		e := newEdge(t, func(e *edge) {
			const before = "    acl ours path_beg /oauth2/"
			e.further = map[string][]string{"haproxy.cfg": {before, "    http-request deny deny_status 400 if { req.hdr(transfer-encoding) -m found }\n" + before}}
			startHAProxy(e)
		})
		b := e.browser()
		e.signIn(b, "/", "ada")
		for _, coding := range []string{"chunked", "Chunked", "gzip, chunked"} {
			for _, method := range []string{http.MethodPost, http.MethodGet} {
				e.send(method, "/x", e.cookies(b), "Transfer-Encoding: "+coding+"\r\n\r\n3\r\nabc\r\n0\r\nX-Forwarded-User: forged").wantRefused(method+" in chunks", 400, 422, 501)
			}
		}
		if got := e.send(http.MethodPost, "/x", e.cookies(b), "Content-Length: 3\r\n\r\nabc").received(); got.Bytes != 3 || len(got.Trailers) != 0 {
			t.Errorf("a body with a length: %+v", got)
		}
	})
}
