package session

import (
	"errors"
	"fmt"
	"net/url"
	"path"
	"slices"
	"strings"
)

// MaxReturnTo is the longest return address in bytes.
const MaxReturnTo = 2048

// ReturnTo is an address that a person may be sent to after one of our
// redirecting endpoints: a path of this site, or a URL whose origin the
// operator allowed. It cannot be made but by ReturnPolicy.Parse or read back
// from our own seal. The zero value is the path "/".
type ReturnTo struct{ target string }

// String returns the value for the Location field, byte for byte as it was
// accepted. Set the field itself: http.Redirect rewrites paths.
func (t ReturnTo) String() string {
	if t.target == "" {
		return "/"
	}
	return t.target
}

// MarshalText implements encoding.TextMarshaler. What it returns must be sealed
// before it leaves the process.
func (t ReturnTo) MarshalText() ([]byte, error) { return []byte(t.target), nil }

// UnmarshalText implements encoding.TextUnmarshaler. It checks nothing: b comes
// from MarshalText by way of our own seal.
func (t *ReturnTo) UnmarshalText(b []byte) error {
	t.target = string(b)
	return nil
}

// ReturnConfig says where redirects may lead.
type ReturnConfig struct {
	PublicURL *url.URL // origin and optional base path
	Prefix    string   // SALLYPORT_PREFIX, e.g. "/oauth2"; below the base path
	// Own are the endpoints below the prefix that a redirect may lead to, written
	// exactly so and without a query, e.g. "/form". They are harmless to open.
	Own []string
	// AllowedOrigins are those of SALLYPORT_ALLOWED_REDIRECTS beside the public
	// one: "https://app.example.com", or ".example.com" for every host below
	// that domain.
	AllowedOrigins []string
}

// ReturnPolicy decides which addresses a redirect of ours may lead to
// (RFC 9700 §4.11). It is immutable and safe for concurrent use.
type ReturnPolicy struct {
	public  origin
	base    string // "" or "/app": no trailing slash
	prefix  string // our own endpoints, base included
	own     []string
	allowed []allowed
}

// NewReturnPolicy validates the configuration and reports all its faults.
func NewReturnPolicy(cfg ReturnConfig) (*ReturnPolicy, error) {
	if cfg.PublicURL == nil {
		return nil, errors.New("SALLYPORT_PUBLIC_URL is missing")
	}
	var faults []error
	public, err := originOf(cfg.PublicURL)
	faults = append(faults, err, checkBase(cfg.PublicURL))
	p := &ReturnPolicy{public: public, base: strings.TrimSuffix(cfg.PublicURL.Path, "/")}
	if !strings.HasPrefix(cfg.Prefix, "/") || path.Clean(cfg.Prefix) == "/" {
		faults = append(faults, fmt.Errorf("SALLYPORT_PREFIX %q must be a path such as /oauth2", cfg.Prefix))
	}
	p.prefix = p.base + path.Clean("/"+cfg.Prefix)
	for _, endpoint := range cfg.Own {
		p.own = append(p.own, p.prefix+endpoint)
	}
	for _, entry := range cfg.AllowedOrigins {
		a, err := parseAllowed(entry, public.scheme)
		faults = append(faults, err)
		p.allowed = append(p.allowed, a)
	}
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	return p, nil
}

// checkBase refuses a base path that is not written in one obvious way.
func checkBase(u *url.URL) error {
	if base := strings.TrimSuffix(u.Path, "/"); base != "" && (base == "/" || path.Clean(base) != base || u.EscapedPath() != u.Path) {
		return errors.New("SALLYPORT_PUBLIC_URL: the path must be plain, such as /app, without //, dots or percent-encoding")
	}
	return nil
}

// Home is the site's first page: the base path and "/".
func (p *ReturnPolicy) Home() ReturnTo { return ReturnTo{target: p.base + "/"} }

// Parse accepts a path of this site, or an absolute URL of this site or of an
// allowed origin; "" is Home. Everything that some parser might read as another
// address is an error: the caller goes Home instead, it need not show it.
//
// A path is within the base path and outside our own prefix, except for
// ReturnConfig.Own. A fragment stays.
// A URL of this site comes out as its path.
func (p *ReturnPolicy) Parse(raw string) (ReturnTo, error) {
	if raw == "" {
		return p.Home(), nil
	}
	if len(raw) > MaxReturnTo {
		return ReturnTo{}, fmt.Errorf("return address: %d bytes, at most %d are accepted", len(raw), MaxReturnTo)
	}
	for i := range len(raw) {
		if c := raw[i]; c <= ' ' || c >= 0x7f || c == '\\' {
			return ReturnTo{}, errors.New("return address: white space, a control character, a backslash or a non-ASCII character")
		}
	}
	if slices.Contains(p.own, raw) {
		return ReturnTo{target: raw}, nil
	}
	if raw[0] == '/' {
		return p.parsePath(raw)
	}
	o, rest, ok := cutOrigin(raw)
	if !ok {
		return ReturnTo{}, errors.New("return address: neither a path nor an http:// or https:// URL with a plain host")
	}
	if o == p.public {
		if !strings.HasPrefix(rest, "/") {
			rest = "/" + rest
		}
		return p.parsePath(rest)
	}
	for _, a := range p.allowed {
		if a.matches(o) {
			if err := checkDecoded(rest); err != nil {
				return ReturnTo{}, err
			}
			return ReturnTo{target: raw}, nil
		}
	}
	return ReturnTo{}, errors.New("return address: another site; SALLYPORT_ALLOWED_REDIRECTS does not list its origin")
}

// parsePath accepts a path of this site, with query and fragment.
func (p *ReturnPolicy) parsePath(raw string) (ReturnTo, error) {
	if strings.HasPrefix(raw, "//") {
		return ReturnTo{}, errors.New("return address: begins with two slashes, which browsers read as another host")
	}
	if err := checkDecoded(raw); err != nil {
		return ReturnTo{}, err
	}
	encoded := cutPath(raw)
	decoded, err := url.PathUnescape(encoded)
	if err != nil {
		return ReturnTo{}, fmt.Errorf("return address: %w", err)
	}
	// An encoded slash may or may not separate segments: both readings count.
	literal, err := url.PathUnescape(keepSlashes.Replace(encoded))
	if err != nil {
		return ReturnTo{}, fmt.Errorf("return address: %w", err)
	}
	for _, reading := range [...]string{decoded, literal} {
		if strings.HasPrefix(reading, "//") {
			return ReturnTo{}, errors.New("return address: begins with two slashes once decoded")
		}
		resolved := path.Clean(reading)
		if within(resolved, p.prefix) {
			return ReturnTo{}, errors.New("return address: an endpoint of Sallyport's own")
		}
		if !within(resolved, p.base) {
			return ReturnTo{}, errors.New("return address: outside the path of SALLYPORT_PUBLIC_URL")
		}
	}
	return ReturnTo{target: raw}, nil
}

// keepSlashes hides encoded slashes from decoding.
var keepSlashes = strings.NewReplacer("%2f", "%252f", "%2F", "%252F")

// cutPath returns what is in front of query and fragment.
func cutPath(raw string) string {
	if i := strings.IndexAny(raw, "?#"); i >= 0 {
		return raw[:i]
	}
	return raw
}

// checkDecoded refuses a path that has a control character or a backslash once
// it is percent-decoded.
func checkDecoded(raw string) error {
	decoded, err := url.PathUnescape(cutPath(raw))
	if err != nil {
		return fmt.Errorf("return address: %w", err)
	}
	for i := range len(decoded) {
		if c := decoded[i]; c < ' ' || c == 0x7f || c == '\\' {
			return errors.New("return address: an encoded control character or backslash")
		}
	}
	return nil
}

// within reports whether a cleaned path is dir or below it.
func within(p, dir string) bool {
	rest, ok := strings.CutPrefix(p, dir)
	return ok && (rest == "" || rest[0] == '/')
}
