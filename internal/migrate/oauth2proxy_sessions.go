package migrate

import (
	"net/url"
	"strings"
)

func oauth2ProxySessions() map[string]rule {
	return map[string]rule{
		"COOKIE_SECRET": func(t *translation, _ string) {
			t.set("SALLYPORT_SECRET", "", "a fresh one: sallyport keygen. Everybody signs in once after the move")
		},
		"COOKIE_SECRET_FILE": func(t *translation, _ string) {
			t.set("SALLYPORT_SECRET_FILE", "", "a file with a fresh key: sallyport keygen. Everybody signs in once after the move")
		},
		"COOKIE_NAME": func(t *translation, value string) {
			name := strings.TrimPrefix(strings.TrimPrefix(value, "__Host-"), "__Secure-")
			t.set("SALLYPORT_COOKIE_NAME", name, "the prefix __Host- or __Secure- comes by itself")
		},
		"COOKIE_DOMAINS": func(t *translation, value string) {
			all := list(value)
			if len(all) > 1 {
				t.note("names several domains; a Sallyport has one")
			}
			t.set("SALLYPORT_COOKIE_DOMAIN", strings.TrimPrefix(all[0], "."), "only if several hosts share the session: every host below it gets the cookie")
		},
		"COOKIE_PATH":     remark("has no counterpart: the path is /, as the prefix __Host- wants"),
		"COOKIE_HTTPONLY": remark(always),
		"COOKIE_SECURE":   remark("follows from the scheme of SALLYPORT_PUBLIC_URL; nothing to do"),
		"COOKIE_SAMESITE": same("SALLYPORT_COOKIE_SAMESITE"),
		"COOKIE_EXPIRE":   differs("SALLYPORT_SESSION_MAX_AGE", "counted from the sign-in; nothing prolongs it"),
		"COOKIE_REFRESH": func(t *translation, value string) {
			if value != "0" && value != "0s" {
				t.set("SALLYPORT_SESSION_REFRESH", value, "auto goes by the life of the access token, and is what most want")
			}
		},
		"COOKIE_CSRF_PER_REQUEST":       remark("is always so: five sign-ins can be under way in one browser"),
		"COOKIE_CSRF_PER_REQUEST_LIMIT": remark("is five; nothing to do"),
		"COOKIE_CSRF_EXPIRE":            remark("is ten minutes; nothing to do"),
		"COOKIE_CSRF_SAMESITE":          remark("is lax, as the way back from the provider needs; nothing to do"),
		"SESSION_COOKIE_MINIMAL":        remark("has no counterpart: a session keeps its tokens, because it lives as long as they do at the provider"),
		"SESSION_STORE_TYPE":            same("SALLYPORT_SESSION_STORE"),

		"REDIS_CONNECTION_URL":           secretly("SALLYPORT_REDIS_URL"),
		"REDIS_CLUSTER_CONNECTION_URLS":  nothing, // see redisURL
		"REDIS_SENTINEL_CONNECTION_URLS": nothing,
		"REDIS_SENTINEL_MASTER_NAME":     nothing,
		"REDIS_USE_CLUSTER":              nothing,
		"REDIS_USE_SENTINEL":             nothing,
		"REDIS_USERNAME":                 remark("is part of SALLYPORT_REDIS_URL: redis://user:password@host"),
		"REDIS_PASSWORD":                 remark("is part of SALLYPORT_REDIS_URL: redis://user:password@host"),
		"REDIS_SENTINEL_PASSWORD":        remark("has no counterpart of its own; the password in SALLYPORT_REDIS_URL is used for both"),
		"REDIS_CA_PATH":                  remark("has no counterpart: the system's certificates are trusted for rediss://"),
		"REDIS_INSECURE_SKIP_TLS_VERIFY": onlyIf(remark(unsafe+": the sessions would be anybody's on the way"), nothing),
		"REDIS_CONNECTION_IDLE_TIMEOUT":  remark("has no counterpart: connections are renewed by themselves"),
	}
}

// redisURL puts the hosts of a cluster or of Sentinels into one address.
func redisURL(t *translation) {
	urls, query := t.values["REDIS_CLUSTER_CONNECTION_URLS"], ""
	if isTrue(t.values["REDIS_USE_SENTINEL"]) {
		urls, query = t.values["REDIS_SENTINEL_CONNECTION_URLS"], "?master="+t.values["REDIS_SENTINEL_MASTER_NAME"]
	}
	if urls == "" {
		return
	}
	scheme, hosts := "redis", []string(nil)
	for _, text := range list(urls) {
		u, err := url.Parse(text)
		if err != nil || u.Host == "" {
			continue
		}
		scheme, hosts = u.Scheme, append(hosts, u.Host)
	}
	t.set("SALLYPORT_REDIS_URL", scheme+"://"+strings.Join(hosts, ",")+query, "with user and password if Redis wants them: redis://user:password@host")
}

func finishOAuth2Proxy(t *translation) {
	redisURL(t)
	if t.values["SESSION_STORE_TYPE"] == "" {
		t.set("SALLYPORT_SESSION_STORE", "cookie", "what oauth2-proxy does unless told otherwise; memory, file and redis can do more (docs/sessions.md)")
	}
	if t.values["COOKIE_EXPIRE"] == "" {
		t.set("SALLYPORT_SESSION_MAX_AGE", "168h", "what oauth2-proxy does unless told otherwise")
	}
	t.set("SALLYPORT_SESSION_IDLE", "0", "oauth2-proxy has no idle limit; Sallyport's is an hour unless told otherwise")
	if !t.has("SALLYPORT_PUBLIC_URL") {
		t.set("SALLYPORT_PUBLIC_URL", "", "the address that browsers use, such as https://app.example.com")
	}
	if !t.has("SALLYPORT_OIDC_ISSUER") {
		t.set("SALLYPORT_OIDC_ISSUER", "", "the issuer that the provider's metadata state")
	}
	if !t.has("SALLYPORT_SECRET") && !t.has("SALLYPORT_SECRET_FILE") {
		t.set("SALLYPORT_SECRET", "", "sallyport keygen")
	}
}
