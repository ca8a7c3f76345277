package proxy

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/sallyport/sallyport/proxy/policy"
)

// routes tells our own endpoints, the app's paths, and what is neither.
type routes struct {
	base   string // base path of the public URL without a trailing slash; "" at the root
	prefix string // base and SALLYPORT_PREFIX
	own    map[string]*endpoint
}

// endpoint is a Route with what was worked out once.
type endpoint struct {
	name    string
	methods []string // nil: any
	allow   string   // the Allow field
	handler http.Handler
}

// place says where a path lies.
type place uint8

const (
	atApp     place = iota // the app's
	atOwn                  // exactly one of our endpoints
	atNowhere              // 404
)

func newRoutes(public *url.URL, prefix string, list []Route) (*routes, error) {
	base := basePath(public)
	t := &routes{base: base, prefix: base + prefix, own: make(map[string]*endpoint, len(list))}
	for _, r := range list {
		if !strings.HasPrefix(r.Path, "/") || r.Name == "" || r.Handler == nil {
			return nil, fmt.Errorf("proxy: route %q needs a path that begins with a slash, a name and a handler", r.Path)
		}
		full := t.prefix + r.Path
		if _, doubled := t.own[full]; doubled {
			return nil, fmt.Errorf("proxy: two routes for %s", full)
		}
		methods := slices.Clone(r.Methods)
		if slices.Contains(methods, http.MethodGet) && !slices.Contains(methods, http.MethodHead) {
			methods = append(methods, http.MethodHead)
		}
		t.own[full] = &endpoint{name: r.Name, methods: methods, allow: strings.Join(methods, ", "), handler: r.Handler}
	}
	return t, nil
}

// basePath is the path of the public URL without a trailing slash; "" at the root.
func basePath(public *url.URL) string { return strings.TrimSuffix(public.EscapedPath(), "/") }

// find places a path as it stands on the request line. Our endpoints are matched
// exactly, without decoding anything, so that no other spelling of them exists;
// a path that any app could read as being below our prefix is nobody's, so that
// what is decided about it cannot differ from what is served. With a base path
// the same is true of paths outside it.
func (t *routes) find(raw string) (place, *endpoint) {
	if strings.HasPrefix(raw, t.prefix) {
		if e, ok := t.own[raw]; ok {
			return atOwn, e
		}
	}
	if policy.PlainPath(raw) {
		if below(raw, t.prefix) || !below(raw, t.base) {
			return atNowhere, nil
		}
		return atApp, nil
	}
	readings, complete := policy.Readings(raw)
	if !complete && t.base != "" {
		return atNowhere, nil
	}
	for _, reading := range readings {
		if below(reading, t.prefix) || !below(reading, t.base) {
			return atNowhere, nil
		}
	}
	return atApp, nil
}

// isAuth reports whether a path is the endpoint where other proxies ask.
func (t *routes) isAuth(raw string) bool {
	return raw == t.prefix+authPath && t.own[raw] != nil
}

// below reports whether p is root or lies under it, by whole segments.
func below(p, root string) bool {
	return strings.HasPrefix(p, root) && (len(p) == len(root) || root == "" || p[len(root)] == '/')
}
