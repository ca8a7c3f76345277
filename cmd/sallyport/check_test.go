package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/idp/demoidp"
)

// fakeProvider serves metadata and keys that a test may spoil.
type fakeProvider struct {
	*httptest.Server
	metadata map[string]any
	keys     string
	date     time.Time
	answer   http.HandlerFunc // instead of the metadata, when set
}

func newFakeProvider(t *testing.T) *fakeProvider {
	p := &fakeProvider{
		keys: `{"keys":[{"kty":"EC","crv":"P-256","use":"sig","alg":"ES256","kid":"1","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4","y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"}]}`,
		date: time.Now().Truncate(time.Second),
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/.well-known/openid-configuration", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Date", p.date.UTC().Format(http.TimeFormat))
		if p.answer != nil {
			p.answer(w, r)
			return
		}
		json.NewEncoder(w).Encode(p.metadata)
	})
	mux.HandleFunc("/keys", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, p.keys) })
	p.Server = httptest.NewServer(mux)
	t.Cleanup(p.Close)
	p.metadata = map[string]any{
		"issuer": p.URL, "authorization_endpoint": p.URL + "/authorize", "token_endpoint": p.URL + "/token",
		"jwks_uri": p.URL + "/keys", "end_session_endpoint": p.URL + "/logout",
		"id_token_signing_alg_values_supported": []string{"ES256"},
		"code_challenge_methods_supported":      []string{"S256"},
		"token_endpoint_auth_methods_supported": []string{"client_secret_basic"},
		"scopes_supported":                      []string{"openid", "profile", "email"},
	}
	return p
}

func newUpstream(t *testing.T, status int) string {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }))
	t.Cleanup(s.Close)
	return s.URL
}

// render gives one line per finding, with what varies from run to run replaced.
func render(found findings, replace ...string) string {
	var b strings.Builder
	for _, f := range found {
		fmt.Fprintf(&b, "%s | %s | %s | %s\n", f.Level, f.Probe, f.Variable, f.Message)
	}
	return atOnce(strings.NewReplacer(replace...).Replace(b.String()))
}

// seconds is what a clock differs by that is well.
var seconds = regexp.MustCompile(`(?m)(differs from the provider's by )\d+s$`)

// atOnce is a report as if no time had passed while the provider answered.
func atOnce(report string) string { return seconds.ReplaceAllString(report, "${1}0s") }

func TestCheckAgainstDemoProvider(t *testing.T) {
	server := httptest.NewUnstartedServer(nil)
	issuer := "http://" + server.Listener.Addr().String()
	provider, err := demoidp.New(demoidp.Config{Issuer: issuer, Clients: []demoidp.Client{{ID: "rp1", Secret: "x"}}})
	if err != nil {
		t.Fatal(err)
	}
	server.Config.Handler = provider.Handler()
	server.Start()
	defer server.Close()
	upstream := newUpstream(t, http.StatusOK)
	found := examine(t.Context(), with(map[string]string{"SALLYPORT_OIDC_ISSUER": issuer, "SALLYPORT_UPSTREAM": upstream}), time.Now)
	want := `ok | configuration |  | every variable is valid
ok | discovery |  | ISSUER/.well-known/openid-configuration
ok | clock |  | differs from the provider's by 0s
ok | issuer |  | ISSUER
ok | endpoints |  | authorization, token and keys are there
ok | client auth |  | client_secret_basic
ok | pkce |  | S256
ok | keys |  | 1 of 1 keys can verify ID tokens
ok | binding |  | full, if the provider gives this client refresh tokens, else not_bound; the first sign-in shows it (sallyport_idp_info, GET /oauth2/session)
ok | register |  | redirect URI:             https://app.example.com/oauth2/callback
ok | register |  | post-logout redirect URI: https://app.example.com/oauth2/logout/callback
ok | register |  | back-channel logout URI:  https://app.example.com/oauth2/logout/backchannel, or front-channel https://app.example.com/oauth2/logout/frontchannel
ok | upstream |  | UPSTREAM answers 200 OK
ok | store |  | memory: absolute limit 12h0m0s, idle limit 1h0m0s
warn | store | SALLYPORT_SESSION_STORE | sessions are kept in memory: a restart signs everybody out, and several replicas do not share them
ok | sessions |  | people see and end their own at https://app.example.com/oauth2/sessions
ok | cookies |  | __Host-sallyport, for this host alone, SameSite=lax, HttpOnly, Secure
ok | anonymous |  | nothing of the app is reachable without a sign-in
ok | access |  | everybody whom the provider signs in may pass; SALLYPORT_ALLOWED_EMAILS, SALLYPORT_ALLOWED_EMAIL_DOMAINS and SALLYPORT_ALLOWED_GROUPS would narrow that
warn | proxies | SALLYPORT_TRUSTED_PROXIES | the public URL is https:// and no certificate is set, so something in front ends TLS; until its network is listed, the app sees its address as every client's
`
	if got := render(found, issuer, "ISSUER", upstream, "UPSTREAM"); got != want {
		t.Errorf("findings:\n got %s\nwant %s", got, want)
	}
}

// TestCheckFindings spoils one thing at a time.
func TestCheckFindings(t *testing.T) {
	for _, tc := range []struct {
		name  string
		spoil func(p *fakeProvider, vars map[string]string)
		want  string // one line
	}{
		{"issuer differs by a slash", func(p *fakeProvider, _ map[string]string) { p.metadata["issuer"] = p.URL + "/" },
			`fail | issuer | SALLYPORT_OIDC_ISSUER | SALLYPORT_OIDC_ISSUER is "IDP", the provider says "IDP/"; they must be equal, byte for byte: add the slash at the end, SALLYPORT_OIDC_ISSUER=IDP/`},
		{"provider down", func(p *fakeProvider, _ map[string]string) { p.Close() },
			`fail | discovery | SALLYPORT_OIDC_ISSUER | IDP/.well-known/openid-configuration: dial tcp HOST: connect: connection refused`},
		{"redirected", func(p *fakeProvider, _ map[string]string) {
			p.answer = http.RedirectHandler("/elsewhere", http.StatusFound).ServeHTTP
		},
			`fail | discovery | SALLYPORT_OIDC_ISSUER | IDP/.well-known/openid-configuration: it redirects to IDP/elsewhere, and redirects are refused`},
		{"not found", func(p *fakeProvider, vars map[string]string) {
			vars["SALLYPORT_OIDC_DISCOVERY_URL"] = p.URL + "/nothing"
		},
			`fail | discovery | SALLYPORT_OIDC_DISCOVERY_URL | IDP/nothing: the answer is 404 Not Found`},
		{"a web page", func(p *fakeProvider, _ map[string]string) {
			p.answer = func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>") }
		},
			`fail | discovery | SALLYPORT_OIDC_ISSUER | IDP/.well-known/openid-configuration: the answer is not the JSON that was expected`},
		{"endless metadata", func(p *fakeProvider, _ map[string]string) {
			p.answer = func(w http.ResponseWriter, _ *http.Request) {
				fmt.Fprintf(w, `{"x":%q}`, strings.Repeat("x", 2<<20))
			}
		},
			`fail | discovery | SALLYPORT_OIDC_ISSUER | IDP/.well-known/openid-configuration: the answer has more than 1048576 bytes`},
		{"clock five minutes off", func(p *fakeProvider, _ map[string]string) { p.date = p.date.Add(5 * time.Minute) },
			`fail | clock |  | this machine's clock differs from the provider's by -5m0s, more than the 1m0s that tokens are allowed; synchronise it (NTP)`},
		{"no token endpoint", func(p *fakeProvider, _ map[string]string) { delete(p.metadata, "token_endpoint") },
			`fail | endpoints | SALLYPORT_OIDC_DISCOVERY_URL | the metadata have no token_endpoint; check that this is the metadata of an OpenID provider`},
		{"http token endpoint", func(p *fakeProvider, _ map[string]string) {
			p.metadata["token_endpoint"] = "http://idp.example.com/token"
		},
			`fail | endpoints | SALLYPORT_OIDC_ISSUER | token_endpoint is "http://idp.example.com/token", not an https:// URL`},
		{"client authentication", func(p *fakeProvider, vars map[string]string) {
			vars["SALLYPORT_OIDC_CLIENT_AUTH"] = "client_secret_post"
		},
			`warn | client auth | SALLYPORT_OIDC_CLIENT_AUTH | client_secret_post is set and the provider lists client_secret_basic`},
		{"key of no registered algorithm", func(p *fakeProvider, vars map[string]string) {
			p.metadata["token_endpoint_auth_methods_supported"] = []string{"private_key_jwt"}
			p.metadata["token_endpoint_auth_signing_alg_values_supported"] = []string{"RS256", "PS256"}
			useClientKey(t, vars)
		},
			`fail | client auth | SALLYPORT_OIDC_CLIENT_KEY_ALG | assertions are signed with ES256 and the provider accepts RS256, PS256; change the algorithm, or the key`},
		{"key", func(p *fakeProvider, vars map[string]string) {
			p.metadata["token_endpoint_auth_methods_supported"] = []string{"private_key_jwt"}
			useClientKey(t, vars)
		},
			`ok | client auth |  | private_key_jwt, ES256, made out to the issuer`},
		{"Basic credentials as they are", func(_ *fakeProvider, vars map[string]string) {
			vars["SALLYPORT_OIDC_CLIENT_AUTH"] = "client_secret_basic_raw"
		},
			`ok | client auth |  | client_secret_basic_raw`},
		{"P25 expired secret", func(_ *fakeProvider, vars map[string]string) {
			vars["SALLYPORT_OIDC_CLIENT_SECRET_EXPIRES"] = "2020-01-31"
		},
			`fail | client expiry | SALLYPORT_OIDC_CLIENT_SECRET | SALLYPORT_OIDC_CLIENT_SECRET expired at 2020-01-31T00:00:00Z: NOBODY can sign in at this provider until it is replaced; who is signed in stays so, without refreshes`},
		{"C39 secret of many years", func(_ *fakeProvider, vars map[string]string) {
			vars["SALLYPORT_OIDC_CLIENT_SECRET_EXPIRES"] = "2999-01-31"
		},
			`ok | client expiry |  | SALLYPORT_OIDC_CLIENT_SECRET expires at 2999-01-31T00:00:00Z`},
		{"pushed requests are not offered", func(_ *fakeProvider, vars map[string]string) {
			vars["SALLYPORT_OIDC_PAR"] = "always"
		},
			`fail | pushed requests | SALLYPORT_OIDC_PAR | always is set and the metadata have no pushed_authorization_request_endpoint; use auto`},
		{"pushed requests are required and not offered", func(p *fakeProvider, _ map[string]string) {
			p.metadata["require_pushed_authorization_requests"] = true
		},
			`fail | pushed requests | SALLYPORT_OIDC_DISCOVERY_URL | the metadata require them and have no pushed_authorization_request_endpoint; check that this is the metadata of an OpenID provider`},
		{"pushed requests", func(p *fakeProvider, _ map[string]string) {
			p.metadata["require_pushed_authorization_requests"] = true
			p.metadata["pushed_authorization_request_endpoint"] = p.URL + "/par"
		},
			`ok | pushed requests |  | at IDP/par`},
		{"no PKCE", func(p *fakeProvider, _ map[string]string) {
			p.metadata["code_challenge_methods_supported"] = []string{"plain"}
		},
			`warn | pkce |  | the provider does not list S256; it is sent all the same`},
		{"scope not offered", func(p *fakeProvider, vars map[string]string) { vars["SALLYPORT_OIDC_SCOPES"] = "openid,groups" },
			`warn | scopes | SALLYPORT_OIDC_SCOPES | groups is asked for and the provider does not list it`},
		{"P26 version 1 of Entra's protocol", func(p *fakeProvider, vars map[string]string) {
			vars["SALLYPORT_OIDC_PROVIDER"] = "entra"
		},
			`warn | issuer | SALLYPORT_OIDC_ISSUER | IDP does not end with /v2.0: the preset entra expects an issuer such as https://login.microsoftonline.com/TENANT-ID/v2.0, with the id of the tenant, not its name, and /v2.0 at the end: without that it is version 1 of the protocol, which the preset is not for`},
		{"P12 authentik without a signing key", func(p *fakeProvider, vars map[string]string) {
			vars["SALLYPORT_OIDC_PROVIDER"] = "authentik"
			p.metadata["id_token_signing_alg_values_supported"] = []string{"HS256"}
		},
			`fail | keys | SALLYPORT_OIDC_SIGNING_ALGS | the provider signs with HS256 and RS256, RS384, RS512, ES256, ES384, ES512, PS256, PS384, PS512 are accepted; in authentik, Applications → Providers → your provider, choose a Signing Key: without one it signs with the client secret`},
		{"algorithms do not meet", func(p *fakeProvider, vars map[string]string) { vars["SALLYPORT_OIDC_SIGNING_ALGS"] = "RS256" },
			`fail | keys | SALLYPORT_OIDC_SIGNING_ALGS | the provider signs with ES256 and RS256 are accepted`},
		{"no keys", func(p *fakeProvider, _ map[string]string) { p.keys = `{"keys":[]}` },
			`fail | keys | SALLYPORT_OIDC_ISSUER | there are no keys at IDP/keys`},
		{"only an encryption key", func(p *fakeProvider, _ map[string]string) {
			p.keys = strings.Replace(p.keys, `"sig"`, `"enc"`, 1)
		},
			`fail | keys | SALLYPORT_OIDC_SIGNING_ALGS | none of the 1 keys at IDP/keys can verify an accepted signature; key 0: not for signatures`},
		{"a key too small to prove anything", func(p *fakeProvider, _ map[string]string) {
			p.keys = `{"keys":[{"kty":"RSA","kid":"1","e":"AQAB","n":"` + strings.Repeat("sXch", 40) + `"}]}`
		},
			`fail | keys | SALLYPORT_OIDC_SIGNING_ALGS | none of the 1 keys at IDP/keys can verify an accepted signature; key 0: an RSA modulus of 960 bits; 2048 to 8192 are accepted`},
		{"keys of which one is broken and one of another kind", func(p *fakeProvider, _ map[string]string) {
			p.keys = strings.Replace(p.keys, `[`, `[{"kty":"RSA","n":"!","e":"AQAB"},{"kty":"OKP","crv":"Ed448","x":"AA"},`, 1)
		},
			`ok | keys |  | 1 of 3 keys can verify ID tokens`},
		{"keys are no keys", func(p *fakeProvider, _ map[string]string) { p.keys = `[]` },
			`fail | keys | SALLYPORT_OIDC_ISSUER | IDP/keys: reading the key set: not a JSON object`},
		{"no sign-out", func(p *fakeProvider, _ map[string]string) { delete(p.metadata, "end_session_endpoint") },
			`warn | binding | SALLYPORT_OIDC_LOGOUT_URL | degraded: the provider offers no sign-out, so that signing out here leaves its own session; if it has a sign-out address of its own, set it`},
		{"no refresh tokens", func(p *fakeProvider, _ map[string]string) {
			p.metadata["grant_types_supported"] = []string{"authorization_code"}
		},
			`ok | binding |  | not_bound: the provider gives no refresh tokens; signing out here signs out at the provider, and a session here does not end when the one there does`},
		{"offline tokens", func(_ *fakeProvider, vars map[string]string) {
			vars["SALLYPORT_OIDC_SCOPES"] = "openid,offline_access"
		},
			`warn | binding | SALLYPORT_OIDC_SCOPES | not_bound: offline_access asks for refresh tokens that outlive the provider's session; take it out if sessions should end with it`},
		{"independent", func(_ *fakeProvider, vars map[string]string) { vars["SALLYPORT_SESSION_BINDING"] = "independent" },
			`ok | binding |  | not_bound: independent is set; signing out here signs out at the provider, and a session here does not end when the one there does`},
		{"idp without sign-out", func(p *fakeProvider, vars map[string]string) {
			delete(p.metadata, "end_session_endpoint")
			vars["SALLYPORT_SESSION_BINDING"] = "idp"
		},
			`fail | binding | SALLYPORT_SESSION_BINDING | idp is set and the provider offers no sign-out, so that nobody could sign in; use auto, or set SALLYPORT_OIDC_LOGOUT_URL`},
		{"idp without refresh tokens", func(p *fakeProvider, vars map[string]string) {
			p.metadata["grant_types_supported"] = []string{"authorization_code"}
			vars["SALLYPORT_SESSION_BINDING"] = "idp"
		},
			`fail | binding | SALLYPORT_SESSION_BINDING | idp is set and the provider gives no refresh tokens, so that nobody could sign in; use auto`},
		{"app down", func(_ *fakeProvider, vars map[string]string) {
			vars["SALLYPORT_UPSTREAM"] = "unix:///nonexistent/app.sock"
		},
			`fail | upstream | SALLYPORT_UPSTREAM | unix:///nonexistent/app.sock does not answer: dial unix /nonexistent/app.sock: connect: no such file or directory; start the app or correct the address`},
		{"app well", func(_ *fakeProvider, vars map[string]string) {
			vars["SALLYPORT_UPSTREAM_HEALTH"] = "/healthz"
		},
			`ok | upstream health |  | well by GET /healthz, which /readyz asks for at most every 5s`},
		{"app ill", func(_ *fakeProvider, vars map[string]string) {
			vars["SALLYPORT_UPSTREAM"], vars["SALLYPORT_UPSTREAM_HEALTH"] = "unix:///nonexistent/app.sock", "connect"
		},
			`fail | upstream health | SALLYPORT_UPSTREAM_HEALTH | /readyz would answer 503: the app does not answer: dial unix /nonexistent/app.sock: connect: no such file or directory`},
		{"PROXY protocol", func(_ *fakeProvider, vars map[string]string) {
			vars["SALLYPORT_PROXY_PROTOCOL"], vars["SALLYPORT_TRUSTED_PROXIES"] = "require", "10.0.0.0/8"
		},
			`ok | proxies |  | every connection has to begin with a PROXY protocol header of theirs`},
		{"PROXY protocol from some", func(_ *fakeProvider, vars map[string]string) {
			vars["SALLYPORT_PROXY_PROTOCOL"], vars["SALLYPORT_TRUSTED_PROXIES"] = "accept", "10.0.0.0/8"
		},
			`warn | configuration | SALLYPORT_PROXY_PROTOCOL | a trusted proxy that passes a connection on and sends no header lets the client write one; use require where every proxy sends it`},
		{"OP-16 anonymous surface", func(_ *fakeProvider, vars map[string]string) {
			vars["SALLYPORT_PUBLIC_PATHS"] = "/public/**,/favicon.ico"
		},
			`warn | anonymous | SALLYPORT_PUBLIC_PATHS | reachable without a sign-in: /public/** /favicon.ico`},
		{"cookie for a domain", func(_ *fakeProvider, vars map[string]string) { vars["SALLYPORT_COOKIE_DOMAIN"] = "example.com" },
			`ok | cookies |  | __Secure-sallyport, for every host of example.com, SameSite=lax, HttpOnly, Secure`},
		{"bad configuration", func(_ *fakeProvider, vars map[string]string) { vars["SALLYPORT_PREFIX"] = "x/" },
			`fail | configuration | SALLYPORT_PREFIX | SALLYPORT_PREFIX is "x/"; begin it with / and end it without, in letters, digits, '-', '_', '.' and '~', such as /oauth2`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p := newFakeProvider(t)
			vars := valid()
			maps.Copy(vars, map[string]string{"SALLYPORT_OIDC_ISSUER": p.URL, "SALLYPORT_UPSTREAM": newUpstream(t, 200)})
			now := p.date
			tc.spoil(p, vars)
			found := examine(t.Context(), environment(vars), func() time.Time { return now })
			lines := strings.Split(render(found, p.URL, "IDP", strings.TrimPrefix(p.URL, "http://"), "HOST"), "\n")
			if !slices.Contains(lines, tc.want) {
				t.Errorf("no line\n  %s\namong\n  %s", tc.want, strings.Join(lines, "\n  "))
			}
		})
	}
}

func TestCheckSeesAFailingApp(t *testing.T) {
	p := newFakeProvider(t)
	found := examine(t.Context(), with(map[string]string{"SALLYPORT_OIDC_ISSUER": p.URL, "SALLYPORT_UPSTREAM": newUpstream(t, 503)}), time.Now)
	if !slices.ContainsFunc(found, func(f finding) bool {
		return f.Level == levelWarn && f.Probe == "upstream" && strings.Contains(f.Message, "503")
	}) {
		t.Errorf("findings:\n%s", render(found))
	}
	if found.failed() {
		t.Error("a warning counts as a failure")
	}
}

func TestCheckShowsNoSecret(t *testing.T) {
	p := newFakeProvider(t)
	found := examine(t.Context(), with(map[string]string{"SALLYPORT_OIDC_ISSUER": p.URL}), time.Now)
	for _, c := range canaries {
		if strings.Contains(render(found), c) {
			t.Errorf("OP-08 the report contains a secret:\n%s", render(found))
		}
	}
}
