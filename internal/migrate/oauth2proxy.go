package migrate

import (
	"net/url"
	"strings"
)

const (
	always   = "is always so; nothing to do"
	onlyOIDC = "has no counterpart: Sallyport speaks OpenID Connect only, and this setting belongs to another protocol of that provider"
	logging  = "has no counterpart: the log goes to standard error in one format, chosen by SALLYPORT_LOG_FORMAT"
	redirect = "has no counterpart: endpoints are read from the provider's metadata; SALLYPORT_OIDC_DISCOVERY_URL says where those are if not below the issuer"
	unsafe   = "has no counterpart, on purpose"
)

// oauth2Proxy knows the settings of oauth2-proxy 7.
func oauth2Proxy() Product {
	p := Product{Name: "oauth2-proxy", prefix: "OAUTH2_PROXY_", table: make(map[string]rule), finish: finishOAuth2Proxy}
	for _, part := range []map[string]rule{
		oauth2ProxyAddresses(), oauth2ProxyProvider(), oauth2ProxySessions(), oauth2ProxyAccess(), oauth2ProxyHeaders(), oauth2ProxyRest(),
	} {
		for name, apply := range part {
			p.table[name] = apply
		}
	}
	return p
}

func oauth2ProxyAddresses() map[string]rule {
	return map[string]rule{
		"HTTP_ADDRESS": func(t *translation, value string) {
			t.set("SALLYPORT_LISTEN", strings.TrimPrefix(value, "http://"), "")
		},
		"HTTPS_ADDRESS": remark("has no counterpart: the listener of SALLYPORT_LISTEN serves TLS when SALLYPORT_TLS_CERT_FILE is set"),
		"UPSTREAMS": func(t *translation, value string) {
			all := list(value)
			if len(all) > 1 {
				t.note("names several upstreams; Sallyport has one. Put a router behind it, or run one Sallyport for each")
			}
			u, err := url.Parse(all[0])
			switch {
			case err != nil || u.Scheme == "file" || u.Scheme == "static":
				t.note("has no counterpart for " + all[0] + ": Sallyport serves no files and no fixed answers")
			case u.Scheme != "unix" && strings.Trim(u.Path, "/") != "":
				t.set("SALLYPORT_UPSTREAM", u.Scheme+"://"+u.Host, "oauth2-proxy forwards only requests below "+u.Path+"; Sallyport forwards all paths")
			default:
				t.set("SALLYPORT_UPSTREAM", strings.TrimSuffix(all[0], "/"), "")
			}
		},
		"UPSTREAM_TIMEOUT": differs("SALLYPORT_UPSTREAM_TIMEOUT", "until the response headers; what streams after them has no limit"),
		"REDIRECT_URL": func(t *translation, value string) {
			prefix := t.values["PROXY_PREFIX"]
			if prefix == "" {
				prefix = "/oauth2"
			}
			t.set("SALLYPORT_PUBLIC_URL", strings.TrimSuffix(value, prefix+"/callback"), "")
		},
		"RELATIVE_REDIRECT_URL": remark("has no counterpart: SALLYPORT_PUBLIC_URL says where browsers are, and no request can change that"),
		"PROXY_PREFIX":          same("SALLYPORT_PREFIX"),
		"REVERSE_PROXY": onlyIf(func(t *translation, _ string) {
			t.set("SALLYPORT_TRUSTED_PROXIES", "", "the networks (CIDR) of the proxies in front: oauth2-proxy believes everybody's X-Forwarded-* fields, Sallyport only theirs")
		}, nothing),
		"REAL_CLIENT_IP_HEADER":  remark("has no counterpart: X-Forwarded-For of a trusted proxy is read"),
		"TLS_CERT_FILE":          same("SALLYPORT_TLS_CERT_FILE"),
		"TLS_KEY_FILE":           same("SALLYPORT_TLS_KEY_FILE"),
		"TLS_MIN_VERSION":        remark("has no counterpart: TLS 1.2 and later are served"),
		"TLS_CIPHER_SUITES":      remark("has no counterpart: Go's choice of suites is served"),
		"FORCE_HTTPS":            remark("has no counterpart: let the proxy in front lead from http to https. Cookies are Secure as soon as SALLYPORT_PUBLIC_URL is https"),
		"METRICS_ADDRESS":        differs("SALLYPORT_ADMIN_LISTEN", "/metrics, /healthz and /readyz"),
		"METRICS_SECURE_ADDRESS": remark("has no counterpart: the admin listener serves plain HTTP"),
		"METRICS_TLS_CERT_FILE":  remark("has no counterpart: the admin listener serves plain HTTP"),
		"METRICS_TLS_KEY_FILE":   remark("has no counterpart: the admin listener serves plain HTTP"),
		"PING_PATH":              remark("is answered on the admin listener as /healthz; on the proxy's listener every path is the app's"),
		"PING_USER_AGENT":        remark("has no counterpart: use /healthz on the admin listener"),
		"READY_PATH":             remark("is answered on the admin listener as /readyz"),
		"GCP_HEALTHCHECKS":       remark("has no counterpart: use /healthz on the admin listener"),
	}
}

func oauth2ProxyProvider() map[string]rule {
	rules := map[string]rule{
		"PROVIDER":           oauth2ProxyProviderName,
		"OIDC_ISSUER_URL":    differs("SALLYPORT_OIDC_ISSUER", "compared byte for byte with what the provider says, a slash at the end included"),
		"CLIENT_ID":          same("SALLYPORT_OIDC_CLIENT_ID"),
		"CLIENT_SECRET":      secretly("SALLYPORT_OIDC_CLIENT_SECRET"),
		"CLIENT_SECRET_FILE": same("SALLYPORT_OIDC_CLIENT_SECRET_FILE"),
		"SCOPE": func(t *translation, value string) {
			t.set("SALLYPORT_OIDC_SCOPES", strings.Join(strings.Fields(value), ","), "")
		},
		"PROMPT":                      same("SALLYPORT_OIDC_PROMPT"),
		"APPROVAL_PROMPT":             remark("has no counterpart: SALLYPORT_OIDC_PROMPT is the OpenID Connect parameter"),
		"ACR_VALUES":                  differs("SALLYPORT_OIDC_ACR_VALUES", "what is asked for is also enforced on the way back"),
		"RESOURCE":                    same("SALLYPORT_OIDC_RESOURCE"),
		"CODE_CHALLENGE_METHOD":       remark("is always S256; nothing to do"),
		"FORCE_CODE_CHALLENGE_METHOD": remark("is always S256; nothing to do"),
		"OIDC_ENABLED_SIGNING_ALGS":   same("SALLYPORT_OIDC_SIGNING_ALGS"),
		"OIDC_PUBLIC_KEY_FILES":       remark("has no counterpart: the provider's keys are read from its metadata, so that it can exchange them"),
		"PROVIDER_CA_FILES": func(t *translation, value string) {
			all := list(value)
			if len(all) > 1 {
				t.note("names several files; put the certificates into one")
			}
			t.set("SALLYPORT_OIDC_CA_FILE", all[0], "")
		},
		"USE_SYSTEM_TRUST_STORE": onlyIf(remark("has no counterpart: SALLYPORT_OIDC_CA_FILE replaces the system's certificates; add them to the file"), nothing),
		"OIDC_EMAIL_CLAIM":       same("SALLYPORT_CLAIM_EMAIL"),
		"OIDC_GROUPS_CLAIM":      same("SALLYPORT_CLAIM_GROUPS"),
		"OIDC_ROLES_CLAIM":       remark("has no counterpart beside SALLYPORT_CLAIM_GROUPS, which can name the claim of the roles instead"),
		"USER_ID_CLAIM":          same("SALLYPORT_CLAIM_USER"),
		"OIDC_AUDIENCE_CLAIMS":   remark("has no counterpart: aud must name this client (OpenID Connect Core §3.1.3.7)"),
		"OIDC_EXTRA_AUDIENCES":   remark("has no counterpart: aud must name this client, and azp too when there are several"),
		"INSECURE_OIDC_ALLOW_UNVERIFIED_EMAIL": onlyIf(func(t *translation, _ string) {
			t.set("SALLYPORT_EMAIL_VERIFIED", "ignore", "an address that nobody has verified may be somebody else's")
		}, nothing),
		"INSECURE_OIDC_SKIP_ISSUER_VERIFICATION": remark(unsafe + ": an issuer that is not compared is anybody's. docs/providers tells what to do for providers with several"),
		"INSECURE_OIDC_SKIP_NONCE":               remark("has no counterpart: the nonce is always compared"),
		"SKIP_OIDC_DISCOVERY":                    remark(redirect),
		"LOGIN_URL":                              remark(redirect),
		"REDEEM_URL":                             remark(redirect),
		"OIDC_JWKS_URL":                          remark(redirect),
		"PROFILE_URL":                            remark(redirect),
		"VALIDATE_URL":                           remark("has no counterpart: ID tokens are verified here"),
		"SKIP_CLAIMS_FROM_PROFILE_URL": onlyIf(func(t *translation, _ string) {
			t.set("SALLYPORT_OIDC_USERINFO", "never", "")
		}, nothing),
		"BACKEND_LOGOUT_URL":            remark("has no counterpart: tokens are revoked (RFC 7009), and browsers are led to the provider's end_session_endpoint, or to SALLYPORT_OIDC_LOGOUT_URL"),
		"PROVIDER_DISPLAY_NAME":         remark("has no counterpart: there is no page before the sign-in"),
		"SSL_INSECURE_SKIP_VERIFY":      onlyIf(remark(unsafe+": set SALLYPORT_OIDC_CA_FILE to the certificate of the provider's authority"), nothing),
		"ENCODE_STATE":                  remark(always),
		"JWT_KEY":                       remark("belongs to login.gov; see docs/configuration.md for how clients authenticate"),
		"JWT_KEY_FILE":                  remark("belongs to login.gov; see docs/configuration.md for how clients authenticate"),
		"PUBJWK_URL":                    remark("belongs to login.gov; endpoints are read from the provider's metadata"),
		"AZURE_TENANT":                  nothing, // part of the issuer
		"AZURE_GRAPH_GROUP_FIELD":       remark("has no counterpart: Microsoft Graph is not asked; groups are those of the ID token, by their ids unless the app registration says otherwise"),
		"ENTRA_ID_ALLOWED_TENANTS":      same("SALLYPORT_OIDC_ALLOWED_TENANTS"),
		"ENTRA_ID_FEDERATED_TOKEN_AUTH": onlyIf(remark("has no counterpart: the client authenticates by a secret, a key or a certificate (docs/client-authentication.md)"), nothing),
	}
	for _, name := range []string{
		"GITHUB_ORG", "GITHUB_TEAM", "GITHUB_REPO", "GITHUB_TOKEN", "GITHUB_USERS", "BITBUCKET_TEAM", "BITBUCKET_REPOSITORY", "GITLAB_PROJECTS",
		"GOOGLE_ADMIN_EMAIL", "GOOGLE_GROUPS", "GOOGLE_SERVICE_ACCOUNT_JSON", "GOOGLE_USE_APPLICATION_DEFAULT_CREDENTIALS", "GOOGLE_TARGET_PRINCIPAL",
		"GOOGLE_GROUP", "GOOGLE_USE_ORGANIZATION_ID", "GOOGLE_ADMIN_API_USER_SCOPE",
	} {
		rules[name] = remark(onlyOIDC)
	}
	return rules
}

// oauth2ProxyProviderName names the preset and the issuer of providers that
// oauth2-proxy knows by name.
func oauth2ProxyProviderName(t *translation, value string) {
	const preset = "SALLYPORT_OIDC_PROVIDER"
	switch value {
	case "oidc":
	case "keycloak-oidc":
		t.set(preset, "keycloak", "")
	case "adfs":
		t.set(preset, value, "")
	case "google":
		t.set(preset, value, "")
		t.set("SALLYPORT_OIDC_HOSTED_DOMAINS", "*", "as before, who may pass is said elsewhere; better list your Workspace domains, which a personal account does not have")
		t.setIssuer("https://accounts.google.com", "")
	case "gitlab":
		t.set(preset, value, "")
		t.setIssuer("https://gitlab.com", "")
	case "azure", "entra-id":
		t.set(preset, "entra", "")
		t.setIssuer("https://login.microsoftonline.com/"+orElse(t.values["AZURE_TENANT"], "TENANT-ID")+"/v2.0", "with the id of your tenant, not its name")
	default:
		t.note("is " + value + ", which is not one of OpenID Connect; Sallyport needs an issuer with metadata")
	}
}

// setIssuer is for a provider whose issuer oauth2-proxy knows unless it is told
// another.
func (t *translation) setIssuer(issuer, remark string) {
	if t.values["OIDC_ISSUER_URL"] == "" {
		t.set("SALLYPORT_OIDC_ISSUER", issuer, remark)
	}
}

func orElse(value, otherwise string) string {
	if value == "" {
		return otherwise
	}
	return value
}
