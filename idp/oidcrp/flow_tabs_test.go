package oidcrp

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/sallyport/sallyport/internal/fault"
	"github.com/sallyport/sallyport/session"
)

// rememberNonces makes the provider answer each code with the nonce of its own
// sign-in, as a real one does, however many come at once.
func rememberNonces(t *testing.T, h *hostile) {
	nonces := map[string]string{}
	h.answer = func(q, _ url.Values) {
		code := "code-of-" + q.Get("state")
		nonces[code] = h.nonce
		q.Set("code", code)
	}
	tokens := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.record(r)
		h.mu.Lock()
		defer h.mu.Unlock()
		claims := with(h.defaultClaims(), map[string]any{"nonce": nonces[r.PostForm.Get("code")]})
		writeTestJSON(w, map[string]any{
			"access_token": testAccessToken, "token_type": "Bearer", "expires_in": 300, "id_token": h.sign(h.alg, h.kid, h.key, claims),
		})
	}))
	t.Cleanup(tokens.Close)
	h.metadata = func(m map[string]any) { m["token_endpoint"] = tokens.URL + "/token" }
}

// Two tabs, finished in either order, end where each of them began.
func TestTwoTabs(t *testing.T) {
	for name, order := range map[string][]int{"OF-07 first first": {0, 1}, "OF-07 second first": {1, 0}} {
		t.Run(name, func(t *testing.T) {
			h := newHostile(t)
			rememberNonces(t, h)
			w := newWorld(t, h, nil)
			tabs := []string{"/a", "/b"}
			callbacks := []string{w.callbackFor(tabs[0]), w.callbackFor(tabs[1])}
			for _, i := range order {
				if res := w.get(callbacks[i]); res.Header.Get("Location") != tabs[i] {
					t.Errorf("tab %s ends at %d %q; log:\n%s", tabs[i], res.StatusCode, res.Header.Get("Location"), w.log)
				}
			}
			if calls := h.got("/token"); len(calls) != 2 || calls[0].form.Get("code") == calls[1].form.Get("code") {
				t.Errorf("%d token requests, want one for each code", len(calls))
			}
		})
	}
}

// Five tabs that come back in the same moment.
func TestFiveTabsAtOnce(t *testing.T) {
	h := newHostile(t)
	rememberNonces(t, h)
	w := newWorld(t, h, nil)
	tabs := []string{"/a", "/b", "/c", "/d", "/e"}
	var callbacks []string
	for _, tab := range tabs {
		callbacks = append(callbacks, w.callbackFor(tab))
	}
	got := make([]string, len(tabs))
	var wg sync.WaitGroup
	for i := range tabs {
		wg.Go(func() { got[i] = w.get(callbacks[i]).Header.Get("Location") })
	}
	wg.Wait()
	for i, tab := range tabs {
		if got[i] != tab {
			t.Errorf("OF-07: tab %s ends at %q", tab, got[i])
		}
	}
	if n := len(h.got("/token")); n != len(tabs) || w.signedIn() != "alice" {
		t.Errorf("OF-07: %d token requests and user %q, want %d and alice; log:\n%s", n, w.signedIn(), len(tabs), w.log)
	}
}

// A sixth tab costs the first one its sign-in, which then still ends in the app.
func TestSixthTab(t *testing.T) {
	h := newHostile(t)
	rememberNonces(t, h)
	w := newWorld(t, h, nil)
	first := w.callbackFor("/first")
	var last string
	for range session.MaxPending {
		last = w.callbackFor("/last")
	}
	if got := w.get(last).Header.Get("Location"); got != "/last" {
		t.Fatalf("the last tab ends at %q", got)
	}
	if res := w.get(first); res.StatusCode != http.StatusFound || res.Header.Get("Location") != "/" {
		t.Errorf("OF-07: the first tab: %d %q, want 302 to the app and no error", res.StatusCode, res.Header.Get("Location"))
	}
}

// Background requests beside a sign-in under way neither begin others nor disturb it.
func TestPollerBesideASignIn(t *testing.T) {
	h := newHostile(t)
	w := newWorld(t, h, nil)
	callback := w.callbackFor("/page")
	for range 2 * session.MaxPending {
		res := w.ask(http.MethodGet, "/oauth2/login?rd=/poll", func(r *http.Request) { r.Header.Set("Sec-Fetch-Mode", "cors") })
		if res.StatusCode != http.StatusUnauthorized || len(res.Cookies()) != 0 {
			t.Fatalf("OF-07 OF-29: %d with %d cookies, want 401 and none", res.StatusCode, len(res.Cookies()))
		}
	}
	if got := w.get(callback).Header.Get("Location"); got != "/page" {
		t.Errorf("OF-07: the sign-in ends at %q", got)
	}
}

// A browser that keeps no cookie at all sees a page after one restart, however it
// comes back, and its "Try again" begins anew.
func TestBrowserWithoutCookies(t *testing.T) {
	h := newHostile(t)
	w := newWorld(t, h, nil)
	redirects := 0
	next := w.site.URL + "/page"
	for range 10 {
		w.newBrowser() // forgets everything
		res := w.get(next)
		if res.StatusCode != http.StatusFound {
			w.newBrowser()
			w.wantFault(res, fault.LoginCookieLost)
			if redirects > 4 || len(h.got("/token")) != 0 {
				t.Errorf("OF-18: %d redirects and %d token requests before a page says so", redirects, len(h.got("/token")))
			}
			return
		}
		redirects++
		next = res.Header.Get("Location")
	}
	t.Error("OF-18: ten redirects, and no page says that cookies are missing")
}

// Attempts are counted in the sealed cookie and the session, not in the address,
// where anybody could reset them.
func TestLoopCountIsNotInTheAddress(t *testing.T) {
	h := newHostile(t)
	w := newWorld(t, h, nil)
	rec := w.ask(http.MethodGet, "/oauth2/login", nil)
	for name := range mustURL(t, rec.Header.Get("Location")).Query() {
		if strings.Contains(name, "attempt") {
			t.Errorf("OF-18: the parameter %s is in the address", name)
		}
	}
	for range maxAttempts {
		if got := w.signIn("/").Header.Get("Location"); got != "/" {
			t.Fatalf("the sign-in ends at %q", got)
		}
		w.loseSessions()
	}
	res := w.get("/")
	if res.Header.Get("Sallyport-Error") != string(fault.SignInLoop) || len(res.Cookies()) != 0 || res.Header.Get("Retry-Url") != "/oauth2/login" {
		t.Errorf("OF-18: after %d sign-ins: %d %s, %d cookies, try again at %q", maxAttempts, res.StatusCode,
			res.Header.Get("Sallyport-Error"), len(res.Cookies()), res.Header.Get("Retry-Url"))
	}
	if got := w.signIn("/oauth2/login").Header.Get("Location"); got != "/" {
		t.Errorf("OF-18: try again ends at %q, want the app", got)
	}
}
