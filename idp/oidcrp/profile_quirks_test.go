package oidcrp

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/internal/fault"
	"github.com/sallyport/sallyport/session"
)

type env map[string]string

// The quirk by which each provider is known, and what an operator reads about it.
func TestProfileQuirksThatRefuse(t *testing.T) {
	unsigned := func(p *profiled) { // as with the client secret instead of a key
		p.idToken = func(claims map[string]any) any {
			return signRaw(map[string]any{"alg": "HS256", "typ": "JWT"}, []byte(testSecret), claims)
		}
	}
	claim := func(name string, value any) func(*profiled) {
		return func(p *profiled) { p.IDToken = with(p.IDToken, map[string]any{name: value}) }
	}
	for _, tt := range []struct {
		name, profile, preset string // preset "" = that of the profile
		env                   env
		spoil                 func(*profiled)
		want                  fault.Code
		log                   string
	}{
		{"P14 B2C without its preset has no access token", "b2c", GenericPreset, env{"SALLYPORT_OIDC_CLIENT_AUTH": "client_secret_post"}, nil,
			fault.AccessTokenAbsent, "for Azure AD B2C the client id, written {client_id}, as SALLYPORT_OIDC_PROVIDER=b2c does"},
		{"P14 B2C without its preset has no email", "b2c", GenericPreset, env{"SALLYPORT_OIDC_CLIENT_AUTH": "client_secret_post", "SALLYPORT_OIDC_SCOPES": "openid,{client_id}"}, nil,
			fault.EmailMissing, "set SALLYPORT_CLAIM_EMAIL=emails, or SALLYPORT_OIDC_PROVIDER=b2c"},
		{"B2C, the token of a password reset", "b2c", "", nil, claim("tfp", "B2C_1_reset"), fault.AccountNotAllowed, "SALLYPORT_OIDC_POLICIES"},
		{"P32 AD FS without the rule for email", "adfs", "", nil, claim("email", nil), fault.EmailMissing, "issuance transform rule that maps E-Mail-Addresses"},
		{"P31 AD FS without allatclaims", "adfs", "", env{"SALLYPORT_OIDC_SCOPES": "openid,profile,email"}, nil, fault.EmailMissing, "issuance transform rule"},
		{"Entra, a domain that nobody has verified", "entra", "", nil, claim("xms_edov", false), fault.EmailUnverified, "optional claim xms_edov"},
		{"Entra, a token of version 1", "entra", "", nil, claim("iss", "https://sts.windows.net/"+tenantA+"/"), fault.IDTokenInvalid, `whose issuer is \"https://sts.windows.net/`},
		{"C37 Google, a personal account", "google", "", nil, claim("hd", nil), fault.AccountNotAllowed, "SALLYPORT_OIDC_HOSTED_DOMAINS"},
		{"Google, an address that nobody has verified", "google", "", nil, claim("email_verified", nil), fault.EmailUnverified, "SALLYPORT_EMAIL_VERIFIED is require"},
		{"Google refuses offline_access", "google", "", env{"SALLYPORT_OIDC_SCOPES": "openid,offline_access"}, nil, fault.ClientRejected, "invalid_scope"},
		{"Auth0 with HS256", "auth0", "", nil, unsigned, fault.IDTokenInvalid, "set \\\"JsonWebToken Signature Algorithm\\\" to RS256"},
		{"authentik without a signing key", "authentik", "", nil, unsigned, fault.IDTokenInvalid, "choose a Signing Key"},
		{"authentik says that nobody is verified", "authentik", "", env{"SALLYPORT_EMAIL_VERIFIED": "allow_missing"}, nil, fault.EmailUnverified, "since 2025.10"},
		{"Keycloak, an address that nobody has verified", "keycloak", "", nil, claim("email_verified", false), fault.EmailUnverified, "Email verified"},
		{"Keycloak promises iss and sends none", "keycloak", "", nil, func(p *profiled) { p.AnswersIss = false }, fault.IssuerMismatch, "Exclude Issuer From Authentication Response"},
		{"JumpCloud says no in a string", "jumpcloud", "", nil, claim("email_verified", "false"), fault.EmailUnverified, "email_verified is not true"},
		{"Basic, where the client is registered for post", "external-id", "", env{"SALLYPORT_OIDC_CLIENT_AUTH": "client_secret_basic"}, nil, fault.ClientRejected, "SALLYPORT_OIDC_CLIENT_AUTH"},
		{"429 on the keys", "auth0", "", nil, func(p *profiled) {
			p.jwks = func(w http.ResponseWriter) bool { w.WriteHeader(http.StatusTooManyRequests); return true }
		}, fault.IdPError, "429"},
		{"Okta, a code older than its 60 s", "okta", "", nil, func(p *profiled) {
			p.grant = func(*http.Request, map[string]any) string { return "invalid_grant" }
		}, fault.CodeRejected, "has expired"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := newProfiled(t, tt.profile, nil)
			if tt.spoil != nil {
				tt.spoil(p)
			}
			preset := tt.preset
			if preset == "" {
				preset = tt.profile
			}
			w := newWorld(t, p.hostile, p.configure(t, preset, tt.env))
			w.wantFault(w.signIn("/"), tt.want)
			if !strings.Contains(w.log.String(), tt.log) {
				t.Errorf("the log does not say %q:\n%s", tt.log, w.log)
			}
		})
	}
}

func TestProfileQuirksThatWork(t *testing.T) {
	many := make([]any, 100)
	for i := range many {
		many[i] = fmt.Sprintf("group-%d", i)
	}
	for _, tt := range []struct {
		name, profile string
		env           env
		change        func(*profile)
		check         func(id session.Identity, g session.Grant) bool
	}{
		{"CL-09 Entra's overage", "entra", nil, func(p *profile) {
			delete(p.IDToken, "groups")
			p.IDToken["_claim_names"] = map[string]any{"groups": "src1"}
			p.IDToken["_claim_sources"] = map[string]any{"src1": map[string]any{"endpoint": "https://graph.windows.net/x"}}
		}, func(id session.Identity, _ session.Grant) bool { return id.GroupsWithheld && id.Groups == nil }},
		{"CL-09 Entra's overage without an address", "entra", nil, func(p *profile) {
			delete(p.IDToken, "groups")
			p.IDToken["_claim_names"] = map[string]any{"groups": "src1"}
		}, func(id session.Identity, _ session.Grant) bool { return id.GroupsWithheld && id.Groups == nil }},
		{"Entra's app roles avoid it", "entra", env{"SALLYPORT_CLAIM_GROUPS": "roles"}, func(p *profile) {
			p.IDToken["hasgroups"], p.IDToken["roles"] = true, []any{"Admin"}
		}, func(id session.Identity, _ session.Grant) bool { return !id.GroupsWithheld && id.Groups[0] == "Admin" }},
		{"Okta cuts at 100 groups", "okta", nil, func(p *profile) { p.Userinfo["groups"] = many },
			func(id session.Identity, _ session.Grant) bool { return id.GroupsWithheld && id.Groups == nil }},
		{"Okta states 99", "okta", nil, func(p *profile) { p.Userinfo["groups"] = many[:99] },
			func(id session.Identity, _ session.Grant) bool { return !id.GroupsWithheld && len(id.Groups) == 99 }},
		{"AD FS, several groups are an array", "adfs", nil, func(p *profile) { p.IDToken["groups"] = []any{"a", "b"} },
			func(id session.Identity, _ session.Grant) bool { return len(id.Groups) == 2 }},
		{"P33 AD FS whose issuer has a slash", "adfs", nil, func(p *profile) { p.Issuer += "/"; p.Metadata["issuer"] = p.Issuer },
			func(id session.Identity, _ session.Grant) bool { return strings.HasSuffix(id.Issuer, "/adfs/") }},
		{"B2C names the policy in acr", "b2c", nil, func(p *profile) { p.IDToken["acr"] = "b2c_1_signin"; delete(p.IDToken, "tfp") },
			func(id session.Identity, _ session.Grant) bool { return id.Email == "alice@example.com" }},
		{"P20 Entra takes Basic, too, which its metadata do not list", "entra", env{"SALLYPORT_OIDC_CLIENT_AUTH": "client_secret_basic"}, nil,
			func(id session.Identity, _ session.Grant) bool { return id.Email == "alice@example.com" }},
		{"Entra states xms_edov as a number in a string", "entra", nil, func(p *profile) { p.IDToken["xms_edov"] = "1" },
			func(id session.Identity, _ session.Grant) bool { return id.Email == "alice@example.com" }},
		{"Auth0's online_access ends with the session", "auth0", env{"SALLYPORT_OIDC_SCOPES": "openid,profile,email,online_access"}, func(p *profile) { p.Refresh.Issued = "online_access" },
			func(_ session.Identity, g session.Grant) bool { return g.Mode == session.ModeFull }},
		{"Auth0, a tenant from before November 2023", "auth0", nil, func(p *profile) { delete(p.Metadata, "end_session_endpoint") },
			func(_ session.Identity, g session.Grant) bool { return g.Mode == session.ModeNotBound }},
		{"Dex by its preset asks for no refresh token", "dex", env{"SALLYPORT_OIDC_SCOPES": "openid,groups"}, nil,
			func(_ session.Identity, g session.Grant) bool {
				return g.RefreshToken.IsEmpty() && g.Mode == session.ModeNotBound
			}},
		{"Dex from before 2026 has no sign-out", "dex", nil, func(p *profile) { delete(p.Metadata, "end_session_endpoint") },
			func(_ session.Identity, g session.Grant) bool { return g.Mode == session.ModeDegraded }},
		{"authentik, one issuer for all", "authentik", nil, func(p *profile) {
			p.Env = env{"SALLYPORT_OIDC_DISCOVERY_URL": p.MetadataAt}
			p.Issuer = strings.TrimSuffix(p.Issuer, "application/o/app/")
			p.Metadata["issuer"] = p.Issuer
		}, func(id session.Identity, _ session.Grant) bool { return strings.Count(id.Issuer, "/") == 3 }},
		{"Zitadel with User Info inside ID Token", "zitadel", nil, func(p *profile) { p.IDToken, p.Userinfo = p.Userinfo, nil },
			func(id session.Identity, _ session.Grant) bool { return len(id.Groups) == 2 && id.Email != "" }},
		{"Cognito's userinfo has booleans as strings", "cognito", env{"SALLYPORT_OIDC_USERINFO": "always", "SALLYPORT_EMAIL_VERIFIED": "require"}, func(p *profile) {
			delete(p.IDToken, "email")
			delete(p.IDToken, "email_verified")
		}, func(id session.Identity, _ session.Grant) bool { return id.Email == "alice@example.com" }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w, _, s := signedInProfile(t, tt.profile, tt.env, tt.change)
			if !tt.check(s.Identity, s.Grant) {
				t.Errorf("identity %+v, mode %q; log:\n%s", s.Identity, s.Grant.Mode, w.log)
			}
		})
	}
}

// Refresh tokens that outlive the provider's session, where the operator wants them.
func TestProfilesWithOfflineAccess(t *testing.T) {
	for _, name := range []string{"entra", "external-id", "b2c", "auth0", "okta", "zitadel", "authentik"} {
		t.Run(name, func(t *testing.T) {
			scopes := "openid,profile,email,offline_access,{client_id}"
			w, p, s := signedInProfile(t, name, env{"SALLYPORT_OIDC_SCOPES": scopes}, nil)
			if s.Grant.RefreshToken.IsEmpty() || s.Grant.Mode != session.ModeNotBound {
				t.Fatalf("mode %q, refresh token empty: %v", s.Grant.Mode, s.Grant.RefreshToken.IsEmpty())
			}
			p.refresh(t, w, s)
		})
	}
}

// P7: what the provider itself calls an offline token is not taken for a bound one.
func TestKeycloakOfflineToken(t *testing.T) {
	offline := signRaw(map[string]any{"alg": "HS512", "typ": "JWT"}, []byte("the realm's own"), map[string]any{"typ": "Offline"})
	p := newProfiled(t, "keycloak", nil)
	inner := p.grant
	p.grant = func(r *http.Request, body map[string]any) string {
		refused := inner(r, body)
		body["refresh_token"] = offline
		return refused
	}
	w := newWorld(t, p.hostile, p.configure(t, "keycloak", nil))
	w.signIn("/")
	s, err := w.sessions.Peek(w.withCookies())
	must(t, err)
	if s.Grant.Mode != session.ModeNotBound {
		t.Errorf("mode %q, want not_bound", s.Grant.Mode)
	}
}

// What a client of Cognito sees that believes its metadata.
func TestCognitoRefusesTheStandardSignOut(t *testing.T) {
	w, p, _ := signedInProfile(t, "cognito", env{"SALLYPORT_OIDC_LOGOUT_URL": ""}, nil)
	res := w.ask(http.MethodPost, "/oauth2/logout", sameOrigin)
	said, ok := p.signOut(mustURL(t, res.Header.Get("Location")).Query())
	if ok || said != "Required String parameter 'redirect_uri' is not present" {
		t.Errorf("= %q, %v", said, ok)
	}
}

// P30: no resource is sent unless asked for.
func TestNoResourceByDefault(t *testing.T) {
	p := newProfiled(t, "adfs", nil)
	w := newWorld(t, p.hostile, p.configure(t, "adfs", nil))
	asked, err := url.Parse(w.get("/").Header.Get("Location"))
	must(t, err)
	if q := asked.Query(); q.Has("resource") || q.Get("scope") != "openid profile email allatclaims" {
		t.Errorf("P30 P31: resource %q, scope %q", q["resource"], q.Get("scope"))
	}
}
