package oidcrp

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/sallyport/sallyport/idp"
	"github.com/sallyport/sallyport/internal/fault"
	"github.com/sallyport/sallyport/internal/secret"
	"github.com/sallyport/sallyport/session"
	"github.com/sallyport/sallyport/session/memstore"
)

// world is a relying party with a real session manager, in front of nothing.
type world struct {
	t        *testing.T
	idp      *hostile
	site     *httptest.Server
	client   *Client
	sessions *session.Manager
	store    *failingStore
	pages    *pageRecorder
	log      *logBuffer
	registry *prometheus.Registry
	jar      *cookiejar.Jar
	now      func() time.Time
}

// failingStore fails on demand.
type failingStore struct {
	*memstore.Store
	mu        sync.Mutex
	createErr error
	deleteErr error
	getErr    error
}

func (s *failingStore) err(e *error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return *e
}

func (s *failingStore) Create(ctx context.Context, h session.Handle, r session.Record) error {
	if err := s.err(&s.createErr); err != nil {
		return err
	}
	return s.Store.Create(ctx, h, r)
}

func (s *failingStore) CreateMarked(ctx context.Context, h session.Handle, r session.Record, marks []session.Mark, until time.Time) error {
	if err := s.err(&s.createErr); err != nil {
		return err
	}
	return s.Store.CreateMarked(ctx, h, r, marks, until)
}

func (s *failingStore) Get(ctx context.Context, h session.Handle) (session.Record, error) {
	if err := s.err(&s.getErr); err != nil {
		return session.Record{}, err
	}
	return s.Store.Get(ctx, h)
}

func (s *failingStore) Delete(ctx context.Context, h session.Handle) error {
	if err := s.err(&s.deleteErr); err != nil {
		return err
	}
	return s.Store.Delete(ctx, h)
}

var errStoreDown = errors.New("the store is down")

// newWorld makes a relying party for the provider and waits for discovery;
// change may alter its configuration.
func newWorld(t *testing.T, h *hostile, change func(*Config)) *world {
	t.Helper()
	w := prepareWorld(t, h, change)
	if err := w.client.discover(t.Context()); err != nil {
		t.Fatalf("discovery: %v", err)
	}
	return w
}

// prepareWorld is newWorld without discovery.
func prepareWorld(t *testing.T, h *hostile, change func(*Config)) *world {
	t.Helper()
	w := &world{t: t, idp: h, pages: &pageRecorder{}, log: &logBuffer{}, registry: prometheus.NewRegistry(), now: time.Now}
	mux := http.NewServeMux()
	w.site = httptest.NewServer(mux)
	t.Cleanup(w.site.Close)
	public, err := url.Parse(w.site.URL)
	must(t, err)
	cookies, err := session.NewCookies(session.CookieConfig{Name: "sallyport"})
	must(t, err)
	keys, err := session.NewKeyRing([]session.Key{session.GenerateKey()}, w.site.URL+"|"+testClient)
	must(t, err)
	mem, err := memstore.New(memstore.Config{})
	must(t, err)
	w.store = &failingStore{Store: mem}
	returns, err := session.NewReturnPolicy(session.ReturnConfig{PublicURL: public, Prefix: "/oauth2", AllowedOrigins: []string{"https://partner.example.com"}})
	must(t, err)
	logger := slog.New(slog.NewJSONHandler(w.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	w.sessions, err = session.NewManager(session.Config{
		Store: w.store, Keys: keys, Cookies: cookies, MaxAge: 12 * time.Hour, Home: returns.Home(), Logger: logger,
	})
	must(t, err)
	cfg := Config{
		ID: "generic", Issuer: h.URL, ClientID: testClient,
		ClientSecret: func() secret.Text { return secret.New(testSecret) },
		ClientAuth:   ClientSecretBasic, SigningAlgs: signingAlgs[:], Scopes: []string{"openid", "profile", "email"},
		Userinfo: UserinfoAuto, Claims: ClaimNames{User: "sub", Email: "email", Name: "preferred_username", Groups: "groups"},
		EmailVerified: EmailAllowMissing,
		RedirectURL:   w.site.URL + "/oauth2/callback", PostLogoutRedirectURL: w.site.URL + "/oauth2/logout/callback",
		Prefix: "/oauth2", Timeout: 5 * time.Second,
		Sessions: w.sessions, Logins: w.sessions, Pages: w.pages, Returns: returns,
		IsNavigation: func(r *http.Request) bool { return r.Header.Get("Sec-Fetch-Mode") != "cors" },
		Now:          func() time.Time { return w.now() }, Logger: logger, Registerer: w.registry,
	}
	if change != nil {
		change(&cfg)
	}
	w.client, err = New(cfg)
	must(t, err)
	w.mount(mux, w.client)
	w.newBrowser()
	return w
}

// mount serves the relying parties' endpoints, and an app that says who is asking.
func (w *world) mount(mux *http.ServeMux, clients ...*Client) {
	cfg := &w.client.cfg
	all := make([]idp.Provider, len(clients))
	for i, c := range clients {
		all[i] = c
	}
	providers, err := idp.NewProviders(idp.ProvidersConfig{
		Providers: all, Prefix: cfg.Prefix, LoginURL: w.site.URL + cfg.Prefix + "/login",
		Sessions: cfg.Sessions, Logins: cfg.Logins, Browsers: w.sessions, Pages: w.pages, Returns: cfg.Returns, IsNavigation: cfg.IsNavigation,
		Now: cfg.Now, Logger: cfg.Logger, Registerer: cfg.Registerer,
	})
	must(w.t, err)
	for _, route := range providers.Routes() {
		mux.Handle("/oauth2"+route.Path, route.Handler)
	}
	mux.HandleFunc("/", func(rw http.ResponseWriter, r *http.Request) {
		s, err := w.sessions.Authenticate(r)
		if no, ok := errors.AsType[*session.NoSessionError](err); ok {
			to, err := w.client.cfg.Returns.Parse(r.URL.RequestURI())
			if err != nil {
				to = session.ReturnTo{}
			}
			providers.Begin(rw, r, session.SignIn{To: to, Attempt: no.Attempt})
			return
		}
		if err != nil {
			w.pages.Fault(rw, r, fault.New(fault.StoreUnavailable, err))
			return
		}
		_, _ = rw.Write([]byte("hello " + s.Identity.User + " at " + r.URL.RequestURI()))
	})
}

func (w *world) newBrowser() {
	jar, err := cookiejar.New(nil)
	must(w.t, err)
	w.jar = jar
}

// ask sends one request with the browser's cookies and follows no redirect.
func (w *world) ask(method, address string, change func(*http.Request)) *http.Response {
	w.t.Helper()
	if strings.HasPrefix(address, "/") {
		address = w.site.URL + address
	}
	req, err := http.NewRequestWithContext(w.t.Context(), method, address, nil)
	must(w.t, err)
	if change != nil {
		change(req)
	}
	c := &http.Client{Jar: w.jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := c.Do(req)
	must(w.t, err)
	w.t.Cleanup(func() { _ = res.Body.Close() })
	return res
}

func (w *world) get(address string) *http.Response { return w.ask(http.MethodGet, address, nil) }

// callbackFor begins a sign-in at path and returns the address that the provider
// sends the browser back to, without going there.
func (w *world) callbackFor(path string) string {
	w.t.Helper()
	res := w.get(path)
	if res.StatusCode != http.StatusFound {
		w.t.Fatalf("GET %s: status %d, want 302: %s", path, res.StatusCode, drain(res))
	}
	res = w.get(res.Header.Get("Location"))
	if res.StatusCode != http.StatusFound {
		w.t.Fatalf("the provider: status %d: %s", res.StatusCode, drain(res))
	}
	return res.Header.Get("Location")
}

// signIn goes the whole way and returns the answer of the callback.
func (w *world) signIn(path string) *http.Response {
	w.t.Helper()
	return w.get(w.callbackFor(path))
}

// signedIn reports who the app greets.
func (w *world) signedIn() string {
	w.t.Helper()
	res := w.get("/")
	if res.StatusCode != http.StatusOK {
		return ""
	}
	user, _, _ := strings.Cut(strings.TrimPrefix(drain(res), "hello "), " at ")
	return user
}

// wantFault fails unless res is the page of that code and nobody is signed in.
func (w *world) wantFault(res *http.Response, code fault.Code) {
	w.t.Helper()
	if got := res.Header.Get("Sallyport-Error"); got != string(code) {
		w.t.Errorf("answer %d %q, want the fault %s; log:\n%s", res.StatusCode, got, code, w.log)
	}
	if res.Header.Get("Cache-Control") != "no-store" {
		w.t.Errorf("Cache-Control = %q, want no-store", res.Header.Get("Cache-Control"))
	}
	if user := w.signedIn(); user != "" {
		w.t.Errorf("signed in as %q after %s", user, code)
	}
}

// pageRecorder stands for the pages: the code is in Sallyport-Error, as it is with
// the real ones.
type pageRecorder struct {
	mu        sync.Mutex
	shown     []string
	remains   bool
	signInURL string
	action    string
	rd        string
}

func (p *pageRecorder) Fault(w http.ResponseWriter, _ *http.Request, e *fault.Error) {
	w.Header().Set("Sallyport-Error", string(e.Code))
	w.Header().Set("Retry-Url", e.RetryURL)
	w.WriteHeader(e.Status)
	_, _ = w.Write([]byte(e.Title + " " + e.Detail + " " + e.Hint))
}

func (p *pageRecorder) SignedOut(w http.ResponseWriter, _ *http.Request, signInURL string, remains bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.shown, p.signInURL, p.remains = append(p.shown, "signed out"), signInURL, remains
	_, _ = w.Write([]byte("signed out"))
}

func (p *pageRecorder) ConfirmSignOut(w http.ResponseWriter, _ *http.Request, action, rd string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.shown, p.action, p.rd = append(p.shown, "confirm"), action, rd
	_, _ = w.Write([]byte("confirm"))
}

func (p *pageRecorder) ChooseProvider(w http.ResponseWriter, _ *http.Request, _ idp.Choice) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.shown = append(p.shown, "choose")
	_, _ = w.Write([]byte("choose"))
}

// logBuffer collects the log.
type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// logoutsCounted is the value of sallyport_logouts_total for a kind.
func (w *world) logoutsCounted(kind idp.LogoutKind) float64 {
	w.t.Helper()
	families, err := w.registry.Gather()
	must(w.t, err)
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if f.GetName() == "sallyport_logouts_total" && m.GetLabel()[0].GetValue() == string(kind) {
				return m.GetCounter().GetValue()
			}
		}
	}
	w.t.Fatalf("sallyport_logouts_total has no series %s", kind)
	return 0
}

// loseSessions is what a second replica with a memory store of its own looks like:
// the cookies are good, the sessions are not there.
func (w *world) loseSessions() {
	w.t.Helper()
	mem, err := memstore.New(memstore.Config{})
	must(w.t, err)
	w.store.mu.Lock()
	defer w.store.mu.Unlock()
	w.store.Store = mem
}
