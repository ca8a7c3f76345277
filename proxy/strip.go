package proxy

import (
	"net/http"
	"strings"

	"github.com/sallyport/sallyport/session"
)

// stripper removes from a request what a client must not tell the app.
type stripper struct {
	pass                 map[string]struct{} // SALLYPORT_PASS_CLIENT_HEADERS
	claims               ClaimHeaders
	replaceAuthorization bool
	cookies              session.Cookies
}

// strip works on the fields of the outbound request. Names of the class own, and
// those of SALLYPORT_HEADERS, are gone afterwards in every spelling, so that what is set next stands alone.
func (s *stripper) strip(h http.Header, trusted bool) {
	for name := range h {
		if s.claims.covers(name) {
			delete(h, name)
			continue
		}
		c := classify(name)
		if c == passes {
			continue
		}
		if !s.keeps(name, c, trusted) {
			delete(h, name)
		}
	}
	s.stripCookies(h)
}

func (s *stripper) keeps(name string, c class, trusted bool) bool {
	switch c {
	case own:
		return false
	case wire:
		if name == "Authorization" {
			return !s.replaceAuthorization
		}
		return usual(name)
	case forwarding:
		// Another spelling of it came through the trusted peer from its
		// client: the peer would have replaced the usual one.
		if trusted && usual(name) {
			return true
		}
	}
	_, excepted := s.pass[name]
	return excepted
}

// stripCookies takes our cookies out of the Cookie fields and leaves the rest of
// them byte for byte.
func (s *stripper) stripCookies(h http.Header) {
	lines := h["Cookie"]
	if len(lines) == 0 {
		return
	}
	kept := lines[:0]
	for _, line := range lines {
		if line = s.withoutOwn(line); line != "" {
			kept = append(kept, line)
		}
	}
	if len(kept) == 0 {
		delete(h, "Cookie")
		return
	}
	h["Cookie"] = kept
}

func (s *stripper) withoutOwn(line string) string {
	found := false
	for pair := range strings.SplitSeq(line, ";") {
		if s.cookies.Owns(cookieName(pair)) {
			found = true
			break
		}
	}
	if !found {
		return line
	}
	var b strings.Builder
	for pair := range strings.SplitSeq(line, ";") {
		pair = strings.Trim(pair, " \t")
		if pair == "" || s.cookies.Owns(cookieName(pair)) {
			continue
		}
		if b.Len() > 0 {
			b.WriteString("; ")
		}
		b.WriteString(pair)
	}
	return b.String()
}

// cookieName returns the name of "name=value; …". A cookie without a name is
// written "=value" or "value" and read by some as one that value names
// (RFC 6265bis §5.4), so leading equals signs are passed over.
func cookieName(pair string) string {
	pair = strings.TrimLeft(pair, " \t=")
	if i := strings.IndexAny(pair, "=;"); i >= 0 {
		pair = pair[:i]
	}
	return strings.TrimRight(pair, " \t")
}
