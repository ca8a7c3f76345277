package main

import (
	"cmp"
	"crypto/x509"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/sallyport/sallyport/idp/oidcrp"
)

// provider is a ProviderConfig whose every value has been judged and parsed.
type provider struct {
	ProviderConfig

	site         *settings
	preset       oidcrp.Preset
	issuerAsSet  string // before the preset brought it into the form of the metadata
	emailDomains []string
	idpCA        *x509.CertPool // nil = the system's
	extraParams  url.Values
	demands      []oidcrp.Demand
	clientKey    *oidcrp.ClientKey // as the file was at the start; nil = there is none
}

func (s *settings) newProvider(c ProviderConfig) *provider {
	p := &provider{ProviderConfig: c, site: s}
	p.preset, _ = oidcrp.FindPreset(c.OIDC.Provider) // checkWords has a word on an unknown one
	return p
}

// id names the provider in logs, metrics, sessions and addresses.
func (p *provider) id() string { return cmp.Or(p.OIDC.ID, p.OIDC.Provider) }

// hasSiblings reports whether it is one of several providers.
func (p *provider) hasSiblings() bool { return len(p.site.providers) > 1 }

// title is what people read on the provider's button.
func (p *provider) title() string {
	if p.OIDC.Title == "" && p.OIDC.Provider == oidcrp.GenericPreset {
		if u, err := url.Parse(p.OIDC.Issuer); err == nil && u.Host != "" {
			return u.Host
		}
	}
	return cmp.Or(p.OIDC.Title, p.preset.Title)
}

// path returns the path of one of this provider's own endpoints as browsers see it.
func (p *provider) path(path string) string {
	if p.Number > 0 {
		path += "/" + p.id()
	}
	return p.site.path(path)
}

// endpoint returns the public address of one of this provider's own endpoints,
// character for character as it is registered there.
func (p *provider) endpoint(path string) string {
	return origin(p.site.publicURL) + p.path(path)
}

const (
	idVariable           = "SALLYPORT_OIDC_ID"
	titleVariable        = "SALLYPORT_OIDC_TITLE"
	emailDomainsVariable = "SALLYPORT_OIDC_EMAIL_DOMAINS"
	draftVariable        = "SALLYPORT_OIDC_DRAFT"
)

// providerID is what an id looks like: it stands in addresses and is a label.
var providerID = regexp.MustCompile(`^[a-z0-9-]{1,32}$`)

// longestTitle is as much as fits on a button, in characters.
const longestTitle = 60

// resolveNames judges by what the provider is told from others.
func (p *provider) resolveNames(f *faults) {
	if o := p.OIDC; o.ID != "" && !providerID.MatchString(o.ID) {
		f.unreadable(idVariable, fmt.Sprintf("is %q", o.ID), "use 1 to 32 of a to z, 0 to 9 and hyphens, such as staff")
	}
	title := p.OIDC.Title
	switch {
	case strings.TrimSpace(title) != title || strings.ContainsFunc(title, func(r rune) bool { return !unicode.IsPrint(r) }):
		f.add(titleVariable, fmt.Sprintf("is %q, which begins or ends with white space or has characters that cannot be seen", title), "write plain text, such as Staff")
	case utf8.RuneCountInString(title) > longestTitle:
		f.add(titleVariable, fmt.Sprintf("has %d characters", utf8.RuneCountInString(title)), fmt.Sprintf("use at most %d", longestTitle))
	}
	for _, domain := range p.OIDC.EmailDomains {
		if !validName(domain) {
			f.add(emailDomainsVariable, fmt.Sprintf("has the entry %q", domain), "list domains as they stand after the @, such as example.com, with letters beyond ASCII in their xn-- form; subdomains are listed by themselves")
		}
		p.emailDomains = append(p.emailDomains, strings.ToLower(domain))
	}
}

// resolveProviders judges each provider, and what they are among each other.
func (s *settings) resolveProviders(f *faults) {
	for _, c := range s.Providers {
		p := s.newProvider(c)
		p.resolve(f.of(p.Names))
		s.addProvider(p, f)
		checkText(p.values(), f.of(p.Names))
	}
	if first := s.providers[0]; !slices.ContainsFunc(s.providers, func(p *provider) bool { return !p.OIDC.Draft }) {
		f.of(first.Names).add(draftVariable, "is true of every provider, so that nobody would be sent to sign in", "take it from the one that people use")
	}
}

// named returns the provider of that id; nil when there is none.
func (s *settings) named(id string) *provider {
	i := slices.IndexFunc(s.providers, func(p *provider) bool { return p.id() == id })
	if i < 0 {
		return nil
	}
	return s.providers[i]
}

// addProvider refuses a second provider of one name.
func (s *settings) addProvider(p *provider, f *faults) {
	name := p.Names.of(idVariable)
	p.resolveNames(f.of(p.Names))
	if other := s.named(p.id()); other != nil {
		f.add(name, fmt.Sprintf("is %q, and so is %s", p.id(), other.Names.of(idVariable)), "set one of the two to another name; while it is not set, it is the provider's preset")
	}
	s.providers = append(s.providers, p)
}
