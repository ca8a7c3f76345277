package oidcrp

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sallyport/sallyport/internal/fault"
	"github.com/sallyport/sallyport/internal/secret"
	"github.com/sallyport/sallyport/session"
)

// twoSecrets are a client secret and the one before it, of which the provider accepts
// one.
type twoSecrets struct {
	current, previous, accepted atomic.Pointer[string]
}

func newExchange(current, previous, accepted string) *twoSecrets {
	x := &twoSecrets{}
	x.set(current, previous, accepted)
	return x
}

func (x *twoSecrets) set(current, previous, accepted string) {
	x.current.Store(&current)
	x.previous.Store(&previous)
	x.accepted.Store(&accepted)
}

func (x *twoSecrets) configure(c *Config) {
	c.ClientSecret = func() secret.Text { return secret.New(*x.current.Load()) }
	c.PreviousSecret = func() secret.Text { return secret.New(*x.previous.Load()) }
}

// refuses answers as a provider does that knows another secret.
func (x *twoSecrets) refuses(w http.ResponseWriter, r *http.Request) bool {
	if r.Header.Get("Authorization") == "Basic "+basic(testClient, *x.accepted.Load()) {
		return false
	}
	w.WriteHeader(http.StatusUnauthorized)
	_, _ = w.Write([]byte(`{"error":"invalid_client"}`))
	return true
}

// newExchangeWorld is a provider whose every endpoint looks at the secret first.
func newExchangeWorld(t *testing.T, x *twoSecrets) (*hostile, *world) {
	t.Helper()
	h := newHostile(t)
	h.deny = x.refuses
	return h, newWorld(t, h, x.configure)
}

// landed follows the redirects of a sign-in that may begin again, and returns the
// last answer.
func (w *world) landed(path string) *http.Response {
	w.t.Helper()
	res := w.signIn(path)
	if at := res.Header.Get("Location"); strings.HasPrefix(at, w.idp.URL) {
		res = w.get(w.get(at).Header.Get("Location"))
	}
	return res
}

func codesOf(h *hostile) (codes int) {
	for _, call := range h.got("/token") {
		if call.form.Get("grant_type") == "authorization_code" {
			codes++
		}
	}
	return codes
}

// The provider changes from the old secret to the new one while both are configured:
// nobody is locked out, before or after, and no code is sent twice.
func TestSecretExchange(t *testing.T) {
	x := newExchange("new", "old", "old")
	h, w := newExchangeWorld(t, x)
	for step, tt := range []struct {
		accepted string
		codes    int // redeemed so far
		name     string
	}{
		{"old", 2, "the first sign-in begins again"},
		{"old", 3, "the second knows which"},
		{"new", 5, "after the exchange one begins again"},
		{"new", 6, "and then none"},
	} {
		accepted := tt.accepted
		x.accepted.Store(&accepted)
		w.newBrowser()
		res := w.landed("/deep?x=1")
		if at := res.Header.Get("Location"); at != "/deep?x=1" || w.signedIn() != "alice" {
			t.Fatalf("%d: %s: answer %d to %q; log:\n%s", step, tt.name, res.StatusCode, at, w.log)
		}
		if got := codesOf(h); got != tt.codes {
			t.Errorf("%d: %s: %d codes were redeemed, want %d", step, tt.name, got, tt.codes)
		}
	}
	log := w.log.String()
	for _, want := range []string{`"refused":"SALLYPORT_OIDC_CLIENT_SECRET","used":"SALLYPORT_OIDC_CLIENT_SECRET_PREVIOUS"`, `"refused":"SALLYPORT_OIDC_CLIENT_SECRET_PREVIOUS","used":"SALLYPORT_OIDC_CLIENT_SECRET"`} {
		if n := strings.Count(log, want); n != 1 {
			t.Errorf("the log says %d times %s, want once:\n%s", n, want, log)
		}
	}
}

// Refreshes and revocations burn nothing by being refused: they are sent again.
func TestSecretExchangeOfRefreshes(t *testing.T) {
	x := newExchange("one", "two", "one")
	h, w := newExchangeWorld(t, x)
	w.signIn("/")
	s, err := w.sessions.Peek(w.withCookies())
	must(t, err)
	h.set(func() { h.claims = func(c map[string]any) { delete(c, "nonce") } })
	x.set("one", "two", "two")
	if _, err := w.client.Refresh(t.Context(), s); err != nil {
		t.Errorf("refreshing: %v", err)
	}
	x.set("one", "two", "one")
	w.client.revoke(t.Context(), w.client.provider.Load(), session.Grant{RefreshToken: secret.New("rt")})
	w.client.revoker.drain(10 * time.Second)
	if n := len(h.got("/revoke")); n != 2 || strings.Contains(w.log.String(), "a token was not revoked") {
		t.Errorf("%d revocation requests, want 2; log:\n%s", n, w.log)
	}
}

// P25: when neither is accepted, a page says so after one new beginning.
func TestBothSecretsRefused(t *testing.T) {
	x := newExchange("new", "old", "another")
	h, w := newExchangeWorld(t, x)
	for range 2 {
		h.set(func() { h.requests = nil })
		res := w.landed("/")
		w.wantFault(res, fault.ClientRejected)
		if n := codesOf(h); n != 2 {
			t.Errorf("%d codes were redeemed, want 2", n)
		}
	}
}

// With one secret there is nothing to begin again for, and equal ones are one.
func TestNoOtherSecret(t *testing.T) {
	for name, previous := range map[string]string{"none": "", "the same": "one"} {
		t.Run(name, func(t *testing.T) {
			h, w := newExchangeWorld(t, newExchange("one", previous, "another"))
			w.wantFault(w.signIn("/"), fault.ClientRejected)
			if n := codesOf(h); n != 1 {
				t.Errorf("%d codes were redeemed, want 1", n)
			}
		})
	}
}

// Other refusals are not about the secret.
func TestRefusesClient(t *testing.T) {
	for _, tt := range []struct {
		status int
		body   string
		want   bool
	}{
		{401, `{"error":"invalid_client"}`, true},
		{400, `{"error":"invalid_client"}`, true},
		{401, `{"error":"unauthorized_client"}`, true},
		{400, `{"error":"unauthorized_client"}`, false},
		{401, ``, true},
		{401, `{"error":"invalid_grant"}`, false},
		{400, `{"error":"invalid_grant"}`, false},
		{403, `<html>`, false},
		{500, `{"error":"server_error"}`, false},
		{200, `{"access_token":"x"}`, false},
	} {
		if got := (&answer{status: tt.status, body: []byte(tt.body)}).refusesClient(); got != tt.want {
			t.Errorf("%d %s: %t, want %t", tt.status, tt.body, got, tt.want)
		}
	}
}

// A pushed request shows which secret is good before there is a code to lose.
func TestSecretExchangeOfPushedRequests(t *testing.T) {
	x := newExchange("new", "old", "old")
	h := newHostile(t)
	h.offersPushing(true)
	h.deny = x.refuses
	w := newWorld(t, h, x.configure)
	w.signIn("/")
	if user := w.signedIn(); user != "alice" || len(h.got("/par")) != 2 || codesOf(h) != 1 {
		t.Errorf("signed in as %q after %d pushed requests and %d codes; want alice, 2 and 1; log:\n%s", user, len(h.got("/par")), codesOf(h), w.log)
	}
}
