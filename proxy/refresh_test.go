package proxy

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/session"
)

// fakeRefresher answers as it is told, for who is signed in.
type fakeRefresher struct {
	auth  *fakeAuth
	err   error
	asked int
}

func (f *fakeRefresher) Refresh(r *http.Request) (*session.Session, error) {
	f.asked++
	if f.err != nil {
		return nil, f.err
	}
	return f.auth.Peek(r)
}

func TestSessionRefreshEndpoint(t *testing.T) {
	refused := func(outcome session.RefreshOutcome, wait time.Duration) error {
		return &session.RefreshError{Outcome: outcome, RetryAfter: wait, Err: errors.New("said so")}
	}
	post := []string{"Cookie: " + valid, "Content-Length: 0"}
	tests := []struct {
		name   string
		fields []string
		err    error
		status int
		code   string
		retry  string
		asked  int
	}{
		{"done", post, nil, 200, "", "", 1},
		{"by the site's own page", append(post, "Sec-Fetch-Site: same-origin", "Origin: https://app.example.com"), nil, 200, "", "", 1},
		{"by another site", append(post, "Sec-Fetch-Site: cross-site", "Origin: https://evil.com"), nil, 403, "cross_site_request", "", 0},
		{"by another origin of an old browser", append(post, "Origin: https://evil.com"), nil, 403, "cross_site_request", "", 0},
		{"nobody is signed in", []string{"Content-Length: 0"}, nil, 401, "sign_in_required", "", 1},
		{"ended at the provider", post, &session.NoSessionError{Why: session.SessionEndedAtIdP}, 401, "sign_in_required", "", 1},
		{"store down", post, errStore, 503, "store_unavailable", "5", 1},
		{"provider down", post, refused(session.RefreshUnavailable, 0), 503, "idp_unavailable", "5", 1},
		{"RF-11 provider asks for a pause", post, refused(session.RefreshUnavailable, 90*time.Second), 503, "idp_unavailable", "90", 1},
		{"RF-03 provider refuses the client", post, refused(session.RefreshMisconfigured, 0), 502, "idp_client_rejected", "", 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			refresher := &fakeRefresher{err: tt.err}
			f := newFixture(t, func(c *Config) { c.Refresh = refresher })
			refresher.auth = f.auth
			f.auth.sessions["alice"].RefreshAt = time.Date(2026, 1, 2, 3, 8, 5, 600, time.UTC)
			a := f.send(request("POST", "/oauth2/session/refresh", tt.fields...))
			a.wantStatus(t, tt.status)
			if got := a.Header.Get("Sallyport-Error"); got != tt.code {
				t.Errorf("Sallyport-Error = %q, want %q", got, tt.code)
			}
			if got := a.Header.Get("Retry-After"); got != tt.retry {
				t.Errorf("Retry-After = %q, want %q", got, tt.retry)
			}
			if len(a.Header.Values("Set-Cookie")) != 0 {
				t.Errorf("the cookie was touched: %v", a.Header.Values("Set-Cookie"))
			}
			if refresher.asked != tt.asked {
				t.Errorf("%d refreshes, want %d", refresher.asked, tt.asked)
			}
			if strings.Contains(a.body, "said so") {
				t.Errorf("the answer tells the cause: %s", a.body)
			}
			if tt.status != 200 {
				return
			}
			var got map[string]any
			if err := json.Unmarshal([]byte(a.body), &got); err != nil || got["refresh_at"] != "2026-01-02T03:08:05Z" {
				t.Errorf("refresh_at in %s (%v)", a.body, err)
			}
		})
	}
}

func TestSessionRefreshOnlyByPost(t *testing.T) {
	refresher := &fakeRefresher{}
	f := newFixture(t, func(c *Config) { c.Refresh = refresher })
	f.get("/oauth2/session/refresh", "Cookie: "+valid).wantStatus(t, 405)
	if refresher.asked != 0 {
		t.Error("a GET refreshed")
	}
	without := newFixture(t, nil)
	without.send(request("POST", "/oauth2/session/refresh", "Cookie: "+valid, "Content-Length: 0")).wantStatus(t, 404)
}

// TestExpiredAccessTokenIsWithheld: RF-06. The person stays signed in, the app is
// not given a dead token.
func TestExpiredAccessTokenIsWithheld(t *testing.T) {
	for _, tt := range []struct {
		name    string
		expires time.Duration
		passes  bool
	}{{"good", time.Minute, true}, {"expired", -time.Second, false}, {"expiring this moment", 0, false}} {
		t.Run(tt.name, func(t *testing.T) {
			now := time.Date(2026, 1, 2, 3, 5, 0, 0, time.UTC)
			f := newFixture(t, func(c *Config) {
				c.Now = func() time.Time { return now }
				c.PassAccessToken, c.PassIDToken, c.PassAuthorization = true, true, AuthorizationAccessToken
			})
			f.auth.sessions["alice"].Grant.ExpiresAt = now.Add(tt.expires)
			f.get("/", "Cookie: "+valid, "Authorization: Bearer forged").wantStatus(t, 200)
			got := f.app.only(t).head
			if strings.Contains(got, "at-alice") != tt.passes || strings.Contains(got, "X-Forwarded-Access-Token") != tt.passes {
				t.Errorf("access token passed = %v, want %v:\n%s", !tt.passes, tt.passes, got)
			}
			if strings.Contains(got, "forged") {
				t.Errorf("the client's own Authorization took its place:\n%s", got)
			}
			if !strings.Contains(got, "X-Forwarded-User: alice") || !strings.Contains(got, "X-Forwarded-Id-Token: idt-alice") {
				t.Errorf("the identity is gone:\n%s", got)
			}
		})
	}
}
