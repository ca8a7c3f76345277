package oidcrp

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/idp"
	"github.com/sallyport/sallyport/internal/fault"
	"github.com/sallyport/sallyport/session"
)

// Whoever has a copy of the cookie is signed in for as long as the store has the
// session: nobody is told otherwise before it is gone.
func TestSignOutAndACopyOfTheCookie(t *testing.T) {
	tests := []struct {
		name           string
		getErr, delErr error
		wantStatus     int
		wantCode       fault.Code
		copyLives      bool
		wantRedirect   bool
	}{
		{"LO-14 all is well", nil, nil, http.StatusSeeOther, "", false, true},
		{"LO-19 reading fails and deleting does not", errStoreDown, nil, http.StatusSeeOther, "", false, true},
		{"LO-19 deleting fails", nil, errStoreDown, http.StatusServiceUnavailable, fault.SignOutIncomplete, true, false},
		{"LO-19 reading and deleting fail", errStoreDown, errStoreDown, http.StatusServiceUnavailable, fault.SignOutIncomplete, true, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := signedInWorld(t, newHostile(t), nil)
			site := mustURL(t, w.site.URL)
			copied := w.jar.Cookies(site)
			w.breakStore(tt.getErr, tt.delErr)
			res := w.ask(http.MethodPost, "/oauth2/logout?rd=/bye", sameOrigin)
			w.breakStore(nil, nil)
			if res.StatusCode != tt.wantStatus || res.Header.Get("Sallyport-Error") != string(tt.wantCode) {
				t.Errorf("%d %q, want %d %q", res.StatusCode, res.Header.Get("Sallyport-Error"), tt.wantStatus, tt.wantCode)
			}
			if (res.Header.Get("Location") != "") != tt.wantRedirect || len(w.pages.shown) != 0 {
				t.Errorf("leads to %q with the pages %v", res.Header.Get("Location"), w.pages.shown)
			}
			if user := w.signedIn(); user != "" {
				t.Errorf("the browser is signed in as %q", user)
			}
			w.newBrowser()
			w.jar.SetCookies(site, copied)
			if alive := w.signedIn() == "alice"; alive != tt.copyLives {
				t.Errorf("a copy of the cookie is signed in: %t, want %t", alive, tt.copyLives)
			}
		})
	}
}

func (w *world) breakStore(get, remove error) {
	w.store.mu.Lock()
	defer w.store.mu.Unlock()
	w.store.getErr, w.store.deleteErr = get, remove
}

// Without a sign-out of the provider there is a page that says so, wherever the
// sign-out would lead: nobody should believe that the provider has forgotten them.
func TestProviderSessionRemains(t *testing.T) {
	const ask = "prompt=select_account"
	tests := []struct{ name, rd, wantSignIn string }{
		{"LO-17 no rd", "", "/oauth2/login?" + ask},
		{"LO-17 rd", "/bye", "/oauth2/login?rd=%2Fbye&" + ask},
		{"LO-17 rd of an allowed origin", "https://partner.example.com/bye", "/oauth2/login?rd=https%3A%2F%2Fpartner.example.com%2Fbye&" + ask},
		{"OR-19 rd of another site", "https://evil.com", "/oauth2/login?" + ask},
	}
	for _, tt := range tests {
		for why, take := range map[string]func(*hostile, *world){
			"not in the metadata": func(*hostile, *world) {},
			"before discovery":    func(_ *hostile, w *world) { w.client.provider.Store(nil) },
		} {
			t.Run(tt.name+" "+why, func(t *testing.T) {
				h := newHostile(t)
				h.metadata = func(m map[string]any) { delete(m, "end_session_endpoint") }
				w := signedInWorld(t, h, nil)
				take(h, w)
				res := w.ask(http.MethodPost, "/oauth2/logout?rd="+url.QueryEscape(tt.rd), sameOrigin)
				if res.Header.Get("Location") != "" || !w.pages.remains || w.pages.signInURL != tt.wantSignIn {
					t.Errorf("leads to %q; page: remains %t, sign in at %q, want %q", res.Header.Get("Location"), w.pages.remains, w.pages.signInURL, tt.wantSignIn)
				}
			})
		}
	}
}

// The signed-out page after the provider's own sign-out must not say that its
// session remains.
func TestSignedOutEverywhere(t *testing.T) {
	w := signedInWorld(t, newHostile(t), nil)
	w.ask(http.MethodPost, "/oauth2/logout", sameOrigin)
	w.get("/oauth2/logout/callback")
	if len(w.pages.shown) != 1 || w.pages.remains || w.pages.signInURL != "/oauth2/login" {
		t.Errorf("pages %v, remains %t, sign in at %q", w.pages.shown, w.pages.remains, w.pages.signInURL)
	}
}

func TestEndSessionAddress(t *testing.T) {
	t.Run("an endpoint with a query of its own", func(t *testing.T) {
		h := newHostile(t)
		h.metadata = func(m map[string]any) { m["end_session_endpoint"] = h.URL + "/end?tenant=a%20b" }
		w := signedInWorld(t, h, nil)
		q := mustURL(t, w.ask(http.MethodPost, "/oauth2/logout", sameOrigin).Header.Get("Location")).Query()
		if len(q) != 5 || q.Get("tenant") != "a b" || q.Get("state") == "" {
			t.Errorf("parameters %v", q)
		}
	})
	t.Run("OP-03 nothing of the request is a parameter", func(t *testing.T) {
		w := signedInWorld(t, newHostile(t), nil)
		res := w.ask(http.MethodPost, "/oauth2/logout?post_logout_redirect_uri=http://internal&client_id=x&state=x&id_token_hint=x&logout_uri=//evil.com", sameOrigin)
		q := mustURL(t, res.Header.Get("Location")).Query()
		if len(q) != 4 || q.Get("post_logout_redirect_uri") != w.site.URL+"/oauth2/logout/callback" || q.Get("client_id") != testClient ||
			q.Get("state") == "x" || q.Get("id_token_hint") == "x" {
			t.Errorf("parameters %v", q)
		}
	})
	t.Run("OP-03 every placeholder of the template", func(t *testing.T) {
		h := newHostile(t)
		w := signedInWorld(t, h, func(c *Config) {
			c.LogoutURL = "https://idp.example/out?c={client_id}&r={post_logout_redirect_uri}&t={id_token}&s={state}&u={unknown}"
		})
		to := w.ask(http.MethodPost, "/oauth2/logout", sameOrigin).Header.Get("Location")
		q := mustURL(t, to).Query()
		if q.Get("c") != testClient || q.Get("r") != w.site.URL+"/oauth2/logout/callback" || strings.Count(q.Get("t"), ".") != 2 ||
			len(q.Get("s")) != stateSize || q.Get("u") != "{unknown}" {
			t.Errorf("leads to %q", to)
		}
	})
	t.Run("the template wins over the metadata, and works before discovery", func(t *testing.T) {
		w := signedInWorld(t, newHostile(t), func(c *Config) { c.LogoutURL = "https://idp.example/out" })
		w.client.provider.Store(nil)
		if to := w.ask(http.MethodPost, "/oauth2/logout", sameOrigin).Header.Get("Location"); to != "https://idp.example/out" {
			t.Errorf("leads to %q", to)
		}
	})
	t.Run("OR-23 a session's claims are no placeholders", func(t *testing.T) {
		h := newHostile(t)
		h.sub = "{id_token}{state}"
		w := newWorld(t, h, func(c *Config) { c.LogoutURL = "https://idp.example/out?s={state}" })
		w.signIn("/")
		to := w.ask(http.MethodPost, "/oauth2/logout", sameOrigin).Header.Get("Location")
		if len(to) != len("https://idp.example/out?s=")+stateSize {
			t.Errorf("leads to %q", to)
		}
	})
}

// The return of a sign-out is a sign-out's: no state of anything else leads anywhere,
// and none is used up.
func TestLogoutCallbackWantsItsOwnState(t *testing.T) {
	t.Run("OF-13 of another provider", func(t *testing.T) {
		w := newWorld(t, newHostile(t), nil)
		to, err := w.client.cfg.Returns.Parse("/bye")
		must(t, err)
		p := session.Pending{IdP: "other", State: ("L" + randomText()), ReturnTo: to}
		rec := httptest.NewRecorder()
		must(t, w.sessions.BeginLogin(rec, httptest.NewRequest(http.MethodGet, "/", nil), p))
		w.jar.SetCookies(mustURL(t, w.site.URL), rec.Result().Cookies())
		if res := w.get("/oauth2/logout/callback?state=" + p.State); res.StatusCode != http.StatusOK || res.Header.Get("Location") != "" {
			t.Errorf("%d to %q, want the signed-out page", res.StatusCode, res.Header.Get("Location"))
		}
	})
	t.Run("the state of a sign-in", func(t *testing.T) {
		w := newWorld(t, newHostile(t), nil)
		callback := w.callbackFor("/page")
		res := w.get("/oauth2/logout/callback?state=" + mustURL(t, callback).Query().Get("state"))
		if res.Header.Get("Location") != "" || len(res.Cookies()) != 0 {
			t.Errorf("leads to %q and sets %d cookies", res.Header.Get("Location"), len(res.Cookies()))
		}
		if got := w.get(callback).Header.Get("Location"); got != "/page" {
			t.Errorf("the sign-in then leads to %q, want the page", got)
		}
	})
	t.Run("a state of another browser", func(t *testing.T) {
		w := signedInWorld(t, newHostile(t), nil)
		res := w.ask(http.MethodPost, "/oauth2/logout?rd=/bye", sameOrigin)
		state := mustURL(t, res.Header.Get("Location")).Query().Get("state")
		w.newBrowser()
		if res := w.get("/oauth2/logout/callback?state=" + state); res.Header.Get("Location") != "" {
			t.Errorf("leads to %q, want the signed-out page", res.Header.Get("Location"))
		}
	})
}

// Signing out gives the browser no way back into a sign-in that it had begun.
func TestSignOutEndsSignInsUnderWay(t *testing.T) {
	h := newHostile(t)
	w := signedInWorld(t, h, nil)
	callback := w.callbackFor("/oauth2/login")
	w.ask(http.MethodPost, "/oauth2/logout", sameOrigin)
	before := len(h.got("/token"))
	w.get(callback)
	if n := len(h.got("/token")) - before; n != 0 || w.signedIn() != "" {
		t.Errorf("LO-14: %d token requests for a sign-in from before the sign-out, want 0", n)
	}
}

// GET with a malformed query must neither sign out nor ask.
func TestMalformedSignOut(t *testing.T) {
	w := signedInWorld(t, newHostile(t), nil)
	for _, query := range []string{"?rd=%zz", "?rd=/a&rd=/b", "?rd=/" + strings.Repeat("a", idp.MaxQuery), "?rd=/a;rd=/b"} {
		res := w.ask(http.MethodGet, "/oauth2/logout"+query, sameOrigin)
		if res.StatusCode != http.StatusBadRequest || len(w.pages.shown) != 0 {
			t.Errorf("OF-04: %.30s: %d with pages %v, want 400", query, res.StatusCode, w.pages.shown)
		}
	}
	if w.signedIn() != "alice" {
		t.Error("signed out")
	}
	w.client.revoker.drain(time.Second)
}
