package proxy

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/http2"
)

// wantIdentity wants the complete set of fields in an answer, each once: those of alice,
// or empty ones, and nothing that a client said.
func wantIdentity(t *testing.T, h http.Header, user string) {
	t.Helper()
	for _, name := range theSet {
		if got := h.Values(name); len(got) != 1 || strings.Contains(got[0], "admin") || strings.Contains(got[0], "root") {
			t.Errorf("%s is %q", name, got)
		}
	}
	if got := h.Get("X-Auth-Request-User"); got != user {
		t.Errorf("X-Auth-Request-User is %q, want %q", got, user)
	}
	for name, values := range h {
		if text := strings.Join(values, ""); (strings.Contains(text, "admin") || strings.Contains(text, "root")) && name != "X-Request-Id" {
			t.Errorf("the answer says %s: %q", name, values)
		}
	}
}

// TestForwardAuthSpoofing asks with what pretends to be an identity among the client's
// fields: ID-01, -02, -03, -08, -18, -21 and what is beside them.
func TestForwardAuthSpoofing(t *testing.T) {
	for _, tt := range spoofings() {
		t.Run(tt.name, func(t *testing.T) {
			f := askingFixture(t, nil)
			for who, user := range map[string]string{valid: "alice", "none=1": ""} {
				for _, uri := range []string{"/x", "/public/x", "/read/x"} {
					a := f.ask(askPath, traefik("GET", uri), []string{"Cookie: " + who}, tt.lines)
					want := ""
					if a.StatusCode == http.StatusOK && uri != "/public/x" {
						want = user
					}
					wantIdentity(t, a.Header, want)
					if uri == "/x" && user == "" && a.StatusCode == http.StatusOK {
						t.Error("nobody passes")
					}
				}
			}
			f.app.wantNone(t)
		})
	}
}

// TestForwardAuthMalformedFields: ID-04, -05, -09, -10, -11, as the edge proxy may hand
// them on.
func TestForwardAuthMalformedFields(t *testing.T) {
	who := []string{"Cookie: " + valid}
	chunked := "3\r\nabc\r\n0\r\nX-Forwarded-User: admin\r\nX-Auth-Request-User: admin\r\n\r\n"
	for _, tt := range []struct {
		name string
		raw  string
		want []int
	}{
		{"ID-04 space before the colon", request("GET", askPath, slices.Concat(traefik("GET", "/x"), who, []string{"X-Auth-Request-User : admin"})...), []int{400}},
		{"ID-05 folded line", request("GET", askPath, slices.Concat(traefik("GET", "/x"), who, []string{"X-Foo: bar\r\n X-Auth-Request-User: admin"})...), []int{200, 400}},
		{"ID-09 Connection names Cookie", request("GET", askPath, slices.Concat(traefik("GET", "/x"), who, []string{"Connection: Cookie"})...), []int{403}},
		{"ID-09 Connection names Authorization", request("GET", askPath, slices.Concat(traefik("GET", "/x"), who, []string{"Connection: close, authorization"})...), []int{403}},
		{"ID-09 Connection names a fact", request("GET", askPath, slices.Concat(traefik("GET", "/x"), who, []string{"Connection: X-Forwarded-Uri, X-Forwarded-Method"})...), []int{200}},
		{"ID-10 trailers", request("POST", askPath, slices.Concat(traefik("POST", "/x"), who, []string{"Transfer-Encoding: chunked", "Trailer: X-Auth-Request-User"})...) + chunked, []int{200}},
		{"ID-11 trailers that nobody announced", request("POST", askPath, slices.Concat(traefik("POST", "/x"), who, []string{"Transfer-Encoding: chunked"})...) + chunked, []int{200}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := askingFixture(t, nil)
			a := f.send(tt.raw)
			a.wantStatus(t, tt.want...)
			switch a.StatusCode {
			case http.StatusOK:
				wantIdentity(t, a.Header, "alice")
			case http.StatusForbidden:
				wantIdentity(t, a.Header, "")
			}
		})
	}
}

// fields reads the header of stream 1's answer; nil when it was ended.
func (c *h2) fields() http.Header {
	for {
		frame, err := c.framer.ReadFrame()
		if err != nil {
			return nil
		}
		switch fr := frame.(type) {
		case *http2.MetaHeadersFrame:
			h := make(http.Header)
			for _, f := range fr.Fields {
				h.Add(f.Name, f.Value)
			}
			return h
		case *http2.RSTStreamFrame, *http2.GoAwayFrame:
			return nil
		}
	}
}

// TestForwardAuthOverHTTP2: an edge proxy may ask over HTTP/2, as Envoy does. ID-12, -13,
// -15, -16.
func TestForwardAuthOverHTTP2(t *testing.T) {
	question := []string{":method", "POST", ":scheme", "https", ":path", askPath, ":authority", "app.example.com", "cookie", valid,
		"x-forwarded-method", "GET", "x-forwarded-uri", "/x"}
	for name, tt := range map[string]struct {
		send func(*h2)
		want []string // statuses; "" = the stream is ended
	}{
		"ID-12 trailers": {func(c *h2) {
			c.headers(false, append(slices.Clone(question), "trailer", "x-auth-request-user")...)
			_ = c.framer.WriteData(1, false, []byte("abc"))
			c.headers(true, "x-auth-request-user", "admin")
		}, []string{"200"}},
		"ID-13 upper-case name": {func(c *h2) { c.headers(true, append(slices.Clone(question), "X-Auth-Request-User", "admin")...) }, []string{"", "400"}},
		"ID-13 line break in a value": {func(c *h2) {
			c.headers(true, append(slices.Clone(question), "x", "a\r\nx-forwarded-uri: /public/x")...)
		}, []string{"", "400"}},
		"ID-15 connection":   {func(c *h2) { c.headers(true, append(slices.Clone(question), "connection", "x-forwarded-uri")...) }, []string{"", "400"}},
		"ID-16 another host": {func(c *h2) { c.headers(true, append(slices.Clone(question), "host", "admin.internal")...) }, []string{"200", "400", ""}},
		"ID-02 aliases": {func(c *h2) {
			c.headers(true, append(slices.Clone(question), "x_auth_request_user", "admin", "x-auth-request-user", "admin")...)
		}, []string{"200"}},
		"PA-12 CONNECT": {func(c *h2) {
			c.headers(true, ":method", "CONNECT", ":authority", "app.example.com:443", "cookie", valid)
		}, []string{"405", "400", ""}},
		"PA-12 CONNECT is asked about": {func(c *h2) {
			c.headers(true, append(slices.Clone(question[:11]), "CONNECT", "x-forwarded-uri", "/public/x")...)
		}, []string{"403", "400", ""}},
	} {
		t.Run(name, func(t *testing.T) {
			f := askingFixture(t, nil)
			c := f.dialH2()
			tt.send(c)
			h := c.fields()
			if status := h.Get(":status"); !slices.Contains(tt.want, status) {
				t.Errorf("status %q, want one of %q", status, tt.want)
			} else if status == "200" {
				h.Del(":status")
				wantIdentity(t, h, "alice")
			}
			f.app.wantNone(t)
		})
	}
}
