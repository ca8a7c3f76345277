package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// badConfiguration is one wrong value in an otherwise valid environment.
type badConfiguration struct {
	name    string
	changes map[string]string
	want    string
}

func badConfigurations(t *testing.T) []badConfiguration {
	clientCert, clientKey := writeCertificate(t, t.TempDir(), 1)
	return []badConfiguration{
		{"missing public URL", map[string]string{"SALLYPORT_PUBLIC_URL": ""}, "SALLYPORT_PUBLIC_URL is required; set it, for example to https://app.example.com"},
		{"missing upstream", map[string]string{"SALLYPORT_UPSTREAM": ""}, "SALLYPORT_UPSTREAM is required; set it, for example to http://127.0.0.1:8080; a proxy that serves the app itself and only asks needs SALLYPORT_FORWARD_AUTH=only"},
		{"upstream that is not used", map[string]string{"SALLYPORT_FORWARD_AUTH": "only"}, "SALLYPORT_UPSTREAM is set, but SALLYPORT_FORWARD_AUTH=only would not use it; remove one of the two"},
		{"forward-auth word", map[string]string{"SALLYPORT_FORWARD_AUTH": "yes"}, `SALLYPORT_FORWARD_AUTH is "yes"; use on, off or only`},
		{"missing issuer", map[string]string{"SALLYPORT_OIDC_ISSUER": ""}, "SALLYPORT_OIDC_ISSUER is required; set it, for example to https://idp.example.com/realms/main"},
		{"missing client id", map[string]string{"SALLYPORT_OIDC_CLIENT_ID": ""}, "SALLYPORT_OIDC_CLIENT_ID is required; set it, for example to sallyport"},
		{"missing client secret", map[string]string{"SALLYPORT_OIDC_CLIENT_SECRET": ""}, "SALLYPORT_OIDC_CLIENT_SECRET is required; set it to the client secret from the provider (or SALLYPORT_OIDC_CLIENT_SECRET_FILE to a file that holds it); a public client without a secret needs SALLYPORT_OIDC_CLIENT_AUTH=none"},
		{"missing secret", map[string]string{"SALLYPORT_SECRET": ""}, "SALLYPORT_SECRET is required; set it, for example to the output of: sallyport keygen"},

		{"unknown, near", map[string]string{"SALLYPORT_UPSTRAEM": "x"}, "SALLYPORT_UPSTRAEM is not a variable of Sallyport; did you mean SALLYPORT_UPSTREAM?"},
		{"unknown, near a file", map[string]string{"SALLYPORT_SECRT_FILE": "x"}, "SALLYPORT_SECRT_FILE is not a variable of Sallyport; did you mean SALLYPORT_SECRET_FILE?"},
		{"unknown, missing part", map[string]string{"SALLYPORT_CLIENT_ID": "x"}, "SALLYPORT_CLIENT_ID is not a variable of Sallyport; did you mean SALLYPORT_OIDC_CLIENT_ID?"},
		{"unknown, far", map[string]string{"SALLYPORT_WAFFLES": "x"}, "SALLYPORT_WAFFLES is not a variable of Sallyport; remove it; sallyport config lists the variables"},
		{"unknown, even when empty", map[string]string{"SALLYPORT_WAFFLES": ""}, "SALLYPORT_WAFFLES is not a variable of Sallyport; remove it; sallyport config lists the variables"},
		{"no file form of a plain one", map[string]string{"SALLYPORT_PREFIX_FILE": "x"}, "SALLYPORT_PREFIX_FILE is not a variable of Sallyport; did you mean SALLYPORT_PREFIX?"},
		{"sign-out clears none and something", map[string]string{"SALLYPORT_SIGN_OUT_CLEARS": "none,cache"}, "SALLYPORT_SIGN_OUT_CLEARS has none beside other words; write none alone, or leave it out"},
		{"rule without paths", map[string]string{"SALLYPORT_RULE_4_GROUPS": "a"}, "SALLYPORT_RULE_4_PATHS: is missing; name the paths that the rule is about, such as /admin/**"},
		{"rule with a misspelt name", map[string]string{"SALLYPORT_RULE_2_PATH": "/a"}, "SALLYPORT_RULE_2_PATH is not a variable of a rule; did you mean SALLYPORT_RULE_2_PATHS?"},
		{"rule with a zero in front", map[string]string{"SALLYPORT_RULE_03_PATHS": "/a"}, "SALLYPORT_RULE_03_PATHS has the number 03; number rules from 1, without zeros in front"},
		{"rule with an empty list", map[string]string{"SALLYPORT_RULE_1_PATHS": "/a", "SALLYPORT_RULE_1_GROUPS": ""}, "SALLYPORT_RULE_1_GROUPS is set but empty, which would let more people in than it seems; give it a value, or remove it"},
		{"rule with a wrong word", map[string]string{"SALLYPORT_RULE_1_PATHS": "/a", "SALLYPORT_RULE_1_UNAUTHENTICATED": "no"}, `SALLYPORT_RULE_1_UNAUTHENTICATED is "no"; use login, deny or allow`},
		{"rule with a wrong age", map[string]string{"SALLYPORT_RULE_1_PATHS": "/a", "SALLYPORT_RULE_1_MAX_AGE": "15"}, `SALLYPORT_RULE_1_MAX_AGE is "15", not a duration; write a number and a unit, such as 90s, 15m or 12h`},
		{"rule with no age", map[string]string{"SALLYPORT_RULE_1_PATHS": "/a", "SALLYPORT_RULE_1_MAX_AGE": "0s"}, "SALLYPORT_RULE_1_MAX_AGE: is 0s; it must be above zero, such as 15m"},
		{"rule for everybody and somebody", map[string]string{"SALLYPORT_RULE_1_PATHS": "/a", "SALLYPORT_RULE_1_GROUPS": "x", "SALLYPORT_RULE_1_UNAUTHENTICATED": "allow"}, "SALLYPORT_RULE_1_UNAUTHENTICATED: is allow, so that anybody passes, and the rule asks for groups, addresses, providers, claims or a kind of sign-in as well; remove one of the two"},
		{"provider with a misspelt name", map[string]string{"SALLYPORT_OIDC_2_ISUER": "x"}, "SALLYPORT_OIDC_2_ISUER is not a variable of a provider; did you mean SALLYPORT_OIDC_2_ISSUER?"},
		{"provider with a zero in front", map[string]string{"SALLYPORT_OIDC_02_ISSUER": "x"}, "SALLYPORT_OIDC_02_ISSUER has the number 02; number providers from 1 to 99, without zeros in front"},
		{"provider with a high number", map[string]string{"SALLYPORT_OIDC_100_ISSUER": "x"}, "SALLYPORT_OIDC_100_ISSUER has the number 100; number providers from 1 to 99, without zeros in front"},

		{"Basic without a password", map[string]string{"SALLYPORT_PASS_AUTHORIZATION": "basic"}, "SALLYPORT_BASIC_PASSWORD is required with SALLYPORT_PASS_AUTHORIZATION=basic; set it to the password that the app expects of everybody (or SALLYPORT_BASIC_PASSWORD_FILE to a file that holds it)"},
		{"Basic with a bad password", map[string]string{"SALLYPORT_PASS_AUTHORIZATION": "basic", "SALLYPORT_BASIC_PASSWORD": "a\nb"}, "SALLYPORT_BASIC_PASSWORD has a control character or is not UTF-8, which Basic cannot carry; use another, such as the output of: openssl rand -hex 32"},
		{"a password without Basic", map[string]string{"SALLYPORT_BASIC_PASSWORD": "hush"}, "SALLYPORT_BASIC_PASSWORD is set, but only SALLYPORT_PASS_AUTHORIZATION=basic would use it; remove one of the two, or set that"},
		{"Basic user", map[string]string{"SALLYPORT_BASIC_USER": "sub"}, `SALLYPORT_BASIC_USER is "sub"; use user, email or name`},
		{"header encoding", map[string]string{"SALLYPORT_HEADER_ENCODING": "latin-1"}, `SALLYPORT_HEADER_ENCODING is "latin-1"; use utf-8 or percent`},

		{"CORS for any page", map[string]string{"SALLYPORT_CORS_ORIGINS": "*"}, `SALLYPORT_CORS_ORIGINS: "*" would be any page; list each origin, such as https://front.example.com`},
		{"CORS for a page in the clear", map[string]string{"SALLYPORT_CORS_ORIGINS": "http://front.example.com"}, `SALLYPORT_CORS_ORIGINS has the entry "http://front.example.com", whose pages anybody in between can write; use https://, or set SALLYPORT_INSECURE_HTTP=true to allow it`},
		{"CORS method", map[string]string{"SALLYPORT_CORS_ORIGINS": "https://front.example.com", "SALLYPORT_CORS_METHODS": "put"}, `SALLYPORT_CORS_METHODS: "put" is not a method in capitals that passes here; list methods such as PUT`},

		{"not a bool", map[string]string{"SALLYPORT_PPROF": "yes"}, `SALLYPORT_PPROF is "yes", neither true nor false; write true or false`},
		{"not a duration", map[string]string{"SALLYPORT_OIDC_TIMEOUT": "10"}, `SALLYPORT_OIDC_TIMEOUT is "10", not a duration; write a number and a unit, such as 90s, 15m or 12h`},
		{"not a number", map[string]string{"SALLYPORT_MAX_HEADER_BYTES": "64k"}, `SALLYPORT_MAX_HEADER_BYTES is "64k", not a whole number; write digits alone`},
		{"empty entry", map[string]string{"SALLYPORT_PUBLIC_PATHS": "/a,,/b"}, "SALLYPORT_PUBLIC_PATHS has an empty entry at position 2; separate entries by single commas"},
		{"max age not a duration", map[string]string{"SALLYPORT_OIDC_MAX_AGE": "3600"}, `SALLYPORT_OIDC_MAX_AGE is "3600", not a duration; write a number and a unit, such as 90s, 15m or 12h`},

		{"OP-16 empty allow-list: emails", map[string]string{"SALLYPORT_ALLOWED_EMAILS": ""}, "SALLYPORT_ALLOWED_EMAILS is set but empty, which would let everyone in; list who may pass, or remove the variable to let everyone in"},
		{"OP-16 empty allow-list: domains", map[string]string{"SALLYPORT_ALLOWED_EMAIL_DOMAINS": ""}, "SALLYPORT_ALLOWED_EMAIL_DOMAINS is set but empty, which would let everyone in; list who may pass, or remove the variable to let everyone in"},
		{"OP-16 empty allow-list: groups", map[string]string{"SALLYPORT_ALLOWED_GROUPS": ""}, "SALLYPORT_ALLOWED_GROUPS is set but empty, which would let everyone in; list who may pass, or remove the variable to let everyone in"},
		{"OP-16 blank allow-list", map[string]string{"SALLYPORT_ALLOWED_GROUPS": " "}, "SALLYPORT_ALLOWED_GROUPS has an empty entry at position 1; separate entries by single commas"},
		{"OP-16 everything public", map[string]string{"SALLYPORT_PUBLIC_PATHS": "/**"}, `SALLYPORT_PUBLIC_PATHS: "/**" covers everything, so nobody would ever have to sign in; name the public part, such as /public/**`},
		{"OP-16 unanchored public path", map[string]string{"SALLYPORT_PUBLIC_PATHS": "public"}, `SALLYPORT_PUBLIC_PATHS: "public" does not begin with /; patterns are whole paths such as /public/**`},
		{"OP-16 trust in everyone", map[string]string{"SALLYPORT_TRUSTED_PROXIES": "0.0.0.0/0"}, `SALLYPORT_TRUSTED_PROXIES has the entry "0.0.0.0/0", which trusts every client to say who it is; list the networks of your own reverse proxies`},
		{"OP-16 trust in everyone, IPv6", map[string]string{"SALLYPORT_TRUSTED_PROXIES": "::/0"}, `SALLYPORT_TRUSTED_PROXIES has the entry "::/0", which trusts every client to say who it is; list the networks of your own reverse proxies`},
		{"OP-16 cookie for .com", map[string]string{"SALLYPORT_COOKIE_DOMAIN": ".com"}, `SALLYPORT_COOKIE_DOMAIN is ".com", below which anyone can have a host; use a domain of your own, or leave it unset`},
		{"OP-16 cookie for co.uk", map[string]string{"SALLYPORT_COOKIE_DOMAIN": "co.uk", "SALLYPORT_PUBLIC_URL": "https://app.co.uk"}, `SALLYPORT_COOKIE_DOMAIN is "co.uk", below which anyone can have a host; use a domain of your own, or leave it unset`},
		{"OP-16 http issuer", map[string]string{"SALLYPORT_OIDC_ISSUER": "http://idp.example.com"}, "SALLYPORT_OIDC_ISSUER is http:// on a host that is not loopback; use https://, or set SALLYPORT_INSECURE_HTTP=true and accept that anyone on the way can sign in as anyone"},
		{"OP-16 wildcard domain", map[string]string{"SALLYPORT_ALLOWED_EMAIL_DOMAINS": "*"}, `SALLYPORT_ALLOWED_EMAIL_DOMAINS: "*" would admit every address; to admit everybody who can sign in, leave the variable out`},

		{"public URL relative", map[string]string{"SALLYPORT_PUBLIC_URL": "app.example.com"}, `SALLYPORT_PUBLIC_URL is "app.example.com", not an absolute http:// or https:// URL; write the address that browsers use, such as https://app.example.com`},
		{"public URL with credentials", map[string]string{"SALLYPORT_PUBLIC_URL": "https://a:b@app.example.com"}, "SALLYPORT_PUBLIC_URL contains a user name or password; write the address that browsers use, such as https://app.example.com"},
		{"public URL with query", map[string]string{"SALLYPORT_PUBLIC_URL": "https://app.example.com/?x"}, `SALLYPORT_PUBLIC_URL is "https://app.example.com/?x", which has a query; leave out what begins at the question mark`},
		{"public URL with fragment", map[string]string{"SALLYPORT_PUBLIC_URL": "https://app.example.com/#x"}, `SALLYPORT_PUBLIC_URL is "https://app.example.com/#x", which has a fragment; write the address that browsers use, such as https://app.example.com`},
		{"public URL with bad port", map[string]string{"SALLYPORT_PUBLIC_URL": "https://app.example.com:99999"}, `SALLYPORT_PUBLIC_URL is "https://app.example.com:99999", whose host and port are not valid; write the address that browsers use, such as https://app.example.com`},
		{"public URL with dots", map[string]string{"SALLYPORT_PUBLIC_URL": "https://app.example.com/a/../b"}, `SALLYPORT_PUBLIC_URL has the path "/a/../b"; use segments of letters, digits, '-', '_', '.' and '~', such as https://example.com/app`},
		{"public URL with escape", map[string]string{"SALLYPORT_PUBLIC_URL": "https://app.example.com/a%2Fb"}, `SALLYPORT_PUBLIC_URL has the path "/a%2Fb"; use segments of letters, digits, '-', '_', '.' and '~', such as https://example.com/app`},
		{"public URL http", map[string]string{"SALLYPORT_PUBLIC_URL": "http://app.example.com"}, "SALLYPORT_PUBLIC_URL is http:// on a host that is not loopback; use https://, or set SALLYPORT_INSECURE_HTTP=true and accept that sessions travel in the clear"},
		{"loopback only by its beginning", map[string]string{"SALLYPORT_PUBLIC_URL": "http://localhost.example.com"}, "SALLYPORT_PUBLIC_URL is http:// on a host that is not loopback; use https://, or set SALLYPORT_INSECURE_HTTP=true and accept that sessions travel in the clear"},

		{"issuer not a URL", map[string]string{"SALLYPORT_OIDC_ISSUER": "ftp://idp"}, `SALLYPORT_OIDC_ISSUER is "ftp://idp", not an absolute http:// or https:// URL; copy the URL from the provider, such as https://idp.example.com`},
		{"issuer with query", map[string]string{"SALLYPORT_OIDC_ISSUER": "https://idp.example.com?p=x"}, `SALLYPORT_OIDC_ISSUER is "https://idp.example.com?p=x", which has a query; copy the issuer from the provider's metadata; an address of metadata belongs in SALLYPORT_OIDC_DISCOVERY_URL`},
		{"issuer with space", map[string]string{"SALLYPORT_OIDC_ISSUER": "https://idp.example.com "}, `SALLYPORT_OIDC_ISSUER is "https://idp.example.com ", which contains white space, a control character or a backslash; copy the URL from the provider, such as https://idp.example.com`},
		{"issuer is the metadata", map[string]string{"SALLYPORT_OIDC_ISSUER": "https://idp.example.com/.well-known/openid-configuration"}, "SALLYPORT_OIDC_ISSUER is the address of the metadata; set the issuer that the metadata states; an unusual address of metadata belongs in SALLYPORT_OIDC_DISCOVERY_URL"},
		{"discovery URL http", map[string]string{"SALLYPORT_OIDC_DISCOVERY_URL": "http://idp.example.com/x"}, "SALLYPORT_OIDC_DISCOVERY_URL is http:// on a host that is not loopback; use https://, or set SALLYPORT_INSECURE_HTTP=true and accept that anyone on the way can sign in as anyone"},
		{"preset unknown", map[string]string{"SALLYPORT_OIDC_PROVIDER": "azure"}, `SALLYPORT_OIDC_PROVIDER is "azure"; use generic, entra, external-id, b2c, adfs, auth0, google, okta, onelogin, jumpcloud, cognito, ping, totvs, keycloak, dex, zitadel, authentik or gitlab`},
		{"provider id", map[string]string{"SALLYPORT_OIDC_ID": "Staff"}, `SALLYPORT_OIDC_ID is "Staff"; use 1 to 32 of a to z, 0 to 9 and hyphens, such as staff`},
		{"provider id that is a path", map[string]string{"SALLYPORT_OIDC_ID": "a/b"}, `SALLYPORT_OIDC_ID is "a/b"; use 1 to 32 of a to z, 0 to 9 and hyphens, such as staff`},
		{"long provider id", map[string]string{"SALLYPORT_OIDC_ID": strings.Repeat("a", 33)}, `SALLYPORT_OIDC_ID is "` + strings.Repeat("a", 33) + `"; use 1 to 32 of a to z, 0 to 9 and hyphens, such as staff`},
		{"client id with a line end", map[string]string{"SALLYPORT_OIDC_CLIENT_ID": "sallyport\n"}, `SALLYPORT_OIDC_CLIENT_ID has the value "sallyport\n", with white space around it or a control character in it; remove what cannot be seen`},
		{"claim with a space", map[string]string{"SALLYPORT_CLAIM_USER": "sub "}, `SALLYPORT_CLAIM_USER has the value "sub ", with white space around it or a control character in it; remove what cannot be seen`},
		{"group with a control character", map[string]string{"SALLYPORT_ALLOWED_GROUPS": "staff,a\x1bb"}, `SALLYPORT_ALLOWED_GROUPS has the value "a\x1bb", with white space around it or a control character in it; remove what cannot be seen`},
		{"hosted domain", map[string]string{"SALLYPORT_OIDC_HOSTED_DOMAINS": "@example.com"}, `SALLYPORT_OIDC_HOSTED_DOMAINS has the entry "@example.com"; list domains as Google Workspace shows them, such as example.com`},
		{"upstream with a password and a space", map[string]string{"SALLYPORT_UPSTREAM": "http://ada:canary@app :8080"}, "SALLYPORT_UPSTREAM is not a URL; write http://host:port, https://host:port, h2c://host:port or unix:///path"},
		{"upstream with a password and a space at its end", map[string]string{"SALLYPORT_UPSTREAM": "http://ada:canary@app:8080/ "}, "SALLYPORT_UPSTREAM contains a user name or password; write http://host:port, https://host:port, h2c://host:port or unix:///path"},
		{"upstream with a password and no scheme", map[string]string{"SALLYPORT_UPSTREAM": "ada:canary@app:8080"}, "SALLYPORT_UPSTREAM contains a user name or password; write http://host:port, https://host:port, h2c://host:port or unix:///path"},
		{"provider title with a line", map[string]string{"SALLYPORT_OIDC_TITLE": "a\nb"}, `SALLYPORT_OIDC_TITLE is "a\nb", which begins or ends with white space or has characters that cannot be seen; write plain text, such as Staff`},
		{"long provider title", map[string]string{"SALLYPORT_OIDC_TITLE": strings.Repeat("ä", 61)}, "SALLYPORT_OIDC_TITLE has 61 characters; use at most 60"},
		{"domains of a provider, with @", map[string]string{"SALLYPORT_OIDC_EMAIL_DOMAINS": "@example.com"}, `SALLYPORT_OIDC_EMAIL_DOMAINS has the entry "@example.com"; list domains as they stand after the @, such as example.com, with letters beyond ASCII in their xn-- form; subdomains are listed by themselves`},
		{"domains of a provider, all", map[string]string{"SALLYPORT_OIDC_EMAIL_DOMAINS": "*"}, `SALLYPORT_OIDC_EMAIL_DOMAINS has the entry "*"; list domains as they stand after the @, such as example.com, with letters beyond ASCII in their xn-- form; subdomains are listed by themselves`},
		{"domains of a provider, empty", map[string]string{"SALLYPORT_OIDC_EMAIL_DOMAINS": ""}, "SALLYPORT_OIDC_EMAIL_DOMAINS is set but empty, which would let the provider vouch for every address; list the domains of its people, or remove the variable"},
		{"missing issuer of Entra", map[string]string{"SALLYPORT_OIDC_PROVIDER": "entra", "SALLYPORT_OIDC_ISSUER": ""}, "SALLYPORT_OIDC_ISSUER is required; set it, for example to https://login.microsoftonline.com/TENANT-ID/v2.0"},
		{"refresh bound word", map[string]string{"SALLYPORT_OIDC_REFRESH_BOUND": "maybe"}, `SALLYPORT_OIDC_REFRESH_BOUND is "maybe"; use auto, yes or no`},
		{"groups limit", map[string]string{"SALLYPORT_GROUPS_LIMIT": "-1"}, "SALLYPORT_GROUPS_LIMIT is -1; give the number of groups that the provider states at most, or 0"},
		{"C38 every tenant", map[string]string{"SALLYPORT_OIDC_PROVIDER": "entra", "SALLYPORT_OIDC_ISSUER": "https://login.microsoftonline.com/common/v2.0"}, "SALLYPORT_OIDC_ALLOWED_TENANTS is required, because SALLYPORT_OIDC_ISSUER stands for every tenant, so that anyone with an account anywhere could sign in; list the ids of the tenants that may, or set the issuer of your one tenant"},
		{"OT-10 template without metadata", map[string]string{"SALLYPORT_OIDC_ISSUER": "https://idp.example.com/{tenantid}", "SALLYPORT_OIDC_ALLOWED_TENANTS": someTenant}, "SALLYPORT_OIDC_DISCOVERY_URL is required, because SALLYPORT_OIDC_ISSUER has {tenantid}; set the address of the metadata"},
		{"tenant by name", map[string]string{"SALLYPORT_OIDC_ALLOWED_TENANTS": "contoso.onmicrosoft.com"}, `SALLYPORT_OIDC_ALLOWED_TENANTS has the entry "contoso.onmicrosoft.com"; list tenant ids as Entra shows them, such as 3f2a6c1e-8b7d-4c5f-9e0a-1d2c3b4a5f6e`},
		{"C37 every Google account", map[string]string{"SALLYPORT_OIDC_PROVIDER": "google"}, "SALLYPORT_OIDC_HOSTED_DOMAINS is required with the preset google, because anyone can have an account there; list your Workspace domains, or set * to accept every account, personal ones included"},
		{"hosted domains and all", map[string]string{"SALLYPORT_OIDC_HOSTED_DOMAINS": "*,a.org"}, "SALLYPORT_OIDC_HOSTED_DOMAINS combines * with other entries; list domains, or set * alone"},
		{"B2C without its metadata", map[string]string{"SALLYPORT_OIDC_PROVIDER": "b2c"}, "SALLYPORT_OIDC_DISCOVERY_URL is required with the preset b2c; set it to https://TENANT.b2clogin.com/TENANT.onmicrosoft.com/POLICY/v2.0/.well-known/openid-configuration"},
		{"B2C without its policy", map[string]string{"SALLYPORT_OIDC_PROVIDER": "b2c", "SALLYPORT_OIDC_DISCOVERY_URL": "https://idp.example.com/metadata"}, "SALLYPORT_OIDC_POLICIES is required, because SALLYPORT_OIDC_DISCOVERY_URL does not name the policy; set the name of the user flow, such as B2C_1_signin"},
		{"ignored by the preset", map[string]string{"SALLYPORT_OIDC_PROVIDER": "authentik", "SALLYPORT_ALLOWED_EMAIL_DOMAINS": "example.com"}, "SALLYPORT_EMAIL_VERIFIED is ignore by the preset authentik, and allow-lists of e-mail addresses decide who may pass; set it yourself: ignore if people cannot choose their address at the provider, else allow_missing"},
		{"client auth unknown", map[string]string{"SALLYPORT_OIDC_CLIENT_AUTH": "basic"}, `SALLYPORT_OIDC_CLIENT_AUTH is "basic"; use client_secret_basic, client_secret_basic_raw, client_secret_post, private_key_jwt, tls_client_auth, self_signed_tls_client_auth or none`},
		{"key for nothing", map[string]string{"SALLYPORT_OIDC_CLIENT_KEY_FILE": "client.key"}, "SALLYPORT_OIDC_CLIENT_KEY_FILE is set, but SALLYPORT_OIDC_CLIENT_AUTH=client_secret_basic would not use it; remove it, or set SALLYPORT_OIDC_CLIENT_AUTH to what the client is registered with"},
		{"key id for nothing", map[string]string{"SALLYPORT_OIDC_CLIENT_KEY_ID": "k1"}, "SALLYPORT_OIDC_CLIENT_KEY_ID is set, but SALLYPORT_OIDC_CLIENT_AUTH=client_secret_basic would not use it; remove it, or set SALLYPORT_OIDC_CLIENT_AUTH to what the client is registered with"},
		{"key missing", map[string]string{"SALLYPORT_OIDC_CLIENT_AUTH": "private_key_jwt", "SALLYPORT_OIDC_CLIENT_SECRET": ""}, "SALLYPORT_OIDC_CLIENT_KEY_FILE is required with SALLYPORT_OIDC_CLIENT_AUTH=private_key_jwt; name a file that holds the client's private key, as PEM or JWK"},
		{"secret beside a key", map[string]string{"SALLYPORT_OIDC_CLIENT_AUTH": "private_key_jwt", "SALLYPORT_OIDC_CLIENT_KEY_FILE": clientKey}, "SALLYPORT_OIDC_CLIENT_SECRET is set, but SALLYPORT_OIDC_CLIENT_AUTH=private_key_jwt would not use it; remove one of the two"},
		{"key of another algorithm", map[string]string{"SALLYPORT_OIDC_CLIENT_AUTH": "private_key_jwt", "SALLYPORT_OIDC_CLIENT_SECRET": "", "SALLYPORT_OIDC_CLIENT_KEY_FILE": clientKey, "SALLYPORT_OIDC_CLIENT_KEY_ALG": "RS256"}, "SALLYPORT_OIDC_CLIENT_KEY_FILE cannot be used: the key cannot sign with RS256; it can with ES256; name a private key (PEM without a passphrase, or a JWK), and in SALLYPORT_OIDC_CLIENT_CERT_FILE only its own certificate"},
		{"client key algorithm", map[string]string{"SALLYPORT_OIDC_CLIENT_AUTH": "private_key_jwt", "SALLYPORT_OIDC_CLIENT_SECRET": "", "SALLYPORT_OIDC_CLIENT_KEY_FILE": clientKey, "SALLYPORT_OIDC_CLIENT_KEY_ALG": "HS256"}, `SALLYPORT_OIDC_CLIENT_KEY_ALG is "HS256"; use RS256, RS384, RS512, ES256, ES384, ES512, PS256, PS384 or PS512`},
		{"assertion audience", map[string]string{"SALLYPORT_OIDC_CLIENT_ASSERTION_AUDIENCE": "token_endpoint"}, `SALLYPORT_OIDC_CLIENT_ASSERTION_AUDIENCE is "token_endpoint"; use issuer or endpoint`},
		{"certificate missing", map[string]string{"SALLYPORT_OIDC_CLIENT_AUTH": "tls_client_auth", "SALLYPORT_OIDC_CLIENT_SECRET": "", "SALLYPORT_OIDC_CLIENT_KEY_FILE": clientKey}, "SALLYPORT_OIDC_CLIENT_CERT_FILE is required with SALLYPORT_OIDC_CLIENT_AUTH=tls_client_auth; name a file that holds the certificate of SALLYPORT_OIDC_CLIENT_KEY_FILE, as PEM"},
		{"kid of a certificate", map[string]string{"SALLYPORT_OIDC_CLIENT_AUTH": "tls_client_auth", "SALLYPORT_OIDC_CLIENT_SECRET": "", "SALLYPORT_OIDC_CLIENT_KEY_FILE": clientKey, "SALLYPORT_OIDC_CLIENT_CERT_FILE": clientCert, "SALLYPORT_OIDC_CLIENT_KEY_ID": "k1"}, "SALLYPORT_OIDC_CLIENT_KEY_ID is set, but SALLYPORT_OIDC_CLIENT_AUTH=tls_client_auth would not use it; remove it, or set SALLYPORT_OIDC_CLIENT_AUTH to what the client is registered with"},
		{"assertion for every tenant", map[string]string{"SALLYPORT_OIDC_CLIENT_AUTH": "private_key_jwt", "SALLYPORT_OIDC_CLIENT_SECRET": "", "SALLYPORT_OIDC_CLIENT_KEY_FILE": clientKey, "SALLYPORT_OIDC_ISSUER": "https://idp.example.com/{tenantid}", "SALLYPORT_OIDC_ALLOWED_TENANTS": someTenant, "SALLYPORT_OIDC_DISCOVERY_URL": "https://idp.example.com/metadata"}, "SALLYPORT_OIDC_CLIENT_ASSERTION_AUDIENCE is issuer, and SALLYPORT_OIDC_ISSUER stands for every tenant; set it to endpoint"},
		{"date of no secret", map[string]string{"SALLYPORT_OIDC_CLIENT_AUTH": "none", "SALLYPORT_OIDC_CLIENT_SECRET": "", "SALLYPORT_OIDC_CLIENT_SECRET_EXPIRES": "2030-01-31"}, "SALLYPORT_OIDC_CLIENT_SECRET_EXPIRES is set, but SALLYPORT_OIDC_CLIENT_AUTH=none would not use it; remove it, or set SALLYPORT_OIDC_CLIENT_AUTH to what the client is registered with"},
		{"second secret of none", map[string]string{"SALLYPORT_OIDC_CLIENT_AUTH": "none", "SALLYPORT_OIDC_CLIENT_SECRET": "", "SALLYPORT_OIDC_CLIENT_SECRET_PREVIOUS": "x"}, "SALLYPORT_OIDC_CLIENT_SECRET_PREVIOUS is set, but SALLYPORT_OIDC_CLIENT_AUTH=none would not use it; remove it, or set SALLYPORT_OIDC_CLIENT_AUTH to what the client is registered with"},
		{"not a date", map[string]string{"SALLYPORT_OIDC_CLIENT_SECRET_EXPIRES": "31.01.2030"}, `SALLYPORT_OIDC_CLIENT_SECRET_EXPIRES is "31.01.2030", not a date; write it as 2030-01-31, or with a time as 2030-01-31T12:00:00Z`},
		{"secret of a public client", map[string]string{"SALLYPORT_OIDC_CLIENT_AUTH": "none"}, "SALLYPORT_OIDC_CLIENT_SECRET is set, but SALLYPORT_OIDC_CLIENT_AUTH=none would not use it; remove one of the two"},
		{"pushed requests", map[string]string{"SALLYPORT_OIDC_PAR": "never"}, `SALLYPORT_OIDC_PAR is "never"; use auto or always`},
		{"scopes without openid", map[string]string{"SALLYPORT_OIDC_SCOPES": "profile"}, "SALLYPORT_OIDC_SCOPES does not contain openid, without which there is no ID token; add openid"},
		{"scopes by spaces", map[string]string{"SALLYPORT_OIDC_SCOPES": "openid,profile email"}, `SALLYPORT_OIDC_SCOPES has the entry "profile email"; separate scopes by commas, such as openid,profile,email`},
		{"algorithm none", map[string]string{"SALLYPORT_OIDC_SIGNING_ALGS": "RS256,none"}, "SALLYPORT_OIDC_SIGNING_ALGS contains none, with which anyone could write an ID token; list asymmetric algorithms such as RS256"},
		{"algorithm HS256", map[string]string{"SALLYPORT_OIDC_SIGNING_ALGS": "HS256"}, "SALLYPORT_OIDC_SIGNING_ALGS contains HS256, whose key is the client secret, so that whoever knows it could sign in as anyone; set the client to an asymmetric algorithm such as RS256 at the provider"},
		{"algorithm unknown", map[string]string{"SALLYPORT_OIDC_SIGNING_ALGS": "EdDSA"}, `SALLYPORT_OIDC_SIGNING_ALGS contains "EdDSA"; use RS256, RS384, RS512, ES256, ES384, ES512, PS256, PS384 or PS512`},
		{"prompt none and more", map[string]string{"SALLYPORT_OIDC_PROMPT": "none,login"}, "SALLYPORT_OIDC_PROMPT combines none with another value, which no provider accepts; remove none"},
		{"prompt unknown", map[string]string{"SALLYPORT_OIDC_PROMPT": "please"}, `SALLYPORT_OIDC_PROMPT is "please"; use login, consent, select_account or none`},
		{"max age negative", map[string]string{"SALLYPORT_OIDC_MAX_AGE": "-1s"}, "SALLYPORT_OIDC_MAX_AGE is -1s; give whole seconds of 0s or more"},
		{"max age in pieces", map[string]string{"SALLYPORT_OIDC_MAX_AGE": "1500ms"}, "SALLYPORT_OIDC_MAX_AGE is 1.5s; give whole seconds of 0s or more"},
		{"acr values by spaces", map[string]string{"SALLYPORT_OIDC_ACR_VALUES": "a b"}, `SALLYPORT_OIDC_ACR_VALUES has the entry "a b"; separate values by commas`},
		{"resource relative", map[string]string{"SALLYPORT_OIDC_RESOURCE": "api"}, `SALLYPORT_OIDC_RESOURCE has the entry "api"; list absolute URIs without a fragment (RFC 8707)`},
		{"extra parameter of ours", map[string]string{"SALLYPORT_OIDC_EXTRA_PARAMS": "state=x"}, "SALLYPORT_OIDC_EXTRA_PARAMS sets state, which Sallyport sets itself; remove it"},
		{"extra parameter of ours, escaped", map[string]string{"SALLYPORT_OIDC_EXTRA_PARAMS": "%72edirect_uri=x"}, "SALLYPORT_OIDC_EXTRA_PARAMS sets redirect_uri, which Sallyport sets itself; remove it"},
		{"extra parameter with a variable", map[string]string{"SALLYPORT_OIDC_EXTRA_PARAMS": "prompt=login"}, "SALLYPORT_OIDC_EXTRA_PARAMS sets prompt, which has a variable of its own; set SALLYPORT_OIDC_PROMPT"},
		{"extra parameter without value", map[string]string{"SALLYPORT_OIDC_EXTRA_PARAMS": "hd"}, `SALLYPORT_OIDC_EXTRA_PARAMS has the entry "hd"; write name=value pairs, with % escapes as in a query`},
		{"logout placeholder", map[string]string{"SALLYPORT_OIDC_LOGOUT_URL": "https://idp.example.com/out?c={client}"}, "SALLYPORT_OIDC_LOGOUT_URL has an unknown placeholder; use {client_id}, {post_logout_redirect_uri}, {id_token} or {state}"},
		{"logout placeholder in host", map[string]string{"SALLYPORT_OIDC_LOGOUT_URL": "https://{state}/out"}, "SALLYPORT_OIDC_LOGOUT_URL has a placeholder before the query; placeholders stand in the values of query parameters"},
		{"userinfo", map[string]string{"SALLYPORT_OIDC_USERINFO": "on"}, `SALLYPORT_OIDC_USERINFO is "on"; use auto, always or never`},
		{"email verified", map[string]string{"SALLYPORT_EMAIL_VERIFIED": "true"}, `SALLYPORT_EMAIL_VERIFIED is "true"; use require, allow_missing or ignore`},
		{"provider timeout", map[string]string{"SALLYPORT_OIDC_TIMEOUT": "0"}, "SALLYPORT_OIDC_TIMEOUT is 0s; give a duration above zero, such as 30s"},

		{"upstream scheme", map[string]string{"SALLYPORT_UPSTREAM": "ftp://app"}, `SALLYPORT_UPSTREAM is "ftp://app", not an absolute http:// or https:// URL; write http://host:port, https://host:port, h2c://host:port or unix:///path`},
		{"upstream with credentials", map[string]string{"SALLYPORT_UPSTREAM": "http://user:pass@app"}, "SALLYPORT_UPSTREAM contains a user name or password; write http://host:port, https://host:port, h2c://host:port or unix:///path"},
		{"upstream unix relative", map[string]string{"SALLYPORT_UPSTREAM": "unix://app.sock"}, `SALLYPORT_UPSTREAM is "unix://app.sock", whose socket path is not absolute; write http://host:port, https://host:port, h2c://host:port or unix:///path`},
		{"upstream with query", map[string]string{"SALLYPORT_UPSTREAM": "h2c://app?x"}, `SALLYPORT_UPSTREAM is "h2c://app?x", which has a query; write http://host:port, https://host:port, h2c://host:port or unix:///path`},
		{"upstream health", map[string]string{"SALLYPORT_UPSTREAM_HEALTH": "healthz"}, `SALLYPORT_UPSTREAM_HEALTH is "healthz"; use off, connect, or the path of a page that answers 200 while the app is well, such as /healthz`},
		{"upstream health elsewhere", map[string]string{"SALLYPORT_UPSTREAM_HEALTH": "//other/healthz"}, `SALLYPORT_UPSTREAM_HEALTH is "//other/healthz"; use off, connect, or the path of a page that answers 200 while the app is well, such as /healthz`},
		{"upstream health with a line break", map[string]string{"SALLYPORT_UPSTREAM_HEALTH": "/a\r\nX: y"}, `SALLYPORT_UPSTREAM_HEALTH is "/a\r\nX: y"; use off, connect, or the path of a page that answers 200 while the app is well, such as /healthz`},
		{"upstream health without an app", map[string]string{"SALLYPORT_UPSTREAM_HEALTH": "connect", "SALLYPORT_UPSTREAM": "", "SALLYPORT_FORWARD_AUTH": "only"}, "SALLYPORT_UPSTREAM_HEALTH is set, but with SALLYPORT_FORWARD_AUTH=only there is no app to ask; remove it"},
		{"upstream health timeout", map[string]string{"SALLYPORT_UPSTREAM_HEALTH_TIMEOUT": "3s"}, "SALLYPORT_UPSTREAM_HEALTH_TIMEOUT is 3s; give a duration above zero and at most 2s, which is what an answer of /readyz may take"},
		{"upstream timeout", map[string]string{"SALLYPORT_UPSTREAM_TIMEOUT": "-1s"}, "SALLYPORT_UPSTREAM_TIMEOUT is -1s; give a duration above zero, such as 30s"},

		{"listen without port", map[string]string{"SALLYPORT_LISTEN": "4180"}, `SALLYPORT_LISTEN is "4180", not an address; write host:port, :port or unix:///path`},
		{"listen with named port", map[string]string{"SALLYPORT_LISTEN": ":http"}, `SALLYPORT_LISTEN is ":http", whose port is not a number from 0 to 65535; write host:port, :port or unix:///path`},
		{"listen unix relative", map[string]string{"SALLYPORT_LISTEN": "unix://x.sock"}, `SALLYPORT_LISTEN is "unix://x.sock", whose socket path is not absolute; write host:port, :port or unix:///path`},
		{"PROXY protocol", map[string]string{"SALLYPORT_PROXY_PROTOCOL": "v2"}, `SALLYPORT_PROXY_PROTOCOL is "v2"; use off, accept or require`},
		{"PROXY protocol from nobody", map[string]string{"SALLYPORT_PROXY_PROTOCOL": "require"}, "SALLYPORT_PROXY_PROTOCOL is require, and no proxy is trusted to send such a header; list the load balancers in SALLYPORT_TRUSTED_PROXIES, or remove it"},
		{"short admin token", map[string]string{"SALLYPORT_ADMIN_TOKEN": "hunter2"}, "SALLYPORT_ADMIN_TOKEN has 7 characters, and who guesses it signs anybody out; use at least 32, such as the output of: openssl rand -hex 32"},
		{"admin token with a space", map[string]string{"SALLYPORT_ADMIN_TOKEN": "0123456789abcdef 0123456789abcdef"}, "SALLYPORT_ADMIN_TOKEN has characters that no Authorization field can carry; use letters, digits, '-', '.', '_', '~', '+', '/' and '=', such as the output of: openssl rand -hex 32"},
		{"one address for both", map[string]string{"SALLYPORT_ADMIN_LISTEN": ":4180"}, "SALLYPORT_ADMIN_LISTEN is the same address as SALLYPORT_LISTEN; give each listener its own"},
		{"prefix relative", map[string]string{"SALLYPORT_PREFIX": "oauth2"}, `SALLYPORT_PREFIX is "oauth2"; begin it with / and end it without, in letters, digits, '-', '_', '.' and '~', such as /oauth2`},
		{"prefix is everything", map[string]string{"SALLYPORT_PREFIX": "/"}, `SALLYPORT_PREFIX is "/"; begin it with / and end it without, in letters, digits, '-', '_', '.' and '~', such as /oauth2`},
		{"prefix with dots", map[string]string{"SALLYPORT_PREFIX": "/a/.."}, `SALLYPORT_PREFIX is "/a/.."; begin it with / and end it without, in letters, digits, '-', '_', '.' and '~', such as /oauth2`},
		{"trusted proxy by name", map[string]string{"SALLYPORT_TRUSTED_PROXIES": "lb.internal"}, `SALLYPORT_TRUSTED_PROXIES has the entry "lb.internal"; list addresses and networks such as 10.0.0.0/8 or fd00::/8`},
		{"allowed host with scheme", map[string]string{"SALLYPORT_ALLOWED_HOSTS": "https://a"}, `SALLYPORT_ALLOWED_HOSTS has the entry "https://a"; list host names or host:port, without scheme, path or *`},
		{"allowed host with star", map[string]string{"SALLYPORT_ALLOWED_HOSTS": "*.example.com"}, `SALLYPORT_ALLOWED_HOSTS has the entry "*.example.com"; list host names or host:port, without scheme, path or *`},
		{"certificate without key", map[string]string{"SALLYPORT_TLS_CERT_FILE": "/x"}, "SALLYPORT_TLS_KEY_FILE is not set, but SALLYPORT_TLS_CERT_FILE is; set both or none"},
		{"key without certificate", map[string]string{"SALLYPORT_TLS_KEY_FILE": "/x"}, "SALLYPORT_TLS_CERT_FILE is not set, but SALLYPORT_TLS_KEY_FILE is; set both or none"},

		{"secret not base64", map[string]string{"SALLYPORT_SECRET": "$$$"}, "key 1 of SALLYPORT_SECRET: it is not base64; make one with 'sallyport keygen'"},
		{"secret too short", map[string]string{"SALLYPORT_SECRET": "c2hvcnQ="}, "key 1 of SALLYPORT_SECRET: it has 5 bytes instead of 32; make one with 'sallyport keygen'"},
		{"secret of zeroes", map[string]string{"SALLYPORT_SECRET": strings.Repeat("A", 43) + "="}, "key 1 of SALLYPORT_SECRET: it is not random; make one with 'sallyport keygen'"},
		{"store word", map[string]string{"SALLYPORT_SESSION_STORE": "disk"}, `SALLYPORT_SESSION_STORE is "disk"; use memory, file, redis or cookie`},
		{"no room for cookies", map[string]string{"SALLYPORT_SESSION_STORE": "cookie", "SALLYPORT_MAX_HEADER_BYTES": "8192"}, "SALLYPORT_MAX_HEADER_BYTES is 8192, and with SALLYPORT_SESSION_STORE=cookie our cookies alone can take half of 16384; give 16384 or more"},
		{"redis without address", map[string]string{"SALLYPORT_SESSION_STORE": "redis"}, "SALLYPORT_REDIS_URL is required with SALLYPORT_SESSION_STORE=redis; set it, for example to redis://127.0.0.1:6379 (or SALLYPORT_REDIS_URL_FILE to a file that holds it)"},
		{"redis address", map[string]string{"SALLYPORT_SESSION_STORE": "redis", "SALLYPORT_REDIS_URL": "localhost:6379"}, "SALLYPORT_REDIS_URL: it must begin with redis:// or, for TLS, rediss://"},
		{"refresh word", map[string]string{"SALLYPORT_SESSION_REFRESH": "never"}, `SALLYPORT_SESSION_REFRESH is "never"; use auto, or a duration such as 5m`},
		{"refresh too often", map[string]string{"SALLYPORT_SESSION_REFRESH": "1s"}, "SALLYPORT_SESSION_REFRESH is 1s, and each refresh of each session is a call to the provider; use auto, or a duration of 10s or more"},
		{"grace negative", map[string]string{"SALLYPORT_SESSION_GRACE": "-1m"}, "SALLYPORT_SESSION_GRACE is -1m0s; give 0s or a duration above zero, such as 5s"},
		{"binding word", map[string]string{"SALLYPORT_SESSION_BINDING": "loose"}, `SALLYPORT_SESSION_BINDING is "loose"; use auto, idp or independent`},
		{"binding to a provider that does not bind", map[string]string{"SALLYPORT_SESSION_BINDING": "idp", "SALLYPORT_OIDC_PROVIDER": "okta"}, "SALLYPORT_SESSION_BINDING is idp, and the provider's refresh tokens outlive the person's session there (SALLYPORT_OIDC_REFRESH_BOUND is no), so that nobody could sign in; use auto"},
		{"binding to offline tokens", map[string]string{"SALLYPORT_SESSION_BINDING": "idp", "SALLYPORT_OIDC_SCOPES": "openid,offline_access"}, "SALLYPORT_SESSION_BINDING is idp, and SALLYPORT_OIDC_SCOPES asks for offline_access, whose refresh tokens outlive the provider's session; take offline_access out of SALLYPORT_OIDC_SCOPES, or use auto"},
		{"session max age", map[string]string{"SALLYPORT_SESSION_MAX_AGE": "0s", "SALLYPORT_SESSION_IDLE": "0"}, "SALLYPORT_SESSION_MAX_AGE is 0s; give a duration above zero, such as 30s"},
		{"idle above max age", map[string]string{"SALLYPORT_SESSION_IDLE": "13h"}, "SALLYPORT_SESSION_IDLE is 13h0m0s, longer than SALLYPORT_SESSION_MAX_AGE of 12h0m0s; lower it, or 0 for no idle limit"},
		{"idle negative", map[string]string{"SALLYPORT_SESSION_IDLE": "-1s"}, "SALLYPORT_SESSION_IDLE is -1s; give 0s or a duration above zero, such as 5s"},
		{"cookie name", map[string]string{"SALLYPORT_COOKIE_NAME": "a b"}, `SALLYPORT_COOKIE_NAME "a b" may contain letters, digits, '-', '_' and '.' only`},
		{"cookie domain elsewhere", map[string]string{"SALLYPORT_COOKIE_DOMAIN": "ample.com"}, `SALLYPORT_COOKIE_DOMAIN is "ample.com", which does not cover the host app.example.com of SALLYPORT_PUBLIC_URL; use that host or a domain above it, or leave it unset`},
		{"cookie domain is an address", map[string]string{"SALLYPORT_COOKIE_DOMAIN": "10.0.0.1", "SALLYPORT_PUBLIC_URL": "https://10.0.0.1"}, `SALLYPORT_COOKIE_DOMAIN is "10.0.0.1"; write a domain such as example.com, or leave it unset`},
		{"SameSite none on http", map[string]string{"SALLYPORT_COOKIE_SAMESITE": "none", "SALLYPORT_PUBLIC_URL": "http://localhost"}, "SALLYPORT_COOKIE_SAMESITE is none, and browsers refuse such a cookie unless the public URL is https://; use lax, or an https:// SALLYPORT_PUBLIC_URL"},

		{"allowed email", map[string]string{"SALLYPORT_ALLOWED_EMAILS": "a@b@c"}, `SALLYPORT_ALLOWED_EMAILS: "a@b@c" is not an e-mail address; write name@domain (whole domains belong in SALLYPORT_ALLOWED_EMAIL_DOMAINS)`},
		{"redirect with path", map[string]string{"SALLYPORT_ALLOWED_REDIRECTS": "https://a.example.com/x"}, `SALLYPORT_ALLOWED_REDIRECTS: "https://a.example.com/x" is not an origin such as https://app.example.com (or .example.com for every host below it); write a non-ASCII host in its xn-- form`},
		{"origin star", map[string]string{"SALLYPORT_ALLOWED_ORIGINS": "*"}, `SALLYPORT_ALLOWED_ORIGINS has the entry "*"; list origins: scheme, host and port without a path, such as https://other.example.com`},
		{"header of ours", map[string]string{"SALLYPORT_PASS_CLIENT_HEADERS": "x-forwarded-user"}, `SALLYPORT_PASS_CLIENT_HEADERS: X-Forwarded-User is set by Sallyport or by HTTP itself and never passes from a client; remove it from the list`},
		{"claim without a header", map[string]string{"SALLYPORT_HEADERS": "department"}, `SALLYPORT_HEADERS: has the entry "department"; write Header=claim, such as X-Department=department`},
		{"claim in a header of ours", map[string]string{"SALLYPORT_HEADERS": "X-Forwarded-User=upn"}, "SALLYPORT_HEADERS: has the header X-Forwarded-User, which Sallyport sets itself; choose another name, or the claim of that one with a SALLYPORT_CLAIM_ variable"},
		{"claim in a header of HTTP", map[string]string{"SALLYPORT_HEADERS": "Content-Type=a"}, "SALLYPORT_HEADERS: has the header Content-Type, which means something to HTTP or to proxies; choose another name"},
		{"claims in one header", map[string]string{"SALLYPORT_HEADERS": "X-AB=a,X-A-B=b"}, "SALLYPORT_HEADERS: has X-A-B twice, or in two spellings that some apps take for one; tell one claim in each header"},
		{"header of a claim from clients", map[string]string{"SALLYPORT_HEADERS": "X-Dept=a", "SALLYPORT_PASS_CLIENT_HEADERS": "x-dept"}, "SALLYPORT_PASS_CLIENT_HEADERS: X-Dept is set by Sallyport or by HTTP itself and never passes from a client; remove it from the list"},
		{"rule that never decides", map[string]string{"SALLYPORT_RULE_1_PATHS": "/**", "SALLYPORT_RULE_2_PATHS": "/a"}, "SALLYPORT_RULE_2_PATHS: covers nothing, because SALLYPORT_RULE_1_PATHS comes first and covers all of it; give this rule the lower number, or remove it"},
		{"rule for everybody everywhere", map[string]string{"SALLYPORT_RULE_1_PATHS": "/**", "SALLYPORT_RULE_1_UNAUTHENTICATED": "allow"}, "SALLYPORT_RULE_1_UNAUTHENTICATED: is allow for everything, so nobody would ever have to sign in; name the part that needs no sign-in in SALLYPORT_RULE_1_PATHS, or put rules about the rest before it"},
		{"rule for a provider that is not there", map[string]string{"SALLYPORT_RULE_1_PATHS": "/a", "SALLYPORT_RULE_1_IDPS": "generic,staff"}, `SALLYPORT_RULE_1_IDPS has the entry "staff", and no provider has that id; use generic`},
		{"rule for everybody of a provider", map[string]string{"SALLYPORT_RULE_1_PATHS": "/a", "SALLYPORT_RULE_1_IDPS": "generic", "SALLYPORT_RULE_1_UNAUTHENTICATED": "allow"}, "SALLYPORT_RULE_1_UNAUTHENTICATED: is allow, so that anybody passes, and the rule asks for groups, addresses, providers, claims or a kind of sign-in as well; remove one of the two"},
		{"rule for providers, empty", map[string]string{"SALLYPORT_RULE_1_PATHS": "/a", "SALLYPORT_RULE_1_IDPS": ""}, "SALLYPORT_RULE_1_IDPS is set but empty, which would let more people in than it seems; give it a value, or remove it"},
		{"rule with a small method", map[string]string{"SALLYPORT_RULE_1_PATHS": "/a", "SALLYPORT_RULE_1_METHODS": "get"}, `SALLYPORT_RULE_1_METHODS: has the entry "get"; methods are case-sensitive, write GET`},
		{"rule with a method that never comes", map[string]string{"SALLYPORT_RULE_1_PATHS": "/a", "SALLYPORT_RULE_1_METHODS": "FETCH"}, `SALLYPORT_RULE_1_METHODS: has the entry "FETCH", a method that no request may have here; use registered ones such as GET, POST or DELETE`},
		{"header in another spelling", map[string]string{"SALLYPORT_PASS_CLIENT_HEADERS": "x_forwarded.user"}, `SALLYPORT_PASS_CLIENT_HEADERS: "x_forwarded.user" is not a header name of letters, digits and dashes`},
		{"audience of no assertion", map[string]string{"SALLYPORT_PASS_ASSERTION": "false", "SALLYPORT_ASSERTION_AUDIENCE": "app"}, "SALLYPORT_ASSERTION_AUDIENCE is set, but SALLYPORT_PASS_ASSERTION=false would not use it; remove one of the two"},
		{"pass authorization", map[string]string{"SALLYPORT_PASS_AUTHORIZATION": "bearer"}, `SALLYPORT_PASS_AUTHORIZATION is "bearer"; use none, access_token, id_token or basic`},

		{"header limit", map[string]string{"SALLYPORT_MAX_HEADER_BYTES": "100"}, "SALLYPORT_MAX_HEADER_BYTES is 100; give a number of bytes from 4096 to 1048576"},
		{"header timeout", map[string]string{"SALLYPORT_HEADER_TIMEOUT": "0s"}, "SALLYPORT_HEADER_TIMEOUT is 0s; give a duration above zero, such as 30s"},
		{"shutdown delay", map[string]string{"SALLYPORT_SHUTDOWN_DELAY": "-5s"}, "SALLYPORT_SHUTDOWN_DELAY is -5s; give 0s or a duration above zero, such as 5s"},
		{"shutdown timeout", map[string]string{"SALLYPORT_SHUTDOWN_TIMEOUT": "0s"}, "SALLYPORT_SHUTDOWN_TIMEOUT is 0s; give a duration above zero, such as 30s"},
		{"log level", map[string]string{"SALLYPORT_LOG_LEVEL": "loud"}, `SALLYPORT_LOG_LEVEL is "loud"; use debug, info, warn or error`},
		{"log format", map[string]string{"SALLYPORT_LOG_FORMAT": "xml"}, `SALLYPORT_LOG_FORMAT is "xml"; use json or text`},
	}
}

// TestBadConfiguration pins every message: each of them gives exactly one fault.
func TestBadConfiguration(t *testing.T) {
	for _, tc := range badConfigurations(t) {
		t.Run(tc.name, func(t *testing.T) {
			_, err := load(with(tc.changes))
			if err == nil {
				t.Fatal("accepted")
			}
			if err.Error() != tc.want {
				t.Errorf("message:\n got %s\nwant %s", err, tc.want)
			}
			for _, c := range canaries {
				if strings.Contains(err.Error(), c) {
					t.Error("the message contains a secret")
				}
			}
		})
	}
}

// TestBadFiles pins the messages that name a file.
func TestBadFiles(t *testing.T) {
	dir := t.TempDir()
	missing, empty, noPEM := filepath.Join(dir, "missing"), filepath.Join(dir, "empty"), filepath.Join(dir, "text")
	for path, content := range map[string]string{empty: "\n", noPEM: "hello"} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, tc := range []struct {
		name    string
		changes map[string]string
		want    string
	}{
		{"both forms", map[string]string{"SALLYPORT_SECRET_FILE": empty}, "SALLYPORT_SECRET is set and so is SALLYPORT_SECRET_FILE; remove one of the two"},
		{"missing file", map[string]string{"SALLYPORT_SECRET": "", "SALLYPORT_SECRET_FILE": missing}, "SALLYPORT_SECRET_FILE cannot be read: reading secret file: stat " + missing + ": no such file or directory; name a file that this process may read"},
		{"empty file", map[string]string{"SALLYPORT_SECRET": "", "SALLYPORT_SECRET_FILE": empty}, "SALLYPORT_SECRET_FILE names the file " + empty + ", which is empty; write the secret into it"},
		{"directory", map[string]string{"SALLYPORT_SECRET": "", "SALLYPORT_SECRET_FILE": dir}, "SALLYPORT_SECRET_FILE cannot be read: reading secret file: " + dir + " is not a regular file; name a file that this process may read"},
		{"missing CA", map[string]string{"SALLYPORT_OIDC_CA_FILE": missing}, "SALLYPORT_OIDC_CA_FILE cannot be read: open " + missing + ": no such file or directory; name a file of PEM certificates that this process may read"},
		{"CA without certificate", map[string]string{"SALLYPORT_OIDC_CA_FILE": noPEM}, "SALLYPORT_OIDC_CA_FILE names the file " + noPEM + ", which holds no certificate; name a file with -----BEGIN CERTIFICATE----- blocks"},
		{"upstream CA without certificate", map[string]string{"SALLYPORT_UPSTREAM": "https://app", "SALLYPORT_UPSTREAM_CA_FILE": noPEM}, "SALLYPORT_UPSTREAM_CA_FILE names the file " + noPEM + ", which holds no certificate; name a file with -----BEGIN CERTIFICATE----- blocks"},
		{"bad certificate", map[string]string{"SALLYPORT_TLS_CERT_FILE": noPEM, "SALLYPORT_TLS_KEY_FILE": noPEM}, "SALLYPORT_TLS_CERT_FILE and SALLYPORT_TLS_KEY_FILE cannot be used: tls: failed to find any PEM data in certificate input; name a PEM certificate chain and its private key"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := load(with(tc.changes))
			if err == nil {
				t.Fatal("accepted")
			}
			if err.Error() != tc.want {
				t.Errorf("message:\n got %s\nwant %s", err, tc.want)
			}
		})
	}
}
