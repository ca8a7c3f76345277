package proxy

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sallyport/sallyport/internal/fault"
	"github.com/sallyport/sallyport/proxy/policy"
)

// CORS says which pages of other origins may read what is answered here (Fetch
// Standard §3.2). The zero value is none: then no field of CORS is ours.
type CORS struct {
	// Origins are exact, as browsers send them: "https://front.example.com". There
	// is no wildcard, and "null" is nobody's.
	Origins     []string
	Methods     []string      // that a preflight allows
	Headers     []string      // likewise, in any case
	MaxAge      time.Duration // how long browsers keep a preflight's answer, in whole seconds; 0 = not
	Credentials bool          // requests may carry cookies
}

// Check joins everything that is wrong, each naming its variable.
func (c CORS) Check() error {
	var faults []error
	for _, o := range c.Origins {
		canonical, ok := canonicalOrigin(o)
		switch {
		case o == "*" || o == "null":
			faults = append(faults, fmt.Errorf("SALLYPORT_CORS_ORIGINS: %q would be any page; list each origin, such as https://front.example.com", o))
		case !ok || strings.Contains(o, "*"):
			faults = append(faults, fmt.Errorf("SALLYPORT_CORS_ORIGINS: %q is not an origin; write scheme, host and port without a path, such as https://front.example.com", o))
		case canonical != o:
			faults = append(faults, fmt.Errorf("SALLYPORT_CORS_ORIGINS: browsers write %q as %q; write it like that", o, canonical))
		}
	}
	for _, m := range c.Methods {
		if m == "*" || !policy.MethodPasses(m) || m != strings.ToUpper(m) {
			faults = append(faults, fmt.Errorf("SALLYPORT_CORS_METHODS: %q is not a method in capitals that passes here; list methods such as PUT", m))
		}
	}
	for _, h := range c.Headers {
		if !plainName(http.CanonicalHeaderKey(h)) || h == "" {
			faults = append(faults, fmt.Errorf("SALLYPORT_CORS_HEADERS: %q is not a header name of letters, digits and dashes; list each name, such as Content-Type", h))
		}
	}
	if c.MaxAge < 0 || c.MaxAge%time.Second != 0 {
		faults = append(faults, fmt.Errorf("SALLYPORT_CORS_MAX_AGE: %s is not a number of whole seconds; write one such as 10m, or 0s", c.MaxAge))
	}
	return errors.Join(faults...)
}

// cors answers preflights, and lets pages of the listed origins read answers. nil
// does neither.
type cors struct {
	origins     map[string]struct{}
	methods     []string
	headers     []string    // lower-case
	fields      [][2]string // of a preflight's answer, beside the origin's
	credentials bool
}

func newCORS(c CORS) (*cors, error) {
	if err := c.Check(); err != nil || len(c.Origins) == 0 {
		return nil, err
	}
	k := &cors{origins: make(map[string]struct{}, len(c.Origins)), methods: c.Methods, credentials: c.Credentials}
	for _, o := range c.Origins {
		k.origins[o] = struct{}{}
	}
	for _, h := range c.Headers {
		k.headers = append(k.headers, strings.ToLower(h))
	}
	k.fields = [][2]string{
		{"Access-Control-Allow-Methods", strings.Join(k.methods, ", ")},
		{"Access-Control-Allow-Headers", strings.Join(k.headers, ", ")},
		{"Access-Control-Max-Age", strconv.FormatInt(int64(c.MaxAge/time.Second), 10)},
	}
	return k, nil
}

// exposed are our fields that scripts of other origins may read.
const exposed = "Retry-After, Sallyport-Error, Www-Authenticate, X-Request-Id"

// origin returns the request's origin if it is a listed one, byte for byte: whatever a
// browser did not write is not reflected.
func (k *cors) origin(r *http.Request) (string, bool) {
	if k == nil {
		return "", false
	}
	values := r.Header["Origin"]
	if len(values) != 1 {
		return "", false
	}
	_, listed := k.origins[values[0]]
	return values[0], listed
}

// preflight reports whether a request is a preflight of a listed origin, and why it is
// refused; nil = it is allowed. Preflights of any other origin are not ours to answer.
func (k *cors) preflight(r *http.Request) (ours bool, _ *fault.Error) {
	if k == nil || !isPreflight(r) {
		return false, nil
	}
	if _, listed := k.origin(r); !listed {
		return false, nil
	}
	if method := r.Header["Access-Control-Request-Method"][0]; !slices.Contains(k.methods, method) {
		return true, fault.New(fault.PreflightRefused, fmt.Errorf("the method %.20q is asked for; if it should pass, add it to SALLYPORT_CORS_METHODS", method))
	}
	for _, line := range r.Header["Access-Control-Request-Headers"] {
		for name := range strings.SplitSeq(line, ",") {
			if name = strings.ToLower(strings.Trim(name, " \t")); name != "" && !slices.Contains(k.headers, name) {
				return true, fault.New(fault.PreflightRefused, fmt.Errorf("the header %.50q is asked for; if it should pass, add it to SALLYPORT_CORS_HEADERS", name))
			}
		}
	}
	return true, nil
}

// allow sets the fields of a preflight's answer.
func (k *cors) allow(h http.Header, r *http.Request) {
	k.share(h, r)
	for _, f := range k.fields {
		if f[1] != "" {
			h[f[0]] = []string{f[1]}
		}
	}
	h["Vary"] = append(h["Vary"], "Access-Control-Request-Method, Access-Control-Request-Headers")
}

// share lets the page that r comes from read the answer, if its origin is listed. It
// says to caches that this depends on the origin, whoever asks.
func (k *cors) share(h http.Header, r *http.Request) {
	if k == nil {
		return
	}
	h["Vary"] = append(h["Vary"], "Origin")
	origin, listed := k.origin(r)
	if !listed {
		return
	}
	h["Access-Control-Allow-Origin"] = []string{origin}
	if k.credentials {
		h["Access-Control-Allow-Credentials"] = []string{"true"}
	}
	if h["Access-Control-Expose-Headers"] == nil {
		h["Access-Control-Expose-Headers"] = []string{exposed}
	}
}

// shareApps is share for an answer of the app's, which may have said who reads it.
func (k *cors) shareApps(h http.Header, r *http.Request) {
	if k != nil && h["Access-Control-Allow-Origin"] == nil {
		delete(h, "Access-Control-Allow-Credentials")
		k.share(h, r)
	}
}

// allowPreflight answers a preflight.
func (s *Site) allowPreflight(x *exchange) {
	s.prepare(x)
	s.cors.allow(x.Header(), x.in)
	x.WriteHeader(http.StatusNoContent)
}
