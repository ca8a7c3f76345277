package migrate

import (
	"net/url"
	"strings"
)

// wonderwall knows the settings of Wonderwall.
func wonderwall() Product {
	return Product{Name: "wonderwall", prefix: "WONDERWALL_", finish: finishWonderwall, table: map[string]rule{
		"BIND_ADDRESS":         same("SALLYPORT_LISTEN"),
		"METRICS_BIND_ADDRESS": differs("SALLYPORT_ADMIN_LISTEN", "/metrics, /healthz and /readyz"),
		"PROBE_BIND_ADDRESS":   remark("has no counterpart: /healthz and /readyz are on the admin listener"),
		"INGRESS": func(t *translation, value string) {
			all := list(value)
			t.set("SALLYPORT_PUBLIC_URL", strings.TrimSuffix(all[0], "/"), "")
			var hosts []string
			for _, ingress := range all[1:] {
				if u, err := url.Parse(ingress); err == nil && u.Host != "" {
					hosts = append(hosts, u.Host)
				}
			}
			if len(hosts) > 0 {
				t.set("SALLYPORT_ALLOWED_HOSTS", strings.Join(hosts, ","), "served too; people are led to SALLYPORT_PUBLIC_URL to sign in")
			}
		},
		"UPSTREAM_HOST": func(t *translation, value string) { t.set("SALLYPORT_UPSTREAM", "http://"+value, "") },
		"UPSTREAM_IP": func(t *translation, value string) {
			t.set("SALLYPORT_UPSTREAM", "http://"+value+":"+orElse(t.values["UPSTREAM_PORT"], "80"), "")
		},
		"UPSTREAM_PORT":             nothing, // see UPSTREAM_IP
		"UPSTREAM_INCLUDE_ID_TOKEN": onlyIf(same("SALLYPORT_PASS_ID_TOKEN"), nothing),
		"UPSTREAM_ACCESS_LOGS":      nothing,
		"ENCRYPTION_KEY": func(t *translation, _ string) {
			t.set("SALLYPORT_SECRET", "", "a fresh one: sallyport keygen. Everybody signs in once after the move")
		},
		"AUTO_LOGIN": onlyIf(remark("is always so: a navigation without a session is led to the sign-in, anything else gets 401"),
			remark("is off, so that the app sees requests without a session; Sallyport keeps them from it but for SALLYPORT_PUBLIC_PATHS")),
		"AUTO_LOGIN_IGNORE_PATHS": differs("SALLYPORT_PUBLIC_PATHS", "globs of whole paths: * within a segment, ** for any number of segments"),
		"COOKIE_PREFIX":           remark("is SALLYPORT_COOKIE_NAME here, the whole name; everybody signs in once anyway"),
		"COOKIE_SAME_SITE": func(t *translation, value string) {
			t.set("SALLYPORT_COOKIE_SAMESITE", strings.ToLower(value), "")
		},
		"COOKIE_SECURE": remark("follows from the scheme of SALLYPORT_PUBLIC_URL; nothing to do"),
		"LOG_FORMAT":    same("SALLYPORT_LOG_FORMAT"),
		"LOG_LEVEL": func(t *translation, value string) {
			switch value = strings.ToLower(value); value {
			case "trace":
				value = "debug"
			case "warning":
				value = "warn"
			case "fatal", "panic":
				value = "error"
			}
			t.set("SALLYPORT_LOG_LEVEL", value, "")
		},

		"OPENID_ACR_VALUES": func(t *translation, value string) {
			t.set("SALLYPORT_OIDC_ACR_VALUES", strings.Join(strings.Fields(value), ","), "what is asked for is also enforced on the way back")
		},
		"OPENID_AUDIENCES":                remark("has no counterpart: aud must name this client (OpenID Connect Core §3.1.3.7)"),
		"OPENID_CLIENT_ID":                same("SALLYPORT_OIDC_CLIENT_ID"),
		"OPENID_CLIENT_SECRET":            secretly("SALLYPORT_OIDC_CLIENT_SECRET"),
		"OPENID_CLIENT_JWK":               remark("is the client's own key: write it to a file and set SALLYPORT_OIDC_CLIENT_AUTH=private_key_jwt and SALLYPORT_OIDC_CLIENT_KEY_FILE"),
		"OPENID_ID_TOKEN_SIGNING_ALG":     same("SALLYPORT_OIDC_SIGNING_ALGS"),
		"OPENID_POST_LOGOUT_REDIRECT_URI": remark("has no counterpart as a fixed address: register <public URL>/oauth2/logout/callback at the provider; /oauth2/logout?rd= says where a sign-out leads"),
		"OPENID_PROVIDER":                 remark("has no counterpart by that name; what the provider can do is read from its metadata"),
		"OPENID_RESOURCE_INDICATOR":       same("SALLYPORT_OIDC_RESOURCE"),
		"OPENID_SCOPES": func(t *translation, value string) {
			t.set("SALLYPORT_OIDC_SCOPES", "openid,"+strings.Join(list(value), ","), "")
		},
		"OPENID_UI_LOCALES": func(t *translation, value string) {
			t.set("SALLYPORT_OIDC_UI_LOCALES", strings.Join(strings.Fields(value), ","), "")
		},
		"OPENID_WELL_KNOWN_URL": func(t *translation, value string) {
			issuer, standard := strings.CutSuffix(value, "/.well-known/openid-configuration")
			if !standard {
				t.set("SALLYPORT_OIDC_DISCOVERY_URL", value, "")
				return
			}
			t.set("SALLYPORT_OIDC_ISSUER", issuer, "compared byte for byte with what the provider says, a slash at the end included")
		},

		"REDIS_URI":                     secretly("SALLYPORT_REDIS_URL"),
		"REDIS_ADDRESS":                 secretly("SALLYPORT_REDIS_URL"),
		"REDIS_USERNAME":                remark("is part of SALLYPORT_REDIS_URL: rediss://user:password@host"),
		"REDIS_PASSWORD":                remark("is part of SALLYPORT_REDIS_URL: rediss://user:password@host"),
		"REDIS_TLS":                     remark("is the scheme of SALLYPORT_REDIS_URL: rediss:// with TLS, redis:// without"),
		"REDIS_CONNECTION_IDLE_TIMEOUT": remark("has no counterpart: connections are renewed by themselves"),

		"SESSION_FORWARD_AUTH":       nothing,
		"SESSION_INACTIVITY":         nothing, // see finishWonderwall
		"SESSION_INACTIVITY_TIMEOUT": differs("SALLYPORT_SESSION_IDLE", "counted from the last request"),
		"SESSION_MAX_LIFETIME":       differs("SALLYPORT_SESSION_MAX_AGE", "counted from the sign-in; nothing prolongs it"),
		"SESSION_REFRESH": onlyIf(nothing, func(t *translation, _ string) {
			t.set("SALLYPORT_SESSION_BINDING", "independent", "sessions then outlive those at the provider")
		}),
		"SESSION_REFRESH_AUTO": remark("is always so"),

		"SHUTDOWN_GRACEFUL_PERIOD":    same("SALLYPORT_SHUTDOWN_TIMEOUT"),
		"SHUTDOWN_WAIT_BEFORE_PERIOD": same("SALLYPORT_SHUTDOWN_DELAY"),

		"SSO_ENABLED":                     onlyIf(remark("has no counterpart: each app has a Sallyport of its own, and the provider signs people in to all of them"), nothing),
		"SSO_DOMAIN":                      remark("has no counterpart; see SSO_ENABLED"),
		"SSO_MODE":                        remark("has no counterpart; see SSO_ENABLED"),
		"SSO_SERVER_DEFAULT_REDIRECT_URL": remark("has no counterpart; see SSO_ENABLED"),
		"SSO_SERVER_URL":                  remark("has no counterpart; see SSO_ENABLED"),
		"SSO_SESSION_COOKIE_NAME":         remark("has no counterpart; see SSO_ENABLED"),
		"OTEL_EXPORTER_OTLP_ENDPOINT":     remark("has no counterpart yet: traceparent passes through, metrics are at /metrics"),
		"RATELIMIT_LOGINS":                remark("has no counterpart: sign-ins under way are limited by cookies, five for a browser"),
		"RATELIMIT_WINDOW":                remark("has no counterpart: sign-ins under way are limited by cookies, five for a browser"),
	}}
}

func finishWonderwall(t *translation) {
	if !isTrue(t.values["SESSION_INACTIVITY"]) {
		t.setAnyway("SALLYPORT_SESSION_IDLE", "0", "WONDERWALL_SESSION_INACTIVITY is off; Sallyport's idle limit is an hour unless told otherwise")
	}
	if t.values["SESSION_MAX_LIFETIME"] == "" {
		t.set("SALLYPORT_SESSION_MAX_AGE", "10h", "what Wonderwall does unless told otherwise")
	}
	if t.has("SALLYPORT_REDIS_URL") {
		t.set("SALLYPORT_SESSION_STORE", "redis", "")
	}
	t.set("SALLYPORT_TRUSTED_PROXIES", "", "the networks (CIDR) of the ingress controllers in front")
	t.variable = ""
	t.note("/oauth2/login?redirect= becomes /oauth2/login?rd=, /oauth2/session has other members (docs/endpoints.md), and the app gets X-Forwarded-User and its kin instead of Authorization: Bearer; SALLYPORT_PASS_AUTHORIZATION=access_token brings that back")
}
