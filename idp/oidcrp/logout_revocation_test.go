package oidcrp

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sallyport/sallyport/internal/secret"
	"github.com/sallyport/sallyport/session"
)

// revoked names what the provider was asked to revoke so far, in order.
func revoked(h *hostile) string {
	var hints []string
	for _, call := range h.got("/revoke") {
		hints = append(hints, call.form.Get("token_type_hint"))
	}
	return strings.Join(hints, " ")
}

// The sign-out is answered while its revocations have not even been.
func TestRevocationDelaysNoAnswer(t *testing.T) {
	release, asked := make(chan struct{}), make(chan struct{}, 2)
	h := newHostile(t)
	h.revoke = func(http.ResponseWriter) { asked <- struct{}{}; <-release }
	w := signedInWorld(t, h, nil)
	res := w.ask(http.MethodPost, "/oauth2/logout", sameOrigin) // returns, or the test times out
	<-asked
	if res.StatusCode != http.StatusSeeOther || w.signedIn() != "" {
		t.Errorf("LO-17: %d and user %q, want 303 and nobody", res.StatusCode, w.signedIn())
	}
	close(release)
	w.client.revoker.drain(10 * time.Second)
	if got := revoked(h); got != "refresh_token access_token" {
		t.Errorf("revoked %q, want both", got)
	}
}

// A browser that leaves right after the sign-out does not stop them.
func TestRevocationOutlivesTheRequest(t *testing.T) {
	release := make(chan struct{})
	h := newHostile(t)
	h.revoke = func(http.ResponseWriter) { <-release }
	w := signedInWorld(t, h, nil)
	w.ask(http.MethodPost, "/oauth2/logout", sameOrigin)
	w.site.CloseClientConnections()
	close(release)
	w.client.revoker.drain(10 * time.Second)
	if got := revoked(h); got != "refresh_token access_token" {
		t.Errorf("revoked %q, want both", got)
	}
}

func TestRevocationAnswers(t *testing.T) {
	tests := []struct {
		name     string
		statuses []int // one after the other, then 200
		want     string
	}{
		{"both revoked", nil, "refresh_token access_token"},
		{"400 is an answer", []int{400, 400}, "refresh_token access_token"},
		{"401 is an answer", []int{401, 401}, "refresh_token access_token"},
		{"404 is an answer", []int{404, 404}, "refresh_token access_token"},
		{"503 is not", []int{503}, "refresh_token refresh_token access_token"},
		{"429 is not", []int{429}, "refresh_token refresh_token access_token"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			h := newHostile(t)
			h.revoke = func(rw http.ResponseWriter) {
				if n := len(h.got("/revoke")); n <= len(tt.statuses) {
					rw.WriteHeader(tt.statuses[n-1])
				}
			}
			w := signedInWorld(t, h, nil)
			w.ask(http.MethodPost, "/oauth2/logout", sameOrigin)
			w.client.revoker.drain(20 * time.Second)
			if got := revoked(h); got != tt.want {
				t.Errorf("revoked %q, want %q", got, tt.want)
			}
			if said := strings.Contains(w.log.String(), "was not revoked"); said != (len(tt.statuses) == 2) {
				t.Errorf("the log says that a token was not revoked: %t; log:\n%s", said, w.log)
			}
		})
	}
}

// A redirect would carry the tokens and the client secret to where nobody sent them.
func TestRevocationRedirectIsRefused(t *testing.T) {
	var hits atomic.Int64
	evil := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { hits.Add(1) }))
	t.Cleanup(evil.Close)
	for _, status := range []int{301, 302, 303, 307, 308} {
		h := newHostile(t)
		h.revoke = func(rw http.ResponseWriter) {
			rw.Header().Set("Location", evil.URL+"/collect")
			rw.WriteHeader(status)
		}
		w := signedInWorld(t, h, nil)
		w.ask(http.MethodPost, "/oauth2/logout", sameOrigin)
		w.client.revoker.drain(10 * time.Second)
		if got := revoked(h); hits.Load() != 0 || got != "refresh_token access_token" {
			t.Errorf("OF-22: status %d: %d requests to its target after %q, want none", status, hits.Load(), got)
		}
	}
}

func TestRevocationAuthenticates(t *testing.T) {
	for auth, check := range map[ClientAuth]func(recorded) bool{
		ClientSecretBasic: func(r recorded) bool {
			return r.authorization == "Basic "+basic(url.QueryEscape(testClient), url.QueryEscape(testSecret)) && !r.form.Has("client_secret")
		},
		ClientSecretPost: func(r recorded) bool {
			return r.authorization == "" && r.form.Get("client_id") == testClient && r.form.Get("client_secret") == testSecret
		},
		ClientAuthNone: func(r recorded) bool {
			return r.authorization == "" && r.form.Get("client_id") == testClient && !r.form.Has("client_secret")
		},
	} {
		h := newHostile(t)
		w := signedInWorld(t, h, func(c *Config) { c.ClientAuth = auth })
		w.ask(http.MethodPost, "/oauth2/logout", sameOrigin)
		w.client.revoker.drain(10 * time.Second)
		calls := h.got("/revoke")
		for _, call := range calls {
			if !check(call) {
				t.Errorf("%s: the client is not authenticated so", auth)
			}
		}
		if len(calls) != 2 {
			t.Errorf("%s: %d revocations, want 2", auth, len(calls))
		}
	}
}

// Only what is there is revoked, and only where the provider can.
func TestNothingToRevoke(t *testing.T) {
	t.Run("no refresh token", func(t *testing.T) {
		h := newHostile(t)
		h.token = body(map[string]any{"refresh_token": nil})
		w := signedInWorld(t, h, nil)
		w.ask(http.MethodPost, "/oauth2/logout", sameOrigin)
		w.client.revoker.drain(10 * time.Second)
		if got := revoked(h); got != "access_token" {
			t.Errorf("revoked %q, want the access token", got)
		}
	})
	t.Run("no revocation endpoint", func(t *testing.T) {
		h := newHostile(t)
		h.metadata = func(m map[string]any) { delete(m, "revocation_endpoint") }
		w := signedInWorld(t, h, nil)
		res := w.ask(http.MethodPost, "/oauth2/logout", sameOrigin)
		w.client.revoker.drain(10 * time.Second)
		if res.StatusCode != http.StatusSeeOther || w.signedIn() != "" || revoked(h) != "" {
			t.Errorf("%d, user %q, revoked %q", res.StatusCode, w.signedIn(), revoked(h))
		}
	})
	t.Run("nobody is signed in", func(t *testing.T) {
		h := newHostile(t)
		w := newWorld(t, h, nil)
		res := w.ask(http.MethodPost, "/oauth2/logout", sameOrigin)
		w.client.revoker.drain(10 * time.Second)
		q := mustURL(t, res.Header.Get("Location")).Query()
		if q.Has("id_token_hint") || q.Get("client_id") != testClient || q.Get("post_logout_redirect_uri") == "" || revoked(h) != "" {
			t.Errorf("leads to the provider with %v, revoked %q; want its sign-out without a hint", q, revoked(h))
		}
	})
	t.Run("a session of another provider", func(t *testing.T) {
		h := newHostile(t)
		w := newWorld(t, h, nil)
		rec := httptest.NewRecorder()
		_, err := w.sessions.Start(rec, httptest.NewRequest(http.MethodGet, "/", nil), session.Login{
			IdP: "other", Identity: session.Identity{Subject: "bob", User: "bob"},
			Grant: session.Grant{AccessToken: secret.New("of the other provider"), IDToken: secret.New("e30.e30.x")},
		})
		must(t, err)
		w.jar.SetCookies(mustURL(t, w.site.URL), rec.Result().Cookies())
		res := w.ask(http.MethodPost, "/oauth2/logout", sameOrigin)
		w.client.revoker.drain(10 * time.Second)
		if revoked(h) != "" || strings.Contains(res.Header.Get("Location"), "e30") || w.signedIn() != "" {
			t.Errorf("tokens of one provider went to another: revoked %q, %q", revoked(h), res.Header.Get("Location"))
		}
	})
}

// However many sign-outs there are, memory and connections have a bound.
func TestRevocationsAreBounded(t *testing.T) {
	h := newHostile(t)
	w := newWorld(t, h, nil)
	release := make(chan struct{})
	for range maxRevocations {
		w.client.revoker.start(func() { <-release })
	}
	w.client.revoke(t.Context(), w.client.provider.Load(), session.Grant{AccessToken: secret.New("one too many")})
	close(release)
	w.client.revoker.drain(10 * time.Second)
	if len(h.got("/revoke")) != 0 || !strings.Contains(w.log.String(), "too many token revocations") {
		t.Errorf("%d revocations beyond the bound; log:\n%s", len(h.got("/revoke")), w.log)
	}
}

// A session that was ended from elsewhere has its tokens revoked, too, but not at
// a provider that did not issue them.
func TestRevokeOfASessionEndedElsewhere(t *testing.T) {
	for issuer, want := range map[string]string{"": "refresh_token access_token", "https://another.example": ""} {
		h := newHostile(t)
		w := signedInWorld(t, h, nil)
		s := &session.Session{
			Identity: session.Identity{Issuer: issuer},
			Grant:    session.Grant{AccessToken: secret.New("at"), RefreshToken: secret.New("rt")},
		}
		if issuer == "" {
			s.Identity.Issuer = h.URL
		}
		w.client.Revoke(s)
		w.client.revoker.drain(10 * time.Second)
		if got := revoked(h); got != want {
			t.Errorf("of issuer %q revoked %q, want %q", issuer, got, want)
		}
	}
}

var _ session.Revoker = (*Client)(nil)
