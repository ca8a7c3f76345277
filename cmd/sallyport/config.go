package main

import (
	"time"

	"github.com/sallyport/sallyport/internal/secret"
	"github.com/sallyport/sallyport/proxy/policy"
)

// Config is everything that the environment can say, in the form in which it
// says it. Its struct tags are the single source of names, defaults and
// documentation:
//
//	env         the variable
//	envDefault  its value when it is unset or empty
//	doc         one or two sentences for the reference
//	example     a value to start from
//	default     words for the reference where there is no envDefault
//	oneof       the allowed words, separated by |
//	required    "true" when serve cannot do without it
//
// A field of type secret.Text can also be read from the file that the variable
// with _FILE appended names. Config prints no secret.
type Config struct {
	Network  NetworkConfig  `section:"Addresses"`
	Upstream UpstreamConfig `section:"The app behind Sallyport"`
	OIDC     OIDCConfig     `section:"OpenID provider"`
	Request  RequestConfig  `section:"Authorization request"`
	Claims   ClaimsConfig   `section:"Claims"`
	Session  SessionConfig  `section:"Sessions and cookies"`
	Access   AccessConfig   `section:"Who may pass"`
	Headers  HeadersConfig  `section:"What the app receives"`
	Limits   LimitsConfig   `section:"Limits and shutdown"`
	Logging  LoggingConfig  `section:"Logs and diagnosis"`

	// SecretFiles are the paths that secrets were read from, by variable.
	SecretFiles map[string]string
	Rules       []policy.Rule // of SALLYPORT_RULE_<n>_…
	// FromPreset are the variables that have their value from the preset.
	FromPreset map[string]bool
}

// NetworkConfig says where Sallyport listens and under which address it is known.
type NetworkConfig struct {
	Listen         string   `env:"SALLYPORT_LISTEN" envDefault:":4180" doc:"Address of the proxy listener: host:port, or unix:///path for a socket."`
	AdminListen    string   `env:"SALLYPORT_ADMIN_LISTEN" envDefault:":4190" doc:"Address of the admin listener with /metrics, /healthz, /readyz and, with SALLYPORT_ADMIN_TOKEN, the session API; off disables it. Keep it away from the outside."`
	PublicURL      string   `env:"SALLYPORT_PUBLIC_URL" required:"true" example:"https://app.example.com" doc:"The address that browsers use, with an optional base path. It is never derived from a request."`
	TLSCertFile    string   `env:"SALLYPORT_TLS_CERT_FILE" example:"/etc/sallyport/tls.crt" doc:"PEM certificate chain. With SALLYPORT_TLS_KEY_FILE the proxy listener serves TLS 1.2 and later and HTTP/2; both files are read again when they change."`
	TLSKeyFile     string   `env:"SALLYPORT_TLS_KEY_FILE" example:"/etc/sallyport/tls.key" doc:"PEM private key of SALLYPORT_TLS_CERT_FILE."`
	TrustedProxies []string `env:"SALLYPORT_TRUSTED_PROXIES" example:"10.0.0.0/8" doc:"Networks (CIDR) of the reverse proxies in front of Sallyport; the word unix means peers on a unix socket. Their X-Forwarded-* and Forwarded fields are believed; everyone else's are removed."`
	AllowedHosts   []string `env:"SALLYPORT_ALLOWED_HOSTS" example:"app.internal" doc:"Hosts served beside the public URL's. A request for any other host gets 421."`
	Prefix         string   `env:"SALLYPORT_PREFIX" envDefault:"/oauth2" doc:"Where Sallyport's own endpoints live, below the public URL."`
	InsecureHTTP   bool     `env:"SALLYPORT_INSECURE_HTTP" envDefault:"false" doc:"Allows http:// for a public URL or an issuer whose host is not loopback. Sessions and tokens then travel in the clear."`
}

// UpstreamConfig says where allowed requests go.
type UpstreamConfig struct {
	URL         string        `env:"SALLYPORT_UPSTREAM" default:"required unless SALLYPORT_FORWARD_AUTH is only" example:"http://127.0.0.1:8080" doc:"The app: http://, https:// or h2c:// with host and port, or unix:///path."`
	ForwardAuth string        `env:"SALLYPORT_FORWARD_AUTH" envDefault:"on" oneof:"on|off|only" doc:"Whether another proxy may ask at /oauth2/auth what would become of a request, and serve the app itself (nginx auth_request, Traefik, Caddy, HAProxy, Apache, Envoy); it must be in SALLYPORT_TRUSTED_PROXIES. With only, there is no app behind Sallyport."`
	Timeout     time.Duration `env:"SALLYPORT_UPSTREAM_TIMEOUT" envDefault:"60s" doc:"How long the app may take until its response headers. What streams after them has no limit."`
	CAFile      string        `env:"SALLYPORT_UPSTREAM_CA_FILE" default:"the system's" example:"/etc/sallyport/upstream-ca.pem" doc:"PEM certificates to trust for an https:// upstream, instead of the system's."`
	PassHost    bool          `env:"SALLYPORT_UPSTREAM_PASS_HOST" envDefault:"true" doc:"Send the client's Host to the app instead of the upstream's own."`
}

// OIDCConfig names the provider and how to speak with it.
type OIDCConfig struct {
	Provider            string        `env:"SALLYPORT_OIDC_PROVIDER" envDefault:"generic" oneof:"generic|entra|external-id|b2c|adfs|auth0|google|okta|onelogin|jumpcloud|cognito|ping|totvs|keycloak|dex|zitadel|authentik|gitlab" doc:"A preset: what is known of that provider becomes the default of other variables, each of which can still be set. It is also the provider's name in logs, metrics and sessions. The page of each provider lists what its preset sets."`
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
	VerifiedClaim string `env:"SALLYPORT_CLAIM_EMAIL_VERIFIED" envDefault:"email_verified" doc:"Claim that says whether the e-mail address is verified: true, as a boolean or a string."`
	EmailRequired bool   `env:"SALLYPORT_EMAIL_REQUIRED" envDefault:"false" doc:"Refuse a sign-in without an e-mail address with exactly one @."`
}

// SessionConfig says how long and under which names sessions live.
type SessionConfig struct {
	Secret        secret.Text   `env:"SALLYPORT_SECRET" required:"true" example:"the output of: sallyport keygen" doc:"One or more 32-byte keys in base64, newest first: the first seals cookies, all of them open them, so that a key can be replaced without signing anyone out."`
	Store         string        `env:"SALLYPORT_SESSION_STORE" envDefault:"memory" oneof:"memory|file|redis|cookie" doc:"Where sessions are kept. With memory they end with the process; a file survives a restart and belongs to one process; redis is shared by replicas; cookie keeps them in the browser, without state here and with limits that docs/sessions.md names."`
	File          string        `env:"SALLYPORT_SESSION_FILE" envDefault:"sallyport.db" doc:"The file of SALLYPORT_SESSION_STORE=file, on a local disk. It is made if it is absent; its directory must exist."`
	RedisURL      secret.Text   `env:"SALLYPORT_REDIS_URL" default:"required with SALLYPORT_SESSION_STORE=redis" example:"rediss://:password@redis.example.com:6379" doc:"Redis or Valkey: redis:// or, with TLS, rediss://. Several hosts are a cluster, ?master=name makes them Sentinels. It is read at the start only, also from its file."`
	APIToken      secret.Text   `env:"SALLYPORT_ADMIN_TOKEN" default:"none: there is no such API" example:"the output of: openssl rand -hex 32" doc:"Turns on the session API of the admin listener, which lists and ends anybody's sessions, and is what its clients authenticate with: at least 32 characters."`
	MaxAge        time.Duration `env:"SALLYPORT_SESSION_MAX_AGE" envDefault:"12h" doc:"Absolute lifetime of a session; nothing prolongs it."`
	Idle          time.Duration `env:"SALLYPORT_SESSION_IDLE" envDefault:"1h" doc:"A session ends this long after its last request; 0 disables the idle limit."`
	Refresh       string        `env:"SALLYPORT_SESSION_REFRESH" envDefault:"auto" doc:"When a session is refreshed at the provider, so that it ends with the one there and groups are renewed: auto goes by the life of its access token; a duration refreshes at least that often."`
	Grace         time.Duration `env:"SALLYPORT_SESSION_GRACE" envDefault:"15m" doc:"How long a session outlives its access token while the provider cannot be reached. The app is not given the expired token."`
	Binding       string        `env:"SALLYPORT_SESSION_BINDING" envDefault:"auto" oneof:"auto|idp|independent" doc:"How sessions follow the provider's: auto as far as its refresh tokens allow; idp refuses a sign-in whose session would not end with the provider's; independent never refreshes."`
	Cookie        string        `env:"SALLYPORT_COOKIE_NAME" envDefault:"sallyport" doc:"Name of the session cookie. On https it is prefixed with __Host-, or with __Secure- when a cookie domain is set."`
	Domain        string        `env:"SALLYPORT_COOKIE_DOMAIN" default:"none: this host alone" example:"example.com" doc:"Domain that shares the session cookie. Every host below it receives the cookie, so leave it unset if you can."`
	SameSite      string        `env:"SALLYPORT_COOKIE_SAMESITE" envDefault:"lax" oneof:"lax|strict|none" doc:"SameSite attribute of the session cookie; none needs an https:// public URL."`
	SignOutClears []string      `env:"SALLYPORT_SIGN_OUT_CLEARS" envDefault:"cache" oneof:"none|cache|storage" doc:"What a browser that signs out here forgets of this site (Clear-Site-Data), beside our cookies: the cache, so that the Back button shows no page of before; storage, with whatever the app keeps there."`
}

// AccessConfig says who may pass, and what needs no sign-in.
type AccessConfig struct {
	AllowedEmails    []string `env:"SALLYPORT_ALLOWED_EMAILS" default:"everyone" example:"alice@example.com" doc:"E-mail addresses that may pass. Addresses and domains form one list, of which one entry has to fit; when groups are listed too, both lists have to be passed. Set but empty is a fault, so that a template that came out empty never opens the app to everyone."`
	AllowedDomains   []string `env:"SALLYPORT_ALLOWED_EMAIL_DOMAINS" default:"everyone" example:"example.com" doc:"E-mail domains that may pass: the exact text after the only @, so that subdomains are listed by themselves. Set but empty is a fault."`
	AllowedGroups    []string `env:"SALLYPORT_ALLOWED_GROUPS" default:"everyone" example:"staff" doc:"Groups whose members may pass. Set but empty is a fault."`
	PublicPaths      []string `env:"SALLYPORT_PUBLIC_PATHS" example:"/public/**" doc:"Paths that need no session: * stands for anything within a segment, ** for any number of segments. One that covers everything is a fault."`
	AllowedRedirects []string `env:"SALLYPORT_ALLOWED_REDIRECTS" example:"https://other.example.com" doc:"Further origins that rd may lead to after sign-in or sign-out; .example.com means every host below that domain."`
	PassPreflights   bool     `env:"SALLYPORT_PASS_PREFLIGHTS" envDefault:"false" doc:"Send CORS preflights that have no session to the app, which answers them; it is told of nobody. Browsers send them without cookies. Otherwise they get 401."`
	KeepForms        bool     `env:"SALLYPORT_KEEP_FORMS" envDefault:"true" doc:"Keep a form that met an ended session in the browser's tab, sealed, and send it after the sign-in if it is the same person's. Forms with files, and those over 1 MiB, are not kept."`
	AllowedOrigins   []string `env:"SALLYPORT_ALLOWED_ORIGINS" example:"https://other.example.com" doc:"Origins beside our own whose WebSockets are let through; any other gets 403."`
}

// HeadersConfig says what the app receives beside the identity headers.
type HeadersConfig struct {
	PassAccessToken   bool     `env:"SALLYPORT_PASS_ACCESS_TOKEN" envDefault:"false" doc:"Send the access token as X-Forwarded-Access-Token."`
	PassIDToken       bool     `env:"SALLYPORT_PASS_ID_TOKEN" envDefault:"false" doc:"Send the ID token as X-Forwarded-Id-Token."`
	PassAuthorization string   `env:"SALLYPORT_PASS_AUTHORIZATION" envDefault:"none" oneof:"none|access_token|id_token" doc:"Replace Authorization by Bearer and this token. With none the client's own Authorization passes."`
	PassAssertion     bool     `env:"SALLYPORT_PASS_ASSERTION" envDefault:"true" doc:"Send X-Sallyport-Assertion, a signed statement of who is asking that the app can verify with the keys at /oauth2/jwks. Without it there are no such keys."`
	AssertionAudience string   `env:"SALLYPORT_ASSERTION_AUDIENCE" default:"the public URL" example:"https://app.example.com" doc:"aud of X-Sallyport-Assertion: the name of the app that is to accept it."`
	Claims            []string `env:"SALLYPORT_HEADERS" example:"X-Department=department,X-Roles=realm_access.roles" doc:"Further headers that tell the app of claims, as Header=claim. Several values of a claim are separated by commas; % and , inside a value are percent-encoded. From clients these headers are removed. After a change, people who are signed in have them from the next refresh or sign-in on."`
	PassClientHeaders []string `env:"SALLYPORT_PASS_CLIENT_HEADERS" example:"X-HTTP-Method-Override" doc:"Fields from clients that pass although they are removed by default. Sallyport's own names are refused."`
}

// LimitsConfig bounds what clients may do, and how the process ends.
type LimitsConfig struct {
	MaxHeaderBytes  int           `env:"SALLYPORT_MAX_HEADER_BYTES" envDefault:"65536" doc:"Size of a request's header section in bytes; a bigger one gets 431."`
	HeaderTimeout   time.Duration `env:"SALLYPORT_HEADER_TIMEOUT" envDefault:"10s" doc:"How long a client may take to send its header section."`
	ShutdownDelay   time.Duration `env:"SALLYPORT_SHUTDOWN_DELAY" envDefault:"0s" doc:"How long the proxy goes on serving after SIGTERM while /readyz already answers 503, so that a load balancer notices."`
	ShutdownTimeout time.Duration `env:"SALLYPORT_SHUTDOWN_TIMEOUT" envDefault:"30s" doc:"How long accepted requests may take to finish after that."`
}

// LoggingConfig says what is written and what can be looked at.
type LoggingConfig struct {
	Level     string `env:"SALLYPORT_LOG_LEVEL" envDefault:"info" oneof:"debug|info|warn|error" doc:"Least severe level that is written."`
	Format    string `env:"SALLYPORT_LOG_FORMAT" oneof:"json|text" default:"json; text on a terminal" doc:"Form of the log on standard error."`
	AccessLog bool   `env:"SALLYPORT_ACCESS_LOG" envDefault:"true" doc:"Write one line for every request."`
	Pprof     bool   `env:"SALLYPORT_PPROF" envDefault:"false" doc:"Serve /debug/pprof on the admin listener. A heap profile can contain secrets."`
}
