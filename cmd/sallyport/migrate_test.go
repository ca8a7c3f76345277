package main

import (
	"maps"
	"regexp"
	"testing"

	"github.com/sallyport/sallyport/internal/migrate"
)

// What a migration prints is a configuration, once its gaps are filled.
func TestMigrationIsAConfiguration(t *testing.T) {
	tests := map[string][]string{
		"oauth2-proxy": {
			"OAUTH2_PROXY_HTTP_ADDRESS=0.0.0.0:4180", "OAUTH2_PROXY_UPSTREAMS=http://app:8080/", "OAUTH2_PROXY_UPSTREAM_TIMEOUT=30s",
			"OAUTH2_PROXY_REDIRECT_URL=https://app.example.com/oauth2/callback", "OAUTH2_PROXY_PROVIDER=oidc", "OAUTH2_PROXY_OIDC_ISSUER_URL=https://idp.example.com",
			"OAUTH2_PROXY_CLIENT_ID=rp1", "OAUTH2_PROXY_CLIENT_SECRET=hush", "OAUTH2_PROXY_SCOPE=openid email", "OAUTH2_PROXY_COOKIE_SECRET=hush",
			"OAUTH2_PROXY_COOKIE_NAME=__Secure-app", "OAUTH2_PROXY_COOKIE_DOMAINS=.example.com", "OAUTH2_PROXY_COOKIE_SAMESITE=lax", "OAUTH2_PROXY_COOKIE_EXPIRE=24h",
			"OAUTH2_PROXY_COOKIE_REFRESH=1h", "OAUTH2_PROXY_SESSION_STORE_TYPE=redis", "OAUTH2_PROXY_REDIS_CONNECTION_URL=redis://redis:6379",
			"OAUTH2_PROXY_EMAIL_DOMAINS=example.com", "OAUTH2_PROXY_ALLOWED_GROUPS=a,b", "OAUTH2_PROXY_SKIP_AUTH_ROUTES=^/public/", "OAUTH2_PROXY_REVERSE_PROXY=true",
			"OAUTH2_PROXY_WHITELIST_DOMAINS=.example.com,other.example.org", "OAUTH2_PROXY_PASS_ACCESS_TOKEN=true", "OAUTH2_PROXY_PASS_AUTHORIZATION_HEADER=true",
			"OAUTH2_PROXY_INSECURE_OIDC_ALLOW_UNVERIFIED_EMAIL=true", "OAUTH2_PROXY_METRICS_ADDRESS=0.0.0.0:9090", "OAUTH2_PROXY_REQUEST_LOGGING=false",
		},
		"wonderwall": {
			"WONDERWALL_BIND_ADDRESS=127.0.0.1:3000", "WONDERWALL_INGRESS=https://app.example.com,https://app.internal", "WONDERWALL_UPSTREAM_HOST=localhost:8080",
			"WONDERWALL_OPENID_CLIENT_ID=rp1", "WONDERWALL_OPENID_CLIENT_SECRET=hush", "WONDERWALL_OPENID_SCOPES=profile",
			"WONDERWALL_OPENID_WELL_KNOWN_URL=https://idp.example.com/.well-known/openid-configuration", "WONDERWALL_ENCRYPTION_KEY=hush",
			"WONDERWALL_AUTO_LOGIN_IGNORE_PATHS=/public/**", "WONDERWALL_COOKIE_SAME_SITE=Lax", "WONDERWALL_LOG_LEVEL=warning", "WONDERWALL_REDIS_URI=redis://redis:6379",
			"WONDERWALL_SESSION_INACTIVITY=true", "WONDERWALL_SESSION_INACTIVITY_TIMEOUT=30m", "WONDERWALL_SESSION_REFRESH=false", "WONDERWALL_SHUTDOWN_GRACEFUL_PERIOD=20s",
		},
	}
	for _, p := range migrate.Products() {
		t.Run(p.Name, func(t *testing.T) {
			vars := map[string]string{"SALLYPORT_TRUSTED_PROXIES": "10.0.0.0/8", "SALLYPORT_REDIS_URL": "redis://redis:6379"}
			for name, value := range valid() {
				if regexp.MustCompile(`SECRET$`).MatchString(name) {
					vars[name] = value
				}
			}
			gaps := maps.Clone(vars)
			for _, s := range p.Translate(tests[p.Name]).Settings {
				if s.Value == "" && gaps[s.Name] == "" {
					t.Errorf("%s is a gap", s.Name)
				}
				if s.Value != "" {
					vars[s.Name] = s.Value
				}
			}
			if _, err := load(environment(vars)); err != nil {
				t.Error(err)
			}
		})
	}
}
