package migrate

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func product(t testing.TB, name string) Product {
	t.Helper()
	for _, p := range Products() {
		if p.Name == name {
			return p
		}
	}
	t.Fatalf("no product %s", name)
	return Product{}
}

// said is what a translation tells about one of our variables, or of theirs.
func (r Result) said(name string) (found []string) {
	for _, s := range r.Settings {
		if s.Name == name {
			found = append(found, s.Value)
		}
	}
	for _, n := range r.Notes {
		if n.Variable == name {
			found = append(found, n.Text)
		}
	}
	return found
}

func TestTranslate(t *testing.T) {
	tests := []struct {
		name, product string
		environ       []string
		want          map[string]string // our variable and its value, or theirs and a part of the note
	}{
		{"addresses", "oauth2-proxy", []string{
			"OAUTH2_PROXY_HTTP_ADDRESS=http://0.0.0.0:4180", "OAUTH2_PROXY_UPSTREAMS=http://app:8080/", "OAUTH2_PROXY_REDIRECT_URL=https://app.example.com/oauth2/callback",
		}, map[string]string{"SALLYPORT_LISTEN": "0.0.0.0:4180", "SALLYPORT_UPSTREAM": "http://app:8080", "SALLYPORT_PUBLIC_URL": "https://app.example.com"}},
		{"a prefix and a base path", "oauth2-proxy", []string{
			"OAUTH2_PROXY_PROXY_PREFIX=/sso", "OAUTH2_PROXY_REDIRECT_URL=https://example.com/app/sso/callback",
		}, map[string]string{"SALLYPORT_PREFIX": "/sso", "SALLYPORT_PUBLIC_URL": "https://example.com/app"}},
		{"upstreams", "oauth2-proxy", []string{"OAUTH2_PROXY_UPSTREAMS=http://app:8080/api/,file:///srv"},
			map[string]string{"SALLYPORT_UPSTREAM": "http://app:8080", "OAUTH2_PROXY_UPSTREAMS": "several upstreams"}},
		{"files", "oauth2-proxy", []string{"OAUTH2_PROXY_UPSTREAMS=file:///srv"}, map[string]string{"OAUTH2_PROXY_UPSTREAMS": "serves no files"}},
		{"unix upstream", "oauth2-proxy", []string{"OAUTH2_PROXY_UPSTREAMS=unix:///run/app.sock"}, map[string]string{"SALLYPORT_UPSTREAM": "unix:///run/app.sock"}},
		{"google", "oauth2-proxy", []string{"OAUTH2_PROXY_PROVIDER=google"}, map[string]string{"SALLYPORT_OIDC_ISSUER": "https://accounts.google.com", "SALLYPORT_OIDC_PROVIDER": "google", "SALLYPORT_OIDC_HOSTED_DOMAINS": "*"}},
		{"keycloak", "oauth2-proxy", []string{"OAUTH2_PROXY_PROVIDER=keycloak-oidc"}, map[string]string{"SALLYPORT_OIDC_PROVIDER": "keycloak"}},
		{"azure", "oauth2-proxy", []string{"OAUTH2_PROXY_PROVIDER=azure", "OAUTH2_PROXY_AZURE_TENANT=t-1"},
			map[string]string{"SALLYPORT_OIDC_ISSUER": "https://login.microsoftonline.com/t-1/v2.0", "SALLYPORT_OIDC_PROVIDER": "entra"}},
		{"an issuer of its own", "oauth2-proxy", []string{"OAUTH2_PROXY_PROVIDER=gitlab", "OAUTH2_PROXY_OIDC_ISSUER_URL=https://git.example.com"},
			map[string]string{"SALLYPORT_OIDC_ISSUER": "https://git.example.com"}},
		{"no OpenID Connect", "oauth2-proxy", []string{"OAUTH2_PROXY_PROVIDER=github", "OAUTH2_PROXY_GITHUB_ORG=x"},
			map[string]string{"SALLYPORT_OIDC_ISSUER": "", "OAUTH2_PROXY_PROVIDER": "not one of OpenID Connect", "OAUTH2_PROXY_GITHUB_ORG": "another protocol"}},
		{"scopes", "oauth2-proxy", []string{"OAUTH2_PROXY_SCOPE=openid  email groups"}, map[string]string{"SALLYPORT_OIDC_SCOPES": "openid,email,groups"}},
		{"everybody", "oauth2-proxy", []string{"OAUTH2_PROXY_EMAIL_DOMAINS=*"}, map[string]string{"SALLYPORT_SESSION_IDLE": "0"}},
		{"domains", "oauth2-proxy", []string{"OAUTH2_PROXY_EMAIL_DOMAINS=example.com,.example.org"},
			map[string]string{"SALLYPORT_ALLOWED_EMAIL_DOMAINS": "example.com", "OAUTH2_PROXY_EMAIL_DOMAINS": "below example.org"}},
		{"routes", "oauth2-proxy", []string{`OAUTH2_PROXY_SKIP_AUTH_ROUTES=^/public/,^/health$,^/assets/.*,^/a\.b$`},
			map[string]string{"SALLYPORT_PUBLIC_PATHS": "/public/**,/health,/assets/**,/a.b"}},
		{"a route without an end", "oauth2-proxy", []string{"OAUTH2_PROXY_SKIP_AUTH_ROUTES=^/public"}, map[string]string{"OAUTH2_PROXY_SKIP_AUTH_ROUTES": "without an end"}},
		{"a route of everything", "oauth2-proxy", []string{"OAUTH2_PROXY_SKIP_AUTH_ROUTES=^/"}, map[string]string{"OAUTH2_PROXY_SKIP_AUTH_ROUTES": "without an end"}},
		{"a route with a method", "oauth2-proxy", []string{"OAUTH2_PROXY_SKIP_AUTH_ROUTES=GET=^/x$"}, map[string]string{"OAUTH2_PROXY_SKIP_AUTH_ROUTES": "is no glob"}},
		{"a route without an anchor", "oauth2-proxy", []string{"OAUTH2_PROXY_SKIP_AUTH_REGEX=/x"}, map[string]string{"OAUTH2_PROXY_SKIP_AUTH_REGEX": "is no glob"}},
		{"redirects", "oauth2-proxy", []string{"OAUTH2_PROXY_WHITELIST_DOMAINS=.example.com,*.example.org,other.example.net,any.example.com:*"},
			map[string]string{"SALLYPORT_ALLOWED_REDIRECTS": ".example.com,.example.org,https://other.example.net", "OAUTH2_PROXY_WHITELIST_DOMAINS": "any port of any.example.com"}},
		{"sentinels", "oauth2-proxy", []string{
			"OAUTH2_PROXY_SESSION_STORE_TYPE=redis", "OAUTH2_PROXY_REDIS_USE_SENTINEL=true", "OAUTH2_PROXY_REDIS_SENTINEL_MASTER_NAME=mymaster",
			"OAUTH2_PROXY_REDIS_SENTINEL_CONNECTION_URLS=redis://s1:26379,redis://s2:26379",
		}, map[string]string{"SALLYPORT_SESSION_STORE": "redis", "SALLYPORT_REDIS_URL": "redis://s1:26379,s2:26379?master=mymaster"}},
		{"a cluster", "oauth2-proxy", []string{"OAUTH2_PROXY_REDIS_USE_CLUSTER=true", "OAUTH2_PROXY_REDIS_CLUSTER_CONNECTION_URLS=rediss://c1:6379,rediss://c2:6379"},
			map[string]string{"SALLYPORT_REDIS_URL": "rediss://c1:6379,c2:6379"}},
		{"cookies", "oauth2-proxy", []string{"OAUTH2_PROXY_COOKIE_NAME=__Host-app", "OAUTH2_PROXY_COOKIE_EXPIRE=8h", "OAUTH2_PROXY_COOKIE_REFRESH=0"},
			map[string]string{"SALLYPORT_COOKIE_NAME": "app", "SALLYPORT_SESSION_MAX_AGE": "8h"}},
		{"defaults", "oauth2-proxy", []string{"OAUTH2_PROXY_CLIENT_ID=a=b"},
			map[string]string{"SALLYPORT_OIDC_CLIENT_ID": "a=b", "SALLYPORT_SESSION_STORE": "cookie", "SALLYPORT_SESSION_MAX_AGE": "168h", "SALLYPORT_PUBLIC_URL": ""}},
		{"unknown", "oauth2-proxy", []string{"OAUTH2_PROXY_SOMETHING_NEW=1"}, map[string]string{"OAUTH2_PROXY_SOMETHING_NEW": "not known here"}},
		{"two for one", "oauth2-proxy", []string{"OAUTH2_PROXY_ALLOWED_GROUPS=a", "OAUTH2_PROXY_GITLAB_GROUPS=b"},
			map[string]string{"SALLYPORT_ALLOWED_GROUPS": "a", "OAUTH2_PROXY_GITLAB_GROUPS": "one value"}},
		{"basic", "oauth2-proxy", []string{"OAUTH2_PROXY_BASIC_AUTH_PASSWORD=hush"},
			map[string]string{"SALLYPORT_PASS_AUTHORIZATION": "basic", "SALLYPORT_BASIC_PASSWORD": ""}},
		{"basic that is off", "oauth2-proxy", []string{"OAUTH2_PROXY_BASIC_AUTH_PASSWORD=hush", "OAUTH2_PROXY_PASS_BASIC_AUTH=false"},
			map[string]string{"OAUTH2_PROXY_BASIC_AUTH_PASSWORD": "is not used"}},
		{"basic without a password", "oauth2-proxy", []string{"OAUTH2_PROXY_SET_BASIC_AUTH=true"},
			map[string]string{"OAUTH2_PROXY_SET_BASIC_AUTH": "does nothing without"}},
		{"switches", "oauth2-proxy", []string{"OAUTH2_PROXY_SSL_INSECURE_SKIP_VERIFY=true", "OAUTH2_PROXY_PASS_AUTHORIZATION_HEADER=1", "OAUTH2_PROXY_PREFER_EMAIL_TO_USER=yes"},
			map[string]string{"OAUTH2_PROXY_SSL_INSECURE_SKIP_VERIFY": "SALLYPORT_OIDC_CA_FILE", "SALLYPORT_PASS_AUTHORIZATION": "id_token", "SALLYPORT_CLAIM_USER": "email"}},

		{"ingresses", "wonderwall", []string{"WONDERWALL_INGRESS=https://app.example.com,https://app.internal/x", "WONDERWALL_UPSTREAM_HOST=app:8080"},
			map[string]string{"SALLYPORT_PUBLIC_URL": "https://app.example.com", "SALLYPORT_ALLOWED_HOSTS": "app.internal", "SALLYPORT_UPSTREAM": "http://app:8080"}},
		{"well-known", "wonderwall", []string{"WONDERWALL_OPENID_WELL_KNOWN_URL=https://idp.example.com/x/.well-known/openid-configuration", "WONDERWALL_OPENID_SCOPES=profile,email"},
			map[string]string{"SALLYPORT_OIDC_ISSUER": "https://idp.example.com/x", "SALLYPORT_OIDC_SCOPES": "openid,profile,email"}},
		{"inactivity", "wonderwall", []string{"WONDERWALL_SESSION_INACTIVITY=true", "WONDERWALL_SESSION_INACTIVITY_TIMEOUT=20m"}, map[string]string{"SALLYPORT_SESSION_IDLE": "20m"}},
		{"no inactivity", "wonderwall", []string{"WONDERWALL_SESSION_INACTIVITY_TIMEOUT=20m"}, map[string]string{"SALLYPORT_SESSION_IDLE": "0", "SALLYPORT_SESSION_MAX_AGE": "10h"}},
		{"redis", "wonderwall", []string{"WONDERWALL_REDIS_URI=redis://:hush@redis"}, map[string]string{"SALLYPORT_REDIS_URL": "", "SALLYPORT_SESSION_STORE": "redis"}},
		{"levels", "wonderwall", []string{"WONDERWALL_LOG_LEVEL=Warning", "WONDERWALL_COOKIE_SAME_SITE=Strict"}, map[string]string{"SALLYPORT_LOG_LEVEL": "warn", "SALLYPORT_COOKIE_SAMESITE": "strict"}},
		{"sso", "wonderwall", []string{"WONDERWALL_SSO_ENABLED=true"}, map[string]string{"WONDERWALL_SSO_ENABLED": "a Sallyport of its own"}},
	}
	for _, tt := range tests {
		t.Run(tt.product+" "+tt.name, func(t *testing.T) {
			r := product(t, tt.product).Translate(append(tt.environ, "HOME=/root", "SALLYPORT_LISTEN=:1"))
			for name, want := range tt.want {
				found := r.said(name)
				ok := slices.Contains(found, want)
				if !strings.HasPrefix(name, "SALLYPORT_") {
					ok = slices.ContainsFunc(found, func(text string) bool { return strings.Contains(text, want) })
				}
				if !ok {
					t.Errorf("%s is %q, want %q", name, found, want)
				}
			}
		})
	}
}

// secretName matches the settings that hold a secret.
var secretName = regexp.MustCompile(`(SECRET|PASSWORD|JWK|JWT_KEY|GITHUB_TOKEN|SIGNATURE_KEY|ENCRYPTION_KEY|REDIS_URI|CONNECTION_URLS?|SERVICE_ACCOUNT_JSON)=`)

// Each setting of its own, and all of them at once: nothing is dropped in silence,
// nothing is said twice, and no secret comes out.
func TestEverySetting(t *testing.T) {
	const canary = "hush-hush"
	for _, p := range Products() {
		var all []string
		for short := range p.table {
			all = append(all, p.prefix+short+"="+canary)
		}
		for _, environ := range append(each(all), all) {
			r := p.Translate(environ)
			seen := make(map[string]bool)
			for _, s := range r.Settings {
				if seen[s.Name] {
					t.Errorf("%s: %v gives %s twice", p.Name, environ, s.Name)
				}
				seen[s.Name] = true
			}
			if len(environ) == 1 && secretName.MatchString(environ[0]) && strings.Contains(fmt.Sprint(r), canary) {
				t.Errorf("%s is shown", environ[0])
			}
		}
	}
	for _, p := range Products() {
		if r := p.Translate([]string{"HOME=/root", "OTHER_CLIENT_ID=x"}); len(r.Settings)+len(r.Notes) != 0 {
			t.Errorf("%s makes %+v of nothing", p.Name, r)
		}
	}
}

func each(all []string) [][]string {
	var lists [][]string
	for _, one := range all {
		lists = append(lists, []string{one})
	}
	return lists
}

// TestPages keeps the pages and the tables equal: each names every setting that the
// other does.
func TestPages(t *testing.T) {
	for _, p := range Products() {
		page, err := os.ReadFile("../../docs/migrate/" + p.Name + ".md")
		if err != nil {
			t.Fatal(err)
		}
		named := make(map[string]bool)
		for _, name := range regexp.MustCompile(`\b`+p.prefix+`[A-Z0-9_]+`).FindAllString(string(page), -1) {
			named[strings.TrimPrefix(name, p.prefix)] = true
		}
		for short := range p.table {
			if !named[short] {
				t.Errorf("docs/migrate/%s.md does not name %s", p.Name, p.prefix+short)
			}
		}
		for short := range named {
			if p.table[short] == nil {
				t.Errorf("docs/migrate/%s.md names %s, which the command does not know", p.Name, p.prefix+short)
			}
		}
	}
}

func FuzzPublicPaths(f *testing.F) {
	for _, seed := range []string{"^/a$", "^/a/", "^/a/.*$", "GET=^/x", "^/", "^/$", ".*", ""} {
		f.Add(seed, "/a/b")
	}
	f.Fuzz(func(t *testing.T, route, path string) {
		r := product(t, "oauth2-proxy").Translate([]string{"OAUTH2_PROXY_SKIP_AUTH_ROUTES=" + route})
		for _, value := range r.said("SALLYPORT_PUBLIC_PATHS") {
			for glob := range strings.SplitSeq(value, ",") {
				if glob == "/**" || glob == "**" || !strings.HasPrefix(glob, "/") {
					t.Errorf("%q becomes %q", route, value)
				}
			}
		}
	})
}
