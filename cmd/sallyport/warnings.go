package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sallyport/sallyport/proxy"
	"github.com/sallyport/sallyport/proxy/policy"
)

// memoryNote is what an operator of the memory store should know.
const memoryNote = "sessions are kept in memory: a restart signs everybody out, and several replicas do not share them"

// cookieNote is what an operator should know of sessions that the browser keeps.
const cookieNote = "sessions are kept in the browser's cookies: a copy made before a sign-out opens the session again at another replica or after a restart, until its limits; each browser's requests must go to the same replica; claims and tokens of about 6.5 KB fit, and not more"

// warnings are choices that are allowed and worth a second thought.
func (s *settings) warnings() []configError {
	var all []configError
	warn := func(on bool, name, message string) {
		if on {
			all = append(all, configError{Variable: name, Message: message})
		}
	}
	warn(len(s.Access.PublicPaths) > 0, "SALLYPORT_PUBLIC_PATHS", "some paths need no sign-in")
	warn(s.forwardAuthOnly() && len(s.Network.TrustedProxies) == 0, "SALLYPORT_TRUSTED_PROXIES", "no proxy is trusted to say which request it asks about: no path is public, every rule has to be passed, and a sign-in leads to the start page")
	warn(s.Network.ProxyProtocol == string(proxy.ProxyProtocolAccept), "SALLYPORT_PROXY_PROTOCOL", "a trusted proxy that passes a connection on and sends no header lets the client write one; use require where every proxy sends it")
	warn(s.Network.InsecureHTTP, "SALLYPORT_INSECURE_HTTP", "http:// is allowed beyond loopback: whoever is on the way can read sessions and tokens")
	warn(s.Session.Domain != "", "SALLYPORT_COOKIE_DOMAIN", "every host below the cookie domain receives the session cookie")
	warn(s.Session.SameSite == "none", "SALLYPORT_COOKIE_SAMESITE", "the session cookie goes along with requests that other sites cause")
	if others := s.crossSite(); s.Session.SameSite != "none" && s.Config.CORS.Credentials {
		warn(len(others) > 0, "SALLYPORT_CORS_ORIGINS", strings.Join(others, ", ")+" is another site than SALLYPORT_PUBLIC_URL: browsers keep the session cookie from its scripts, which get 401, unless SALLYPORT_COOKIE_SAMESITE is none")
	}
	warn(s.Session.Store != storeRedis && !s.Session.RedisURL.IsEmpty(), "SALLYPORT_REDIS_URL", "the address of Redis is set and not used: SALLYPORT_SESSION_STORE is "+s.Session.Store)
	warn(s.Network.AdminListen == adminOff && !s.Session.APIToken.IsEmpty(), adminTokenName, "the token of the session API is set and not used: SALLYPORT_ADMIN_LISTEN is off")
	warn(s.Logging.Pprof, "SALLYPORT_PPROF", "profiles are served on the admin listener and can contain secrets")
	return append(all, s.providerWarnings()...)
}

// providerWarnings are those about providers and what they are among each other.
func (s *settings) providerWarnings() []configError {
	var all []configError
	for i, p := range s.providers {
		warn := func(on bool, name, message string) {
			one := configError{Variable: p.Names.of(name), Message: p.Names.in(message)}
			if on && !slices.Contains(all, one) { // what providers share is said once
				all = append(all, one)
			}
		}
		warn(p.Claims.EmailVerified == "ignore" && s.addressesDecide(), "SALLYPORT_EMAIL_VERIFIED", "e-mail allow-lists decide, and addresses that nobody verified pass")
		warn(hasControl(p.OIDC.ClientSecret.Reveal()), clientSecretVariable, "the client secret has a control character in it, such as a second line end in its file, and it is sent as it is; remove that if the provider refuses the client")
		warn(!p.OIDC.PreviousSecret.IsEmpty(), previousSecretVariable, "a second client secret is kept for when the provider refuses the first; remove it once that is accepted")
		warn(p.hasSiblings() && len(p.emailDomains) == 0 && (s.addressesDecide() || s.rulesNameAddresses()), emailDomainsVariable,
			p.id()+" may state any address, also of another provider's people, and e-mail addresses decide who may pass; list the domains of its own people")
		for _, other := range s.providers[:i] {
			if p.OIDC.Draft || other.OIDC.Draft { // nobody sees the two side by side
				continue
			}
			warn(p.title() == other.title(), titleVariable, fmt.Sprintf("the buttons of %s and %s have one title, %s; people cannot tell them apart", other.id(), p.id(), p.title()))
			for _, domain := range p.emailDomains {
				warn(slices.Contains(other.emailDomains, domain), emailDomainsVariable, fmt.Sprintf("%s is also a domain of %s, so that an address of it leads to neither by itself: people choose", domain, other.id()))
			}
		}
	}
	return all
}

func (s *settings) rulesNameAddresses() bool {
	return slices.ContainsFunc(s.Rules, func(r policy.Rule) bool { return len(r.Emails) > 0 })
}
