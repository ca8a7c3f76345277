package session

import (
	"fmt"
	"strings"
)

// The oracle of the return address: it resolves a Location the way browsers do
// (WHATWG URL Standard §4.4), which is laxer than RFC 3986 in every way that
// has been used against redirects. It shares no code with what it judges.

// strays says how a browser at the public URL that follows location leaves the
// allowed origins or comes to one of our own endpoints; "" if it does neither.
func strays(p *ReturnPolicy, location string) string {
	scheme, host, path := follow(p.public.scheme, p.public.String(), location)
	at := scheme + "://" + host
	if at == p.public.String() {
		if path == p.prefix || strings.HasPrefix(path, p.prefix+"/") {
			return "arrives at our own endpoint " + path
		}
		if path != p.base && !strings.HasPrefix(path, p.base+"/") {
			return "leaves the base path for " + path
		}
		return ""
	}
	for _, a := range p.allowed {
		if !a.subdomains && at == a.origin.String() {
			return ""
		}
		if a.subdomains && scheme == a.scheme && strings.HasSuffix(host, "."+a.host) {
			return ""
		}
	}
	return fmt.Sprintf("arrives at %q", at)
}

// follow resolves location against the root of a site.
func follow(baseScheme, baseOrigin, location string) (scheme, host, path string) {
	in := strings.Trim(location, "\x00\x01\x02\x03\x04\x05\x06\x07\x08\t\n\v\f\r\x0e\x0f\x10\x11\x12\x13\x14\x15\x16\x17\x18\x19\x1a\x1b\x1c\x1d\x1e\x1f ")
	in = strings.NewReplacer("\t", "", "\n", "", "\r", "").Replace(in)
	scheme, rest := baseScheme, in
	if s, after, ok := strings.Cut(in, ":"); ok && isScheme(s) {
		scheme, rest = strings.ToLower(s), after
		if scheme != "http" && scheme != "https" {
			return scheme, "", rest
		}
		if scheme == baseScheme && !strings.HasPrefix(strings.ReplaceAll(rest, `\`, "/"), "/") {
			return scheme, strings.TrimPrefix(baseOrigin, baseScheme+"://"), resolve("/" + rest) // "https:path" is relative
		}
		// However many slashes there are, the authority follows them.
		return authority(scheme, strings.TrimLeft(rest, `/\`))
	}
	if slashed := strings.ReplaceAll(rest, `\`, "/"); strings.HasPrefix(slashed, "//") {
		return authority(scheme, strings.TrimLeft(rest, `/\`))
	}
	if !strings.HasPrefix(rest, "/") && !strings.HasPrefix(rest, `\`) {
		rest = "/" + rest
	}
	return scheme, strings.TrimPrefix(baseOrigin, baseScheme+"://"), resolve(rest)
}

func isScheme(s string) bool {
	for i, c := range strings.ToLower(s) {
		if !('a' <= c && c <= 'z' || i > 0 && (c == '+' || c == '-' || c == '.' || '0' <= c && c <= '9')) {
			return false
		}
	}
	return s != ""
}

// authority reads host and path; what stands before the last "@" is userinfo.
func authority(scheme, rest string) (_, host, path string) {
	end := strings.IndexAny(rest, `/\?#`)
	if end < 0 {
		end = len(rest)
	}
	host, path = rest[:end], rest[end:]
	host = strings.ToLower(host[strings.LastIndexByte(host, '@')+1:])
	host = strings.NewReplacer("。", ".", "．", ".", "｡", ".", "\u00ad", "").Replace(host)
	if scheme == "https" {
		host = strings.TrimSuffix(host, ":443")
	} else {
		host = strings.TrimSuffix(host, ":80")
	}
	return scheme, strings.TrimSuffix(host, ":"), resolve(path)
}

// resolve removes query, fragment and dot segments, encoded ones too.
func resolve(path string) string {
	if i := strings.IndexAny(path, "?#"); i >= 0 {
		path = path[:i]
	}
	var out []string
	segments := strings.Split(strings.ReplaceAll(path, `\`, "/"), "/")[1:]
	for i, segment := range segments {
		last := i == len(segments)-1
		switch strings.ReplaceAll(strings.ToLower(segment), "%2e", ".") {
		case "..":
			if len(out) > 0 {
				out = out[:len(out)-1]
			}
		case ".":
		default:
			out = append(out, segment)
			continue
		}
		if last {
			out = append(out, "")
		}
	}
	return "/" + strings.Join(out, "/")
}
