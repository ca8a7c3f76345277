package oidcrp

import (
	"encoding/base64"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/sallyport/sallyport/idp"
	"github.com/sallyport/sallyport/internal/fault"
	"github.com/sallyport/sallyport/session"
)

// keycloakToken looks like a refresh token of Keycloak.
func keycloakToken(typ string) string {
	part := func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }
	return part(`{"alg":"HS512"}`) + "." + part(`{"iss":"x","typ":"`+typ+`"}`) + "." + part("signature")
}

func TestModeOfSession(t *testing.T) {
	no, yes := false, true
	noLogout := func(m map[string]any) { delete(m, "end_session_endpoint") }
	tests := []struct {
		name     string
		change   func(*Config)
		metadata func(map[string]any)
		answer   map[string]any
		want     session.Mode
	}{
		{"P6 P8 a refresh token and a sign-out", nil, nil, nil, session.ModeFull},
		{"P6 no refresh token", nil, nil, map[string]any{"refresh_token": nil}, session.ModeNotBound},
		{"P7 typ Offline", nil, nil, map[string]any{"refresh_token": keycloakToken("Offline")}, session.ModeNotBound},
		{"P7 typ Refresh", nil, nil, map[string]any{"refresh_token": keycloakToken("Refresh")}, session.ModeFull},
		{"P7 typ Offline, although known to be bound", func(c *Config) { c.RefreshBound = &yes }, nil, map[string]any{"refresh_token": keycloakToken("Offline")}, session.ModeNotBound},
		{"P7 a token that looks like a JWT and is none", nil, nil, map[string]any{"refresh_token": "a.b.c"}, session.ModeFull},
		{"P11 offline_access asked for", func(c *Config) { c.Scopes = append(c.Scopes, "offline_access") }, nil, nil, session.ModeNotBound},
		{"offline_access asked for and not granted", func(c *Config) { c.Scopes = append(c.Scopes, "offline_access") }, nil, map[string]any{"scope": "openid profile"}, session.ModeFull},
		{"offline_access granted unasked", nil, nil, map[string]any{"scope": "openid offline_access"}, session.ModeNotBound},
		{"known not to be bound", func(c *Config) { c.RefreshBound = &no }, nil, nil, session.ModeNotBound},
		{"known to be bound, with offline_access", func(c *Config) { c.RefreshBound = &yes }, nil, map[string]any{"scope": "openid offline_access"}, session.ModeFull},
		{"P10 P27 neither", nil, noLogout, map[string]any{"refresh_token": nil}, session.ModeDegraded},
		{"a refresh token without a sign-out", nil, noLogout, nil, session.ModeDegraded},
		{"a sign-out that is configured", func(c *Config) { c.LogoutURL = "https://idp.example.com/logout" }, noLogout, nil, session.ModeFull},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := newHostile(t)
			h.metadata = tt.metadata
			h.token = body(tt.answer)
			w := newWorld(t, h, tt.change)
			if before := w.client.Mode(nil); before == string(session.ModeFull) || before == "" {
				t.Errorf("before a sign-in the mode is %q; no refresh token has been seen", before)
			}
			w.signIn("/")
			s, err := w.sessions.Peek(w.withCookies())
			must(t, err)
			if s.Grant.Mode != tt.want || w.client.Mode(s) != string(tt.want) || w.client.Mode(nil) != string(tt.want) {
				t.Errorf("mode %q, want %q; %q of sign-ins at present", s.Grant.Mode, tt.want, w.client.Mode(nil))
			}
			info := w.client.metrics.info
			if got := testutil.ToFloat64(info.WithLabelValues("generic", h.URL, string(tt.want))); got != 1 || testutil.CollectAndCount(info) != 1 {
				t.Errorf("sallyport_idp_info: %v of %d series", got, testutil.CollectAndCount(info))
			}
			// Fetching the metadata again forgets nothing.
			must(t, w.client.discover(t.Context()))
			if w.client.Mode(nil) != string(tt.want) {
				t.Errorf("after discovery %q", w.client.Mode(nil))
			}
		})
	}
}

// A session from before modes were computed shows what sign-ins bring now.
func TestModeOfAnOldSession(t *testing.T) {
	w := newWorld(t, newHostile(t), nil)
	if got := w.client.Mode(&session.Session{}); got != string(session.ModeNotBound) {
		t.Errorf("mode %q", got)
	}
}

func TestModeFollowsRefresh(t *testing.T) {
	w, s := refreshWorld(t, nil, answering(body(map[string]any{"refresh_token": keycloakToken("Offline")})))
	r := w.renew(s)
	if r.Grant.Mode != session.ModeNotBound {
		t.Errorf("an offline token came: mode %q", r.Grant.Mode)
	}
	s.Grant = r.Grant
	w.idp.set(func() { w.idp.token = body(map[string]any{"refresh_token": "opaque"}) })
	if got := w.renew(s).Grant.Mode; got != session.ModeNotBound {
		t.Errorf("a session that was not bound became %q", got)
	}
}

// refusing is the session layer with SALLYPORT_SESSION_BINDING=idp.
type refusing struct{ idp.Sessions }

func (f refusing) Start(w http.ResponseWriter, r *http.Request, l session.Login) (*session.Session, error) {
	if l.Grant.Mode != session.ModeFull {
		return nil, &session.NotBoundError{Mode: l.Grant.Mode}
	}
	return f.Sessions.Start(w, r, l)
}

func TestSignInThatIsNotBound(t *testing.T) {
	tests := []struct {
		name     string
		metadata func(map[string]any)
		answer   map[string]any
		said     string
	}{
		{"no refresh token", nil, map[string]any{"refresh_token": nil}, "no refresh token"},
		{"offline token", nil, map[string]any{"scope": "openid offline_access"}, "take offline_access out of SALLYPORT_OIDC_SCOPES"},
		{"no sign-out", func(m map[string]any) { delete(m, "end_session_endpoint") }, nil, "SALLYPORT_OIDC_LOGOUT_URL is not set"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := newHostile(t)
			h.metadata, h.token = tt.metadata, body(tt.answer)
			w := newWorld(t, h, func(c *Config) { c.Sessions = refusing{c.Sessions} })
			w.wantFault(w.signIn("/"), fault.SessionNotBound)
			if log := w.log.String(); !strings.Contains(log, tt.said) || !strings.Contains(log, "SALLYPORT_SESSION_BINDING") {
				t.Errorf("the log names no remedy:\n%s", log)
			}
			w.client.revoker.drain(5 * time.Second)
			if len(h.got("/revoke")) == 0 {
				t.Error("the tokens that nobody will use were not revoked")
			}
		})
	}
	h := newHostile(t)
	w := newWorld(t, h, func(c *Config) { c.Sessions = refusing{c.Sessions} })
	if w.signIn("/"); w.signedIn() == "" {
		t.Errorf("a bound sign-in was refused; log:\n%s", w.log)
	}
}
