package session

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"
)

// origin is scheme, host and port as browsers compare them (RFC 6454 §4), in
// one spelling: lower-case ASCII, a default port left out.
type origin struct {
	scheme string // http or https
	host   string // a domain, an IPv4 address, or an IPv6 address in brackets
	port   string // "" = the scheme's default
}

func (o origin) String() string {
	if o.port == "" {
		return o.scheme + "://" + o.host
	}
	return o.scheme + "://" + o.host + ":" + o.port
}

// cutOrigin parses the origin in front of an absolute http or https URL and
// returns what follows it. It reads no URL that parsers disagree about: the
// two slashes must be there, the authority is host and port alone.
func cutOrigin(raw string) (o origin, rest string, ok bool) {
	scheme, after, found := strings.Cut(raw, "://")
	if !found {
		return origin{}, "", false
	}
	o.scheme = strings.ToLower(scheme)
	if o.scheme != "http" && o.scheme != "https" {
		return origin{}, "", false
	}
	authority := after
	if i := strings.IndexAny(after, "/?#"); i >= 0 {
		authority, rest = after[:i], after[i:]
	}
	o.host, o.port, ok = parseAuthority(authority)
	if o.scheme == "https" && o.port == "443" || o.scheme == "http" && o.port == "80" {
		o.port = ""
	}
	return o, rest, ok
}

// parseAuthority splits host[:port].
func parseAuthority(s string) (host, port string, ok bool) {
	host = s
	if i := strings.LastIndexByte(s, ':'); i >= 0 && !strings.HasSuffix(s, "]") {
		host, port = s[:i], s[i+1:]
		n, err := strconv.ParseUint(port, 10, 16)
		if err != nil || n == 0 || strconv.FormatUint(n, 10) != port {
			return "", "", false
		}
	}
	if strings.HasPrefix(host, "[") {
		return strings.ToLower(host), port, isIPv6(host)
	}
	host, ok = parseHost(host)
	return host, port, ok
}

func isIPv6(bracketed string) bool {
	inner, ok := strings.CutSuffix(bracketed[1:], "]")
	return ok && inner != "" && strings.Trim(inner, "0123456789abcdefABCDEF:.") == ""
}

// parseHost returns a host name in lower case: letters, digits, "-" and "_" in
// non-empty labels. A trailing dot, percent-encoding and non-ASCII characters
// are refused: parsers disagree about what they name.
func parseHost(host string) (string, bool) {
	if host == "" || len(host) > 253 {
		return "", false
	}
	for label := range strings.SplitSeq(host, ".") {
		if label == "" {
			return "", false
		}
		for i := range len(label) {
			if c := label[i]; !isAlphanumeric(c) && c != '-' && c != '_' {
				return "", false
			}
		}
	}
	return strings.ToLower(host), true
}

// allowed is one entry of SALLYPORT_ALLOWED_REDIRECTS.
type allowed struct {
	origin
	subdomains bool // any host below origin.host, not that host itself
}

func (a allowed) matches(o origin) bool {
	if !a.subdomains {
		return a.origin == o
	}
	return a.scheme == o.scheme && a.port == o.port && strings.HasSuffix(o.host, "."+a.host)
}

// parseAllowed reads an origin, or ".example.com" for every host below that
// domain with the public URL's scheme.
func parseAllowed(entry, publicScheme string) (allowed, error) {
	entry = strings.TrimSpace(entry)
	if domain, ok := strings.CutPrefix(entry, "."); ok {
		o, rest, ok := cutOrigin(publicScheme + "://" + domain)
		if !ok || rest != "" || !strings.Contains(o.host, ".") || o.host[0] == '[' {
			return allowed{}, fmt.Errorf("SALLYPORT_ALLOWED_REDIRECTS: %q is not a domain such as .example.com", entry)
		}
		return allowed{origin: o, subdomains: true}, nil
	}
	o, rest, ok := cutOrigin(entry)
	if !ok || strings.Trim(rest, "/") != "" || len(rest) > 1 {
		return allowed{}, fmt.Errorf("SALLYPORT_ALLOWED_REDIRECTS: %q is not an origin such as https://app.example.com (or .example.com for every host below it); write a non-ASCII host in its xn-- form", entry)
	}
	return allowed{origin: o}, nil
}

// originOf is the origin of a configured URL.
func originOf(u *url.URL) (origin, error) {
	o, _, ok := cutOrigin(u.Scheme + "://" + u.Host)
	if !ok {
		return origin{}, fmt.Errorf("SALLYPORT_PUBLIC_URL must begin with http:// or https:// and a host name in ASCII")
	}
	return o, nil
}
