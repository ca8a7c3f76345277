package demoidp_test

import (
	"context"
	"crypto/rand"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"github.com/sallyport/sallyport/idp/demoidp"
)

const (
	clientID     = "app"
	clientSecret = "app-secret"
	redirectURI  = "http://app.example/oauth2/callback"
	signedOutURI = "http://app.example/oauth2/logout/callback"
)

// world is a running provider, an independent relying party (x/oauth2 and
// go-oidc) and one browser.
type world struct {
	t        *testing.T
	idp      *demoidp.Provider
	issuer   string
	provider *oidc.Provider
	oauth    *oauth2.Config
	browser  *http.Client
}

func newWorld(t *testing.T, change func(*demoidp.Config)) *world {
	t.Helper()
	server := httptest.NewUnstartedServer(nil)
	cfg := demoidp.Config{
		Issuer: "http://" + server.Listener.Addr().String(),
		Clients: []demoidp.Client{{
			ID: clientID, Secret: clientSecret,
			RedirectURIs:           []string{redirectURI},
			PostLogoutRedirectURIs: []string{signedOutURI},
		}},
	}
	if change != nil {
		change(&cfg)
	}
	idp, err := demoidp.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	server.Config.Handler = idp.Handler()
	server.Start()
	t.Cleanup(server.Close)
	t.Cleanup(idp.WaitDeliveries)

	provider, err := oidc.NewProvider(t.Context(), cfg.Issuer)
	if err != nil {
		t.Fatal(err)
	}
	endpoint := provider.Endpoint()
	endpoint.AuthStyle = oauth2.AuthStyleInHeader
	return &world{
		t: t, idp: idp, issuer: cfg.Issuer, provider: provider, browser: newBrowser(t),
		oauth: &oauth2.Config{
			ClientID: clientID, ClientSecret: clientSecret, RedirectURL: redirectURI,
			Endpoint: endpoint, Scopes: []string{"openid", "profile", "email"},
		},
	}
}

// newBrowser keeps cookies, and stops where a redirect leaves for the client.
func newBrowser(t *testing.T) *http.Client {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &http.Client{Jar: jar, CheckRedirect: func(r *http.Request, _ []*http.Request) error {
		if r.URL.Host == "app.example" {
			return http.ErrUseLastResponse
		}
		return nil
	}}
}

// attempt is one sign-in as the relying party remembers it.
type attempt struct {
	state, nonce, verifier string
	url                    string
}

func (w *world) begin(extra ...oauth2.AuthCodeOption) attempt {
	a := attempt{state: rand.Text(), nonce: rand.Text(), verifier: oauth2.GenerateVerifier()}
	options := append([]oauth2.AuthCodeOption{oidc.Nonce(a.nonce), oauth2.S256ChallengeOption(a.verifier)}, extra...)
	a.url = w.oauth.AuthCodeURL(a.state, options...)
	return a
}

// page is where the browser ended.
type page struct {
	status   int
	at       *url.URL
	location *url.URL // of a redirect to the client, nil otherwise
	body     string
	header   http.Header
}

func (w *world) get(address string) page {
	w.t.Helper()
	response, err := w.browser.Get(address)
	return w.read(response, err)
}

func (w *world) post(address string, form url.Values) page {
	w.t.Helper()
	response, err := w.browser.PostForm(address, form)
	return w.read(response, err)
}

func (w *world) read(response *http.Response, err error) page {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	p := page{status: response.StatusCode, at: response.Request.URL, body: string(body), header: response.Header}
	if response.StatusCode == http.StatusFound {
		if p.location, err = response.Location(); err != nil {
			w.t.Fatal(err)
		}
	}
	return p
}

// pick chooses a person on the account picker that p shows.
func (w *world) pick(p page, person string) page {
	w.t.Helper()
	if !strings.Contains(p.body, `data-person="`+person+`"`) {
		w.t.Fatalf("no account picker with %q at %s: %d\n%s", person, p.at, p.status, p.body)
	}
	return w.post(w.issuer+"/login", url.Values{"id": {p.at.Query().Get("id")}, "person": {person}})
}

// answer returns the parameters of the redirect to the client and checks those
// that every answer has.
func (w *world) answer(a attempt, p page) url.Values {
	w.t.Helper()
	if p.location == nil || !strings.HasPrefix(p.location.String(), redirectURI) {
		w.t.Fatalf("no redirect to the client: %d at %s\n%s", p.status, p.at, p.body)
	}
	q := p.location.Query()
	if q.Get("state") != a.state || q.Get("iss") != w.issuer {
		w.t.Fatalf("state %q and iss %q, want %q and %q", q.Get("state"), q.Get("iss"), a.state, w.issuer)
	}
	return q
}

// claims are those of an ID token that the tests look at.
type claims struct {
	Subject    string   `json:"sub"`
	SID        string   `json:"sid"`
	Name       string   `json:"name"`
	Username   string   `json:"preferred_username"`
	Email      string   `json:"email"`
	Verified   *bool    `json:"email_verified"`
	Groups     []string `json:"groups"`
	AuthTime   int64    `json:"auth_time"`
	ACR        string   `json:"acr"`
	AMR        []string `json:"amr"`
	Department string   `json:"department"`
}

// verify checks the ID token of token as a relying party does.
func (w *world) verify(token *oauth2.Token, nonce string) claims {
	w.t.Helper()
	raw, _ := token.Extra("id_token").(string)
	id, err := w.provider.VerifierContext(w.t.Context(), &oidc.Config{ClientID: clientID}).Verify(w.t.Context(), raw)
	if err != nil {
		w.t.Fatal(err)
	}
	if id.Nonce != nonce {
		w.t.Fatalf("nonce %q, want %q", id.Nonce, nonce)
	}
	if err := id.VerifyAccessToken(token.AccessToken); err != nil {
		w.t.Fatal(err)
	}
	var c claims
	if err := id.Claims(&c); err != nil {
		w.t.Fatal(err)
	}
	return c
}

func (w *world) redeem(a attempt, code string) (*oauth2.Token, error) {
	return w.oauth.Exchange(w.t.Context(), code, oauth2.VerifierOption(a.verifier))
}

// signIn goes the whole way, picking person.
func (w *world) signIn(person string, extra ...oauth2.AuthCodeOption) (*oauth2.Token, claims) {
	w.t.Helper()
	a := w.begin(extra...)
	code := w.answer(a, w.pick(w.get(a.url), person)).Get("code")
	token, err := w.redeem(a, code)
	if err != nil {
		w.t.Fatal(err)
	}
	return token, w.verify(token, a.nonce)
}

// refresh presents a refresh token, without a cache in between.
func (w *world) refresh(refreshToken string) (*oauth2.Token, error) {
	return w.oauth.TokenSource(context.WithoutCancel(w.t.Context()), &oauth2.Token{RefreshToken: refreshToken}).Token()
}

func promptLogin() oauth2.AuthCodeOption { return oauth2.SetAuthURLParam("prompt", "login") }
