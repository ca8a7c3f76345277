package main

import (
	"net"
	"net/url"
	"strings"

	"golang.org/x/net/publicsuffix"
)

// crossSite returns the origins of SALLYPORT_CORS_ORIGINS that are of another site than
// the public URL, so that browsers keep a cookie with SameSite from their scripts.
func (s *settings) crossSite() []string {
	var others []string
	for _, origin := range s.Config.CORS.Origins {
		if u, err := url.Parse(origin); err == nil && !sameSiteURLs(u, s.publicURL) {
			others = append(others, origin)
		}
	}
	return others
}

// sameSiteURLs reports whether two URLs are schemefully same site (HTML Standard §7.1.1): of
// one scheme, and of one host or of hosts below one registrable domain.
func sameSiteURLs(a, b *url.URL) bool {
	if a.Scheme != b.Scheme {
		return false
	}
	one, other := strings.ToLower(a.Hostname()), strings.ToLower(b.Hostname())
	if one == other {
		return true
	}
	if net.ParseIP(one) != nil || net.ParseIP(other) != nil {
		return false
	}
	below, err := publicsuffix.EffectiveTLDPlusOne(one)
	if err != nil {
		return false
	}
	above, err := publicsuffix.EffectiveTLDPlusOne(other)
	return err == nil && below == above
}
