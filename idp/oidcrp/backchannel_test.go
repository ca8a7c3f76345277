package oidcrp

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sallyport/sallyport/idp"
	"github.com/sallyport/sallyport/internal/fault"
	"github.com/sallyport/sallyport/session"
)

// logoutWorld is a world whose provider may end sessions, with alice signed in.
func logoutWorld(t *testing.T, change func(*Config)) (*hostile, *world) {
	t.Helper()
	h := newHostile(t)
	w := newWorld(t, h, func(c *Config) {
		c.Ends = c.Sessions.(*session.Manager)
		if change != nil {
			change(c)
		}
	})
	w.signIn("/")
	if user := w.signedIn(); user != "alice" {
		t.Fatalf("signed in as %q", user)
	}
	return h, w
}

var jtis int

// logoutClaims are those of a correct logout token about alice's session.
func (h *hostile) logoutClaims() map[string]any {
	jtis++
	now := time.Now().Unix()
	return map[string]any{
		"iss": h.URL, "sub": h.sub, "aud": testClient, "iat": now, "exp": now + 120, "jti": fmt.Sprint("jti-", jtis), "sid": "idp-session-1",
		"events": map[string]any{logoutEvent: map[string]any{}},
	}
}

// logoutToken signs a correct logout token with claims and header changed.
func (h *hostile) logoutToken(claims map[string]any, header map[string]any) string {
	return signRaw(with(map[string]any{"alg": h.alg, "kid": h.kid, "typ": "logout+jwt"}, header), h.key, with(h.logoutClaims(), claims))
}

// tell posts a logout token as the provider does: from nowhere near the browser.
func (w *world) tell(token string) *http.Response {
	w.t.Helper()
	return w.post(url.Values{"logout_token": {token}}.Encode(), "application/x-www-form-urlencoded")
}

func (w *world) post(body, mediaType string) *http.Response {
	w.t.Helper()
	res, err := http.Post(w.site.URL+"/oauth2/logout/backchannel", mediaType, strings.NewReader(body))
	must(w.t, err)
	w.t.Cleanup(func() { _ = res.Body.Close() })
	if res.Header.Get("Cache-Control") != "no-store" {
		w.t.Errorf("Cache-Control = %q, want no-store", res.Header.Get("Cache-Control"))
	}
	return res
}

// What is no logout token of the provider, for us, just now and for the first time,
// gets 400 and ends nothing.
func TestBackChannelRefuses(t *testing.T) {
	h, w := logoutWorld(t, nil)
	now := time.Now().Unix()
	claim := func(name string, value any) string { return h.logoutToken(map[string]any{name: value}, nil) }
	idToken := h.sign(h.alg, h.kid, h.key, h.defaultClaims())
	spent := h.logoutToken(map[string]any{"sid": "somebody-elses"}, nil)
	if res := w.tell(spent); res.StatusCode != http.StatusOK {
		t.Fatalf("a token about an unknown session: %d %s; log:\n%s", res.StatusCode, drain(res), w.log)
	}
	tests := map[string]string{
		"LO-01 alg none":               h.logoutToken(nil, map[string]any{"alg": "none"}),
		"LO-01 unsigned":               strings.TrimRight(h.logoutToken(nil, nil), "-_abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"),
		"LO-02 HS256 with the secret":  signRaw(map[string]any{"alg": "HS256", "typ": "logout+jwt"}, []byte(testSecret), h.logoutClaims()),
		"LO-02 another key":            signRaw(map[string]any{"alg": "ES256", "kid": h.kid, "typ": "logout+jwt"}, signingKeys()["ES256"], h.logoutClaims()),
		"LO-02 another audience":       claim("aud", "somebody-else"),
		"LO-02 no audience":            claim("aud", nil),
		"LO-02 another issuer":         claim("iss", h.URL+"/"),
		"LO-02 no issuer":              claim("iss", nil),
		"LO-03 no events":              claim("events", nil),
		"LO-03 empty events":           claim("events", map[string]any{}),
		"LO-03 another event":          claim("events", map[string]any{"http://example.com/event": map[string]any{}}),
		"LO-03 event is a list":        claim("events", map[string]any{logoutEvent: []any{}}),
		"LO-03 event is a string":      claim("events", map[string]any{logoutEvent: "x"}),
		"LO-03 event in other letters": claim("events", map[string]any{strings.ToUpper(logoutEvent): map[string]any{}}),
		"LO-03 events is a list":       claim("events", []any{logoutEvent}),
		"LO-04 a nonce":                claim("nonce", "n"),
		"LO-04 an empty nonce":         claim("nonce", ""),
		"LO-05 no jti":                 claim("jti", nil),
		"LO-05 empty jti":              claim("jti", ""),
		"LO-05 jti is a number":        claim("jti", 7),
		"LO-05 no iat":                 claim("iat", nil),
		"LO-05 no exp":                 claim("exp", nil),
		"LO-05 an hour old":            claim("iat", now-3600),
		"LO-05 expired":                claim("exp", now-61),
		"LO-05 from the future":        claim("iat", now+600),
		"LO-05 not valid yet":          claim("nbf", now+600),
		"LO-06 replayed":               spent,
		"LO-07 an ID token":            idToken,
		"LO-07 typ at+jwt":             h.logoutToken(nil, map[string]any{"typ": "at+jwt"}),
		"LO-07 typ is a number":        h.logoutToken(nil, map[string]any{"typ": 1}),
		"LO-08 neither sub nor sid":    h.logoutToken(map[string]any{"sub": nil, "sid": nil}, nil),
		"LO-08 sid is a number":        claim("sid", 1),
		"LO-08 sid is null":            signRaw(map[string]any{"alg": h.alg, "kid": h.kid}, h.key, withNull(h.logoutClaims(), "sid")),
		"LO-08 sid is empty":           claim("sid", ""),
		"LO-08 sub is a list":          claim("sub", []string{"alice"}),
		"LO-10 too large":              claim("padding", strings.Repeat("x", maxIDToken)),
		"LO-10 not a JWT":              "x",
		"LO-10 empty":                  "",
		"crit":                         h.logoutToken(nil, map[string]any{"crit": []string{"x"}}),
		"azp of another client":        claim("azp", "somebody-else"),
	}
	for name, token := range tests {
		t.Run(name, func(t *testing.T) {
			res := w.tell(token)
			if body := drain(res); res.StatusCode != http.StatusBadRequest || !strings.Contains(body, `"error":"invalid_request"`) ||
				res.Header.Get("Sallyport-Error") != string(fault.LogoutTokenInvalid) {
				t.Errorf("%d %s, want 400", res.StatusCode, body)
			}
			if user := w.signedIn(); user != "alice" {
				t.Errorf("signed in as %q afterwards", user)
			}
		})
	}
	good := h.logoutToken(nil, nil)
	for name, body := range map[string]string{
		"two tokens": "logout_token=" + good + "&logout_token=" + good, "no token": "x=y", "nothing": "", "malformed": "logout_token=%zz",
		"too large": "logout_token=" + good + "&x=" + strings.Repeat("y", maxLogoutRequest),
	} {
		if res := w.post(body, "application/x-www-form-urlencoded"); res.StatusCode != http.StatusBadRequest {
			t.Errorf("%s: %d, want 400", name, res.StatusCode)
		}
	}
	for _, mediaType := range []string{"application/json", "text/plain", "multipart/form-data", ""} {
		if res := w.post("logout_token="+good, mediaType); res.StatusCode != http.StatusBadRequest {
			t.Errorf("as %q: %d, want 400", mediaType, res.StatusCode)
		}
	}
	if res := w.get("/oauth2/logout/backchannel?logout_token=" + good); res.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("GET: %d, want 405", res.StatusCode)
	}
	if user := w.signedIn(); user != "alice" {
		t.Errorf("signed in as %q afterwards", user)
	}
	if strings.Contains(w.log.String(), good) || strings.Contains(w.log.String(), "idp-session-1") {
		t.Error("the log shows a token or a sid")
	}
	if n := w.logoutsCounted(idp.LogoutRefused); n < float64(len(tests)) {
		t.Errorf("%v refusals counted, want at least %d", n, len(tests))
	}
}

// withNull returns claims with one member null, which with cannot say.
func withNull(claims map[string]any, name string) map[string]any {
	claims[name] = nil
	return claims
}

// A correct one ends the sessions of its sid, or all of its sub when it has none.
func TestBackChannelEnds(t *testing.T) {
	tests := []struct {
		name           string
		claims, header map[string]any
		ended          bool
	}{
		{"LO-09 sid and sub", nil, nil, true},
		{"LO-09 sid alone", map[string]any{"sub": nil}, nil, true},
		{"LO-09 sub alone", map[string]any{"sid": nil}, nil, true},
		{"another sid", map[string]any{"sid": "another"}, nil, false},
		{"another sub", map[string]any{"sid": nil, "sub": "bob"}, nil, false},
		{"LO-07 no typ", nil, map[string]any{"typ": nil}, true},
		{"LO-07 typ JWT", nil, map[string]any{"typ": "JWT"}, true},
		{"LO-07 typ in full", nil, map[string]any{"typ": "application/logout+jwt"}, true},
		{"an audience of several, with azp", map[string]any{"aud": []string{"x", testClient}, "azp": testClient}, nil, true},
		{"further members", map[string]any{"trace_id": "x", "events": map[string]any{logoutEvent: map[string]any{"x": 1}, "other": "y"}}, nil, true},
		{"within the skew", map[string]any{"iat": in(30 * time.Second), "exp": in(-30 * time.Second)}, nil, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h, w := logoutWorld(t, nil)
			first := w.jar
			w.newBrowser()
			w.signIn("/") // a second browser in the same session of the provider
			if res := w.tell(h.logoutToken(tt.claims, tt.header)); res.StatusCode != http.StatusOK || drain(res) != "" {
				t.Fatalf("status %d; log:\n%s", res.StatusCode, w.log)
			}
			for range 2 {
				if out := w.get("/").StatusCode != http.StatusOK; out != tt.ended {
					t.Errorf("signed out: %t, want %t", out, tt.ended)
				}
				w.jar = first
			}
		})
	}
}

// brokenEnds is a store that fails.
type brokenEnds struct {
	*session.Manager
	usedErr, firstErr, endErr error
}

func (b *brokenEnds) FirstUse(ctx context.Context, purpose, value string, until time.Time) (bool, error) {
	if b.firstErr != nil {
		return false, b.firstErr
	}
	return b.Manager.FirstUse(ctx, purpose, value, until)
}

func (b *brokenEnds) EndSID(ctx context.Context, issuer, sid string, why session.Reason) (int, error) {
	if b.endErr != nil {
		return 0, b.endErr
	}
	return b.Manager.EndSID(ctx, issuer, sid, why)
}

func (b *brokenEnds) Used(ctx context.Context, purpose, value string) (bool, error) {
	if b.usedErr != nil {
		return false, b.usedErr
	}
	return b.Manager.Used(ctx, purpose, value)
}

// LO-06, LO-19: whatever the store cannot do, the provider is told to try again, and
// that try succeeds with the same token: once.
func TestBackChannelCanBeTriedAgain(t *testing.T) {
	for _, tt := range []struct {
		name string
		fail func(*brokenEnds)
		user string // who is signed in after the failure
	}{
		{"nobody can say whether the token was used", func(b *brokenEnds) { b.usedErr = errStoreDown }, "alice"},
		{"the sessions are not found, or not ended", func(b *brokenEnds) { b.endErr = errStoreDown }, "alice"},
		{"that it was used is not written down", func(b *brokenEnds) { b.firstErr = errStoreDown }, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			broken := &brokenEnds{}
			h, w := logoutWorld(t, func(c *Config) {
				broken.Manager = c.Sessions.(*session.Manager)
				c.Ends = broken
			})
			token := h.logoutToken(nil, nil)
			tt.fail(broken)
			for range 2 {
				res := w.tell(token)
				if body := drain(res); res.StatusCode != http.StatusServiceUnavailable || !strings.Contains(body, "temporarily_unavailable") || res.Header.Get("Retry-After") == "" {
					t.Errorf("%d %s, want 503 with Retry-After", res.StatusCode, body)
				}
			}
			if user := w.signedIn(); user != tt.user {
				t.Errorf("signed in as %q, want %q", user, tt.user)
			}
			*broken = brokenEnds{Manager: broken.Manager}
			if res := w.tell(token); res.StatusCode != http.StatusOK || w.signedIn() != "" {
				t.Errorf("the next try: %d %s", res.StatusCode, drain(res))
			}
			if res := w.tell(token); res.StatusCode != http.StatusBadRequest {
				t.Errorf("once more: %d, want 400", res.StatusCode)
			}
		})
	}
}

// LO-06: of one token that comes many times at once, one is the first.
func TestBackChannelAtOnce(t *testing.T) {
	h, w := logoutWorld(t, nil)
	token := h.logoutToken(nil, nil)
	var told [http.StatusServiceUnavailable + 1]atomic.Int32
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			res, err := http.PostForm(w.site.URL+"/oauth2/logout/backchannel", url.Values{"logout_token": {token}})
			if err != nil {
				t.Error(err)
				return
			}
			_ = res.Body.Close()
			told[res.StatusCode].Add(1)
		})
	}
	wg.Wait()
	if ok, refused := told[http.StatusOK].Load(), told[http.StatusBadRequest].Load(); ok != 1 || refused != 15 {
		t.Errorf("%d were told 200 and %d 400, want 1 and 15", ok, refused)
	}
	if user := w.signedIn(); user != "" {
		t.Errorf("signed in as %q", user)
	}
}

// Without a store that finds sessions the endpoints are not there.
func TestLogoutEndpointsNeedAnIndex(t *testing.T) {
	w := newWorld(t, newHostile(t), nil)
	for _, route := range w.client.Routes() {
		if strings.HasSuffix(route.Path, "channel") {
			t.Errorf("%s is offered", route.Path)
		}
	}
}
