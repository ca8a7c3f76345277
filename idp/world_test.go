package idp_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/idp"
	"github.com/sallyport/sallyport/internal/fault"
	"github.com/sallyport/sallyport/internal/secret"
	"github.com/sallyport/sallyport/session"
	"github.com/sallyport/sallyport/session/memstore"
)

// fakeProvider redirects to addresses that say what it was asked for.
type fakeProvider struct {
	about    idp.About
	issuer   string
	clientID string // of its sessions' ID tokens, which are just that; "" = any
	notReady error
	signOut  string // "" = it has none
	ended    []*session.Session
	asked    []string // Refresh and Revoke
}

func (p *fakeProvider) About() idp.About             { return p.about }
func (p *fakeProvider) AdmitsIssuer(iss string) bool { return iss == p.issuer }
func (p *fakeProvider) Issued(s *session.Session) bool {
	return p.AdmitsIssuer(s.Identity.Issuer) && (p.clientID == "" || p.clientID == s.Grant.IDToken.Reveal())
}
func (p *fakeProvider) Ready() error                 { return p.notReady }
func (p *fakeProvider) Mode(*session.Session) string { return "mode of " + p.about.ID }

func (p *fakeProvider) Begin(w http.ResponseWriter, r *http.Request, s session.SignIn) {
	http.Redirect(w, r, "https://"+p.about.ID+".example/begin?to="+s.To.String(), http.StatusFound)
}

func (p *fakeProvider) Login(w http.ResponseWriter, r *http.Request) {
	http.Redirect(w, r, "https://"+p.about.ID+".example/login?"+r.URL.RawQuery, http.StatusFound)
}

func (p *fakeProvider) SignOut(_ context.Context, ended *session.Session, state string) string {
	p.ended = append(p.ended, ended)
	if p.signOut == "" {
		return ""
	}
	return p.signOut + "?state=" + state
}

func (p *fakeProvider) Routes() []idp.Route {
	return []idp.Route{{Path: "/callback/" + p.about.ID, Name: "callback", Methods: []string{http.MethodGet}, Handler: http.NotFoundHandler()}}
}

func (p *fakeProvider) Refresh(context.Context, *session.Session) (session.Renewal, error) {
	p.asked = append(p.asked, "refresh")
	return session.Renewal{}, nil
}

func (p *fakeProvider) Revoke(*session.Session) { p.asked = append(p.asked, "revoke") }

// fakePages say what was shown.
type fakePages struct {
	shown   []string
	signIn  string
	remains bool
	choice  idp.Choice
}

func (p *fakePages) Fault(w http.ResponseWriter, _ *http.Request, e *fault.Error) {
	w.Header().Set("Sallyport-Error", string(e.Code))
	w.WriteHeader(e.Status)
}

func (p *fakePages) SignedOut(_ http.ResponseWriter, _ *http.Request, signIn string, remains bool) {
	p.shown, p.signIn, p.remains = append(p.shown, "signed out"), signIn, remains
}

func (p *fakePages) ConfirmSignOut(http.ResponseWriter, *http.Request, string, string) {
	p.shown = append(p.shown, "confirm")
}

func (p *fakePages) ChooseProvider(_ http.ResponseWriter, _ *http.Request, c idp.Choice) {
	p.shown, p.choice = append(p.shown, "choose"), c
}

// brokenStore fails to delete on demand.
type brokenStore struct {
	*memstore.Store
	broken bool
}

func (s *brokenStore) Delete(ctx context.Context, h session.Handle) error {
	if s.broken {
		return errors.New("the store is down")
	}
	return s.Store.Delete(ctx, h)
}

// world is a site with a real session manager.
type world struct {
	t         *testing.T
	site      *httptest.Server
	jar       http.CookieJar
	providers *idp.Providers
	manager   *session.Manager
	store     *brokenStore
	pages     *fakePages
}

func staff() *fakeProvider {
	return &fakeProvider{
		about:  idp.About{ID: "staff", Title: "Staff", EmailDomains: []string{"corp.example", "shared.example"}},
		issuer: "https://staff.example", signOut: "https://staff.example/out",
	}
}

func partner() *fakeProvider {
	return &fakeProvider{
		about:  idp.About{ID: "partner", Title: "Partners", EmailDomains: []string{"partner.example", "shared.example"}},
		issuer: "https://partner.example", signOut: "https://partner.example/out",
	}
}

func newWorld(t *testing.T, change func(*idp.ProvidersConfig), all ...idp.Provider) *world {
	t.Helper()
	mux := http.NewServeMux()
	w := &world{t: t, site: httptest.NewServer(mux), pages: &fakePages{}}
	t.Cleanup(w.site.Close)
	public := parse(t, w.site.URL)
	returns, err := session.NewReturnPolicy(session.ReturnConfig{PublicURL: public, Prefix: "/oauth2"})
	must(t, err)
	keys, err := session.NewKeyRing([]session.Key{session.GenerateKey()}, "site")
	must(t, err)
	cookies, err := session.NewCookies(session.CookieConfig{Name: "sallyport"})
	must(t, err)
	mem, err := memstore.New(memstore.Config{})
	must(t, err)
	w.store = &brokenStore{Store: mem}
	w.manager, err = session.NewManager(session.Config{
		Store: w.store, Keys: keys, Cookies: cookies, MaxAge: time.Hour, Home: returns.Home(), RemembersProvider: len(all) > 1,
	})
	must(t, err)
	cfg := idp.ProvidersConfig{
		Providers: all, Prefix: "/oauth2", LoginURL: w.site.URL + "/oauth2/login",
		Sessions: w.manager, Logins: w.manager, Browsers: w.manager, Pages: w.pages, Returns: returns,
		IsNavigation: func(r *http.Request) bool { return r.Header.Get("Sec-Fetch-Mode") != "cors" },
	}
	if change != nil {
		change(&cfg)
	}
	w.providers, err = idp.NewProviders(cfg)
	must(t, err)
	for _, route := range w.providers.Routes() {
		mux.Handle("/oauth2"+route.Path, route.Handler)
	}
	mux.HandleFunc("/start", func(rw http.ResponseWriter, r *http.Request) {
		_, err := w.manager.Start(rw, r, session.Login{
			IdP: r.URL.Query().Get("idp"), Identity: session.Identity{Issuer: "i", Subject: "alice"},
			Grant: session.Grant{IDToken: secret.New("t")},
		})
		must(t, err)
	})
	mux.HandleFunc("/", func(rw http.ResponseWriter, r *http.Request) {
		to, err := returns.Parse(r.URL.RequestURI())
		must(t, err)
		w.providers.Begin(rw, r, session.SignIn{To: to, IdP: r.Header.Get("Only")})
	})
	w.jar, err = cookiejar.New(nil)
	must(t, err)
	return w
}

// get asks for a path with the browser's cookies and follows nothing.
func (w *world) get(path string, change ...func(*http.Request)) *http.Response {
	w.t.Helper()
	r, err := http.NewRequestWithContext(w.t.Context(), http.MethodGet, w.site.URL+path, nil)
	must(w.t, err)
	for _, f := range change {
		f(r)
	}
	c := &http.Client{Jar: w.jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	w.pages.shown = nil
	res, err := c.Do(r)
	must(w.t, err)
	must(w.t, res.Body.Close())
	return res
}

// led is where a path leads, "" for nowhere.
func (w *world) led(path string) string {
	w.t.Helper()
	return strings.TrimPrefix(w.get(path).Header.Get("Location"), w.site.URL)
}

// signedIn has the browser signed in at a provider.
func (w *world) signedIn(id string) { w.get("/start?idp=" + id) }

// loseSessions ends every session as their limits do: the browser keeps its cookie.
func (w *world) loseSessions() {
	w.t.Helper()
	mem, err := memstore.New(memstore.Config{})
	must(w.t, err)
	w.store.Store = mem
}

func (w *world) wantPage(name string) {
	w.t.Helper()
	if !slices.Equal(w.pages.shown, []string{name}) {
		w.t.Errorf("shown: %q, want the page %q", w.pages.shown, name)
	}
}

func parse(t *testing.T, address string) *url.URL {
	t.Helper()
	u, err := url.Parse(address)
	must(t, err)
	return u
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
