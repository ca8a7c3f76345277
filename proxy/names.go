package proxy

import (
	"fmt"
	"net/http"
	"strings"
)

// A class says what is done with a field of a client's request.
type class uint8

const (
	passes class = iota
	// own: a name that only we may set, whoever the peer is.
	own
	// forwarding: believed from a trusted peer, in its usual spelling.
	forwarding
	// borrowed: a name that apps commonly trust, or one that changes what a
	// request means behind our back.
	borrowed
	// wire: a name of HTTP itself. Its usual spelling is net/http's business;
	// any other spelling has no purpose but to be taken for it by the app.
	wire
)

// maxFolded is the longest name that is folded, in letters and digits. No
// managed name is longer; one that begins with a managed prefix is recognised
// by its beginning.
const maxFolded = 48

// exactNames are the managed names, folded.
var exactNames = map[string]class{
	"xforwardeduser": own, "xforwardedemail": own, "xforwardedpreferredusername": own,
	"xforwardedgroups": own, "xforwardedaccesstoken": own, "xforwardedidtoken": own,
	// Nobody but us says these, though we do not use them: an app that asks for
	// "the name" must not read a client's.
	"xforwardedname": own, "xforwardedusername": own, "xforwardedroles": own, "xforwardedgroup": own,
	"xforwardedfor": own, "xforwardedproto": own, "xforwardedhost": own,
	"xrequestid": own, "traceparent": own, "tracestate": own, "http2settings": own,

	"xforwarded": forwarding, "forwarded": forwarding, "xrealip": forwarding, "xrewriteurl": forwarding,

	"remoteuser": borrowed, "remotegroups": borrowed, "remoteemail": borrowed, "remotename": borrowed,
	// CGI makes the variable HTTP_PROXY of it, which many take for their way out.
	"proxy": borrowed,
	"xuser": borrowed, "xhttpmethod": borrowed, "xmethodoverride": borrowed, "httpmethodoverride": borrowed,

	"transferencoding": wire, "contentlength": wire, "connection": wire, "proxyconnection": wire,
	"keepalive": wire, "upgrade": wire, "te": wire, "trailer": wire, "host": wire, "expect": wire,
	"cookie": wire, "authorization": wire,
}

// prefixNames are the managed families, folded; the first that fits decides.
var prefixNames = [...]struct {
	prefix string
	class  class
}{
	{"xsallyport", own}, {"sallyport", own},
	{"xforwarded", forwarding}, {"xoriginal", forwarding},
	{"xauthrequest", borrowed}, {"xremote", borrowed}, {"xwebauth", borrowed},
	{"xhttpmethod", borrowed},
}

// fold appends the lower-cased letters and digits of name to dst, at most
// maxFolded of them. An app that builds variables of header names (CGI, WSGI,
// PHP) maps every other character to the same one, so two names that fold
// alike are one name to somebody. It does not allocate when dst has room.
func fold(dst []byte, name string) []byte {
	for i := range len(name) {
		switch c := name[i]; {
		case 'a' <= c && c <= 'z', '0' <= c && c <= '9':
			dst = append(dst, c)
		case 'A' <= c && c <= 'Z':
			dst = append(dst, c+('a'-'A'))
		}
		if len(dst) == maxFolded {
			break
		}
	}
	return dst
}

// classify returns the class of a field's name in any spelling.
func classify(name string) class {
	if ordinary(name) {
		return passes
	}
	var buf [maxFolded]byte
	folded := fold(buf[:0], name)
	if c, ok := exactNames[string(folded)]; ok {
		return c
	}
	for _, p := range prefixNames {
		if len(folded) >= len(p.prefix) && string(folded[:len(p.prefix)]) == p.prefix {
			return p.class
		}
	}
	return passes
}

// ordinary is a quick "no" for the fields of every request: none of those that
// begin with one of these letters is managed.
func ordinary(name string) bool {
	if name == "" {
		return true
	}
	switch name[0] {
	case 'B', 'D', 'G', 'I', 'J', 'L', 'M', 'N', 'O', 'Q', 'V', 'W', 'Y', 'Z':
		return true
	case 'A':
		return strings.HasPrefix(name, "Accept")
	case 'S':
		return strings.HasPrefix(name, "Sec-")
	}
	return false
}

// wireNames are the names of the class wire as net/http spells them.
var wireNames = map[string]struct{}{
	"Transfer-Encoding": {}, "Content-Length": {}, "Connection": {}, "Proxy-Connection": {}, "Keep-Alive": {},
	"Upgrade": {}, "Te": {}, "Trailer": {}, "Host": {}, "Expect": {}, "Cookie": {}, "Authorization": {},
}

// usual reports whether name, of the class wire or forwarding, is spelt as
// everybody spells it: with its dashes where they belong and nothing in place of
// one.
func usual(name string) bool {
	if _, ok := wireNames[name]; ok {
		return true
	}
	switch name {
	case "Forwarded", "X-Forwarded", "X-Real-Ip", "X-Rewrite-Url":
		return true
	}
	return plainName(name) && (strings.HasPrefix(name, "X-Forwarded-") || strings.HasPrefix(name, "X-Original-"))
}

// plainName reports whether a name is canonical and has only letters, digits and
// dashes.
func plainName(name string) bool {
	return strings.IndexFunc(name, func(r rune) bool {
		return r != '-' && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9')
	}) < 0 && http.CanonicalHeaderKey(name) == name
}

// exceptions reads SALLYPORT_PASS_CLIENT_HEADERS: names of clients' fields that
// pass although they are on the list.
func exceptions(names []string, claims ClaimHeaders) (map[string]struct{}, error) {
	set := make(map[string]struct{}, len(names))
	for _, n := range names {
		name := http.CanonicalHeaderKey(strings.TrimSpace(n))
		if !plainName(name) || name == "" {
			return nil, fmt.Errorf("SALLYPORT_PASS_CLIENT_HEADERS: %q is not a header name of letters, digits and dashes", n)
		}
		if c := classify(name); c == own || c == wire || claims.covers(name) {
			return nil, fmt.Errorf("SALLYPORT_PASS_CLIENT_HEADERS: %s is set by Sallyport or by HTTP itself and never passes from a client; remove it from the list", name)
		}
		set[name] = struct{}{}
	}
	return set, nil
}
