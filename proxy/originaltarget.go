package proxy

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// readTarget reads path and query of the target into u, if there is one, and returns
// host and scheme where it has them.
func readTarget(u *url.URL, h http.Header) (found bool, host, scheme string, err error) {
	for _, name := range originalTargets {
		values := h[name]
		if len(values) == 0 || len(values) == 1 && values[0] == "" {
			continue
		}
		before := *u
		if err := parseTarget(u, values); err != nil {
			return false, "", "", fmt.Errorf("%s: %w", name, err)
		}
		if found && (u.EscapedPath() != before.EscapedPath() || u.RawPath != before.RawPath || u.RawQuery != before.RawQuery) {
			return false, "", "", errors.New("X-Forwarded-Uri and X-Original-URL differ; have the proxy set one and clear the other")
		}
		found = true
		if u.Host != "" {
			host, scheme = u.Host, u.Scheme
		}
	}
	return found, host, scheme, nil
}

// parseTarget reads "/path?query", or a whole address of http or https, into u.
func parseTarget(u *url.URL, values []string) error {
	if len(values) != 1 {
		return errors.New("it is there more than once")
	}
	if parsePlain(u, values[0]) {
		return nil
	}
	for i := range len(values[0]) {
		if c := values[0][i]; c <= ' ' || c == 0x7f {
			return errors.New("it has white space or a control character")
		}
	}
	parsed, err := url.ParseRequestURI(values[0])
	if err != nil || parsed.Scheme != "" && parsed.Host == "" {
		return errors.New("it is not the target of a request")
	}
	*u = *parsed
	return nil
}

// parsePlain is parseTarget for what nearly all targets are, and cannot be read in two
// ways: a path of letters, digits and "/-_.~", any query of ASCII, and perhaps a host
// before it. It reports whether it was one.
func parsePlain(u *url.URL, s string) bool {
	var parsed url.URL
	for _, scheme := range [...]string{"http", "https"} {
		if after, ok := strings.CutPrefix(s, scheme); ok && strings.HasPrefix(after, "://") {
			host := after[len("://"):]
			slash := strings.IndexByte(host, '/')
			if slash <= 0 || !plainAuthority(host[:slash]) {
				return false
			}
			parsed.Scheme, parsed.Host, s = scheme, host[:slash], host[slash:]
			break
		}
	}
	path, query, asks := strings.Cut(s, "?")
	if path == "" || path[0] != '/' || asks && query == "" {
		return false
	}
	for i := range len(path) {
		if c := path[i]; !alphanumeric(c) && c != '/' && c != '-' && c != '_' && c != '.' && c != '~' {
			return false
		}
	}
	for i := range len(query) {
		if c := query[i]; c <= ' ' || c >= 0x7f {
			return false
		}
	}
	parsed.Path, parsed.RawQuery = path, query
	*u = parsed
	return true
}

// plainAuthority reports whether it is a name or an IPv4 address, and perhaps a port.
func plainAuthority(s string) bool {
	name, port, hasPort := strings.Cut(s, ":")
	for i := range len(port) {
		if port[i] < '0' || port[i] > '9' {
			return false
		}
	}
	for i := range len(name) {
		if !alphanumeric(name[i]) && name[i] != '-' && name[i] != '.' {
			return false
		}
	}
	return name != "" && (!hasPort || port != "")
}

func alphanumeric(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}
