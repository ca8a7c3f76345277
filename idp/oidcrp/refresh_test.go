package oidcrp

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport/sallyport/internal/secret"
	"github.com/sallyport/sallyport/session"
)

// refreshWorld signs somebody in and returns the session; what the provider does
// afterwards is changed by knob.
func refreshWorld(t *testing.T, change func(*Config), knob func(*hostile)) (*world, *session.Session) {
	t.Helper()
	h := newHostile(t)
	w := newWorld(t, h, change)
	if res := w.signIn("/"); res.StatusCode != http.StatusFound {
		t.Fatalf("sign-in: %d; log:\n%s", res.StatusCode, w.log)
	}
	s, err := w.sessions.Peek(w.withCookies())
	must(t, err)
	h.set(func() {
		h.requests, h.nonce = nil, ""
		h.claims = func(c map[string]any) { delete(c, "nonce") }
		if knob != nil {
			knob(h)
		}
	})
	return w, s
}

// claimed changes the claims of the refreshed ID token; nil removes one.
func claimed(changes map[string]any) func(*hostile) {
	return func(h *hostile) {
		h.claims = func(c map[string]any) {
			delete(c, "nonce")
			for name, value := range changes {
				if value == nil {
					delete(c, name)
				} else {
					c[name] = value
				}
			}
		}
	}
}

func answering(f func(http.ResponseWriter, map[string]any) bool) func(*hostile) {
	return func(h *hostile) { h.token = f }
}

func TestRefreshRequest(t *testing.T) {
	w, s := refreshWorld(t, nil, nil)
	if _, err := w.client.Refresh(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	got := w.idp.got("/token")
	if len(got) != 1 {
		t.Fatalf("%d token requests, want 1", len(got))
	}
	want := map[string][]string{"grant_type": {"refresh_token"}, "refresh_token": {testRefreshToken}}
	if diff := cmp.Diff(want, map[string][]string(got[0].form)); diff != "" {
		t.Errorf("form (-want +got):\n%s", diff)
	}
	if !strings.HasPrefix(got[0].authorization, "Basic ") {
		t.Errorf("client authentication %q", got[0].authorization)
	}
}

// TestRefreshFailures: the outcome follows from types, and each costs one request.
func TestRefreshFailures(t *testing.T) {
	const isJSON, isHTML = "application/json", "text/html"
	oauth := func(status int, code string) func(*hostile) {
		return answering(says(status, isJSON, `{"error":"`+code+`","error_description":"invalid_grant `+testRefreshToken+`"}`))
	}
	const ended, misconfigured, unavailable = session.RefreshEnded, session.RefreshMisconfigured, session.RefreshUnavailable
	tests := []struct {
		name string
		knob func(*hostile)
		want session.RefreshOutcome
	}{
		{"invalid_grant", oauth(400, "invalid_grant"), ended},
		{"invalid_grant with 401", oauth(401, "invalid_grant"), ended},
		{"invalid_grant with 200", oauth(200, "invalid_grant"), ended},
		{"invalid_grant from a server out of order", oauth(503, "invalid_grant"), unavailable},
		{"interaction_required", oauth(400, "interaction_required"), ended},
		{"login_required", oauth(401, "login_required"), ended},
		{"consent_required", oauth(400, "consent_required"), ended},
		{"account_selection_required", oauth(400, "account_selection_required"), ended},
		{"login_required from a server out of order", oauth(500, "login_required"), unavailable},
		{"invalid_grant as text", answering(says(400, "text/plain", "invalid_grant")), misconfigured},
		{"invalid_grant in another member", answering(says(400, isJSON, `{"message":"invalid_grant"}`)), misconfigured},
		{"invalid_grant in capitals", oauth(400, "INVALID_GRANT"), misconfigured},
		{"RF-03 invalid_client", oauth(401, "invalid_client"), misconfigured},
		{"RF-03 401 without a word", answering(says(401, isHTML, "")), misconfigured},
		{"unauthorized_client", oauth(400, "unauthorized_client"), misconfigured},
		{"invalid_request", oauth(400, "invalid_request"), misconfigured},
		{"invalid_scope", oauth(400, "invalid_scope"), misconfigured},
		{"unsupported_grant_type", oauth(400, "unsupported_grant_type"), misconfigured},
		{"an error that nobody knows", oauth(400, "teapot"), misconfigured},
		{"403 page of a firewall", answering(says(403, isHTML, "<html>no</html>")), misconfigured},
		{"404", answering(says(404, isHTML, "")), misconfigured},
		{"temporarily_unavailable", oauth(400, "temporarily_unavailable"), unavailable},
		{"server_error", oauth(400, "server_error"), unavailable},
		{"RF-06 500 with a page", answering(says(500, isHTML, "<html>oops</html>")), unavailable},
		{"RF-06 502", answering(says(502, isHTML, "")), unavailable},
		{"RF-06 a page with 200", answering(says(200, isHTML, "<html>maintenance</html>")), unavailable},
		{"408", answering(says(408, isJSON, "")), unavailable},
		{"RF-11 429", answering(says(429, isJSON, `{"error":"invalid_grant"}`)), unavailable},
		{"204", answering(says(204, isJSON, "")), unavailable},
		{"a redirect", answering(redirects), unavailable},
		{"empty", answering(says(200, isJSON, "")), unavailable},
		{"cut short", answering(says(200, isJSON, `{"access_token":"x`)), unavailable},
		{"5 MB", answering(says(200, isJSON, `{"access_token":"`+strings.Repeat("a", 5<<20)+`"}`)), unavailable},
		{"no access_token", answering(body(map[string]any{"access_token": nil})), unavailable},
		{"token_type DPoP", answering(body(map[string]any{"token_type": "DPoP"})), unavailable},
		{"the connection breaks", answering(func(http.ResponseWriter, map[string]any) bool { panic(http.ErrAbortHandler) }), unavailable},
		{"CL-14 another sub", claimed(map[string]any{"sub": "mallory"}), ended},
		{"CL-14 another iss", claimed(map[string]any{"iss": "https://evil.example"}), ended},
		{"CL-14 another aud", claimed(map[string]any{"aud": "rp2"}), ended},
		{"another azp", claimed(map[string]any{"azp": "rp2"}), ended},
		{"no sub", claimed(map[string]any{"sub": nil}), ended},
		{"the address is no longer verified", claimed(map[string]any{"email_verified": false}), ended},
		{"userinfo about somebody else", func(h *hostile) {
			claimed(map[string]any{"groups": nil})(h)
			h.userinfo = raw(`{"sub":"mallory"}`)
		}, ended},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w, s := refreshWorld(t, nil, tt.knob)
			r, err := w.client.Refresh(t.Context(), s)
			failed, ok := errors.AsType[*session.RefreshError](err)
			if !ok || failed.Outcome != tt.want {
				t.Fatalf("outcome %v of %v, want %s; log:\n%s", failed, err, tt.want, w.log)
			}
			if diff := cmp.Diff(session.Renewal{}, r, cmp.AllowUnexported(secret.Text{})); diff != "" {
				t.Errorf("a renewal came along (-want +got):\n%s", diff)
			}
			if n := len(w.idp.got("/token")); n != 1 {
				t.Errorf("%d token requests, want 1", n)
			}
			said := err.Error() + w.log.String()
			for _, s := range []string{testRefreshToken, testAccessToken, testSecret} {
				if strings.Contains(said, s) {
					t.Errorf("%q was said: %s", s, said)
				}
			}
		})
	}
}

func TestRefreshNeedsTheProvider(t *testing.T) {
	w, s := refreshWorld(t, nil, nil)
	outcome := func(s *session.Session) session.RefreshOutcome {
		_, err := w.client.Refresh(t.Context(), s)
		failed, ok := errors.AsType[*session.RefreshError](err)
		if !ok {
			t.Fatalf("error %v", err)
		}
		return failed.Outcome
	}
	foreign := *s
	foreign.Identity.Issuer = "https://other.example"
	if got := outcome(&foreign); got != session.RefreshEnded {
		t.Errorf("a session of another issuer: %s", got)
	}
	without := *s
	without.Grant.RefreshToken = secret.Text{}
	if got := outcome(&without); got != session.RefreshMisconfigured {
		t.Errorf("a session without a refresh token: %s", got)
	}
	if n := len(w.idp.got("/token")); n != 0 {
		t.Fatalf("%d token requests for sessions that are not refreshed there", n)
	}
	w.idp.Close()
	if got := outcome(s); got != session.RefreshUnavailable {
		t.Errorf("a provider that is gone: %s", got)
	}
	w.client.provider.Store(nil)
	if got := outcome(s); got != session.RefreshUnavailable {
		t.Errorf("before discovery: %s", got)
	}
}

func TestRefreshTimesOut(t *testing.T) {
	release := make(chan struct{})
	w, s := refreshWorld(t, func(c *Config) { c.Timeout = 2 * time.Second }, answering(func(http.ResponseWriter, map[string]any) bool {
		<-release
		return true
	}))
	defer close(release)
	_, err := w.client.Refresh(t.Context(), s)
	if failed, ok := errors.AsType[*session.RefreshError](err); !ok || failed.Outcome != session.RefreshUnavailable {
		t.Errorf("error %v", err)
	}
}

func TestRefreshRetryAfter(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for value, want := range map[string]time.Duration{
		"": 0, "0": 0, "7": 7 * time.Second, " 7 ": 7 * time.Second, "-7": 0, "3600": maxRetryAfter, "99999999999999999999": 0,
		"9223372036854775807": maxRetryAfter, "soon": 0, "1.5": 0,
		"Fri, 02 Jan 2026 03:04:35 GMT": 30 * time.Second, "Fri, 02 Jan 2026 03:04:00 GMT": 0, "Fri, 02 Jan 2099 03:04:00 GMT": maxRetryAfter,
	} {
		if got := retryAfter(value, now); got != want {
			t.Errorf("Retry-After %q: %s, want %s", value, got, want)
		}
	}
	w, s := refreshWorld(t, nil, answering(func(w http.ResponseWriter, _ map[string]any) bool {
		w.Header().Set("Retry-After", "42")
		w.WriteHeader(http.StatusTooManyRequests)
		return true
	}))
	_, err := w.client.Refresh(t.Context(), s)
	if failed, ok := errors.AsType[*session.RefreshError](err); !ok || failed.RetryAfter != 42*time.Second {
		t.Errorf("RF-11: %+v", failed)
	}
}
