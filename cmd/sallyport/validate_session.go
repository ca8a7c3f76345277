package main

import (
	"fmt"
	"slices"
	"time"

	"github.com/sallyport/sallyport/session"
	"github.com/sallyport/sallyport/session/redisstore"
)

func (s *settings) resolveSession(f *faults) {
	c := s.Session
	keys, err := session.ParseKeys(c.Secret.Reveal())
	f.adopt("SALLYPORT_SECRET", err)
	s.keys = keys
	positive(f, "SALLYPORT_SESSION_MAX_AGE", c.MaxAge)
	notNegative(f, "SALLYPORT_SESSION_IDLE", c.Idle)
	if c.Idle > c.MaxAge && c.MaxAge > 0 {
		f.add("SALLYPORT_SESSION_IDLE", fmt.Sprintf("is %s, longer than SALLYPORT_SESSION_MAX_AGE of %s", c.Idle, c.MaxAge), "lower it, or 0 for no idle limit")
	}
	if problem, remedy := judgeAdminToken(c.APIToken.Reveal()); problem != "" && !c.APIToken.IsEmpty() {
		f.add(adminTokenName, problem, remedy)
	}
	if clears := c.SignOutClears; len(clears) > 1 && slices.Contains(clears, "none") {
		f.add("SALLYPORT_SIGN_OUT_CLEARS", "has none beside other words", "write none alone, or leave it out")
	}
	s.resolveStore(f)
	s.resolveRefresh(f)
	s.resolveCookies(f)
}

// smallestHeader is the least that the header section of a request may take where
// it carries the session: 8 KiB of our cookies, and as much again.
const smallestHeader = 16 << 10

func (s *settings) resolveStore(f *faults) {
	switch s.Session.Store {
	case storeRedis:
		s.resolveRedis(f)
	case storeCookie:
		if limit := s.Limits.MaxHeaderBytes; limit < smallestHeader {
			f.add("SALLYPORT_MAX_HEADER_BYTES", fmt.Sprintf("is %d, and with SALLYPORT_SESSION_STORE=cookie our cookies alone can take half of %d", limit, smallestHeader), fmt.Sprintf("give %d or more", smallestHeader))
		}
	}
}

func (s *settings) resolveRedis(f *faults) {
	const name = "SALLYPORT_REDIS_URL"
	c := s.Session
	if c.RedisURL.IsEmpty() {
		f.unreadable(name, "is required with SALLYPORT_SESSION_STORE=redis", "set it, for example to redis://127.0.0.1:6379 (or "+name+fileSuffix+" to a file that holds it)")
		return
	}
	parsed, err := redisstore.ParseURL(c.RedisURL.Reveal())
	f.adopt(name, err)
	s.redis = parsed
}

// shortestRefresh is the most often that sessions are refreshed: each of them
// costs the provider a call.
const shortestRefresh = 10 * time.Second

func (s *settings) resolveRefresh(f *faults) {
	const name = "SALLYPORT_SESSION_REFRESH"
	c := s.Session
	if c.Refresh != "auto" {
		every, err := time.ParseDuration(c.Refresh)
		switch {
		case err != nil:
			f.add(name, fmt.Sprintf("is %q", c.Refresh), "use auto, or a duration such as 5m")
		case every < shortestRefresh:
			f.add(name, fmt.Sprintf("is %s, and each refresh of each session is a call to the provider", c.Refresh), fmt.Sprintf("use auto, or a duration of %s or more", shortestRefresh))
		}
		s.refreshEvery = every
	}
	notNegative(f, "SALLYPORT_SESSION_GRACE", c.Grace)
}

// checkBinding refuses a provider whose sessions could not be bound to its own
// although that is wanted of all.
func (p *provider) checkBinding(f *faults) {
	if p.site.Session.Binding != bindingIdP {
		return
	}
	const binding = "SALLYPORT_SESSION_BINDING"
	switch {
	case p.OIDC.RefreshBound == "no":
		f.add(binding, "is idp, and the provider's refresh tokens outlive the person's session there (SALLYPORT_OIDC_REFRESH_BOUND is no), so that nobody could sign in", "use auto")
	case p.OIDC.RefreshBound == "auto" && slices.Contains(p.OIDC.Scopes, "offline_access"):
		f.add(binding, "is idp, and SALLYPORT_OIDC_SCOPES asks for offline_access, whose refresh tokens outlive the provider's session", "take offline_access out of SALLYPORT_OIDC_SCOPES, or use auto")
	}
}

// The words of SALLYPORT_SESSION_STORE and SALLYPORT_SESSION_BINDING that
// something depends on.
const (
	storeMemory = "memory"
	storeFile   = "file"
	storeRedis  = "redis"
	storeCookie = "cookie"

	bindingIdP         = "idp"
	bindingIndependent = "independent"
)
