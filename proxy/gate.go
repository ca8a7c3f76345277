package proxy

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/sallyport/sallyport/internal/fault"
	"github.com/sallyport/sallyport/proxy/policy"
)

const (
	maxCookies     = 100      // browsers keep at most 180 for a whole domain
	maxCookieBytes = 16 << 10 // of all Cookie fields together
)

// gate refuses requests that no site should be asked, before anybody looks who
// sent them.
type gate struct {
	public string              // host of the public URL, canonical
	hosts  map[string]struct{} // all that are served, canonical
	port   string              // that may be left out: of the public URL's scheme
}

func newGate(public *url.URL, allowed []string) (*gate, error) {
	g := &gate{hosts: make(map[string]struct{}, 1+len(allowed)), port: "443"}
	if public.Scheme == "http" {
		g.port = "80"
	}
	var ok bool
	if g.public, ok = g.canonicalHost(public.Host); !ok {
		return nil, fmt.Errorf("SALLYPORT_PUBLIC_URL: %q is not a host", public.Host)
	}
	g.hosts[g.public] = struct{}{}
	for _, a := range allowed {
		host, ok := g.canonicalHost(strings.TrimSpace(a))
		if !ok {
			return nil, fmt.Errorf("SALLYPORT_ALLOWED_HOSTS: %q is not a host, or a host and a port", a)
		}
		g.hosts[host] = struct{}{}
	}
	return g, nil
}

// target is the part of a request that says what is asked for.
type target struct {
	path string // as on the request line, without the query; begins with "/"
	host string // lower-case, without a default port or a trailing dot; one of ours
}

// check returns what is asked for, or why the request is refused. host is the
// one that the browser used.
func (g *gate) check(r *http.Request, host string) (target, *fault.Error) {
	path, err := rawPath(r.URL)
	t := target{path: path}
	if !policy.MethodPasses(r.Method) {
		return t, fault.New(fault.MethodNotAllowed, fmt.Errorf("method %.20q is not one that passes", r.Method))
	}
	if err != nil {
		return t, fault.New(fault.BadRequest, err)
	}
	if err := policy.CheckPath(path); err != nil {
		return t, fault.New(fault.BadPath, err)
	}
	if strings.IndexByte(r.URL.RawQuery, '#') >= 0 {
		return t, fault.New(fault.BadPath, errors.New("the query has a #"))
	}
	if t.host = host; host != g.public {
		canonical, ok := g.canonicalHost(host)
		if !ok {
			return t, fault.New(fault.BadRequest, errors.New("the Host field is empty or malformed"))
		}
		if _, ok := g.hosts[canonical]; !ok {
			return t, fault.New(fault.MisdirectedHost, fmt.Errorf("host %.100q is not served here; if it should be, add it to SALLYPORT_ALLOWED_HOSTS", canonical))
		}
		t.host = canonical
	}
	if namesEndToEnd(r.Header["Connection"]) {
		return t, fault.New(fault.BadRequest, errors.New("the Connection field names one that is not of a single hop"))
	}
	if err := checkCookies(r.Header["Cookie"]); err != nil {
		return t, fault.New(fault.CookiesTooLarge, err)
	}
	return t, nil
}

// rawPath returns the path of the request line byte for byte, from the form
// "/path" or from an absolute-form target, which every server must accept
// (RFC 9112 §3.2.2); net/http has then taken the host from it.
func rawPath(u *url.URL) (string, error) {
	if u.Opaque != "" || u.User != nil || u.Scheme != "" && (u.Host == "" || u.Scheme != "http" && u.Scheme != "https") {
		return "", errors.New("the request target is neither a path nor an http address")
	}
	path := u.RawPath
	if path == "" {
		path = u.EscapedPath() // exactly what came, since parsing left no RawPath
	}
	if path == "" && u.Scheme != "" {
		return "/", nil
	}
	if path == "" || path[0] != '/' {
		return "", errors.New("the request target does not begin with a slash")
	}
	return path, nil
}

// canonicalHost returns host in lower case without a trailing dot and without
// the default port, and whether it is a host at all.
func (g *gate) canonicalHost(host string) (string, bool) {
	name, port := host, ""
	if i := strings.LastIndexByte(host, ':'); i >= 0 && i > strings.LastIndexByte(host, ']') {
		name, port = host[:i], host[i+1:]
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
			return "", false
		}
	}
	if strings.HasPrefix(name, "[") {
		ip := net.ParseIP(strings.TrimSuffix(name[1:], "]"))
		if ip == nil || !strings.HasSuffix(name, "]") {
			return "", false
		}
	} else if name = strings.TrimSuffix(name, "."); !plainHost(name) {
		return "", false
	}
	name = strings.ToLower(name)
	if port == "" || port == g.port {
		return name, true
	}
	return name + ":" + port, true
}

func plainHost(name string) bool {
	for i := range len(name) {
		c := name[i]
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' && c != '.' && c != '_' {
			return false
		}
	}
	return name != "" && name[0] != '.'
}

// namesEndToEnd reports whether a client asks us to take away a field that the
// app decides by. Managed names need no refusal: we set them after the removal.
func namesEndToEnd(connection []string) bool {
	for _, line := range connection {
		if len(line) <= len("keep-alive") && !strings.Contains(line, ",") &&
			(strings.EqualFold(line, "keep-alive") || strings.EqualFold(line, "close") || strings.EqualFold(line, "upgrade")) {
			continue
		}
		for token := range strings.SplitSeq(line, ",") {
			switch strings.ToLower(strings.Trim(token, " \t")) {
			case "host", "cookie", "authorization", "origin", "referer", "content-type", "content-length", "content-encoding":
				return true
			}
		}
	}
	return false
}

// checkCookies bounds the work that cookies cause, and names the case where a
// sibling host has filled the browser with them: net/http would silently see
// none, and the person would be sent to sign in for ever.
func checkCookies(lines []string) error {
	count, size := 0, 0
	for _, line := range lines {
		count += strings.Count(line, ";") + 1
		size += len(line)
	}
	if count > maxCookies || size > maxCookieBytes {
		return fmt.Errorf("%d cookies of %d bytes; at most %d of %d pass", count, size, maxCookies, maxCookieBytes)
	}
	return nil
}
