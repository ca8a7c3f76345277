package session

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

const (
	hostPrefix   = "__Host-"   // Secure, Path=/, no Domain (RFC 6265bis §4.1.3.2)
	securePrefix = "__Secure-" // Secure (RFC 6265bis §4.1.3.1)
	loginInfix   = "-login-"
	accountName  = "-account"
	providerName = "-idp"
	maxNameLen   = 64
)

// CookieConfig says how our cookies are called and set.
type CookieConfig struct {
	Name     string        // SALLYPORT_COOKIE_NAME, without a prefix; letters, digits, "-", "_", "."
	Domain   string        // SALLYPORT_COOKIE_DOMAIN; "" = this host alone
	SameSite http.SameSite // SALLYPORT_COOKIE_SAMESITE; the zero value is Lax
	Secure   bool          // the public URL is https
}

// Cookies knows the names and attributes of our cookies. Only NewCookies makes
// a usable one. It is immutable and safe for concurrent use.
type Cookies struct {
	base     string // the configured name
	session  string // the same with its prefix
	domain   string
	sameSite http.SameSite
	secure   bool
}

// NewCookies validates the configuration. On https the name gets the prefix
// "__Host-", which keeps other hosts of the domain from planting a cookie, or
// "__Secure-" when a domain is set; on http it has none.
func NewCookies(cfg CookieConfig) (Cookies, error) {
	if err := checkName(cfg.Name); err != nil {
		return Cookies{}, err
	}
	c := Cookies{base: cfg.Name, session: cfg.Name, sameSite: cfg.SameSite, secure: cfg.Secure}
	switch cfg.SameSite {
	case 0, http.SameSiteDefaultMode:
		c.sameSite = http.SameSiteLaxMode
	case http.SameSiteNoneMode:
		if !cfg.Secure {
			return Cookies{}, errors.New("SALLYPORT_COOKIE_SAMESITE=none needs an https:// SALLYPORT_PUBLIC_URL: browsers refuse such a cookie otherwise")
		}
	case http.SameSiteLaxMode, http.SameSiteStrictMode:
	default:
		return Cookies{}, errors.New("SALLYPORT_COOKIE_SAMESITE must be lax, strict or none")
	}
	if cfg.Domain != "" {
		domain, ok := parseHost(strings.TrimPrefix(cfg.Domain, "."))
		if !ok || !strings.Contains(domain, ".") {
			return Cookies{}, fmt.Errorf("SALLYPORT_COOKIE_DOMAIN %q is not a domain such as example.com", cfg.Domain)
		}
		c.domain = domain
	}
	switch {
	case c.secure && c.domain == "":
		c.session = hostPrefix + c.base
	case c.secure:
		c.session = securePrefix + c.base
	}
	return c, nil
}

func checkName(name string) error {
	if name == "" || len(name) > maxNameLen {
		return fmt.Errorf("SALLYPORT_COOKIE_NAME must have 1 to %d characters", maxNameLen)
	}
	for i := range len(name) {
		if c := name[i]; !isAlphanumeric(c) && c != '-' && c != '_' && c != '.' {
			return fmt.Errorf("SALLYPORT_COOKIE_NAME %q may contain letters, digits, '-', '_' and '.' only", name)
		}
	}
	if strings.HasPrefix(name, "__") {
		return fmt.Errorf("SALLYPORT_COOKIE_NAME %q begins with '__': leave the prefix out, it is added where it applies", name)
	}
	return nil
}

func isAlphanumeric(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}

// SessionName returns the full name of the session cookie, e.g.
// "__Host-sallyport".
func (c Cookies) SessionName() string { return c.session }

// PartName returns the name of a numbered part of the session cookie, e.g.
// "__Host-sallyport_0".
func (c Cookies) PartName(n int) string { return c.session + "_" + strconv.Itoa(n) }

// PartField is the field of an answer to an edge proxy that asks in which SetPart repeats
// what it sets: most of them cannot take two values out of Set-Cookie.
func PartField(n int) string { return "X-Sallyport-Set-Cookie-" + strconv.Itoa(n) }

// SetPart adds a numbered part of the session cookie to an answer's header, with
// the session cookie's attributes. An empty value has the browser forget it. Where the
// header has the part's PartField, it is repeated there.
func (c Cookies) SetPart(h http.Header, n int, value string) {
	cookie := c.cookie(c.PartName(n), value)
	if value == "" {
		cookie.MaxAge = -1
	}
	text := cookie.String()
	h.Add("Set-Cookie", text)
	if field := PartField(n); h[field] != nil {
		h[field] = []string{text}
	}
}

// Parts returns what a request's header holds of the session cookie's parts 0 to
// count-1. A part can have several values, as a sibling host may plant one; only
// the first three are returned, in base64url and of at most maxLength
// characters.
func (c Cookies) Parts(h http.Header, count, maxLength int) [][]string {
	parts := make([][]string, count)
	for n := range parts {
		found := findCookie(h, c.PartName(n), maxLength)
		parts[n] = found.all()
	}
	return parts
}

// Owns reports whether a cookie of that name is ours: the session cookie, a
// login cookie, that of AskForAccount or of LastProvider, or a numbered part of the
// session cookie, under any prefix.
// The app never sees such a cookie and never sets one. It is cheap enough to be
// asked for every cookie of every request.
func (c Cookies) Owns(name string) bool {
	if len(name) > 0 && name[0] == '_' {
		name = trimPrefixFold(name)
	}
	rest, ok := strings.CutPrefix(name, c.base)
	if !ok || c.base == "" {
		return false
	}
	if rest == "" || rest == accountName || rest == providerName || strings.HasPrefix(rest, loginInfix) {
		return true
	}
	if rest[0] != '_' && rest[0] != '-' || len(rest) == 1 {
		return false
	}
	for i := 1; i < len(rest); i++ {
		if rest[i] < '0' || '9' < rest[i] {
			return false
		}
	}
	return true
}

// trimPrefixFold takes a cookie prefix off, in any case, as browsers compare it.
func trimPrefixFold(name string) string {
	for _, prefix := range [...]string{"__Host-Http-", hostPrefix, securePrefix, "__Http-"} {
		if len(name) >= len(prefix) && strings.EqualFold(name[:len(prefix)], prefix) {
			return name[len(prefix):]
		}
	}
	return name
}

// isLogin reports whether name is one of the login cookies that we set.
func (c Cookies) isLogin(name string) bool {
	rest, ok := strings.CutPrefix(name, c.session)
	return ok && strings.HasPrefix(rest, loginInfix)
}

// setSession adds the session cookie to the answer. It has no Max-Age: closing
// the browser forgets it, and the sealed times decide when it ends.
func (c Cookies) setSession(w http.ResponseWriter, value string) {
	http.SetCookie(w, c.cookie(c.session, value))
}

// setLogin adds a login cookie to the answer.
func (c Cookies) setLogin(w http.ResponseWriter, name, value string) {
	cookie := c.cookie(name, value)
	cookie.MaxAge = int(PendingTTL.Seconds())
	if cookie.SameSite == http.SameSiteStrictMode {
		// The callback is a navigation that another site began; Strict would
		// keep the cookie back and no sign-in could finish.
		cookie.SameSite = http.SameSiteLaxMode
	}
	http.SetCookie(w, cookie)
}

// clear tells the browser to forget a cookie.
func (c Cookies) clear(w http.ResponseWriter, name string) {
	cookie := c.cookie(name, "")
	cookie.MaxAge = -1
	http.SetCookie(w, cookie)
}

func (c Cookies) cookie(name, value string) *http.Cookie {
	return &http.Cookie{
		Name: name, Value: value, Path: "/", Domain: c.domain,
		Secure: c.secure, HttpOnly: true, SameSite: c.sameSite,
	}
}
