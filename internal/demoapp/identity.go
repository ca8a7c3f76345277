package demoapp

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Identity is what the proxy says about the person, and how it was said.
type Identity struct {
	User   string   `json:"user"`
	Email  string   `json:"email"`
	Name   string   `json:"name"`
	Groups []string `json:"groups"`
	// Headers are all that carry identity or come from the proxy.
	Headers map[string][]string `json:"headers"`
	// Assertion is the payload of X-Sallyport-Assertion, not verified here; a real
	// application checks the signature against the proxy's /oauth2/jwks.
	Assertion json.RawMessage `json:"assertion,omitempty"`
	// Cookies are the names of the cookies that reached the application.
	Cookies []string `json:"cookies"`
	Method  string   `json:"method"`
	Path    string   `json:"path"`
	Host    string   `json:"host"`
}

func identityOf(r *http.Request) Identity {
	id := Identity{
		User:      r.Header.Get("X-Forwarded-User"),
		Email:     r.Header.Get("X-Forwarded-Email"),
		Name:      r.Header.Get("X-Forwarded-Preferred-Username"),
		Groups:    splitGroups(r.Header.Get("X-Forwarded-Groups")),
		Headers:   map[string][]string{},
		Assertion: payload(r.Header.Get("X-Sallyport-Assertion")),
		Cookies:   []string{},
		Method:    r.Method,
		Path:      r.URL.RequestURI(),
		Host:      r.Host,
	}
	for name, values := range r.Header {
		if fromProxy(name) {
			id.Headers[name] = values
		}
	}
	for _, c := range r.Cookies() {
		id.Cookies = append(id.Cookies, c.Name)
	}
	return id
}

// fromProxy reports whether the canonical header name carries identity or is
// one that a proxy sets. "X_" is for look-alikes (X_Forwarded_User), which should
// never get here: seen on the page, they betray a proxy that lets them through.
func fromProxy(name string) bool {
	switch name {
	case "Authorization", "X-Request-Id", "Traceparent", "Remote-User", "Forwarded":
		return true
	}
	return slices.ContainsFunc([]string{"X-Forwarded-", "X-Auth-Request-", "X-Sallyport-", "X_"},
		func(prefix string) bool { return strings.HasPrefix(name, prefix) })
}

// splitGroups undoes the header's encoding: groups are joined by commas, with
// "%" and "," inside one percent-encoded.
func splitGroups(header string) []string {
	groups := []string{}
	for part := range strings.SplitSeq(header, ",") {
		if part = strings.TrimSpace(part); part == "" {
			continue
		}
		if plain, err := url.PathUnescape(part); err == nil {
			part = plain
		}
		groups = append(groups, part)
	}
	return groups
}

// payload returns the claims of a JWT, or nil if it is none.
func payload(token string) json.RawMessage {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return nil
	}
	claims, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil || !json.Valid(claims) {
		return nil
	}
	return claims
}

// FirstName is how the page addresses the person: the first word of the name,
// of the e-mail's local part or of the user id, whichever there is, beginning
// with a capital. It is "stranger" when nothing is known.
func (id Identity) FirstName() string {
	local, _, _ := strings.Cut(id.Email, "@")
	for _, candidate := range []string{id.Name, local, id.User} {
		words := strings.Fields(candidate)
		if len(words) == 0 {
			continue
		}
		word, _, _ := strings.Cut(words[0], "@")
		if first, size := utf8.DecodeRuneInString(word); size > 0 {
			return string(unicode.ToUpper(first)) + word[size:]
		}
	}
	return "stranger"
}
