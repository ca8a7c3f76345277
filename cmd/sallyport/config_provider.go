package main

import (
	"time"

	"github.com/sallyport/sallyport/internal/secret"
)

// ProviderConfig is everything that the environment says of one OpenID provider. Its
// tags hold the names of the form without a number; names says what they are called
// for this provider.
type ProviderConfig struct {
	OIDC    OIDCConfig    `section:"OpenID provider"`
	Request RequestConfig `section:"Authorization request"`
	Claims  ClaimsConfig  `section:"Claims"`

	Number int // 0 = the form without a number
	Names  names
	// FromPreset are the variables that have their value from the preset, in the
	// form without a number.
	FromPreset map[string]bool
}

// OIDCConfig names the provider and how to speak with it.
type OIDCConfig struct {
	Provider            string        `env:"SALLYPORT_OIDC_PROVIDER" envDefault:"generic" oneof:"generic|entra|external-id|b2c|adfs|auth0|google|okta|onelogin|jumpcloud|cognito|ping|totvs|keycloak|dex|zitadel|authentik|gitlab" doc:"A preset: what is known of that provider becomes the default of other variables, each of which can still be set. The page of each provider lists what its preset sets."`
	ID                  string        `env:"SALLYPORT_OIDC_ID" default:"the word of SALLYPORT_OIDC_PROVIDER" example:"staff" doc:"The provider's name in logs, metrics, sessions and, where there are several, addresses: 1 to 32 of a to z, digits and hyphens. Of two providers with one preset, one needs another name. Sessions from before a change go on where the issuer, or else the client id, tells whose they are."`
	Title               string        `env:"SALLYPORT_OIDC_TITLE" default:"the name of the preset's product; with generic the issuer's host" example:"Staff" doc:"What people read on the provider's button where they choose among several: plain text of at most 60 characters."`
	EmailDomains        []string      `env:"SALLYPORT_OIDC_EMAIL_DOMAINS" default:"any" example:"example.com" doc:"E-mail domains of the provider's people: a sign-in there with an address of another domain is refused, so that one provider cannot speak for the people of another; where there are several providers, an address of these domains leads to this one. The exact text after the only @, so that subdomains are listed by themselves. Set but empty is a fault."`
	Draft               bool          `env:"SALLYPORT_OIDC_DRAFT" envDefault:"false" doc:"Try a provider while people go on signing in at another: it is on no page, no e-mail address leads to it, and readiness does not ask for it. The link /oauth2/login?idp= with its id does, for whoever knows that."`
	Issuer              string        `env:"SALLYPORT_OIDC_ISSUER" required:"true" example:"https://idp.example.com/realms/main" doc:"The provider's issuer, exactly as its metadata states it: it is compared byte for byte and never trimmed. {tenantid} in it stands for the tenants of SALLYPORT_OIDC_ALLOWED_TENANTS."`
	DiscoveryURL        string        `env:"SALLYPORT_OIDC_DISCOVERY_URL" default:"issuer + /.well-known/openid-configuration" doc:"Address of the metadata, for providers that publish it elsewhere (Azure AD B2C, Entra External ID)."`
	Tenants             []string      `env:"SALLYPORT_OIDC_ALLOWED_TENANTS" example:"3f2a6c1e-8b7d-4c5f-9e0a-1d2c3b4a5f6e" doc:"Entra tenants, by id, whose people may sign in: the tid of the ID token must be one of them. Required with {tenantid} in SALLYPORT_OIDC_ISSUER."`
	Domains             []string      `env:"SALLYPORT_OIDC_HOSTED_DOMAINS" example:"example.com" doc:"Google Workspace domains whose people may sign in: the hd of the ID token must be one of them, and a single one is also shown by Google's page. Required with the preset google; * there means every Google account, personal ones included."`
	Policies            []string      `env:"SALLYPORT_OIDC_POLICIES" default:"with the preset b2c, the one in SALLYPORT_OIDC_DISCOVERY_URL" example:"B2C_1_signin" doc:"Azure AD B2C user flows or policies whose tokens are accepted: the tfp of the ID token, or its acr, must be one of them, in any case. All policies of a tenant share one issuer, password reset included."`
	ClientID            string        `env:"SALLYPORT_OIDC_CLIENT_ID" required:"true" example:"sallyport" doc:"The client id registered at the provider."`
	ClientSecret        secret.Text   `env:"SALLYPORT_OIDC_CLIENT_SECRET" default:"required where SALLYPORT_OIDC_CLIENT_AUTH names a secret" doc:"The client secret registered at the provider."`
	PreviousSecret      secret.Text   `env:"SALLYPORT_OIDC_CLIENT_SECRET_PREVIOUS" default:"none" doc:"A second client secret, used when the provider refuses the first: the one before it, while the two are exchanged. Remove it afterwards."`
	ClientSecretExpires date          `env:"SALLYPORT_OIDC_CLIENT_SECRET_EXPIRES" default:"not known" example:"2030-01-31" doc:"When the provider stops accepting the client secret, and so lets nobody in: a date or a time. Warned of in the log and by check at 30, 7 and 1 days, and a metric. A certificate says so itself."`
	ClientAuth          string        `env:"SALLYPORT_OIDC_CLIENT_AUTH" envDefault:"client_secret_basic" oneof:"client_secret_basic|client_secret_basic_raw|client_secret_post|private_key_jwt|tls_client_auth|self_signed_tls_client_auth|none" doc:"How Sallyport authenticates at the provider's endpoints; docs/client-authentication.md compares the ways. It is never detected by trying. client_secret_basic_raw is client_secret_basic for a provider that does not undo the form encoding of RFC 6749."`
	ClientKeyFile       string        `env:"SALLYPORT_OIDC_CLIENT_KEY_FILE" default:"required with private_key_jwt and tls_client_auth" example:"/etc/sallyport/client.key" doc:"The client's private key: PEM without a passphrase, or a JWK; RSA of at least 2048 bits, or EC on P-256, P-384 or P-521. It is read again when it changes."`
	ClientCertFile      string        `env:"SALLYPORT_OIDC_CLIENT_CERT_FILE" default:"required with tls_client_auth" example:"/etc/sallyport/client.crt" doc:"PEM certificate of that key, with those of its issuers after it. With tls_client_auth and self_signed_tls_client_auth it is the credential. With private_key_jwt its thumbprints name the key (x5t, x5t#S256), which is how Entra ID and AD FS find it. It is read again when it changes."`
	ClientKeyID         string        `env:"SALLYPORT_OIDC_CLIENT_KEY_ID" default:"the kid of a JWK, else none" example:"sallyport-2026" doc:"kid of client assertions: the name under which the provider has the key, needed where it has several."`
	ClientKeyAlg        string        `env:"SALLYPORT_OIDC_CLIENT_KEY_ALG" default:"the alg of a JWK, else RS256, ES256, ES384 or ES512 as the key is" oneof:"RS256|RS384|RS512|ES256|ES384|ES512|PS256|PS384|PS512" doc:"Algorithm of client assertions."`
	AssertionAudience   string        `env:"SALLYPORT_OIDC_CLIENT_ASSERTION_AUDIENCE" envDefault:"issuer" oneof:"issuer|endpoint" doc:"aud of client assertions: the issuer, which is safe and what providers should accept, or the address of the endpoint, which Entra ID, AD FS and Okta document."`
	Scopes              []string      `env:"SALLYPORT_OIDC_SCOPES" envDefault:"openid,profile,email" doc:"Scopes to ask for; openid must be among them. {client_id} stands for the client id, which is a scope of Azure AD B2C."`
	SigningAlgs         []string      `env:"SALLYPORT_OIDC_SIGNING_ALGS" envDefault:"RS256,RS384,RS512,ES256,ES384,ES512,PS256,PS384,PS512" doc:"Signature algorithms accepted in ID tokens. none and HS* are never accepted."`
	AccessTokenRequired bool          `env:"SALLYPORT_OIDC_ACCESS_TOKEN_REQUIRED" envDefault:"true" doc:"Refuse a token response without an access token, which every provider should send. Without one the app gets none, and the userinfo endpoint cannot be asked."`
	Userinfo            string        `env:"SALLYPORT_OIDC_USERINFO" envDefault:"auto" oneof:"auto|always|never" doc:"When the userinfo endpoint is asked, at sign-in and at each refresh: auto asks when a wanted claim is missing from the ID token."`
	LogoutURL           string        `env:"SALLYPORT_OIDC_LOGOUT_URL" default:"discovered" example:"https://idp.example.com/logout?client_id={client_id}&returnTo={post_logout_redirect_uri}" doc:"Template of the provider's sign-out address, for providers with a sign-out of their own. Placeholders: {client_id}, {post_logout_redirect_uri}, {id_token}, {state}, and {provider} at its beginning for scheme and host of the authorization endpoint. The word discovered means the end_session_endpoint of the metadata, none a sign-out that is local."`
	CAFile              string        `env:"SALLYPORT_OIDC_CA_FILE" default:"the system's" example:"/etc/sallyport/idp-ca.pem" doc:"PEM certificates to trust for calls to the provider, instead of the system's."`
	LogoutHint          string        `env:"SALLYPORT_OIDC_LOGOUT_HINT" envDefault:"any" oneof:"any|fresh" doc:"Which ID token the provider takes when somebody signs out there: fresh is for one that shows an error for an expired one or for none. Then it is renewed first where there is a refresh token, and otherwise the sign-out stays local."`
	RefreshBound        string        `env:"SALLYPORT_OIDC_REFRESH_BOUND" envDefault:"auto" oneof:"auto|yes|no" doc:"Whether the provider's refresh tokens end with the person's session there: auto takes those for bound that were not asked for with offline_access. It decides the mode of sessions."`
	Timeout             time.Duration `env:"SALLYPORT_OIDC_TIMEOUT" envDefault:"10s" doc:"Budget of one call to the provider. Redirects are refused, and so are answers over 1 MiB."`
}

// RequestConfig holds what is added to authorization requests
// (OpenID Connect Core §3.1.2.1). What is asked for is enforced on the way back.
type RequestConfig struct {
	PAR         string         `env:"SALLYPORT_OIDC_PAR" envDefault:"auto" oneof:"auto|always" doc:"Pushed authorization requests (RFC 9126): auto sends the request to the provider directly when its metadata require that, always does so with every provider that has the endpoint, and refuses others."`
	Prompt      []string       `env:"SALLYPORT_OIDC_PROMPT" oneof:"login|consent|select_account|none" doc:"prompt: what the provider shows even to somebody it knows. With login, an ID token whose auth_time is from before the sign-in is refused; SALLYPORT_OIDC_MAX_AGE=0s also refuses one that has none."`
	ACRValues   []string       `env:"SALLYPORT_OIDC_ACR_VALUES" doc:"acr_values: authentication contexts to ask for; the ID token must state one of them."`
	MaxAge      *time.Duration `env:"SALLYPORT_OIDC_MAX_AGE" example:"8h" doc:"max_age: how old the person's authentication at the provider may be; 0s asks for a fresh one each time."`
	UILocales   []string       `env:"SALLYPORT_OIDC_UI_LOCALES" example:"de,en" doc:"ui_locales: preferred languages of the provider's pages."`
	Resource    []string       `env:"SALLYPORT_OIDC_RESOURCE" example:"https://api.example.com" doc:"resource (RFC 8707): the APIs that the access token is for, as absolute URIs."`
	ExtraParams []string       `env:"SALLYPORT_OIDC_EXTRA_PARAMS" example:"domain_hint=example.com" doc:"Further name=value pairs; a comma inside a value is written %2C. Parameters that Sallyport sets itself are refused."`
}

// ClaimsConfig says which claims make the identity that the app receives.
type ClaimsConfig struct {
	User          string `env:"SALLYPORT_CLAIM_USER" envDefault:"sub" doc:"Claim that becomes X-Forwarded-User. A claim of that literal name is tried first, then a dotted path."`
	Email         string `env:"SALLYPORT_CLAIM_EMAIL" envDefault:"email" doc:"Claim that becomes X-Forwarded-Email; of an array the first."`
	Name          string `env:"SALLYPORT_CLAIM_NAME" envDefault:"preferred_username" doc:"Claim that becomes X-Forwarded-Preferred-Username."`
	Groups        string `env:"SALLYPORT_CLAIM_GROUPS" envDefault:"groups" example:"realm_access.roles" doc:"Claim that becomes X-Forwarded-Groups: a string, an array, or an object whose keys are the groups."`
	GroupsLimit   int    `env:"SALLYPORT_GROUPS_LIMIT" envDefault:"0" doc:"How many groups the provider states at most. A person with so many, or more, counts as one whose groups it left out: no groups for the app, and no way past rules about groups. 0 for a provider that states them all."`
	EmailVerified string `env:"SALLYPORT_EMAIL_VERIFIED" envDefault:"allow_missing" oneof:"require|allow_missing|ignore" doc:"What email_verified must say: require wants true, allow_missing refuses only false, ignore does not look."`
	VerifiedClaim string `env:"SALLYPORT_CLAIM_EMAIL_VERIFIED" envDefault:"email_verified" doc:"Claim that says whether the e-mail address is verified: true, as a boolean or a string; of another claim than email_verified also 1."`
	EmailRequired bool   `env:"SALLYPORT_EMAIL_REQUIRED" envDefault:"false" doc:"Refuse a sign-in without an e-mail address with exactly one @."`
}
