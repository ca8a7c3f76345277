package idp

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode"
)

// Choice is what a page asks by which provider somebody wants to sign in at. Its
// forms ask GET Action with Kept, and idp or login_hint.
type Choice struct {
	Action    string  // the path of GET /login
	Options   []About // the one of the last sign-in is the first
	Last      bool    // there is one of the last sign-in
	Kept      url.Values
	LoginHint string // goes along with idp; "" = none

	ByEmail bool   // an e-mail address may be asked for instead
	Email   string // what was entered: nobody knows a provider for its domain
}

// choice is what to ask r's sender.
func (s *Providers) choice(r *http.Request, q url.Values) Choice {
	c := Choice{Action: s.cfg.Prefix + "/login", Kept: url.Values{}, LoginHint: q.Get("login_hint")}
	for _, name := range loginParameters {
		if q.Has(name) {
			c.Kept[name] = q[name]
		}
	}
	for _, p := range s.open {
		c.ByEmail = c.ByEmail || len(p.About().EmailDomains) > 0
	}
	options := s.open
	if theirs := s.ofEmail(c.LoginHint); len(theirs) > 0 {
		options = theirs
	} else if c.ByEmail && strings.Contains(c.LoginHint, "@") {
		c.Email = c.LoginHint
	}
	last := s.cfg.Browsers.LastProvider(r)
	for _, p := range options {
		about := p.About()
		if about.ID == last {
			c.Options, c.Last = slices.Insert(c.Options, 0, about), true
			continue
		}
		c.Options = append(c.Options, about)
	}
	return c
}

// ofEmail are the providers, drafts aside, that the domain of an e-mail address belongs to.
func (s *Providers) ofEmail(address string) (found []Provider) {
	domain, ok := EmailDomain(strings.TrimSpace(address))
	if !ok {
		return nil
	}
	for _, p := range s.open {
		if slices.Contains(p.About().EmailDomains, domain) {
			found = append(found, p)
		}
	}
	return found
}

// EmailDomain is the text after the only @, in lower case; ok is false when there is
// not exactly one @ with something on both sides: of two, readers differ on where the
// domain begins.
func EmailDomain(address string) (domain string, ok bool) {
	local, domain, _ := strings.Cut(address, "@")
	if local == "" || domain == "" || strings.Contains(domain, "@") {
		return "", false
	}
	return strings.ToLower(domain), true
}

// isControl reports whether r is a control or format character or separates lines.
func isControl(r rune) bool {
	return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp)
}
