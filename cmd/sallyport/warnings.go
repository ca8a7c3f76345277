package main

import "github.com/sallyport/sallyport/proxy"

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
	warn(s.Claims.EmailVerified == "ignore" && len(s.Access.AllowedEmails)+len(s.Access.AllowedDomains) > 0, "SALLYPORT_EMAIL_VERIFIED", "e-mail allow-lists decide, and addresses that nobody verified pass")
	warn(s.Session.Store != storeRedis && !s.Session.RedisURL.IsEmpty(), "SALLYPORT_REDIS_URL", "is set and not used: SALLYPORT_SESSION_STORE is "+s.Session.Store)
	warn(s.Network.AdminListen == adminOff && !s.Session.APIToken.IsEmpty(), adminTokenName, "is set and not used: SALLYPORT_ADMIN_LISTEN is off")
	warn(!s.OIDC.PreviousSecret.IsEmpty(), previousSecretVariable, "a second client secret is kept for when the provider refuses the first; remove it once that is accepted")
	warn(s.Logging.Pprof, "SALLYPORT_PPROF", "profiles are served on the admin listener and can contain secrets")
	return all
}
