package main

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"golang.org/x/net/publicsuffix"

	"github.com/sallyport/sallyport/proxy"
	"github.com/sallyport/sallyport/proxy/policy"
	"github.com/sallyport/sallyport/session"
)

func (s *settings) resolveCookies(f *faults) {
	c := s.Session
	domain := s.checkCookieDomain(f)
	https := s.publicURL != nil && s.publicURL.Scheme == "https"
	mode := sameSite(c.SameSite)
	if c.SameSite == "none" && s.publicURL != nil && !https {
		f.add("SALLYPORT_COOKIE_SAMESITE", "is none, and browsers refuse such a cookie unless the public URL is https://", "use lax, or an https:// SALLYPORT_PUBLIC_URL")
		mode = sameSite("lax")
	}
	cookies, err := session.NewCookies(session.CookieConfig{Name: c.Cookie, Domain: domain, SameSite: mode, Secure: https || mode == sameSite("none")})
	f.adopt("SALLYPORT_COOKIE_NAME", err)
	s.cookies = cookies
}

// checkCookieDomain returns the domain when it can be used. A domain that a
// registry gives out to strangers would hand them our cookies.
func (s *settings) checkCookieDomain(f *faults) string {
	const name = "SALLYPORT_COOKIE_DOMAIN"
	if s.Session.Domain == "" {
		return ""
	}
	domain := strings.ToLower(strings.TrimPrefix(s.Session.Domain, "."))
	suffix, _ := publicsuffix.PublicSuffix(domain)
	_, ipErr := netip.ParseAddr(domain)
	switch {
	case !validName(domain) || ipErr == nil:
		f.add(name, fmt.Sprintf("is %q", s.Session.Domain), "write a domain such as example.com, or leave it unset")
	case !strings.Contains(domain, ".") || suffix == domain:
		f.add(name, fmt.Sprintf("is %q, below which anyone can have a host", s.Session.Domain), "use a domain of your own, or leave it unset")
	case s.publicURL != nil && !covers(domain, strings.ToLower(s.publicURL.Hostname())):
		f.add(name, fmt.Sprintf("is %q, which does not cover the host %s of SALLYPORT_PUBLIC_URL", s.Session.Domain, s.publicURL.Hostname()), "use that host or a domain above it, or leave it unset")
	default:
		return domain
	}
	return ""
}

// covers reports whether a cookie of that domain is sent to host (RFC 6265 §5.1.3).
func covers(domain, host string) bool {
	return host == domain || strings.HasSuffix(host, "."+domain)
}

func (s *settings) resolveAccess(f *faults) {
	a := s.Access
	s.checkRuleProviders(f)
	p, err := policy.New(policy.Config{
		AllowedEmails: a.AllowedEmails, AllowedEmailDomains: a.AllowedDomains, AllowedGroups: a.AllowedGroups,
		PublicPaths: a.PublicPaths, Rules: s.Rules,
	})
	for _, e := range flatten(err) {
		name, _, _ := strings.Cut(e.Error(), ":")
		f.adopt(name, e)
	}
	s.policy = p
	checkOrigins("SALLYPORT_ALLOWED_ORIGINS", a.AllowedOrigins, f)
	s.resolveCORS(f)
	if s.publicURL == nil {
		return
	}
	s.returns, err = session.NewReturnPolicy(session.ReturnConfig{PublicURL: s.publicURL, Prefix: s.Network.Prefix, Own: []string{proxy.FormPath, proxy.SessionsPath, proxy.SignedInPath}, AllowedOrigins: a.AllowedRedirects})
	for _, e := range flatten(err) {
		// What it says of public URL and prefix has been said.
		if strings.HasPrefix(e.Error(), "SALLYPORT_ALLOWED_REDIRECTS") {
			f.adopt("SALLYPORT_ALLOWED_REDIRECTS", e)
		}
	}
}

// checkRuleProviders refuses rules for providers that are not there: nobody would pass.
func (s *settings) checkRuleProviders(f *faults) {
	var ids []string
	for _, p := range s.providers {
		if f.broken[p.Names.of(idVariable)] || f.broken[p.Names.of(providerVariable)] {
			return // its id is not known
		}
		ids = append(ids, p.id())
	}
	for _, r := range s.Rules {
		for _, id := range r.IDPs {
			if !slices.Contains(ids, id) {
				f.add(fmt.Sprintf("SALLYPORT_RULE_%d_IDPS", r.Number), fmt.Sprintf("has the entry %q, and no provider has that id", id), "use "+alternatives(ids))
			}
		}
	}
}

func (s *settings) resolveCORS(f *faults) {
	c := s.Config.CORS
	s.cors = proxy.CORS{Origins: c.Origins, Methods: c.Methods, Headers: c.Headers, MaxAge: c.MaxAge, Credentials: c.Credentials}
	for _, e := range flatten(s.cors.Check()) {
		name, _, _ := strings.Cut(e.Error(), ":")
		f.adopt(name, e)
	}
	for _, o := range c.Origins {
		if u, err := parseHTTPURL(o); err == nil && u.Scheme == "http" && !isLoopback(u.Hostname()) && !s.Network.InsecureHTTP {
			f.add("SALLYPORT_CORS_ORIGINS", fmt.Sprintf("has the entry %q, whose pages anybody in between can write", o), "use https://, or set SALLYPORT_INSECURE_HTTP=true to allow it")
		}
	}
}

// addressesDecide reports whether allow-lists of e-mail addresses say who may pass.
func (s *settings) addressesDecide() bool {
	return len(s.Access.AllowedEmails)+len(s.Access.AllowedDomains) > 0
}

func checkOrigins(name string, origins []string, f *faults) {
	for _, o := range origins {
		u, err := parseHTTPURL(o)
		if err != nil || u.Path != "" || u.RawQuery != "" || u.ForceQuery {
			f.add(name, fmt.Sprintf("has the entry %q", o), "list origins: scheme, host and port without a path, such as https://other.example.com")
		}
	}
}

func (s *settings) resolveHeaders(f *faults) {
	headers, err := proxy.ParseClaimHeaders(s.Headers.Claims)
	f.adopt("SALLYPORT_HEADERS", err)
	s.claimHeaders = headers
	f.adopt("SALLYPORT_PASS_CLIENT_HEADERS", proxy.CheckClientHeaders(s.Headers.PassClientHeaders, s.claimHeaders))
	s.resolveBasic(f)
	if !s.Headers.PassAssertion && s.Headers.AssertionAudience != "" {
		f.add("SALLYPORT_ASSERTION_AUDIENCE", "is set, but SALLYPORT_PASS_ASSERTION=false would not use it", "remove one of the two")
	}
}

func (s *settings) resolveBasic(f *faults) {
	password := s.Headers.BasicPassword
	asked := s.Headers.PassAuthorization == string(proxy.AuthorizationBasic)
	switch {
	case asked && password.IsEmpty():
		f.unreadable(basicPasswordName, "is required with SALLYPORT_PASS_AUTHORIZATION=basic", "set it to the password that the app expects of everybody (or "+basicPasswordName+fileSuffix+" to a file that holds it)")
	case asked:
		if err := proxy.CheckBasicPassword(password.Reveal()); err != nil {
			f.add(basicPasswordName, err.Error(), basicPasswordRemedy)
		}
	case !password.IsEmpty():
		f.add(basicPasswordName, "is set, but only SALLYPORT_PASS_AUTHORIZATION=basic would use it", "remove one of the two, or set that")
	}
}

const (
	basicPasswordName   = "SALLYPORT_BASIC_PASSWORD"
	basicPasswordRemedy = "use another, such as the output of: openssl rand -hex 32"
)
