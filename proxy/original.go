package proxy

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/sallyport/sallyport/proxy/policy"
)

// original is the request that an edge proxy asks about.
type original struct {
	// known says that a trusted peer stated method and target in one way. Nothing is
	// relaxed for a request that is not known.
	known  bool
	method string // one that passes
	path   string // as the client sent it, without the query
	query  string // with its question mark; may be ""
	origin string // scheme and host where the peer states a scheme, or ""
}

// target is path and query.
func (o *original) target() string { return o.path + o.query }

// The fields that state the original request: those of nginx, and those of Traefik and
// Caddy.
const (
	headerOriginalURL     = "X-Original-Url"
	headerOriginalMethod  = "X-Original-Method"
	headerForwardedURI    = "X-Forwarded-Uri"
	headerForwardedMethod = "X-Forwarded-Method"
)

// readOriginal reads the original request. Fields of a peer that is not trusted are
// not looked at. An error means that they cannot be understood, or in more than one
// way: an edge proxy passes on what its client sent under the names that it does not
// set itself.
func (s *Site) readOriginal(x *exchange) (original, error) {
	if !x.trusted {
		return original{method: x.in.Method}, nil
	}
	method, err := either(x.in.Header, headerOriginalMethod, headerForwardedMethod, func(v string) (string, error) { return v, nil })
	if err != nil {
		return original{}, err
	}
	if method != "" && !methodAllowed(method) {
		return original{}, fmt.Errorf("the original method is %.20q", method)
	}
	target, err := either(x.in.Header, headerOriginalURL, headerForwardedURI, func(v string) (string, error) { return s.cutOrigin(x, v) })
	if err != nil {
		return original{}, err
	}
	if method == "" || target == "" || mayBeSeveral(target) {
		return original{method: x.in.Method}, nil
	}
	o := original{known: true, method: method, path: target, origin: s.originOf(x)}
	if i := strings.IndexByte(target, '?'); i >= 0 {
		o.path, o.query = target[:i], target[i:]
	}
	if err := policy.CheckPath(o.path); err != nil {
		return original{}, fmt.Errorf("original request: %w", err)
	}
	if strings.ContainsFunc(target, func(r rune) bool { return r <= ' ' || r == 0x7f || r == '#' }) {
		return original{}, errors.New("the original target has white space, a control character or a #")
	}
	if at, _ := s.routes.find(o.path); at != atApp {
		return original{}, errors.New("the original path is, or could be read as, one of Sallyport's own or outside the base path; the edge proxy must send SALLYPORT_PREFIX here without asking")
	}
	return o, nil
}

// either returns what one of two fields states, "" for neither. Sent twice, or with
// different statements, they are an error.
func either(h http.Header, first, second string, read func(string) (string, error)) (string, error) {
	stated := ""
	for _, name := range [...]string{first, second} {
		values := h[name]
		if len(values) > 1 {
			return "", fmt.Errorf("%s came %d times; the edge proxy must set it", name, len(values))
		}
		if len(values) == 0 || values[0] == "" {
			continue
		}
		value, err := read(values[0])
		if err != nil {
			return "", fmt.Errorf("%s: %w", name, err)
		}
		if stated != "" && stated != value {
			return "", fmt.Errorf("%s and %s differ; the edge proxy must set the one and remove the other", first, second)
		}
		stated = value
	}
	return stated, nil
}

// cutOrigin returns path and query of an original address, which may be absolute.
// Then its host has to be that of the request.
func (s *Site) cutOrigin(x *exchange, address string) (string, error) {
	if address[0] == '/' {
		return address, nil
	}
	scheme, rest, ok := strings.Cut(address, "://")
	if scheme = strings.ToLower(scheme); !ok || scheme != "http" && scheme != "https" {
		return "", errors.New("neither a path nor an http address")
	}
	host, target := rest, "/"
	if i := strings.IndexAny(rest, "/?#"); i >= 0 {
		host = rest[:i]
		if target = rest[i:]; target[0] != '/' {
			target = "/" + target
		}
	}
	if canonical, ok := s.gate.canonicalHost(host); !ok || canonical != x.host {
		return "", fmt.Errorf("its host is not %s, that of the Host or X-Forwarded-Host field", x.host)
	}
	return target, nil
}

// mayBeSeveral reports whether a proxy may have appended its own address to one that
// the client sent.
func mayBeSeveral(target string) bool {
	return strings.Contains(target, ",/") || strings.Contains(target, ", /") || strings.Contains(target, ",http")
}

// originOf is where the original request went, for a way back to another of our hosts.
func (s *Site) originOf(x *exchange) string {
	if x.host == s.gate.public {
		return ""
	}
	if p := single(x.in.Header, "X-Forwarded-Proto"); p == "http" || p == "https" {
		return p + "://" + x.host
	}
	return s.publicScheme + "://" + x.host
}
