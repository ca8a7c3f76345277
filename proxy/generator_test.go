package proxy

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
)

// What contract §4 says of clients' names, written down a second time so that a mistake
// in names.go is not one here. All are folded.
var (
	// goneNames never pass.
	goneNames = words(`xforwardeduser xforwardedemail xforwardedpreferredusername xforwardedgroups xforwardedaccesstoken xforwardedidtoken
		xforwardedfor xforwardedproto xforwardedhost xrequestid traceparent tracestate
		remoteuser remotegroups remoteemail remotename xuser xhttpmethod xmethodoverride httpmethodoverride
		xdepartment remoterole`)
	gonePrefixes = []string{"xsallyport", "sallyport", "xauthrequest", "xremote", "xwebauth", "xhttpmethod"}
	// peerNames and those with these prefixes pass from a trusted peer in their usual spelling.
	peerNames    = words("forwarded xrealip xrewriteurl")
	peerPrefixes = []string{"xforwarded", "xoriginal"}
	// wireNamesFolded pass in their usual spelling.
	wireNamesFolded = words("transferencoding contentlength connection proxyconnection keepalive upgrade te trailer host expect cookie authorization")
)

func words(text string) map[string]bool {
	set := make(map[string]bool)
	for _, w := range strings.Fields(text) {
		set[w] = true
	}
	return set
}

func hasAnyPrefix(s string, prefixes []string) bool {
	for _, p := range prefixes {
		if strings.HasPrefix(s, p) {
			return true
		}
	}
	return false
}

// mustGo reports whether a client's field of that name, as net/http spells it, must not
// reach the app.
func mustGo(name string, trusted bool) bool {
	folded := slowFold(name)
	plain := strings.Trim(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-") == ""
	switch {
	case goneNames[folded], hasAnyPrefix(folded, gonePrefixes):
		return true
	case peerNames[folded], hasAnyPrefix(folded, peerPrefixes):
		usually := plain && (strings.HasPrefix(name, "X-Forwarded-") || strings.HasPrefix(name, "X-Original-") ||
			name == "X-Forwarded" || name == "Forwarded" || name == "X-Real-Ip" || name == "X-Rewrite-Url")
		return !trusted || !usually
	case wireNamesFolded[folded]:
		return strings.Count(name, "-") != strings.Count(usualWire[folded], "-") || http.CanonicalHeaderKey(name) != usualWire[folded]
	}
	return false
}

var usualWire = map[string]string{
	"transferencoding": "Transfer-Encoding", "contentlength": "Content-Length", "connection": "Connection", "proxyconnection": "Proxy-Connection",
	"keepalive": "Keep-Alive", "upgrade": "Upgrade", "te": "Te", "trailer": "Trailer", "host": "Host", "expect": "Expect", "cookie": "Cookie", "authorization": "Authorization",
}

// managedNames are the names that the generator forges.
var managedNames = strings.Fields(`X-Forwarded-User X-Forwarded-Email X-Forwarded-Preferred-Username X-Forwarded-Groups X-Forwarded-Access-Token X-Forwarded-Id-Token
	X-Sallyport-Assertion X-Sallyport-Groups-Omitted X-Sallyport-Other Sallyport-Error X-Department Remote-Role
	X-Forwarded-For X-Forwarded-Proto X-Forwarded-Port X-Forwarded-Prefix X-Forwarded-Uri X-Forwarded-Other X-Forwarded Forwarded X-Real-IP
	X-Original-URL X-Original-Method X-Original-Other X-Rewrite-URL X-Request-Id Traceparent Tracestate
	X-Auth-Request-User X-Auth-Request-Email X-Auth-Request-Groups X-Auth-Request-Other Remote-User Remote-Groups Remote-Email Remote-Name X-User
	X-Remote-User X-Remote-Group X-Remote-Other X-WEBAUTH-USER X-WEBAUTH-ROLE X-HTTP-Method-Override X-HTTP-Method X-Method-Override HTTP-Method-Override Proxy`)

// misspelt are names that the generator never writes as they are.
var misspelt = strings.Fields("Transfer-Encoding Content-Length Connection Keep-Alive Host Cookie Authorization Expect Trailer TE Upgrade")

// between are the characters beside letters and digits that a field's name may have.
const between = "-_.~!#$%&'*+^`|"

// forgery marks what a client claims.
const forgery = "forged"

// generator makes requests of a client that wants to be somebody.
type generator struct {
	*rand.Rand
	forged map[string]int // how often each name was written, whatever its spelling
}

// request is one of them.
type generatedRequest struct {
	raw      string
	cookie   string // of a session, "" for none
	from     string // the peer's address
	trusted  bool
	ordinary string // the value of X_Custom.Name, which must arrive
}

func (g *generator) one(n int) generatedRequest {
	r := generatedRequest{from: "192.0.2.9:4711", ordinary: fmt.Sprint("plain-", n)}
	if g.IntN(3) == 0 {
		r.from, r.trusted = "10.1.2.3:4711", true
	}
	path := "/app/x?a=" + forgery
	if g.IntN(2) == 0 {
		path = g.pick([]string{"/public/x", "/shop/x", "/shop/", "/public/a.css?v=1"})
	}
	if g.IntN(2) == 0 || strings.HasPrefix(path, "/app") {
		r.cookie = g.pick([]string{"alice", "bob"})
	}
	chunked := g.IntN(8) == 0
	var b strings.Builder
	method := "GET"
	if chunked {
		method = "POST"
		path = strings.Replace(path, "/shop", "/public", 1) // GET alone is optional there
	}
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: app.example.com\r\n", method, path)
	lines := make([]string, 0, 16)
	for range 1 + g.IntN(6) {
		lines = append(lines, g.field())
	}
	if r.cookie != "" {
		lines = append(lines, "Cookie: theme=dark; __Host-sallyport="+r.cookie)
	}
	lines = append(lines, "X_Custom.Name: "+r.ordinary)
	if g.IntN(4) == 0 {
		lines = append(lines, "Connection: "+g.hops())
	}
	if g.IntN(8) == 0 {
		lines = append(lines, "Authorization: Bearer "+forgery) // the app's own affair unless we replace it
	}
	if chunked {
		lines = append(lines, "Transfer-Encoding: chunked", "Trailer: "+g.hops())
	}
	g.Shuffle(len(lines), func(i, j int) { lines[i], lines[j] = lines[j], lines[i] })
	b.WriteString(strings.Join(lines, "\r\n") + "\r\n\r\n")
	if chunked {
		b.WriteString("3\r\nabc\r\n0\r\n" + g.field() + "\r\n" + g.field() + "\r\n\r\n")
	}
	r.raw = b.String()
	return r
}

func (g *generator) pick(list []string) string { return list[g.IntN(len(list))] }

// field is a line in which a client says who it is.
func (g *generator) field() string {
	name := g.pick(managedNames)
	if g.IntN(8) == 0 {
		name = g.pick(misspelt)
		g.forged[name]++
		return g.separate(name) + ": " + g.value()
	}
	g.forged[name]++
	return g.spell(name) + ": " + g.value()
}

func (g *generator) value() string {
	return forgery + g.pick([]string{"", "-admin", ", admin", "; a=b", " ", "\t", "@example.com", "=1"})
}

// hops lists names for a Connection or Trailer field.
func (g *generator) hops() string {
	names := []string{g.pick([]string{"close", "keep-alive", "x-hop"})}
	for range 1 + g.IntN(3) {
		name := g.pick(managedNames)
		if g.IntN(2) == 0 {
			name = g.spell(name)
		}
		names = append(names, name)
	}
	return strings.Join(names, g.pick([]string{",", ", ", " ,"}))
}

// spell writes a name in one of its many spellings.
func (g *generator) spell(name string) string {
	switch g.IntN(6) {
	case 0:
		return name
	case 1:
		return strings.ToLower(name)
	case 2:
		return g.mixCase(name)
	}
	return g.separate(g.mixCase(name))
}

func (g *generator) mixCase(name string) string {
	b := []byte(name)
	for i := range b {
		if g.IntN(2) == 0 && (b[i]|0x20) >= 'a' && (b[i]|0x20) <= 'z' {
			b[i] ^= 0x20
		}
	}
	return string(b)
}

// separate puts other characters, or none, where dashes are, and some elsewhere. What
// comes out is never the name itself.
func (g *generator) separate(name string) string {
	for {
		var b strings.Builder
		for i := range len(name) {
			if name[i] != '-' {
				b.WriteByte(name[i])
			}
			for g.IntN(12) == 0 || name[i] == '-' && g.IntN(3) > 0 {
				b.WriteByte(between[g.IntN(len(between))])
			}
		}
		if text := b.String(); !strings.EqualFold(text, name) {
			return text
		}
	}
}
