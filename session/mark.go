package session

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"
)

// maxUserAgent bounds what is kept of a browser's name for itself, in bytes.
const maxUserAgent = 256

// note is what a list tells of a session, kept under the tag of its subject. What
// is found by another name has only Issuer and Subject, to find the rest by.
type note struct {
	Issuer  string `json:"iss"`
	Subject string `json:"sub"`

	IdP       string    `json:"idp,omitempty"`
	User      string    `json:"user,omitempty"`
	Email     string    `json:"email,omitempty"`
	Name      string    `json:"name,omitempty"`
	UserAgent string    `json:"agent,omitempty"`
	Address   string    `json:"addr,omitempty"`
	CreatedAt time.Time `json:"at,omitzero"`
}

// ClientAddress is the key of the context value, a string, that says where a request came
// from, for lists of sessions. Without it that is the peer's address.
type ClientAddress struct{}

// clientAddress is what is kept of where a request came from.
func clientAddress(r *http.Request) string {
	if address, ok := r.Context().Value(ClientAddress{}).(string); ok {
		return address
	}
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return "" // a unix socket
	}
	return host
}

// userAgent is what is kept of the browser's name for itself: printable ASCII.
func userAgent(r *http.Request) string {
	text := strings.Map(func(c rune) rune {
		if c < ' ' || c > '~' {
			return -1
		}
		return c
	}, r.UserAgent())
	return text[:min(len(text), maxUserAgent)]
}

// bySubject is the facet of everything that one person has at one provider.
func bySubject(issuer, subject string) facet {
	return facet{kind: facetSubject, parts: [2]string{issuer, subject}}
}

// bySID is the facet of one of the provider's own sessions.
func bySID(issuer, sid string) facet {
	return facet{kind: facetSID, parts: [2]string{issuer, sid}}
}

// byUser is the facet of what an administrator calls somebody, in any case of
// letters.
func byUser(name string) facet {
	return facet{kind: facetUser, parts: [2]string{strings.ToLower(name)}}
}

// marks returns what a new session is found by.
func (m *Manager) marks(r *http.Request, s *Session) ([]Mark, error) {
	id := &s.Identity
	whose := note{Issuer: id.Issuer, Subject: id.Subject}
	all := whose
	all.IdP, all.User, all.Email, all.Name = s.IdP, id.User, id.Email, id.Name
	all.UserAgent, all.Address, all.CreatedAt = userAgent(r), clientAddress(r), s.CreatedAt

	noted := map[facet]note{bySubject(id.Issuer, id.Subject): all}
	for _, name := range []string{id.Subject, id.User, id.Email} {
		if name != "" {
			noted[byUser(name)] = whose
		}
	}
	if id.SID != "" {
		noted[bySID(id.Issuer, id.SID)] = whose
	}
	f := m.keys.current.Load().finders[0]
	list := make([]Mark, 0, len(noted))
	for of, n := range noted {
		text, err := json.Marshal(n)
		if err != nil {
			return nil, fmt.Errorf("encoding session note: %w", err)
		}
		mark, err := f.mark(of, s.Handle, text)
		if err != nil {
			return nil, err
		}
		list = append(list, mark)
	}
	return list, nil
}
