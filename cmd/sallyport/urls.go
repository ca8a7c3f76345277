package main

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
)

// parseHTTPURL reads an absolute http or https URL without userinfo and
// fragment. The error is a phrase that follows the variable's name.
func parseHTTPURL(raw string) (*url.URL, error) {
	u, err := url.Parse(raw)
	switch {
	// What may hold a password comes first, for the others quote the value.
	case err != nil && strings.Contains(raw, "@"):
		return nil, fmt.Errorf("is not a URL")
	case err == nil && (u.User != nil || u.Host == "" && strings.Contains(raw, "@")):
		return nil, fmt.Errorf("contains a user name or password")
	case strings.ContainsFunc(raw, func(r rune) bool { return r <= ' ' || r == '\\' || r == 0x7f }):
		return nil, fmt.Errorf("is %q, which contains white space, a control character or a backslash", raw)
	case err != nil:
		return nil, fmt.Errorf("is not a URL")
	case u.Scheme != "http" && u.Scheme != "https" || u.Opaque != "":
		return nil, fmt.Errorf("is %q, not an absolute http:// or https:// URL", raw)
	case !validHostPort(u.Host):
		return nil, fmt.Errorf("is %q, whose host and port are not valid", raw)
	case strings.Contains(raw, "#"):
		return nil, fmt.Errorf("is %q, which has a fragment", raw)
	}
	return u, nil
}

// validHostPort accepts what a browser and a certificate can name: an IP
// address, or a name of ASCII letters, digits, dots, hyphens and underscores;
// a port from 1 to 65535 may follow.
func validHostPort(hostport string) bool {
	host := hostport
	if h, port, err := net.SplitHostPort(hostport); err == nil {
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
			return false
		}
		host = h
		if strings.Contains(h, ":") {
			host = "[" + h + "]"
		}
	}
	if inner, ok := strings.CutPrefix(host, "["); ok {
		inner, ok = strings.CutSuffix(inner, "]")
		ip, err := netip.ParseAddr(inner)
		return ok && err == nil && ip.Is6() && ip.Zone() == ""
	}
	return validName(host)
}

func validName(host string) bool {
	for label := range strings.SplitSeq(host, ".") {
		if label == "" || len(label) > 63 {
			return false
		}
		for i := range len(label) {
			c := label[i]
			if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' && c != '_' {
				return false
			}
		}
	}
	return len(host) <= 253
}

// isLoopback reports whether traffic to host never leaves this machine.
func isLoopback(host string) bool {
	host = strings.ToLower(host)
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}

// origin is scheme, host and port as browsers write them: lower-case, without
// the scheme's own port.
func origin(u *url.URL) string {
	host := strings.ToLower(u.Host)
	switch {
	case u.Scheme == "http":
		host = strings.TrimSuffix(host, ":80")
	case u.Scheme == "https":
		host = strings.TrimSuffix(host, ":443")
	}
	return u.Scheme + "://" + host
}

func trimSlash(path string) string { return strings.TrimSuffix(path, "/") }
