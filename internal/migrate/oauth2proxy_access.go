package migrate

import (
	"regexp"
	"strings"
)

func oauth2ProxyAccess() map[string]rule {
	return map[string]rule{
		"EMAIL_DOMAINS": func(t *translation, value string) {
			var exact []string
			for _, domain := range list(value) {
				switch {
				case domain == "*":
					return // everyone, as without the setting
				case strings.HasPrefix(domain, "."), strings.HasPrefix(domain, "*."):
					t.note("allows every domain below " + strings.TrimLeft(domain, "*.") + "; Sallyport compares whole domains: list them")
				default:
					exact = append(exact, domain)
				}
			}
			if len(exact) > 0 {
				t.set("SALLYPORT_ALLOWED_EMAIL_DOMAINS", strings.Join(exact, ","), "")
			}
		},
		"AUTHENTICATED_EMAILS_FILE":   remark("has no counterpart as a file: put the addresses into SALLYPORT_ALLOWED_EMAILS, separated by commas"),
		"ALLOWED_GROUPS":              same("SALLYPORT_ALLOWED_GROUPS"),
		"GITLAB_GROUPS":               same("SALLYPORT_ALLOWED_GROUPS"),
		"KEYCLOAK_GROUPS":             same("SALLYPORT_ALLOWED_GROUPS"),
		"ALLOWED_ROLES":               remark("has no counterpart of its own: let SALLYPORT_CLAIM_GROUPS name the claim of the roles (realm_access.roles in Keycloak) and put the roles into SALLYPORT_ALLOWED_GROUPS"),
		"SKIP_AUTH_ROUTES":            publicPaths,
		"SKIP_AUTH_REGEX":             publicPaths,
		"API_ROUTES":                  remark("has no counterpart: whoever is not a browser's navigation gets 401 instead of a redirect, on every path"),
		"SKIP_AUTH_PREFLIGHT":         onlyIf(same("SALLYPORT_PASS_PREFLIGHTS"), nothing),
		"SKIP_AUTH_STRIP_HEADERS":     remark("is always so: identity headers of clients never pass"),
		"SKIP_JWT_BEARER_TOKENS":      onlyIf(remark("has no counterpart yet: bearer tokens do not sign anybody in. SALLYPORT_PUBLIC_PATHS can leave the paths of an API to the app, with the client's Authorization"), nothing),
		"EXTRA_JWT_ISSUERS":           remark("has no counterpart yet: bearer tokens do not sign anybody in"),
		"BEARER_TOKEN_LOGIN_FALLBACK": remark("has no counterpart yet: bearer tokens do not sign anybody in"),
		"TRUSTED_IPS":                 remark(unsafe + ": an address signs nobody in. SALLYPORT_PUBLIC_PATHS lists paths that need no session"),
		"TRUSTED_PROXY_IPS":           same("SALLYPORT_TRUSTED_PROXIES"),
		"WHITELIST_DOMAINS": func(t *translation, value string) {
			var origins []string
			for _, domain := range list(value) {
				domain = strings.TrimPrefix(domain, "*")
				if strings.HasSuffix(domain, ":*") {
					t.note("allows any port of " + strings.TrimSuffix(domain, ":*") + "; list the origins with their ports")
					continue
				}
				if !strings.HasPrefix(domain, ".") {
					domain = "https://" + domain
				}
				origins = append(origins, domain)
			}
			if len(origins) > 0 {
				t.set("SALLYPORT_ALLOWED_REDIRECTS", strings.Join(origins, ","), "")
			}
		},
		"HTPASSWD_FILE":         remark(unsafe + ": passwords are the provider's business"),
		"HTPASSWD_USER_GROUPS":  remark(unsafe + ": passwords are the provider's business"),
		"DISPLAY_HTPASSWD_FORM": remark(unsafe + ": passwords are the provider's business"),
	}
}

// simplePath is a regular expression that a glob can say: anchored, with nothing
// special but an ending of "anything below".
var simplePath = regexp.MustCompile(`^\^(/(?:[A-Za-z0-9/_~%-]|\\\.)*)(\$|/\.\*\$?)?$`)

// publicPaths turns regular expressions into globs where they mean the same.
func publicPaths(t *translation, value string) {
	var globs []string
	for _, route := range list(value) {
		m := simplePath.FindStringSubmatch(route)
		if m == nil {
			t.note("has the route " + route + ", a regular expression that is no glob; write it anew for SALLYPORT_PUBLIC_PATHS (* within a segment, ** for any number of segments)")
			continue
		}
		switch path, end := strings.ReplaceAll(m[1], `\.`, "."), m[2]; {
		case end == "$":
			globs = append(globs, path)
		case end != "":
			globs = append(globs, path+"/**")
		case strings.HasSuffix(path, "/") && path != "/":
			globs = append(globs, path+"**")
		default:
			t.note("has the route " + route + " without an end, which covers every path that begins so; say which ones are meant in SALLYPORT_PUBLIC_PATHS")
		}
	}
	if len(globs) > 0 {
		t.set("SALLYPORT_PUBLIC_PATHS", strings.Join(globs, ","), "globs of whole paths")
	}
}
