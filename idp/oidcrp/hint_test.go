package oidcrp

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/internal/secret"
)

// Okta shows an error for an id_token_hint that has expired, or for none.
func TestFreshLogoutHint(t *testing.T) {
	const offline = "openid,profile,email,offline_access"
	for _, tt := range []struct {
		name, scopes string
		later        time.Duration
		dead         bool // the refresh token
		atProvider   bool
	}{
		{"soon after the sign-in", "openid,profile,email", 0, false, true},
		{"with an ID token about to expire", "openid,profile,email", 250 * time.Second, false, false},
		{"with an expired one", "openid,profile,email", time.Hour, false, false},
		{"with an expired one that can be renewed", offline, time.Hour, false, true},
		{"with an expired one and a refresh token that has ended", offline, time.Hour, true, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w, p, _ := signedInProfile(t, "okta", env{"SALLYPORT_OIDC_SCOPES": tt.scopes}, nil)
			clock := time.Now().Add(tt.later)
			w.now = func() time.Time { return clock }
			p.set(func() {
				inner := p.claims
				p.claims = func(c map[string]any) {
					inner(c)
					delete(c, "nonce")
					c["iat"], c["exp"] = clock.Unix(), clock.Add(300*time.Second).Unix()
				}
				if tt.dead {
					p.current = ""
				}
			})
			res := w.ask(http.MethodPost, "/oauth2/logout", sameOrigin)
			to, err := url.Parse(res.Header.Get("Location"))
			must(t, err)
			if at := strings.HasSuffix(to.Path, "/v1/logout"); at != tt.atProvider {
				t.Fatalf("leads to %q, want the provider's sign-out: %v; log:\n%s", to, tt.atProvider, w.log)
			}
			if !tt.atProvider {
				if res.StatusCode != http.StatusOK || !w.pages.remains {
					t.Errorf("status %d, says that the session there remains: %v", res.StatusCode, w.pages.remains)
				}
				return
			}
			exp, err := unverifiedClaims(secret.New(to.Query().Get("id_token_hint"))).time("exp")
			if err != nil || !exp.After(clock) {
				t.Errorf("the hint expires at %s and it is %s: %v", exp, clock, err)
			}
		})
	}
}

func TestFreshLogoutHintWithoutASession(t *testing.T) {
	p := newProfiled(t, "okta", nil)
	w := newWorld(t, p.hostile, p.configure(t, "okta", nil))
	if res := w.ask(http.MethodPost, "/oauth2/logout", sameOrigin); res.StatusCode != http.StatusOK {
		t.Errorf("status %d to %q, want the signed-out page", res.StatusCode, res.Header.Get("Location"))
	}
}

// LO-17: while a slow provider is asked for a better hint, the session is over
// already; a browser that does not wait costs nothing.
func TestSessionEndsBeforeTheHintIsRefreshed(t *testing.T) {
	h := newHostile(t)
	w := signedInWorld(t, h, func(c *Config) { c.LogoutHint = LogoutHintFresh })
	w.now = func() time.Time { return time.Now().Add(time.Hour) }
	asked, release := make(chan struct{}), make(chan struct{})
	h.set(func() {
		h.token = func(http.ResponseWriter, map[string]any) bool {
			close(asked)
			<-release
			return false
		}
	})
	before := w.withCookies()
	answered := make(chan int)
	go func() { answered <- w.ask(http.MethodPost, "/oauth2/logout", sameOrigin).StatusCode }()
	<-asked
	if _, err := w.sessions.Peek(before); err == nil {
		t.Error("the session waits for the provider")
	}
	close(release)
	if status := <-answered; status != http.StatusOK && status != http.StatusSeeOther {
		t.Errorf("status %d; log:\n%s", status, w.log)
	}
}
