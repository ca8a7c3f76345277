package proxy

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/sallyport/sallyport/session"
)

const varHeaders = "SALLYPORT_HEADERS"

// ClaimHeaders are the further fields that tell the app of claims. The zero value is
// none; only ParseClaimHeaders makes others.
type ClaimHeaders struct {
	list   []claimHeader
	folded map[string]struct{} // their names, see fold
}

type claimHeader struct{ header, claim string }

// ParseClaimHeaders reads the entries of SALLYPORT_HEADERS, "Header=claim". A field is
// refused that Sallyport sets itself, that means something to HTTP, or that some app
// could not tell from another of them. The error joins every fault, each naming the
// variable.
func ParseClaimHeaders(entries []string) (ClaimHeaders, error) {
	c := ClaimHeaders{folded: make(map[string]struct{}, len(entries))}
	var faults []error
	for _, entry := range entries {
		one, err := parseClaimHeader(entry)
		key := string(fold(nil, one.header))
		if _, twice := c.folded[key]; err == nil && twice {
			err = fmt.Errorf("has %s twice, or in two spellings that some apps take for one; tell one claim in each header", one.header)
		}
		if err != nil {
			faults = append(faults, fmt.Errorf("%s: %w", varHeaders, err))
			continue
		}
		c.folded[key] = struct{}{}
		c.list = append(c.list, one)
	}
	if err := errors.Join(faults...); err != nil {
		return ClaimHeaders{}, err
	}
	return c, nil
}

func parseClaimHeader(entry string) (claimHeader, error) {
	header, claim, ok := strings.Cut(entry, "=")
	header, claim = http.CanonicalHeaderKey(strings.TrimSpace(header)), strings.TrimSpace(claim)
	switch {
	case !ok || header == "" || claim == "":
		return claimHeader{}, fmt.Errorf("has the entry %q; write Header=claim, such as X-Department=department", entry)
	case !plainName(header):
		return claimHeader{}, fmt.Errorf("has the header %q; use letters, digits and dashes", header)
	case len(fold(nil, header)) == maxFolded:
		return claimHeader{}, fmt.Errorf("has the header %s; use fewer than %d letters and digits", header, maxFolded)
	case isOurs(header):
		return claimHeader{}, fmt.Errorf("has the header %s, which Sallyport sets itself; choose another name, or the claim of that one with a SALLYPORT_CLAIM_ variable", header)
	case hasMeaning(header):
		return claimHeader{}, fmt.Errorf("has the header %s, which means something to HTTP or to proxies; choose another name", header)
	}
	return claimHeader{header: header, claim: claim}, nil
}

func isOurs(header string) bool {
	return classify(header) == own ||
		slices.Contains([]string{
			askedNames.user, askedNames.email, askedNames.preferredUsername, askedNames.groups, askedNames.accessToken, askedNames.idToken,
		}, header)
}

// meaningful are request fields whose value is not for an identity to decide, folded,
// beside those of the class wire.
var meaningful = map[string]struct{}{
	"accept": {}, "cachecontrol": {}, "date": {}, "from": {}, "maxforwards": {}, "origin": {}, "pragma": {}, "range": {}, "referer": {},
	"upgradeinsecurerequests": {}, "useragent": {}, "via": {}, "warning": {}, "xrequestedwith": {}, "dnt": {}, "priority": {}, "earlydata": {},
	"xforwardedport": {}, "xforwardedprefix": {}, "xforwardedserver": {}, "xforwardedssl": {}, "xforwardedscheme": {}, "xforwardedprotocol": {},
	"xforwardeduri": {}, "xforwardedmethod": {}, "xforwardedby": {}, "xrealip": {}, "xmethodoverride": {}, "httpmethodoverride": {},
	"forwarded": {}, "xforwarded": {}, "xrewriteurl": {},
}

func hasMeaning(header string) bool {
	folded := string(fold(nil, header))
	if _, ok := meaningful[folded]; ok || classify(header) == wire {
		return true
	}
	return slices.ContainsFunc([]string{"accept", "accesscontrol", "content", "if", "proxy", "sec", "transfer", "xhttpmethod", "xoriginal", "cdn"}, func(prefix string) bool {
		return strings.HasPrefix(folded, prefix)
	})
}

// Claims are the names of the claims that are told.
func (c ClaimHeaders) Claims() []string {
	claims := make([]string, 0, len(c.list))
	for _, one := range c.list {
		claims = append(claims, one.claim)
	}
	return claims
}

// names are the fields.
func (c ClaimHeaders) names() []string {
	names := make([]string, 0, len(c.list))
	for _, one := range c.list {
		names = append(names, one.header)
	}
	return names
}

// covers reports whether a name is one of the fields in any spelling.
func (c ClaimHeaders) covers(name string) bool {
	if len(c.folded) == 0 {
		return false
	}
	var buf [maxFolded]byte
	_, ok := c.folded[string(fold(buf[:0], name))]
	return ok
}

// more tells the claims of SALLYPORT_HEADERS. One that the provider kept back has no
// field, like one that is absent.
func (t *teller) more(h http.Header, x *exchange, id *session.Identity) {
	for _, c := range t.claims.list {
		text, ok := t.encoding.list(id.Claims[c.claim])
		switch {
		case !ok:
			t.omitted(x, c.header)
		case text != "":
			h[c.header] = x.value(text)
		}
	}
}
