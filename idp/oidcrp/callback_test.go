package oidcrp

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/sallyport/sallyport/internal/fault"
	"github.com/sallyport/sallyport/session"
)

// change replaces parameters of a callback's address; a nil list removes one.
func change(t *testing.T, address string, changes url.Values) string {
	t.Helper()
	u, err := url.Parse(address)
	must(t, err)
	q := u.Query()
	for name, values := range changes {
		if values == nil {
			q.Del(name)
		} else {
			q[name] = values
		}
	}
	u.RawQuery = q.Encode()
	return u.String()
}

// Nothing may be redeemed before everything that came through the browser fits.
func TestForgedCallbacks(t *testing.T) {
	other := newState(stateFirst)
	tests := []struct {
		name    string
		changes url.Values
		want    fault.Code
	}{
		{"OF-04 state twice", url.Values{"state": {other, other}}, fault.CallbackInvalid},
		{"OF-04 code twice", url.Values{"code": {"a", "b"}}, fault.CallbackInvalid},
		{"OF-04 iss twice", url.Values{"iss": {"a", "b"}}, fault.CallbackInvalid},
		{"code and error", url.Values{"error": {"access_denied"}}, fault.CallbackInvalid},
		{"neither code nor error", url.Values{"code": nil}, fault.CallbackInvalid},
		{"an empty code", url.Values{"code": {""}}, fault.CallbackInvalid},
		{"a code of 9 KiB", url.Values{"code": {strings.Repeat("c", 9<<10)}}, fault.CallbackInvalid},
		{"OF-06 no state", url.Values{"state": nil}, fault.CallbackInvalid},
		{"OF-06 empty state", url.Values{"state": {""}}, fault.CallbackInvalid},
		{"OF-06 a colon", url.Values{"state": {":"}}, fault.CallbackInvalid},
		{"OF-06 a letter", url.Values{"state": {"a"}}, fault.CallbackInvalid},
		{"OF-06 NUL", url.Values{"state": {"\x00"}}, fault.CallbackInvalid},
		{"OF-06 15 kB", url.Values{"state": {strings.Repeat("s", 15<<10)}}, fault.CallbackInvalid},
		{"OF-06 100 kB", url.Values{"state": {strings.Repeat("s", 100<<10)}}, fault.CallbackInvalid},
		{"OF-06 not base64url", url.Values{"state": {"1" + strings.Repeat("!", 43)}}, fault.CallbackInvalid},
		{"a state for a sign-out", url.Values{"state": {("L" + randomText())}}, fault.CallbackInvalid},
		{"OF-12 iss of another provider", url.Values{"iss": {"https://evil.example"}}, fault.IssuerMismatch},
		{"OF-12 an empty iss", url.Values{"iss": {""}}, fault.IssuerMismatch},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := newHostile(t)
			w := newWorld(t, h, nil)
			address := change(t, w.callbackFor("/"), tt.changes)
			w.wantFault(w.get(address), tt.want)
			if n := len(h.got("/token")); n != 0 {
				t.Errorf("%d token requests, want 0", n)
			}
		})
	}
}

func TestPromisedIssuer(t *testing.T) {
	promise := func(m map[string]any) { m["authorization_response_iss_parameter_supported"] = true }
	t.Run("OF-12 promised and missing", func(t *testing.T) {
		h := newHostile(t)
		h.metadata = promise
		w := newWorld(t, h, nil)
		w.wantFault(w.signIn("/"), fault.IssuerMismatch)
		if n := len(h.got("/token")); n != 0 {
			t.Errorf("%d token requests, want 0", n)
		}
	})
	t.Run("promised and sent", func(t *testing.T) {
		h := newHostile(t)
		h.metadata = promise
		h.answer = func(q, _ url.Values) { q.Set("iss", h.URL) }
		w := newWorld(t, h, nil)
		w.signIn("/")
		if w.signedIn() != "alice" {
			t.Errorf("refused; log:\n%s", w.log)
		}
	})
}

func TestCallbackOfAnotherBrowser(t *testing.T) {
	h := newHostile(t)
	w := newWorld(t, h, nil)
	stolen := w.callbackFor("/")
	w.newBrowser()
	res := w.get(stolen) // the victim's browser: it has no cookie, so its own sign-in begins
	if res.StatusCode != http.StatusFound || !strings.HasPrefix(res.Header.Get("Location"), h.URL+"/authorize?") {
		t.Errorf("OF-01 OF-02: %d to %q, want a sign-in of its own", res.StatusCode, res.Header.Get("Location"))
	}
	if n := len(h.got("/token")); n != 0 || w.signedIn() != "" {
		t.Errorf("OF-01 OF-02: %d token requests, want 0 and nobody signed in", n)
	}
}

func TestCallbackWithoutCookieNeverDeadEndsNorLoops(t *testing.T) {
	h := newHostile(t)
	w := newWorld(t, h, nil)
	address := w.callbackFor("/")
	w.newBrowser() // which has lost the cookie
	again := w.get(address)
	if again.StatusCode != http.StatusFound {
		t.Fatalf("the first time: %d, want 302 to a new sign-in", again.StatusCode)
	}
	address = w.get(again.Header.Get("Location")).Header.Get("Location")
	w.newBrowser() // and loses every other one, too
	res := w.get(address)
	if got := res.Header.Get("Retry-Url"); got != "/oauth2/login" {
		t.Errorf("Try again leads to %q, want /oauth2/login", got)
	}
	w.wantFault(res, fault.LoginCookieLost)
	if n := len(h.got("/token")); n != 0 {
		t.Errorf("%d token requests, want 0", n)
	}
}

func TestCallbackTwice(t *testing.T) {
	h := newHostile(t)
	w := newWorld(t, h, nil)
	address := w.callbackFor("/page")
	cookies := w.jar.Cookies(mustURL(t, w.site.URL))
	w.get(address)
	if res := w.get(address); res.StatusCode != http.StatusFound || res.Header.Get("Location") != "/" {
		t.Errorf("OF-03: the back button leads to %d %q, want 302 to the app", res.StatusCode, res.Header.Get("Location"))
	}
	// A copy of the cookies from before the first callback gets no second try.
	w.newBrowser()
	w.jar.SetCookies(mustURL(t, w.site.URL), cookies)
	if res := w.get(address); !strings.HasPrefix(res.Header.Get("Location"), h.URL+"/authorize?") {
		t.Errorf("OF-03: a copy of the login cookie: %d %q, want a new sign-in", res.StatusCode, res.Header.Get("Location"))
	}
	if n := len(h.got("/token")); n != 1 {
		t.Errorf("OF-03: %d token requests for one code, want 1", n)
	}
}

func mustURL(t *testing.T, s string) *url.URL {
	t.Helper()
	u, err := url.Parse(s)
	must(t, err)
	return u
}

func TestFiveTabs(t *testing.T) {
	h := newHostile(t)
	// The tabs' nonces differ, and this provider remembers only the last one: the
	// code says which sign-in it belongs to.
	nonces := map[string]string{}
	h.answer = func(q, _ url.Values) {
		q.Set("code", "code-of-"+q.Get("state"))
		nonces["code-of-"+q.Get("state")] = h.nonce
	}
	w := newWorld(t, h, nil)
	tabs := []string{"/a", "/b", "/c", "/d", "/e"}
	var callbacks []string
	for _, tab := range tabs {
		callbacks = append(callbacks, w.callbackFor(tab))
	}
	h.set(func() {
		h.idToken = func(claims map[string]any) any {
			code := h.requests[len(h.requests)-1].form.Get("code")
			return h.sign(h.alg, h.kid, h.key, with(claims, map[string]any{"nonce": nonces[code]}))
		}
	})
	for i, tab := range tabs {
		if res := w.get(callbacks[i]); res.Header.Get("Location") != tab {
			t.Errorf("OF-07: tab %s ends at %d %q; log:\n%s", tab, res.StatusCode, res.Header.Get("Location"), w.log)
		}
	}
	if w.signedIn() != "alice" {
		t.Error("OF-07: nobody is signed in after five sign-ins")
	}
}

func TestParallelCallbacks(t *testing.T) {
	h := newHostile(t)
	w := newWorld(t, h, nil)
	first := w.callbackFor("/a")
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() { _ = w.get(first) })
	}
	wg.Wait()
	if n := len(h.got("/token")); n != 1 {
		t.Errorf("OF-03: %d token requests for one code in four requests, want 1", n)
	}
}

func TestProviderErrors(t *testing.T) {
	tests := map[string]fault.Code{
		"access_denied": fault.IdPDenied, "login_required": fault.IdPInteraction, "interaction_required": fault.IdPInteraction,
		"consent_required": fault.IdPInteraction, "account_selection_required": fault.IdPInteraction,
		"temporarily_unavailable": fault.IdPError, "server_error": fault.IdPError, "something_else": fault.IdPError,
		"unauthorized_client": fault.ClientRejected, "invalid_scope": fault.ClientRejected, "invalid_request": fault.ClientRejected,
		"unsupported_response_type": fault.ClientRejected,
	}
	for code, want := range tests {
		t.Run("OF-17 C19 "+code, func(t *testing.T) {
			h := newHostile(t)
			h.answer = func(q, _ url.Values) {
				q.Del("code")
				q.Set("error", code)
				q.Set("error_description", "<script>alert(1)</script>\n2026 forged line")
				q.Set("error_uri", "javascript:alert(1)")
			}
			w := newWorld(t, h, nil)
			res := w.signIn("/page")
			page := drain(res)
			w.wantFault(res, want)
			if strings.Contains(page, "script") || strings.Contains(page, "forged") {
				t.Errorf("OF-16: the page repeats the provider's text: %s", page)
			}
			if log := w.log.String(); !strings.Contains(log, code) || strings.Contains(log, `\n2026 forged`) {
				t.Errorf("the log must name the error on one line:\n%s", log)
			}
			if got := res.Header.Get("Retry-Url"); got != "/oauth2/login?rd=%2Fpage" {
				t.Errorf("Try again leads to %q, want the page first asked for", got)
			}
		})
	}
}

func TestFormPost(t *testing.T) {
	h := newHostile(t)
	w := newWorld(t, h, nil)
	post := func(contentType, query string, form string) *http.Response {
		return w.ask(http.MethodPost, "/oauth2/callback"+query, func(r *http.Request) {
			r.Header.Set("Content-Type", contentType)
			r.Body, r.ContentLength = io.NopCloser(strings.NewReader(form)), int64(len(form))
		})
	}
	const isForm = "application/x-www-form-urlencoded"
	form := mustURL(t, w.callbackFor("/page")).RawQuery
	if res := post("multipart/form-data; boundary=x", "", form); res.StatusCode != http.StatusUnsupportedMediaType {
		t.Errorf("HT-27: multipart: %d, want 415", res.StatusCode)
	}
	if res := post(isForm, "?code=other", form); res.StatusCode != http.StatusBadRequest {
		t.Errorf("OF-04: address and form both: %d, want 400", res.StatusCode)
	}
	if res := post(isForm, "", form+"&x="+strings.Repeat("a", maxFormPost)); res.StatusCode != http.StatusBadRequest {
		t.Errorf("HT-27: over 64 KiB: %d, want 400", res.StatusCode)
	}
	if n := len(h.got("/token")); n != 0 {
		t.Errorf("%d token requests before a good answer, want 0", n)
	}
	if res := post(isForm, "", form); res.StatusCode != http.StatusSeeOther || res.Header.Get("Location") != "/page" {
		t.Errorf("OF-20: form_post: %d %q, want 303 to the page", res.StatusCode, res.Header.Get("Location"))
	}
}

// OF-20: browsers keep a SameSite=Lax cookie back from a cross-site POST, so the
// sign-in begins again, with a redirect that becomes a GET.
func TestFormPostWithoutCookie(t *testing.T) {
	w := newWorld(t, newHostile(t), nil)
	form := mustURL(t, w.callbackFor("/page")).RawQuery
	w.newBrowser()
	res := w.ask(http.MethodPost, "/oauth2/callback", func(r *http.Request) {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Body, r.ContentLength = io.NopCloser(strings.NewReader(form)), int64(len(form))
	})
	if to := res.Header.Get("Location"); res.StatusCode != http.StatusSeeOther || !strings.HasPrefix(to, w.idp.URL) {
		t.Errorf("%d to %q, want 303 to the provider", res.StatusCode, to)
	}
	if n := len(w.idp.got("/token")); n != 0 {
		t.Errorf("%d token requests, want 0", n)
	}
}

func TestMethods(t *testing.T) {
	h := newHostile(t)
	w := newWorld(t, h, nil)
	address := w.callbackFor("/")
	for _, method := range []string{http.MethodHead, http.MethodPut, http.MethodDelete, http.MethodOptions} {
		if res := w.ask(method, address, nil); res.StatusCode != http.StatusMethodNotAllowed || res.Header.Get("Allow") == "" {
			t.Errorf("%s /callback: %d, want 405 with Allow", method, res.StatusCode)
		}
	}
	if n := len(h.got("/token")); n != 0 {
		t.Errorf("%d token requests, want 0", n)
	}
}

func TestStoreDownAtCallback(t *testing.T) {
	h := newHostile(t)
	w := newWorld(t, h, nil)
	w.store.createErr = errStoreDown
	res := w.signIn("/")
	if res.StatusCode != http.StatusServiceUnavailable || res.Header.Get("Sallyport-Error") != string(fault.StoreUnavailable) {
		t.Errorf("ST-02: %d %s, want 503 store_unavailable and no redirect", res.StatusCode, res.Header.Get("Sallyport-Error"))
	}
}

// A session that the store has no room for is the operator's matter, and says so.
func TestSessionTooLargeAtCallback(t *testing.T) {
	h := newHostile(t)
	w := newWorld(t, h, nil)
	w.store.createErr = &session.TooLargeError{Size: 6000, Limit: 5342}
	res := w.signIn("/")
	if res.StatusCode != http.StatusBadGateway || res.Header.Get("Sallyport-Error") != string(fault.SessionTooLarge) {
		t.Errorf("%d %s, want 502 session_too_large", res.StatusCode, res.Header.Get("Sallyport-Error"))
	}
	if log := w.log.String(); !strings.Contains(log, "SALLYPORT_SESSION_STORE=cookie has room for 5342") {
		t.Errorf("the log does not name the remedy:\n%s", log)
	}
}

// A browser that loses every session must not go round for ever.
func TestSignInLoopEnds(t *testing.T) {
	h := newHostile(t)
	w := newWorld(t, h, nil)
	for range 10 {
		res := w.get("/")
		if res.StatusCode != http.StatusFound {
			if got := res.Header.Get("Sallyport-Error"); got != string(fault.SignInLoop) {
				t.Errorf("OF-18: %d %s, want sign_in_loop", res.StatusCode, got)
			}
			return
		}
		w.get(w.get(res.Header.Get("Location")).Header.Get("Location"))
		w.loseSessions()
	}
	t.Error("OF-18: ten sign-ins in a row did not hold, and no page says so")
}

// A code of somebody else's sign-in, put into one's own, fails at the provider
// (PKCE), and would fail here (nonce).
func TestInjectedCode(t *testing.T) {
	h := newHostile(t)
	w := newWorld(t, h, nil)
	h.set(func() { h.answer = func(q, _ url.Values) { q.Set("code", "code-of-the-victim") } })
	victimNonce := func() string { w.callbackFor("/"); return h.nonce }()
	w.newBrowser()
	address := w.callbackFor("/")
	h.set(func() { h.claims = func(c map[string]any) { c["nonce"] = victimNonce } })
	w.wantFault(w.get(address), fault.IDTokenInvalid)

	h.set(func() { h.token = says(400, "application/json", `{"error":"invalid_grant"}`) })
	w.wantFault(w.get(w.callbackFor("/")), fault.CodeRejected)
	if calls := h.got("/token"); len(calls) != 2 || calls[0].form.Get("code_verifier") == calls[1].form.Get("code_verifier") {
		t.Error("OF-11: each sign-in must bring its own verifier")
	}
}

// The sign-in of one provider cannot be finished at another.
func TestMixedUpProviders(t *testing.T) {
	h := newHostile(t)
	w := newWorld(t, h, nil)
	p := session.Pending{IdP: "other", State: newState(stateFirst), Nonce: "n", Verifier: "v"}
	rec := httptest.NewRecorder()
	must(t, w.sessions.BeginLogin(rec, httptest.NewRequest(http.MethodGet, "/", nil), p))
	w.jar.SetCookies(mustURL(t, w.site.URL), rec.Result().Cookies())
	w.wantFault(w.get("/oauth2/callback?code=c&state="+p.State), fault.IssuerMismatch)
	if n := len(h.got("/token")); n != 0 {
		t.Errorf("OF-13: %d token requests, want 0", n)
	}
}
