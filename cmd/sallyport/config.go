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
	// Providers are in the order of their numbers; the one without a number is the
	// first.
	Providers []ProviderConfig
	Session   SessionConfig `section:"Sessions and cookies"`
	Access    AccessConfig  `section:"Who may pass"`
	CORS      CORSConfig    `section:"Pages of other origins"`
	Headers   HeadersConfig `section:"What the app receives"`
	Limits    LimitsConfig  `section:"Limits and shutdown"`
	Logging   LoggingConfig `section:"Logs and diagnosis"`

	// SecretFiles are the paths that secrets were read from, by variable.
	SecretFiles map[string]string
	Rules       []policy.Rule // of SALLYPORT_RULE_<n>_…
}

// NetworkConfig says where Sallyport listens and under which address it is known.
type NetworkConfig struct {
	Listen         string   `env:"SALLYPORT_LISTEN" envDefault:":4180" doc:"Address of the proxy listener: host:port, or unix:///path for a socket."`
	AdminListen    string   `env:"SALLYPORT_ADMIN_LISTEN" envDefault:":4190" doc:"Address of the admin listener with /metrics, /healthz, /readyz and, with SALLYPORT_ADMIN_TOKEN, the session API; off disables it. Keep it away from the outside."`
	PublicURL      string   `env:"SALLYPORT_PUBLIC_URL" required:"true" example:"https://app.example.com" doc:"The address that browsers use, with an optional base path. It is never derived from a request."`
	TLSCertFile    string   `env:"SALLYPORT_TLS_CERT_FILE" example:"/etc/sallyport/tls.crt" doc:"PEM certificate chain. With SALLYPORT_TLS_KEY_FILE the proxy listener serves TLS 1.2 and later and HTTP/2; both files are read again when they change."`
	TLSKeyFile     string   `env:"SALLYPORT_TLS_KEY_FILE" example:"/etc/sallyport/tls.key" doc:"PEM private key of SALLYPORT_TLS_CERT_FILE."`
	TrustedProxies []string `env:"SALLYPORT_TRUSTED_PROXIES" example:"10.0.0.0/8" doc:"Networks (CIDR) of the reverse proxies in front of Sallyport; the word unix means peers on a unix socket. Their X-Forwarded-* and Forwarded fields are believed; everyone else's are removed."`
	ProxyProtocol  string   `env:"SALLYPORT_PROXY_PROTOCOL" envDefault:"off" oneof:"off|accept|require" doc:"Whether a connection may begin with a PROXY protocol header (version 1 or 2) that states the client, from peers in SALLYPORT_TRUSTED_PROXIES alone; from others it ends the connection. With require, connections without one are closed, and so are those of other peers. For load balancers that pass TCP on without looking into it."`
	AllowedHosts   []string `env:"SALLYPORT_ALLOWED_HOSTS" example:"app.internal" doc:"Hosts served beside the public URL's. A request for any other host gets 421."`
	Prefix         string   `env:"SALLYPORT_PREFIX" envDefault:"/oauth2" doc:"Where Sallyport's own endpoints live, below the public URL."`
	InsecureHTTP   bool     `env:"SALLYPORT_INSECURE_HTTP" envDefault:"false" doc:"Allows http:// for a public URL or an issuer whose host is not loopback. Sessions and tokens then travel in the clear."`
}

// UpstreamConfig says where allowed requests go.
type UpstreamConfig struct {
	URL           string        `env:"SALLYPORT_UPSTREAM" default:"required unless SALLYPORT_FORWARD_AUTH is only" example:"http://127.0.0.1:8080" doc:"The app: http://, https:// or h2c:// with host and port, or unix:///path."`
	ForwardAuth   string        `env:"SALLYPORT_FORWARD_AUTH" envDefault:"on" oneof:"on|off|only" doc:"Whether another proxy may ask at /oauth2/auth what would become of a request, and serve the app itself (nginx auth_request, Traefik, Caddy, HAProxy, Apache, Envoy); it must be in SALLYPORT_TRUSTED_PROXIES. With only, there is no app behind Sallyport."`
	Timeout       time.Duration `env:"SALLYPORT_UPSTREAM_TIMEOUT" envDefault:"60s" doc:"How long the app may take until its response headers. What streams after them has no limit."`
	CAFile        string        `env:"SALLYPORT_UPSTREAM_CA_FILE" default:"the system's" example:"/etc/sallyport/upstream-ca.pem" doc:"PEM certificates to trust for an https:// upstream, instead of the system's."`
	PassHost      bool          `env:"SALLYPORT_UPSTREAM_PASS_HOST" envDefault:"true" doc:"Send the client's Host to the app instead of the upstream's own."`
	Health        string        `env:"SALLYPORT_UPSTREAM_HEALTH" envDefault:"off" example:"/healthz" doc:"Whether /readyz also asks how the app is, at most every five seconds: connect opens a connection, a path is asked for with GET and has to answer from 200 to 399. With off, an outage of the app leaves Sallyport ready and people see its 502 page."`
	HealthTimeout time.Duration `env:"SALLYPORT_UPSTREAM_HEALTH_TIMEOUT" envDefault:"1s" doc:"How long the app may take for that; at most 2s."`
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

// CORSConfig says which pages of other origins may read answers.
type CORSConfig struct {
	Origins     []string      `env:"SALLYPORT_CORS_ORIGINS" example:"https://front.example.com" doc:"Origins whose scripts may call the app and read what it answers: Sallyport answers their preflights, and sets the CORS fields of the app's answers that have none and of its own 401 and other refusals. Exact origins, as browsers write them; there is no wildcard."`
	Methods     []string      `env:"SALLYPORT_CORS_METHODS" envDefault:"GET,HEAD,POST,PUT,PATCH,DELETE" doc:"Methods that those scripts may use."`
	Headers     []string      `env:"SALLYPORT_CORS_HEADERS" envDefault:"Content-Type" example:"Content-Type,X-Requested-With" doc:"Headers that those scripts may set, beside the few that every page may."`
	MaxAge      time.Duration `env:"SALLYPORT_CORS_MAX_AGE" envDefault:"10m" doc:"How long browsers keep the answer to a preflight; 0s = not at all."`
	Credentials bool          `env:"SALLYPORT_CORS_CREDENTIALS" envDefault:"true" doc:"Let those scripts send cookies, without which nobody is signed in. A script of another site has none in any case unless SALLYPORT_COOKIE_SAMESITE is none."`
}

// HeadersConfig says what the app receives beside the identity headers.
type HeadersConfig struct {
	PassAccessToken   bool        `env:"SALLYPORT_PASS_ACCESS_TOKEN" envDefault:"false" doc:"Send the access token as X-Forwarded-Access-Token."`
	PassIDToken       bool        `env:"SALLYPORT_PASS_ID_TOKEN" envDefault:"false" doc:"Send the ID token as X-Forwarded-Id-Token."`
	PassAuthorization string      `env:"SALLYPORT_PASS_AUTHORIZATION" envDefault:"none" oneof:"none|access_token|id_token|basic" doc:"Replace Authorization: by Bearer and this token, or by Basic with the person's user name and SALLYPORT_BASIC_PASSWORD, for apps that know nothing else. With none the client's own Authorization passes."`
	BasicUser         string      `env:"SALLYPORT_BASIC_USER" envDefault:"user" oneof:"user|email|name" doc:"Whose claim is the user name of SALLYPORT_PASS_AUTHORIZATION=basic: that of SALLYPORT_CLAIM_USER, SALLYPORT_CLAIM_EMAIL or SALLYPORT_CLAIM_NAME. Who has none, or one with a colon or a control character, gets 403."`
	BasicPassword     secret.Text `env:"SALLYPORT_BASIC_PASSWORD" default:"required with SALLYPORT_PASS_AUTHORIZATION=basic" example:"the output of: openssl rand -hex 32" doc:"The password that SALLYPORT_PASS_AUTHORIZATION=basic sends, the same for everybody. Who knows it and reaches the app is anybody there."`
	PassAssertion     bool        `env:"SALLYPORT_PASS_ASSERTION" envDefault:"true" doc:"Send X-Sallyport-Assertion, a signed statement of who is asking that the app can verify with the keys at /oauth2/jwks. Without it there are no such keys."`
	AssertionAudience string      `env:"SALLYPORT_ASSERTION_AUDIENCE" default:"the public URL" example:"https://app.example.com" doc:"aud of X-Sallyport-Assertion: the name of the app that is to accept it."`
	Claims            []string    `env:"SALLYPORT_HEADERS" example:"X-Department=department,X-Roles=realm_access.roles" doc:"Further headers that tell the app of claims, as Header=claim. Several values of a claim are separated by commas; % and , inside a value are percent-encoded. From clients these headers are removed. After a change, people who are signed in have them from the next refresh or sign-in on."`
	Encoding          string      `env:"SALLYPORT_HEADER_ENCODING" envDefault:"utf-8" oneof:"utf-8|percent" doc:"How claims are written in headers: as they are, in UTF-8, or with everything that is not printable ASCII, and %, percent-encoded, for apps that read headers as Latin-1. Tokens and the assertion are ASCII anyway."`
	PassClientHeaders []string    `env:"SALLYPORT_PASS_CLIENT_HEADERS" example:"X-HTTP-Method-Override" doc:"Fields from clients that pass although they are removed by default. Sallyport's own names are refused."`
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
