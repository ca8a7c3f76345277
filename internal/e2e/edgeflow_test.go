package e2e

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// forged are fields that a client must not be able to say, each with the value
// "forged". ID-01, ID-02, ID-03, ID-21, FW-07.
var forged = []string{
	"X-Forwarded-User", "x-FORWARDED-user", "X-Forwarded-Email", "X-Forwarded-Groups", "X-Forwarded-Preferred-Username",
	"X-Forwarded-Access-Token", "X-Forwarded-Id-Token", "X-Sallyport-Assertion", "X-Sallyport-Groups-Omitted",
	"X_Forwarded_User", "X-Forwarded_User", "x_forwarded-user", "X.Forwarded.User", "X-Forwarded.User", "X-Forwarded~User", "X-Forwarded'User", "X-Forwarded|User",
	"X_Sallyport_Assertion", "Remote_User",
	"X-Auth-Request-User", "X-Auth-Request-Email", "X-Auth-Request-Groups", "X-Auth-Request-Preferred-Username", "X-Auth-Request-Access-Token",
	"Remote-User", "Remote-Groups", "Remote-Email", "Remote-Name", "X-Remote-User", "X-WEBAUTH-USER", "X-User", "X-Forwarded-Name", "X-Forwarded-Roles",
	"X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override", "X-Rewrite-URL", "X-Forwarded-Prefix", "Forwarded", "X-Real-IP", "X-Forwarded-For", "X-Original-URL", "X-Original-Method", "X-Forwarded-Uri", "X-Forwarded-Method",
}

// send writes a request byte for byte and returns the answer.
func (e *edge) send(method, target string, lines ...string) page {
	e.t.Helper()
	c := e.dial()
	head := append([]string{method + " " + target + " HTTP/1.1"}, lines...)
	for _, usual := range []string{"Host: " + e.address(), "Connection: close"} {
		name, _, _ := strings.Cut(usual, ":")
		if !slices.ContainsFunc(lines, func(l string) bool { return strings.HasPrefix(l, name+":") }) {
			head = slices.Insert(head, 1, usual)
		}
	}
	if _, err := io.WriteString(c, strings.Join(head, "\r\n")+"\r\n\r\n"); err != nil {
		e.t.Fatal(err)
	}
	response, err := http.ReadResponse(bufio.NewReader(c), &http.Request{Method: method})
	if err != nil {
		e.t.Fatalf("%s %s: %v", method, target, err)
	}
	body, err := io.ReadAll(response.Body)
	if err != nil {
		e.t.Fatalf("%s %s: %v", method, target, err)
	}
	return page{t: e.t, status: response.StatusCode, at: &url.URL{Path: target}, header: response.Header, body: string(body)}
}

// told are the values of a header that say something: a proxy may pass on an empty one.
func (r received) told(name string) []string {
	var list []string
	for _, v := range r.values(name) {
		if v != "" {
			list = append(list, v)
		}
	}
	return list
}

// wantRefused checks a status, and that the app had no say in the answer.
func (p page) wantRefused(what string, status ...int) {
	p.t.Helper()
	if !slices.Contains(status, p.status) || strings.Contains(p.body, `"sha256"`) {
		p.t.Errorf("%s: %d %s\nwant %d", what, p.status, p.body, status)
	}
}

func TestEdgeProxies(t *testing.T) {
	for _, server := range edgeServers {
		t.Run(server.name, func(t *testing.T) {
			t.Parallel()
			e := newEdge(t, server.start)
			b := e.browser()
			t.Run("sign-in", func(t *testing.T) { e.signsIn(t, b) })
			t.Run("identity", func(t *testing.T) { e.tellsIdentity(t, b) })
			t.Run("requests without a session", func(t *testing.T) { e.refusesNobody(t) })
			t.Run("rules", func(t *testing.T) { e.obeysRules(t, b) })
			t.Run("forged original request", func(t *testing.T) { e.believesNoClient(t, b) })
			t.Run("forged identity", func(t *testing.T) { e.removesForged(t, b) })
			t.Run("streams", func(t *testing.T) { e.passesStreams(t, b) })
			t.Run("upgrades", func(t *testing.T) { e.letsNoTunnelThrough(t, b) })
			t.Run("cookies", func(t *testing.T) { e.keepsTicket(t, b) })
			t.Run("each managed name", func(t *testing.T) { e.removesEachName(t, b) })
			t.Run("trailers", func(t *testing.T) { e.judgesTrailers(t, b, server.trailers) })
			t.Run("sign-out", func(t *testing.T) { e.signsOut(t, b) })
			t.Run("outage", func(t *testing.T) { e.closesInAnOutage(t) })
		})
	}
}

// in has the helpers of e report to a subtest.
func (e *edge) in(t *testing.T, b *browser) (*edge, *browser) {
	w, other := *e.world, *e
	w.t, other.world = t, &w
	if b == nil {
		return &other, nil
	}
	person := *b
	person.t = t
	return &other, &person
}

func (e *edge) signsIn(t *testing.T, b *browser) {
	e, b = e.in(t, b)
	const path = "/reports/2026?tab=open&x=%2F&y=a,b"
	p := e.signIn(b, path, "ada")
	if p.at.String() != e.public+path {
		t.Errorf("ended at %s", p.at)
	}
	if got := p.received(); got.URL != path {
		t.Errorf("the application saw %s", got.URL)
	}
}

func (e *edge) tellsIdentity(t *testing.T, b *browser) {
	e, b = e.in(t, b)
	got := b.open(e.public + "/").received()
	for name, want := range map[string]string{
		"X-Forwarded-User": "ada", "X-Forwarded-Email": "ada@example.com", "X-Forwarded-Preferred-Username": "ada", "X-Forwarded-Groups": "engineering,admins",
		"X-Forwarded-Proto": "https", "X-Forwarded-For": "127.0.0.1", "Host": e.address(),
	} {
		if values := got.values(name); !slices.Equal(values, []string{want}) {
			t.Errorf("%s is %q, want %q once", name, values, want)
		}
	}
	if values := got.values("X-Sallyport-Assertion"); len(values) != 1 || strings.Count(values[0], ".") != 2 {
		t.Errorf("X-Sallyport-Assertion is %q", values)
	}
	for _, name := range []string{"X-Forwarded-Access-Token", "X-Forwarded-Id-Token", "X-Auth-Request-User"} {
		if values := got.told(name); values != nil {
			t.Errorf("the application received %s %q", name, values)
		}
	}
	posted := b.send(http.MethodPost, e.public+"/orders?x", url.Values{"title": {strings.Repeat("long", 10_000)}}, navigation())
	if posted.status != http.StatusOK || !strings.Contains(posted.body, "Thank you") {
		t.Errorf("a form: %d %s", posted.status, posted.body)
	}
}

func (e *edge) refusesNobody(t *testing.T) {
	e, b := e.in(t, nil)
	b = e.browser()
	p := b.fetch(http.MethodPost, e.public+"/api/orders")
	p.wantRefused("a script", http.StatusUnauthorized)
	if p.header.Get("Content-Type") != "application/problem+json" || p.header.Get("Sallyport-Error") != "sign_in_required" {
		t.Errorf("a script gets %v\n%s", p.header, p.body)
	}
	if got := b.open(e.public + "/public/x?y").received(); got.URL != "/public/x?y" || got.told("X-Forwarded-User") != nil {
		t.Errorf("on a public path the application saw %+v", got)
	}
	e.send(http.MethodGet, "/x", "Cookie: __Host-sallyport=%%%; __Host-sallyport").wantRefused("ID-20 broken cookie", 401)
	e.send(http.MethodOptions, "/x").wantRefused("PA-14 OPTIONS", 401)
	e.send(http.MethodGet, "/x", "User-Agent: GoogleHC/1.0").wantRefused("PA-21 health probe", 401)
	e.send(http.MethodGet, "/x", "Upgrade: websocket", "Sec-WebSocket-Key: x", "Sec-WebSocket-Version: 13").wantRefused("PA-28 WebSocket", 401)
	e.send(http.MethodGet, prefix+"/auth", "X-Forwarded-Method: GET", "X-Forwarded-Uri: /public/x").wantRefused("a question from outside", 401, 403, 404)
}

func (e *edge) obeysRules(t *testing.T, b *browser) {
	e, b = e.in(t, b)
	p := b.open(e.public + "/vault/x")
	p.wantRefused("a rule", http.StatusForbidden)
	if p.header.Get("Sallyport-Error") != "group_not_allowed" || !strings.Contains(p.body, "<html") {
		t.Errorf("a person reads %v\n%s", p.header, p.body)
	}
	cookies := e.cookies(b)
	e.send(http.MethodGet, "/ws", cookies, "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version: 13",
		"Origin: https://evil.example").wantRefused("PA-29 WebSocket of another site", 403)
	for _, target := range []string{"/vault/x", "//vault/x", "/public/..%2fvault/x", "/public/%2e%2e/vault/x", "/x/../vault/x", "/public/..;/vault/x", "/VAULT/x", "/%76ault/x", "/public//../vault/x",
		"/public/..\\vault/x", "/public/..%5cvault/x", "/public/.;/../../vault/x", "/public/%252e%252e/vault/x", "/./vault/x", "/vault%2fx", "/vault;a=b/x", "/vault/./x",
		// Below our own prefix an edge does not ask: what it takes for that must be ours.
		"/oauth2/../vault/x", "/oauth2/%2e%2e/vault/x", "/oauth2/..%2fvault/x", "/oauth2/..;/vault/x", "/oauth2//../../vault/x", "/oauth2/auth/../../vault/x",
		"/oauth2/jwks/../../vault/x", "/%6fauth2/../vault/x", "/OAUTH2/../vault/x"} {
		e.send(http.MethodGet, target, cookies).wantRefused("FW-11 "+target, 403, 400, 404)
		e.send(http.MethodGet, target).wantRefused("FW-11 "+target+" of nobody", 401, 403, 400, 404)
	}
	for _, target := range []string{"/a//b", "/a%2Fb", "/a/%2e/b", "/a;x=1", "/%7Ea?b=%zz", "/a+b%20c", "/a,b"} {
		if p := e.send(http.MethodGet, target, cookies); p.status == http.StatusOK {
			if got := p.received(); got.URL != target {
				t.Errorf("%s was decided on, %s was served", target, got.URL)
			}
		}
	}
}

// keepsTicket: with the ticket the app could act as the person.
func (e *edge) keepsTicket(t *testing.T, b *browser) {
	e, b = e.in(t, b)
	ticket := e.cookies(b)
	if !strings.Contains(ticket, "sallyport") {
		t.Fatalf("nobody is signed in: %s", ticket)
	}
	own := strings.TrimPrefix(ticket, "Cookie: ")
	for _, test := range []struct{ sent, want string }{
		{own, ""}, {own + "; a=1", "a=1"}, {"a=1; " + own, "a=1"}, {"a=1; " + own + "; b=2", "a=1; b=2"}, {"a=1;" + own + ";b=2", "a=1; b=2"},
		{"b=2; __host-sallyport=x; c=sallyport", "b=2; c=sallyport"},
	} {
		got := strings.Join(e.send(http.MethodGet, "/public/x", "Cookie: "+test.sent).received().values("Cookie"), "; ")
		// Semicolons that are left over are nobody's cookie.
		kept := strings.FieldsFunc(got, func(r rune) bool { return r == ';' || r == ' ' })
		if strings.Join(kept, "; ") != test.want {
			t.Errorf("with %q around the ticket the application received %q", test.want, got)
		}
	}
}

// believesNoClient: FW-01, FW-14 and their like, through a proxy that is trusted.
func (e *edge) believesNoClient(t *testing.T, b *browser) {
	e, b = e.in(t, b)
	for _, lines := range [][]string{
		{"X-Forwarded-Uri: /public/x"}, {"X-Forwarded-Uri: /public/x", "X-Forwarded-Method: GET"}, {"X-Original-URL: " + e.public + "/public/x"},
		{"X-Original-URL: /public/x", "X-Original-Method: GET"}, {"X_Forwarded_Uri: /public/x"}, {"X-Rewrite-URL: /public/x"}, {"X-Forwarded-Prefix: /public"},
		{"X-Forwarded-Host: evil.example"}, {"Forwarded: for=127.0.0.1;host=evil.example"}, {"Connection: X-Forwarded-Uri, X-Original-URL, X-Forwarded-Method"},
	} {
		what := fmt.Sprint(lines)
		e.send(http.MethodGet, "/x", lines...).wantRefused(what, 400, 401, 403)
		e.send(http.MethodGet, "/vault/x", append(lines, e.cookies(b))...).wantRefused(what+" signed in", 400, 403)
	}
	// nginx makes 500 of a 421; Caddy has no site of that name and answers by itself.
	if p := e.send(http.MethodGet, "/public/x", "Host: evil.example"); p.status == http.StatusInternalServerError || strings.Contains(p.body, `"sha256"`) {
		t.Errorf("FW-04 another host: %d %s", p.status, p.body)
	}
	p := e.send(http.MethodGet, "/x", "X-Forwarded-Host: evil.example", "Accept: text/html")
	p.wantRefused("FW-04 the host of a sign-in", 302, 403)
	if strings.Contains(p.header.Get("Location"), "evil.example") {
		t.Errorf("the sign-in leads to %s", p.header.Get("Location"))
	}
}

func (e *edge) removesForged(t *testing.T, b *browser) {
	e, b = e.in(t, b)
	var lines []string
	for _, name := range forged {
		lines = append(lines, name+": forged")
	}
	for _, test := range []struct {
		name, target string
		more         []string
		user         []string
	}{
		{"signed in", "/x", []string{e.cookies(b)}, []string{"ada"}},
		{"ID-18 on a public path", "/public/x", nil, nil},
		{"ID-08 named by Connection", "/x", []string{e.cookies(b), "Connection: X-Forwarded-User, X-Sallyport-Assertion"}, []string{"ada"}},
	} {
		p := e.send(http.MethodGet, test.target, append(lines, test.more...)...)
		if p.status == http.StatusBadRequest {
			continue // a proxy may refuse such names outright
		}
		got := p.received()
		for _, pair := range got.Headers {
			if strings.Contains(pair[1], "forged") {
				t.Errorf("%s: %s: %s arrived", test.name, pair[0], pair[1])
			}
		}
		if values := got.told("X-Forwarded-User"); !slices.Equal(values, test.user) {
			t.Errorf("%s: X-Forwarded-User is %q, want %q", test.name, values, test.user)
		}
	}
}

// ID-10, ID-11: some apps take trailers for headers.
func (e *edge) judgesTrailers(t *testing.T, b *browser, pass bool) {
	e, b = e.in(t, b)
	for _, announced := range []string{"Trailer: X-Forwarded-User", "X-Nothing: 1"} {
		p := e.send(http.MethodPost, "/x", e.cookies(b), announced, "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-Forwarded-User: forged")
		if got := p.received(); got.Bytes != 3 || (len(got.Trailers) > 0) != pass {
			t.Errorf("with %s the application received %d bytes and the trailers %q", announced, got.Bytes, got.Trailers)
		}
	}
}

func (e *edge) signsOut(t *testing.T, b *browser) {
	e, b = e.in(t, b)
	before := e.cookies(b)
	p := b.open(e.public + prefix + "/logout")
	if !strings.HasPrefix(p.at.String(), e.issuer) {
		t.Fatalf("the sign-out led to %s: %d %s", p.at, p.status, p.body)
	}
	if p = b.submit(p, nil); p.status != http.StatusOK || !strings.HasPrefix(p.at.String(), e.public+prefix+"/logout/callback") {
		t.Errorf("the provider led back to %s: %d %s", p.at, p.status, p.body)
	}
	b.fetch(http.MethodGet, e.public+"/x").wantRefused("after the sign-out", http.StatusUnauthorized)
	e.send(http.MethodGet, "/x", before).wantRefused("with the old cookie", http.StatusUnauthorized)
}

// closesInAnOutage: nobody is let through that nobody has been asked about.
func (e *edge) closesInAnOutage(t *testing.T) {
	e, _ = e.in(t, nil)
	e.sallyport.finish()
	for _, target := range []string{"/x", "/public/x", prefix + "/login"} {
		e.send(http.MethodGet, target).wantRefused(target+" in an outage", 500, 502, 503, 504)
	}
}
