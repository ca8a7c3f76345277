package oidcrp

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/idp"
	"github.com/sallyport/sallyport/internal/fault"
	"github.com/sallyport/sallyport/internal/secret"
	"github.com/sallyport/sallyport/session"
)

// severalWorld is a site with the provider h, whose redirect URI is the plain one, and
// another one named partner, which may be the same: then as another client.
func severalWorld(t *testing.T, h, other *hostile, change func(*Config)) (w *world, partner *Client) {
	t.Helper()
	w = newWorld(t, h, func(c *Config) { c.Ends = c.Sessions.(*session.Manager) })
	cfg := w.client.cfg
	cfg.ID, cfg.Issuer, cfg.OwnPaths = "partner", other.URL, true
	cfg.RedirectURL = w.site.URL + "/oauth2/callback/partner"
	if change != nil {
		change(&cfg)
	}
	partner, err := New(cfg)
	must(t, err)
	must(t, partner.discover(t.Context()))
	mux := http.NewServeMux()
	w.mount(mux, w.client, partner)
	w.site.Config.Handler = mux
	return w, partner
}

func (w *world) tokenRequests(of ...*hostile) (n int) {
	for _, h := range of {
		n += len(h.got("/token"))
	}
	return n
}

func TestSignInAtEachOfSeveral(t *testing.T) {
	for id, callback := range map[string]string{"generic": "/oauth2/callback", "partner": "/oauth2/callback/partner"} {
		h, other := newHostile(t), newHostile(t)
		w, _ := severalWorld(t, h, other, nil)
		back := mustURL(t, w.callbackFor("/oauth2/login?rd=%2Freports&idp="+id))
		if back.Path != callback {
			t.Errorf("%s: back to %s, want %s", id, back.Path, callback)
		}
		if got := w.get(back.String()).Header.Get("Location"); got != "/reports" {
			t.Errorf("%s: leads to %q", id, got)
		}
		if user := w.signedIn(); user != "alice" {
			t.Errorf("%s: signed in as %q", id, user)
		}
	}
}

// OF-13, RFC 9700 §4.4: an answer that does not come to the address of the provider that
// the sign-in went to, or names another issuer, is refused before any code is redeemed,
// and the sign-in itself may still be finished.
func TestAnswersAreNotMixedUp(t *testing.T) {
	tests := []struct {
		name, begin string
		change      func(back *url.URL, otherIssuer string)
	}{
		{"of the first at the second's address", "generic", func(back *url.URL, _ string) { back.Path = "/oauth2/callback/partner" }},
		{"of the second at the first's address", "partner", func(back *url.URL, _ string) { back.Path = "/oauth2/callback" }},
		{"with the other's iss", "generic", func(back *url.URL, other string) { setQuery(back, "iss", other) }},
		{"with the other's iss at the other's address", "generic", func(back *url.URL, other string) {
			back.Path = "/oauth2/callback/partner"
			setQuery(back, "iss", other)
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h, other := newHostile(t), newHostile(t)
			w, _ := severalWorld(t, h, other, nil)
			back := mustURL(t, w.callbackFor("/oauth2/login?idp="+tt.begin))
			mixed := *back
			tt.change(&mixed, other.URL)
			res := w.get(mixed.String())
			w.wantFault(res, fault.IssuerMismatch)
			if n := w.tokenRequests(h, other); n != 0 {
				t.Errorf("%d token requests, want none", n)
			}
			if w.get(back.String()); w.signedIn() != "alice" {
				t.Error("the sign-in cannot be finished any more")
			}
		})
	}
}

// OT-26: an ID token of one provider, however good and even with a nonce that fits, says
// nothing at another whose keys are the same.
func TestTokensOfAnotherProvider(t *testing.T) {
	h, other := newHostile(t), newHostile(t)
	w, _ := severalWorld(t, h, other, nil)
	w.get(w.callbackFor("/oauth2/login?idp=partner")) // its keys are known
	if w.signedIn() != "alice" {
		t.Fatal("the partner signs nobody in")
	}
	w.newBrowser()
	h.set(func() {
		h.idToken = func(claims map[string]any) any {
			claims["iss"] = other.URL
			return other.sign(other.alg, other.kid, other.key, claims)
		}
	})
	w.wantFault(w.get(w.callbackFor("/oauth2/login?idp=generic")), fault.IDTokenInvalid)
}

// Two clients of one issuer are two providers all the same.
func TestTwoClientsOfOneIssuer(t *testing.T) {
	h := newHostile(t)
	w, _ := severalWorld(t, h, h, func(c *Config) { c.ClientID = "another-client" })
	back := mustURL(t, w.callbackFor("/oauth2/login?idp=generic"))
	mixed := *back
	mixed.Path = "/oauth2/callback/partner"
	w.wantFault(w.get(mixed.String()), fault.IssuerMismatch)
	if n := w.tokenRequests(h); n != 0 {
		t.Errorf("%d token requests, want none", n)
	}
	w.get(back.String())

	// Logout tokens are told apart by address and audience.
	for path, want := range map[string]struct {
		aud    string
		status int
	}{
		"/oauth2/logout/backchannel/partner": {testClient, http.StatusBadRequest},
		"/oauth2/logout/backchannel":         {"another-client", http.StatusBadRequest},
	} {
		token := h.logoutToken(map[string]any{"aud": want.aud}, nil)
		res, err := http.Post(w.site.URL+path, "application/x-www-form-urlencoded", strings.NewReader("logout_token="+token))
		must(t, err)
		if res.Body.Close(); res.StatusCode != want.status {
			t.Errorf("%s for %s: %d, want %d", path, want.aud, res.StatusCode, want.status)
		}
	}
	if user := w.signedIn(); user != "alice" {
		t.Errorf("signed in as %q", user)
	}
	if res := w.tell(h.logoutToken(nil, nil)); res.StatusCode != http.StatusOK {
		t.Errorf("the right one: %d", res.StatusCode)
	}
	if user := w.signedIn(); user != "" {
		t.Errorf("still signed in as %q", user)
	}
}

// What the provider says ends its own sessions, and no other provider's with that sid.
func TestLogoutFromOneProvider(t *testing.T) {
	h, other := newHostile(t), newHostile(t)
	w, _ := severalWorld(t, h, other, nil)
	w.get(w.callbackFor("/oauth2/login?idp=partner"))
	if res := w.tell(h.logoutToken(nil, nil)); res.StatusCode != http.StatusOK {
		t.Fatalf("the first's word: %d", res.StatusCode)
	}
	w.get("/oauth2/logout/frontchannel?sid=idp-session-1")
	if user := w.signedIn(); user != "alice" {
		t.Fatal("the first provider ended a session of the second's")
	}
	w.get("/oauth2/logout/frontchannel/partner?sid=idp-session-1")
	if user := w.signedIn(); user != "" {
		t.Errorf("still signed in as %q", user)
	}
}

// A provider that is away is a page, and no obstacle to the others.
func TestOneOfSeveralIsAway(t *testing.T) {
	h, other := newHostile(t), newHostile(t)
	w, partner := severalWorld(t, h, other, nil)
	partner.provider.Store(nil)
	res := w.get("/oauth2/login?idp=partner&rd=%2Freports")
	w.wantFault(res, fault.IdPUnavailable)
	if got := res.Header.Get("Retry-Url"); got != "/oauth2/login?rd=%2Freports" {
		t.Errorf("its page leads to %q, want the choice", got)
	}
	if w.get(w.callbackFor("/oauth2/login?idp=generic")); w.signedIn() != "alice" {
		t.Error("nobody can sign in at the other")
	}
}

func TestAbout(t *testing.T) {
	w, partner := severalWorld(t, newHostile(t), newHostile(t), func(c *Config) {
		c.Title, c.EmailDomains = "Partners", []string{"partner.example"}
	})
	if about := partner.About(); about.ID != "partner" || about.Title != "Partners" || len(about.EmailDomains) != 1 {
		t.Errorf("partner is %+v", about)
	}
	if about := w.client.About(); about.Title != about.ID {
		t.Errorf("without a title it is called %q", about.Title)
	}
	var _ idp.Provider = partner
}

func setQuery(u *url.URL, name, value string) {
	q := u.Query()
	q.Set(name, value)
	u.RawQuery = q.Encode()
}

// A session under a name that is not there any more is that provider's alone whose issuer
// and client its ID token names; the refresh token of another must not be sent here.
func TestIssued(t *testing.T) {
	h := newHostile(t)
	w := newWorld(t, h, nil)
	for name, tt := range map[string]struct {
		issuer, client string // of the ID token; no client: there is none
		want           bool
	}{
		"ours":                               {h.URL, testClient, true},
		"another client's":                   {h.URL, "another-client", false},
		"of another issuer":                  {"https://other.example", testClient, false},
		"without ID token":                   {h.URL, "", true},
		"of another issuer without ID token": {"https://other.example", "", false},
	} {
		s := &session.Session{Identity: session.Identity{Issuer: tt.issuer}}
		if tt.client != "" {
			s.Grant.IDToken = secret.New(h.sign(h.alg, h.kid, h.key, map[string]any{"iss": tt.issuer, "aud": tt.client}))
		}
		if got := w.client.Issued(s); got != tt.want {
			t.Errorf("%s: %t, want %t", name, got, tt.want)
		}
	}
}
