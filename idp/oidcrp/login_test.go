package oidcrp

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/internal/fault"
	"github.com/sallyport/sallyport/session"
)

func TestAuthorizationRequest(t *testing.T) {
	h := newHostile(t)
	h.metadata = func(m map[string]any) {
		m["authorization_endpoint"] = h.URL + "/authorize?tenant=a%20b"
		m["code_challenge_methods_supported"] = []string{"plain"} // OF-10: never a reason to do without S256
	}
	w := newWorld(t, h, func(c *Config) {
		c.Prompt, c.ACRValues, c.UILocales = []string{"login"}, []string{"mfa", "hw"}, []string{"de", "en"}
		c.Resource = []string{"https://api.example/1", "https://api.example/2"}
		c.ExtraParams = url.Values{
			"access_type": {"offline"}, "state": {"evil"}, "nonce": {"evil"}, "code_challenge": {"evil"}, "code_challenge_method": {"plain"},
			"client_id": {"evil"}, "redirect_uri": {"https://evil.example"}, "response_type": {"token"}, "scope": {"evil"},
		}
	})
	res := w.get("/page")
	to := mustURL(t, res.Header.Get("Location"))
	q := to.Query()
	for name, want := range map[string]string{
		"tenant": "a b", "response_type": "code", "client_id": testClient, "redirect_uri": w.site.URL + "/oauth2/callback",
		"scope": "openid profile email", "code_challenge_method": "S256", "prompt": "login", "acr_values": "mfa hw",
		"ui_locales": "de en", "access_type": "offline",
	} {
		if len(q[name]) != 1 || q.Get(name) != want {
			t.Errorf("%s = %q, want %q", name, q[name], want)
		}
	}
	if len(q["resource"]) != 2 || q.Has("offline_access") {
		t.Errorf("resource = %q", q["resource"])
	}
	p, err := w.sessions.Pending(w.withCookies(), q.Get("state"))
	must(t, err)
	sum := sha256.Sum256([]byte(p.Verifier))
	if q.Get("code_challenge") != base64.RawURLEncoding.EncodeToString(sum[:]) || q.Get("nonce") != p.Nonce || len(p.Nonce) < 43 || len(p.Verifier) < 43 {
		t.Error("OF-10: challenge, nonce and state do not belong together")
	}
	if strings.Contains(res.Header.Get("Location"), p.Verifier) {
		t.Error("the verifier is in the address")
	}
}

// withCookies is a request with the browser's cookies.
func (w *world) withCookies() *http.Request {
	req, err := http.NewRequest(http.MethodGet, w.site.URL, nil)
	must(w.t, err)
	for _, c := range w.jar.Cookies(req.URL) {
		req.AddCookie(c)
	}
	return req
}

func TestEachSignInIsItsOwn(t *testing.T) {
	w := newWorld(t, newHostile(t), nil)
	seen := map[string]bool{}
	for range 10 {
		q := mustURL(t, w.get("/").Header.Get("Location")).Query()
		for _, name := range []string{"state", "nonce", "code_challenge"} {
			if seen[q.Get(name)] {
				t.Errorf("%s occurs twice", name)
			}
			seen[q.Get(name)] = true
		}
	}
}

// A link may ask for more than the operator does, and not for less.
func TestConfiguredLoginStays(t *testing.T) {
	w := newWorld(t, newHostile(t), func(c *Config) { c.Prompt = []string{"login"} })
	for query, want := range map[string]string{"": "login", "?prompt=login": "login", "?prompt=select_account": "login select_account"} {
		if got := mustURL(t, w.get("/oauth2/login"+query).Header.Get("Location")).Query().Get("prompt"); got != want {
			t.Errorf("%s asks for %q, want %q", query, got, want)
		}
	}
}

func TestLoginRequests(t *testing.T) {
	tests := []struct {
		name, query string
		wantStatus  int
		wantParams  map[string]string
	}{
		{"plain", "", 302, nil},
		{"OP-02 iss of another provider", "?iss=https://evil.example", 400, nil},
		{"iss of ours with a slash more", "?iss=ISSUER/", 400, nil},
		{"iss of ours, login_hint", "?iss=ISSUER&login_hint=a@x.org&target_link_uri=/page", 302, map[string]string{"login_hint": "a@x.org"}},
		{"prompt", "?prompt=select_account", 302, map[string]string{"prompt": "select_account"}},
		{"prompt none", "?prompt=none", 400, nil},
		{"acr that is listed", "?acr=mfa", 302, map[string]string{"acr_values": "mfa"}},
		{"acr that is not", "?acr=weak", 400, nil},
		{"another provider", "?idp=other", 400, nil},
		{"this provider", "?idp=generic", 302, nil},
		{"rd twice", "?rd=/a&rd=/b", 400, nil},
		{"a long login_hint", "?login_hint=" + strings.Repeat("h", 257), 400, nil},
		{"a login_hint with a line break", "?login_hint=a%0ab", 400, nil},
		{"malformed", "?rd=%zz", 400, nil},
		{"OR-18 20 kB", "?rd=/" + strings.Repeat("a", 20<<10), 400, nil},
		{"OR-18 3 kB", "?rd=/" + strings.Repeat("a", 3<<10), 302, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := newHostile(t)
			w := newWorld(t, h, func(c *Config) { c.ACRValues = []string{"mfa", "hw"} })
			res := w.get("/oauth2/login" + strings.ReplaceAll(tt.query, "ISSUER", h.URL))
			if res.StatusCode != tt.wantStatus {
				t.Fatalf("status %d, want %d", res.StatusCode, tt.wantStatus)
			}
			if tt.wantStatus == 400 {
				if got := res.Header.Get("Sallyport-Error"); got != string(fault.LoginInvalid) || len(res.Cookies()) != 0 {
					t.Errorf("%s with %d cookies, want login_request_invalid and none", got, len(res.Cookies()))
				}
				return
			}
			q := mustURL(t, res.Header.Get("Location")).Query()
			for name, want := range tt.wantParams {
				if q.Get(name) != want {
					t.Errorf("%s = %q, want %q", name, q.Get(name), want)
				}
			}
		})
	}
}

func TestBackgroundRequestsBeginNothing(t *testing.T) {
	w := newWorld(t, newHostile(t), nil)
	res := w.ask(http.MethodGet, "/oauth2/login", func(r *http.Request) { r.Header.Set("Sec-Fetch-Mode", "cors") })
	if res.StatusCode != http.StatusUnauthorized || len(res.Cookies()) != 0 {
		t.Errorf("OF-29: %d with %d cookies, want 401 and none", res.StatusCode, len(res.Cookies()))
	}
}

func TestNotMoreThanFiveSignInsUnderWay(t *testing.T) {
	w := newWorld(t, newHostile(t), nil)
	for range 2 * session.MaxPending {
		w.get("/")
	}
	if n := len(w.jar.Cookies(mustURL(t, w.site.URL))); n != session.MaxPending {
		t.Errorf("%d login cookies, want %d", n, session.MaxPending)
	}
}

func TestStates(t *testing.T) {
	for _, kind := range []stateKind{stateFirst, stateRestarted} {
		if got, ok := parseState(newState(kind)); !ok || got != kind {
			t.Errorf("parseState(newState(%c)) = %c, %t", kind, got, ok)
		}
	}
	for _, bad := range []string{"", "1", "3" + randomText(), "1" + randomText() + "x", "1" + strings.Repeat("=", 43)} {
		if _, ok := parseState(bad); ok {
			t.Errorf("parseState(%q) is accepted", bad)
		}
	}
}

// Where a sign-in leads is said by rd and by the address that was asked for; no
// header of a client says it.
func TestHeadersDoNotRedirect(t *testing.T) {
	for name, header := range map[string]string{
		"OR-21 X-Auth-Request-Redirect": "X-Auth-Request-Redirect", "OR-22 Referer": "Referer",
		"OR-22 X-Forwarded-Uri": "X-Forwarded-Uri", "FW-04 X-Forwarded-Host": "X-Forwarded-Host",
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, newHostile(t), nil)
			res := w.ask(http.MethodGet, "/oauth2/login?pomerium_redirect_uri=https://evil.com&redirect_uri=https://evil.com", func(r *http.Request) {
				r.Header.Set(header, "https://evil.com/x")
			})
			to := mustURL(t, res.Header.Get("Location"))
			if got := to.Query().Get("redirect_uri"); got != w.site.URL+"/oauth2/callback" {
				t.Errorf("redirect_uri = %q, want the configured one", got)
			}
			if got := w.get(w.get(to.String()).Header.Get("Location")).Header.Get("Location"); got != "/" {
				t.Errorf("OR-24: the sign-in leads to %q, want the start page", got)
			}
		})
	}
}
