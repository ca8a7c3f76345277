package proxy

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strings"
)

// The fields in which a proxy tells of the request that it has in its hands: Traefik
// and Caddy the first of each pair, nginx the second.
var (
	originalMethods = [...]string{"X-Forwarded-Method", "X-Original-Method"}
	originalTargets = [...]string{"X-Forwarded-Uri", "X-Original-Url"}
)

// original is the request that a proxy asks about.
type original struct {
	// request has its method, target and host, and the fields that came with the
	// question, which are the client's.
	request *http.Request
	// located says that the target is known; without it request has the target of
	// the question itself.
	located bool
	// complete is false where the proxy is not trusted or leaves out the method or
	// the target: then no rule may be relaxed, since any could be meant.
	complete bool
	scheme   string // "http" or "https"
	target          // what is asked for, once the gate has looked at it

	// told and address are room for request and its URL, so that a question costs one
	// piece of memory. Nobody copies an original.
	told    http.Request
	address url.URL
}

// whole is path and query as they came.
func (o *original) whole() string { return whole(o.path, o.request.URL.RawQuery) }

// readOriginal reads what the question of x is about. The error says that a trusted proxy tells
// it in two ways, of which one is a client's that it let through.
func readOriginal(x *exchange, question *http.Request, publicScheme string) (*original, error) {
	o := &original{request: question, scheme: publicScheme}
	r := &o.told
	if err := readUpgrade(r, question); err != nil {
		return o, err
	}
	if o.request = r; !x.trusted {
		return o, nil
	}
	h := r.Header
	method, err := told(h, originalMethods[:])
	if err != nil {
		return o, err
	}
	located, host, scheme, err := readTarget(&o.address, h)
	if err != nil {
		return o, err
	}
	if p := single(h, "X-Forwarded-Proto"); p == "http" || p == "https" {
		scheme = p
	}
	if scheme != "" {
		o.scheme = scheme
	}
	if method != "" {
		r.Method = method
	}
	r.Host = x.requestedHost()
	if host != "" {
		if said := single(h, "X-Forwarded-Host"); said != "" && !strings.EqualFold(said, host) {
			return o, fmt.Errorf("X-Forwarded-Host is %.100q, and the host of X-Original-URL %.100q; have the proxy set or clear both", said, host)
		}
		r.Host = host
	}
	if o.located = located; located {
		r.URL = &o.address
	}
	o.complete = o.located && method != "" && !joined(h)
	return o, nil
}

// readUpgrade makes r the question as the request that a client may have sent: whatever version
// the proxy speaks with us, it may be for a WebSocket. Most proxies do not pass Upgrade on with the
// question, and one from HTTP/2 has no Sec-WebSocket-Key (RFC 8441 §5); either is enough
// to have the origin judged. The error says that the client wants another protocol: an
// app that agrees to it would have a connection in which nobody is asked again.
func readUpgrade(r, question *http.Request) error {
	*r = *question
	r.Proto, r.ProtoMajor, r.ProtoMinor = "HTTP/1.1", 1, 1
	upgrade := question.Header["Upgrade"]
	for _, protocol := range upgrade {
		if protocol != "" && !strings.EqualFold(protocol, "websocket") {
			return fmt.Errorf("the client asks for an upgrade to %.50q; have the proxy take away every Upgrade but that to websocket", upgrade)
		}
	}
	if strings.Join(upgrade, "") != "" || len(question.Header["Sec-Websocket-Key"]) > 0 {
		r.Header = maps.Clone(question.Header)
		r.Header["Upgrade"], r.Header["Sec-Websocket-Key"] = []string{"websocket"}, []string{"asked about"}
	}
	return nil
}

// joined reports whether a proxy may have appended its own target to one that the
// client sent, as some do where they should replace it. Targets that look like two
// are rare enough to relax nothing for them.
func joined(h http.Header) bool {
	for _, name := range originalTargets {
		for _, v := range h[name] {
			if strings.Contains(v, ",/") || strings.Contains(v, ",http") {
				return true
			}
		}
	}
	return false
}

// told returns the value that the fields of those names have together, "" when none
// is there.
func told(h http.Header, names []string) (string, error) {
	value := ""
	for _, name := range names {
		for i, v := range h[name] {
			if i > 0 || value != "" && v != "" && v != value {
				return "", fmt.Errorf("%s are there twice or differ; have the proxy set one and clear the other", strings.Join(names, " or "))
			}
			value = cmp.Or(v, value)
		}
	}
	return value, nil
}
