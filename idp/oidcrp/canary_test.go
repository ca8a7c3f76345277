package oidcrp

import (
	"encoding/base64"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/internal/secret"
	"github.com/sallyport/sallyport/session"
)

// awkwardCode is a code that JSON, queries and forms each write differently.
const awkwardCode = "4/canary+code=="

// eavesdropper collects whatever the relying party says to anybody but the
// provider: pages, headers, log, metrics and errors.
type eavesdropper struct {
	w    *world
	said strings.Builder
	// idTokens are those that the provider issued.
	idTokens []string
}

func eavesdrop(w *world) *eavesdropper {
	e := &eavesdropper{w: w}
	h := w.idp
	h.set(func() {
		original := h.idToken
		h.idToken = func(claims map[string]any) any {
			token := any(h.sign(h.alg, h.kid, h.key, claims))
			if original != nil {
				token = original(claims)
			}
			if s, ok := token.(string); ok {
				e.idTokens = append(e.idTokens, s)
			}
			return token
		}
	})
	return e
}

// hear notes an answer. An address of the provider may hold what it is meant to,
// and nothing else.
func (e *eavesdropper) hear(res *http.Response) {
	header := res.Header.Clone()
	location := header.Get("Location")
	for address, meant := range map[string][]string{
		e.w.idp.URL + "/authorize?": {"state", "nonce", "code_challenge"},
		e.w.idp.URL + "/end?":       {"state", "id_token_hint"},
	} {
		if strings.HasPrefix(location, address) {
			header.Set("Location", without(location, meant...))
		}
	}
	fmt.Fprintf(&e.said, "%d %v\n%s\n", res.StatusCode, header, drain(res))
}

func without(address string, parameters ...string) string {
	u, err := url.Parse(address)
	if err != nil {
		return address
	}
	q := u.Query()
	for _, name := range parameters {
		q.Del(name)
	}
	u.RawQuery = q.Encode()
	return u.String()
}

// everything returns what was said so far, anywhere.
func (e *eavesdropper) everything() string {
	families, err := e.w.registry.Gather()
	must(e.w.t, err)
	for _, f := range families {
		e.said.WriteString(f.String())
	}
	return e.said.String() + e.w.log.String()
}

// listen goes the whole way: sign-in, the back button, the app, a refresh, and
// the sign-out with its return. It returns the sign-in as the browser holds it.
func (e *eavesdropper) listen() (session.Pending, url.Values) {
	w := e.w
	callback := w.callbackFor("/page")
	q := mustURL(w.t, callback).Query()
	p, err := w.sessions.Pending(w.withCookies(), q.Get("state"))
	must(w.t, err)
	e.hear(w.get(callback))
	e.hear(w.get(callback))
	if s, err := w.sessions.Peek(w.withCookies()); err == nil {
		if _, err := w.client.Refresh(w.t.Context(), s); err != nil {
			fmt.Fprintln(&e.said, err)
		}
		fmt.Fprintf(&e.said, "%v %+v\n", s, s.Grant)
	}
	res := w.ask(http.MethodPost, "/oauth2/logout?rd=/bye", sameOrigin)
	e.hear(res)
	e.hear(w.get("/oauth2/logout/callback?state=" + mustURL(w.t, res.Header.Get("Location")).Query().Get("state")))
	w.client.revoker.drain(10 * time.Second)
	return p, q
}

// echo makes the token endpoint repeat the parameters of a request in its error.
func echo(status int, template string) func(*hostile) {
	return func(h *hostile) {
		h.answer = func(q, _ url.Values) {
			if q.Has("code") {
				q.Set("code", awkwardCode)
			}
		}
		h.token = func(w http.ResponseWriter, _ map[string]any) bool {
			sent := h.requests[len(h.requests)-1].form
			text := template
			for _, name := range []string{"code", "code_verifier", "client_secret"} {
				value := sent.Get(name)
				text = strings.NewReplacer(
					"{"+name+"}", value,
					"{"+name+", slashes escaped}", strings.ReplaceAll(value, "/", `\/`),
					"{"+name+", all escaped}", strings.NewReplacer("/", `\u002f`, "+", `\u002B`).Replace(value),
					"{"+name+", for a query}", url.QueryEscape(value),
				).Replace(text)
			}
			return says(status, "application/json", text)(w, nil)
		}
	}
}

// refreshing makes the token endpoint answer refreshes so.
func refreshing(status int, text string) func(*hostile) {
	return func(h *hostile) {
		h.token = func(w http.ResponseWriter, _ map[string]any) bool {
			if h.requests[len(h.requests)-1].form.Get("grant_type") != "refresh_token" {
				return false
			}
			return says(status, "application/json", text)(w, nil)
		}
	}
}

// canaryFlows are ways of signing in and failing to.
var canaryFlows = map[string]func(*hostile){
	"a good sign-in": func(*hostile) {},
	"userinfo":       thin,

	"a refused code":                     echo(400, `{"error":"invalid_grant","error_description":"no such code: {code}"}`),
	"a refused code, slashes escaped":    echo(400, `{"error":"invalid_grant","error_description":"no such code: {code, slashes escaped}"}`),
	"a refused code, all escaped":        echo(400, `{"error":"invalid_grant","error_description":"no such code: {code, all escaped}"}`),
	"a refused code, for a query":        echo(400, `{"error":"invalid_grant","error_description":"in: code={code, for a query}&x=1"}`),
	"a refused code with status 200":     echo(200, `{"error":"invalid_grant","error_description":"no such code: {code}"}`),
	"a refused code in place of a name":  echo(400, `{"error":"unknown code {code}"}`),
	"a refused verifier":                 echo(400, `{"error":"invalid_grant","error_description":"{code_verifier} does not fit"}`),
	"a refused secret":                   echo(401, `{"error":"invalid_client","error_description":"wrong: {client_secret}"}`),
	"a refused secret, for a query":      echo(401, `{"error":"invalid_client","error_description":"wrong: {client_secret, for a query}"}`),
	"an error and the code by its side":  echo(500, `{"error":"server_error","code":"{code}"}`),
	"an error that is no JSON":           echo(400, `{code} {code_verifier} {client_secret}`),
	"an error whose members occur twice": echo(400, `{"error":"{code}","error":"{code_verifier}"}`),

	"an unreadable answer":     func(h *hostile) { h.token = says(200, "text/html", testAccessToken+testRefreshToken) },
	"a redirect":               func(h *hostile) { h.token = redirects },
	"an ID token of others":    func(h *hostile) { h.claims = func(c map[string]any) { c["aud"] = "other" } },
	"an ID token of old":       func(h *hostile) { h.claims = func(c map[string]any) { c["exp"] = 1 } },
	"another nonce":            func(h *hostile) { h.claims = func(c map[string]any) { c["nonce"] = "other" } },
	"a claim of another type":  func(h *hostile) { h.claims = func(c map[string]any) { c["exp"] = testAccessToken } },
	"an at_hash that is wrong": func(h *hostile) { h.claims = func(c map[string]any) { c["at_hash"] = leftHash("x") } },
	"an ID token signed wrong": func(h *hostile) { h.key = signingKeys()["ES256"] },
	"an ID token cut short": func(h *hostile) {
		h.idToken = func(c map[string]any) any { return strings.TrimRight(h.sign(h.alg, h.kid, h.key, c), "=")[:300] }
	},
	"an unverified address":   func(h *hostile) { h.claims = func(c map[string]any) { c["email_verified"] = false } },
	"another sub in userinfo": func(h *hostile) { thin(h); h.userinfo = raw(`{"sub":"` + testAccessToken + `"}`) },
	"an error":                func(h *hostile) { h.answer = func(q, _ url.Values) { q.Del("code"); q.Set("error", "access_denied") } },
	"another issuer":          func(h *hostile) { h.answer = func(q, _ url.Values) { q.Set("iss", "https://evil.example") } },

	"an ended refresh":          refreshing(400, `{"error":"invalid_grant","error_description":"`+testRefreshToken+` is revoked"}`),
	"an ended refresh, escaped": refreshing(400, `{"error":"invalid_grant","error_description":"\u0063`+testRefreshToken[1:]+` is revoked"}`),
	"an ended refresh with status 200": refreshing(200,
		`{"error":"invalid_grant","error_description":"`+testRefreshToken+`"}`),
	"a refresh refused to us": refreshing(401, `{"error":"invalid_client","error_description":"not for `+testRefreshToken+`"}`),

	"a failing revocation": func(h *hostile) {
		h.revoke = func(w http.ResponseWriter) {
			w.WriteHeader(400)
			_, _ = w.Write([]byte(`{"error":"` + testAccessToken + `","error_description":"` + testRefreshToken + `"}`))
		}
	},
	"a redirected revocation": func(h *hostile) { h.revoke = func(w http.ResponseWriter) { redirects(w, nil) } },
}

// Nothing secret may reach a log, a page, a header or a metric, whatever goes
// wrong, and whichever way the client authenticates.
func TestNothingSecretIsSaid(t *testing.T) {
	for _, name := range slices.Sorted(maps.Keys(canaryFlows)) {
		for _, auth := range []ClientAuth{ClientSecretBasic, ClientSecretPost} {
			t.Run("OP-08 "+name+" "+string(auth), func(t *testing.T) {
				h := newHostile(t)
				canaryFlows[name](h)
				e := eavesdrop(newWorld(t, h, func(c *Config) { c.ClientAuth = auth }))
				p, answer := e.listen()
				e.wantSilence(canaries(e, p, answer.Get("code")))
			})
		}
	}
}

func canaries(e *eavesdropper, p session.Pending, code string) map[string]string {
	secrets := map[string]string{
		"client secret": testSecret, "credentials": basic(url.QueryEscape(testClient), url.QueryEscape(testSecret)),
		"code": code, "access token": testAccessToken, "refresh token": testRefreshToken,
		"verifier": p.Verifier, "nonce": p.Nonce, "state": p.State,
	}
	e.w.idp.set(func() {
		for i, token := range e.idTokens {
			for j, segment := range strings.Split(token, ".")[1:] {
				secrets[fmt.Sprintf("segment %d of ID token %d", j+1, i)] = segment
			}
		}
	})
	return secrets
}

// wantSilence fails when one of the secrets was said, in any spelling.
func (e *eavesdropper) wantSilence(secrets map[string]string) {
	e.w.t.Helper()
	said := e.everything()
	if !strings.Contains(said, `"level"`) || !strings.Contains(said, "sallyport_logins_total") {
		e.w.t.Fatal("nothing was overheard: neither log nor metrics")
	}
	for what, s := range secrets {
		if s == "" {
			continue
		}
		for spelling, text := range map[string]string{
			"as it is": s, "for a query": url.QueryEscape(s), "for a path": url.PathEscape(s),
			"base64": base64.StdEncoding.EncodeToString([]byte(s)), "base64url": base64.RawURLEncoding.EncodeToString([]byte(s)),
			"without slashes": strings.ReplaceAll(s, "/", `\/`),
		} {
			if i := strings.Index(said, text); i >= 0 {
				e.w.t.Errorf("the %s, %s, is said: …%s…", what, spelling, said[max(0, i-200):min(len(said), i+len(text)+20)])
				break
			}
		}
	}
}

// The ways that lead past the token endpoint: a browser without cookies, a store
// that is down, a sign-out by template, a provider that is gone.
func TestNothingSecretIsSaidOffTheWay(t *testing.T) {
	t.Run("OP-08 a lost cookie", func(t *testing.T) {
		w := newWorld(t, newHostile(t), nil)
		e := eavesdrop(w)
		callback := w.callbackFor("/")
		q := mustURL(t, callback).Query()
		p, err := w.sessions.Pending(w.withCookies(), q.Get("state"))
		must(t, err)
		w.newBrowser()
		again := w.get(callback)
		location := again.Header.Get("Location")
		e.hear(again)
		callback = w.get(location).Header.Get("Location")
		w.newBrowser()
		e.hear(w.get(callback))
		secrets := canaries(e, p, q.Get("code"))
		secrets["second state"] = mustURL(t, callback).Query().Get("state")
		secrets["second nonce"] = mustURL(t, location).Query().Get("nonce")
		e.wantSilence(secrets)
	})
	t.Run("OP-08 the store is down at the callback", func(t *testing.T) {
		w := newWorld(t, newHostile(t), nil)
		e := eavesdrop(w)
		w.store.createErr = errStoreDown
		p, answer := e.listen()
		e.wantSilence(canaries(e, p, answer.Get("code")))
	})
	t.Run("OP-08 the store is down at the sign-out", func(t *testing.T) {
		w := newWorld(t, newHostile(t), nil)
		e := eavesdrop(w)
		w.store.deleteErr = errStoreDown
		p, answer := e.listen()
		e.wantSilence(canaries(e, p, answer.Get("code")))
	})
	t.Run("OP-08 forged callbacks", func(t *testing.T) {
		w := newWorld(t, newHostile(t), nil)
		e := eavesdrop(w)
		callback := w.callbackFor("/")
		q := mustURL(t, callback).Query()
		for _, changes := range []url.Values{
			{"code": {q.Get("code"), q.Get("code")}}, {"state": {q.Get("state") + "x"}}, {"state": {q.Get("state"), q.Get("state")}},
			{"error": {"x"}}, {"iss": {"https://evil.example/?code=" + "x"}},
		} {
			e.hear(w.get(change(t, callback, changes)))
		}
		e.hear(w.get("/oauth2/callback?code=" + q.Get("code") + "&state=%zz" + q.Get("state")))
		e.wantSilence(canaries(e, session.Pending{State: q.Get("state")}, q.Get("code")))
	})
	t.Run("OP-08 the provider is gone", func(t *testing.T) {
		h := newHostile(t)
		w := newWorld(t, h, nil)
		e := eavesdrop(w)
		callback := w.callbackFor("/")
		q := mustURL(t, callback).Query()
		h.Close()
		e.hear(w.get(callback))
		e.wantSilence(canaries(e, session.Pending{State: q.Get("state")}, q.Get("code")))
	})
	t.Run("OP-08 a configuration that is printed", func(t *testing.T) {
		w := newWorld(t, newHostile(t), nil)
		e := eavesdrop(w)
		w.client.log.Info("grant", "grant", session.Grant{AccessToken: secret.New(testAccessToken), RefreshToken: secret.New(testRefreshToken)})
		fmt.Fprintf(&e.said, "%+v\n", session.Login{Grant: session.Grant{AccessToken: secret.New(testAccessToken)}})
		e.wantSilence(canaries(e, session.Pending{}, ""))
	})
}

func redirects(w http.ResponseWriter, _ map[string]any) bool {
	w.Header().Set("Location", "/elsewhere?access_token="+testAccessToken+"&code="+testCode)
	w.WriteHeader(http.StatusTemporaryRedirect)
	return true
}
