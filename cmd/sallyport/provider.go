package main

import (
	"crypto/x509"
	"net/url"

	"github.com/sallyport/sallyport/idp/oidcrp"
)

// provider is a ProviderConfig whose every value has been judged and parsed.
type provider struct {
	ProviderConfig

	site        *settings
	preset      oidcrp.Preset
	issuerAsSet string         // before the preset brought it into the form of the metadata
	idpCA       *x509.CertPool // nil = the system's
	extraParams url.Values
	demands     []oidcrp.Demand
	clientKey   *oidcrp.ClientKey // as the file was at the start; nil = there is none
}

func (s *settings) newProvider(c ProviderConfig) *provider {
	p := &provider{ProviderConfig: c, site: s}
	p.preset, _ = oidcrp.FindPreset(c.OIDC.Provider) // checkWords has a word on an unknown one
	return p
}

// resolveProviders judges each provider.
func (s *settings) resolveProviders(f *faults) {
	for _, c := range s.Providers {
		p := s.newProvider(c)
		p.resolve(f.of(p.Names))
		s.providers = append(s.providers, p)
	}
}

// id names the provider in logs, metrics, sessions and addresses.
func (p *provider) id() string { return p.OIDC.Provider }

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
