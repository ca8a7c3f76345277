package oidcrp

import (
	"crypto/rand"
	"crypto/rsa"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport/sallyport/session"
)

// renew refreshes once and fails unless that succeeds.
func (w *world) renew(s *session.Session) session.Renewal {
	w.t.Helper()
	r, err := w.client.Refresh(w.t.Context(), s)
	if err != nil {
		w.t.Fatalf("refresh: %v; log:\n%s", err, w.log)
	}
	return r
}

func TestRefreshRenews(t *testing.T) {
	both := func(knobs ...func(*hostile)) func(*hostile) {
		return func(h *hostile) {
			for _, k := range knobs {
				k(h)
			}
		}
	}
	noIDToken := answering(body(map[string]any{"id_token": nil}))
	always := func(c *Config) { c.Userinfo = UserinfoAlways }
	never := func(c *Config) { c.Userinfo = UserinfoNever }
	tests := []struct {
		name     string
		change   func(*Config)
		knob     func(*hostile)
		groups   []string
		userinfo int  // requests
		kept     bool // the ID token of the sign-in stays
	}{
		{"a group is taken away", nil, claimed(map[string]any{"groups": []string{}}), nil, 0, false},
		{"a group is added", nil, claimed(map[string]any{"groups": []string{"staff", "admins"}}), []string{"staff", "admins"}, 0, false},
		{"the claim is gone, and userinfo has none", nil, claimed(map[string]any{"groups": nil}), nil, 1, false},
		{"the claim is gone, userinfo never", never, claimed(map[string]any{"groups": nil}), nil, 0, false},
		{"the claim is in userinfo", nil, both(claimed(map[string]any{"groups": nil}), func(h *hostile) { h.userinfo = raw(`{"sub":"alice","groups":["new"]}`) }), []string{"new"}, 1, false},
		{"userinfo fails", nil, both(claimed(map[string]any{"groups": nil}), func(h *hostile) { h.userinfo = status(500) }), []string{"staff"}, 1, false},
		{"userinfo always", always, func(h *hostile) { h.userinfo = raw(`{"sub":"alice","groups":["new"]}`) }, []string{"staff"}, 1, false},
		{"userinfo always fails", always, both(claimed(map[string]any{"groups": []string{"new"}}), func(h *hostile) { h.userinfo = status(503) }), []string{"staff"}, 1, false},
		{"RF-09 no id_token, userinfo has groups", nil, both(noIDToken, func(h *hostile) { h.userinfo = raw(`{"sub":"alice","groups":[]}`) }), nil, 1, true},
		{"RF-09 no id_token, userinfo has no groups", nil, noIDToken, []string{"staff"}, 1, true},
		{"RF-09 no id_token, userinfo never", never, noIDToken, []string{"staff"}, 0, true},
		{"RF-09 no id_token, userinfo fails", nil, both(noIDToken, func(h *hostile) { h.userinfo = status(401) }), []string{"staff"}, 1, true},
		{"CL-14 bad signature", never, both(claimed(map[string]any{"sub": "mallory", "groups": []string{"admins"}}), func(h *hostile) { h.key = otherKey() }), []string{"staff"}, 0, true},
		{"CL-14 iat older", never, claimed(map[string]any{"iat": time.Now().Add(-time.Hour).Unix(), "groups": []string{"admins"}}), []string{"staff"}, 0, true},
		{"expired", never, claimed(map[string]any{"exp": time.Now().Add(-time.Hour).Unix(), "groups": []string{"admins"}}), []string{"staff"}, 0, true},
		{"at_hash of another token", never, claimed(map[string]any{"at_hash": leftHash("other"), "groups": []string{"admins"}}), []string{"staff"}, 0, true},
		{"CL-14 a nonce of old is not looked at", nil, claimed(map[string]any{"nonce": "another", "groups": []string{"new"}}), []string{"new"}, 0, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w, s := refreshWorld(t, tt.change, nil)
			w.idp.set(func() { w.idp.requests = nil; tt.knob(w.idp) })
			r := w.renew(s)
			if diff := cmp.Diff(tt.groups, r.Identity.Groups); diff != "" {
				t.Errorf("groups (-want +got):\n%s; log:\n%s", diff, w.log)
			}
			if r.Identity.Subject != "alice" || r.Identity.Email != "alice@example.com" || r.Identity.SID != "idp-session-1" {
				t.Errorf("identity %+v", r.Identity)
			}
			if n := len(w.idp.got("/userinfo")); n != tt.userinfo {
				t.Errorf("%d userinfo requests, want %d", n, tt.userinfo)
			}
			if kept := r.Grant.IDToken.Reveal() == s.Grant.IDToken.Reveal(); kept != tt.kept {
				t.Errorf("the first ID token kept = %v, want %v", kept, tt.kept)
			}
			if r.Grant.RefreshToken.Reveal() != testRefreshToken || r.Grant.AccessToken.Reveal() != testAccessToken {
				t.Error("tokens were lost")
			}
		})
	}
}

func TestRefreshedGrant(t *testing.T) {
	w, s := refreshWorld(t, nil, answering(body(map[string]any{
		"access_token": "second", "refresh_token": "rotated", "expires_in": "60",
	})))
	before := time.Now()
	r := w.renew(s)
	g := r.Grant
	if g.AccessToken.Reveal() != "second" || g.RefreshToken.Reveal() != "rotated" || g.Mode != session.ModeFull {
		t.Errorf("grant %+v", g)
	}
	if life := g.ExpiresAt.Sub(g.ObtainedAt); life != time.Minute || g.ObtainedAt.Before(before) {
		t.Errorf("obtained %v, expires %v", g.ObtainedAt, g.ExpiresAt)
	}
	for name, answer := range map[string]map[string]any{
		"RF-09 no refresh_token":    {"refresh_token": nil},
		"RF-09 empty refresh_token": {"refresh_token": ""},
	} {
		w.idp.set(func() { w.idp.token = body(answer) })
		if r := w.renew(s); r.Grant.RefreshToken.Reveal() != testRefreshToken || r.Grant.Mode != session.ModeFull {
			t.Errorf("%s: the old one did not stay, or mode %q", name, r.Grant.Mode)
		}
	}
	w.idp.set(func() { w.idp.token = body(map[string]any{"expires_in": nil}) })
	if r := w.renew(s); !r.Grant.ExpiresAt.IsZero() {
		t.Errorf("RF-09 no expires_in: expires %v, want not known", r.Grant.ExpiresAt)
	}
}

// What describes the sign-in stays when a refresh says something else.
func TestRefreshKeepsTheAuthentication(t *testing.T) {
	w, s := refreshWorld(t, nil, claimed(map[string]any{
		"auth_time": time.Now().Unix(), "acr": "gold", "amr": []string{"mfa"}, "sid": "another", "email": "new@example.com",
	}))
	s.Identity.AuthTime, s.Identity.ACR, s.Identity.AMR = time.Unix(1e9, 0).UTC(), "silver", []string{"pwd"}
	id := w.renew(s).Identity
	if !id.AuthTime.Equal(s.Identity.AuthTime) || id.ACR != "silver" || id.AMR[0] != "pwd" || id.SID != "idp-session-1" {
		t.Errorf("the authentication changed: %+v", id)
	}
	if id.Email != "new@example.com" {
		t.Errorf("email %q was not renewed", id.Email)
	}
}

func TestRefreshLogsWhatItIgnores(t *testing.T) {
	w, s := refreshWorld(t, nil, func(h *hostile) { h.key = otherKey() })
	w.renew(s)
	if log := w.log.String(); !strings.Contains(log, "the new ID token is ignored") || !strings.Contains(log, s.Handle.String()) {
		t.Errorf("CL-14: not audited:\n%s", log)
	}
}

// otherKey is a key that the provider does not publish.
func otherKey() any {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
}

func status(code int) func(http.ResponseWriter) bool {
	return func(w http.ResponseWriter) bool {
		w.WriteHeader(code)
		return true
	}
}
