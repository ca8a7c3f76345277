package proxy

import (
	"net/url"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/proxy/policy"
	"github.com/sallyport/sallyport/session"
)

func TestForwardAuthRedirect(t *testing.T) {
	returns := func(c *Config) {
		c.AllowedHosts = []string{"b.example.com", "c.example.com"}
		var err error
		c.Returns, err = session.NewReturnPolicy(session.ReturnConfig{
			PublicURL: c.PublicURL, Prefix: "/oauth2", AllowedOrigins: []string{"https://b.example.com"},
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	tests := []struct {
		name  string
		path  string
		lines []string
		want  int
		to    string // of the sign-in that begins here
		rd    string // of the sign-in elsewhere
	}{
		{"navigation", askRedirect, traefik("GET", "/a/b?x=%2F&y=1"), 302, "/a/b?x=%2F&y=1", ""},
		{"navigation, nginx", askRedirect, nginx("GET", "/a/b?x=%2F&y=1"), 302, "/a/b?x=%2F&y=1", ""},
		{"not asked for", askPath, traefik("GET", "/a"), 401, "", ""},
		{"another value", askPath + "?redirect=1", traefik("GET", "/a"), 401, "", ""},
		{"form", askRedirect, traefik("POST", "/a"), 401, "", ""},
		{"rule denies", askRedirect, traefik("GET", "/api/a"), 401, "", ""},
		{"script", askRedirect, append(traefik("GET", "/a"), "X-Requested-With: XMLHttpRequest"), 401, "", ""},
		{"fetch", askRedirect, append(traefik("GET", "/a"), "Sec-Fetch-Mode: cors", "Sec-Fetch-Dest: empty"), 401, "", ""},
		{"prefetch", askRedirect, append(traefik("GET", "/a"), "Sec-Purpose: prefetch"), 401, "", ""},
		{"PA-28 WebSocket", askRedirect, append(traefik("GET", "/a"), "Sec-WebSocket-Key: x"), 401, "", ""},
		{"open redirect by path", askRedirect, traefik("GET", "//evil.example/x"), 302, "/", ""},
		{"open redirect by host", askRedirect, append(traefik("GET", "/x"), "X-Forwarded-Host: evil.example"), 403, "", ""},
		{"open redirect by target", askRedirect, []string{"X-Original-Method: GET", "X-Original-URL: https://evil.example/x"}, 403, "", ""},
		{"FW-08 scheme", askRedirect, append(traefik("GET", "/x"), "X-Forwarded-Proto: javascript"), 302, "/x", ""},
		{"FW-06 prefix", askRedirect, append(traefik("GET", "/x"), "X-Forwarded-Prefix: //evil.com"), 302, "/x", ""},
		{"another host", askRedirect, append(traefik("GET", "/x?y=1&z"), "X-Forwarded-Host: b.example.com"), 302, "", "https://b.example.com/x?y=1&z"},
		{"another host, http", askRedirect, append(traefik("GET", "/x"), "X-Forwarded-Host: b.example.com", "X-Forwarded-Proto: http"), 302, "", "/"},
		{"FW-08 list of schemes", askRedirect, append(traefik("GET", "/x"), "X-Forwarded-Host: b.example.com", "X-Forwarded-Proto: https, http"), 302, "", "https://b.example.com/x"},
		{"a host that nothing leads back to", askRedirect, append(traefik("GET", "/x"), "X-Forwarded-Host: c.example.com"), 302, "", "/"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := askingFixture(t, returns)
			a := f.ask(tt.path, tt.lines, []string{acceptsHTML})
			a.wantStatus(t, tt.want)
			if got := f.login.last(); got != tt.to {
				t.Errorf("the sign-in leads to %q, want %q", got, tt.to)
			}
			if tt.rd == "" {
				return
			}
			u, err := url.Parse(a.Header.Get("Location"))
			if err != nil || u.Scheme+"://"+u.Host+u.Path != "https://app.example.com/oauth2/login" || u.Query().Get("rd") != tt.rd {
				t.Errorf("Location %q, want rd=%q", a.Header.Get("Location"), tt.rd)
			}
		})
	}
}

// TestForwardAuthStepsUp: a rule may want another kind of sign-in.
func TestForwardAuthStepsUp(t *testing.T) {
	f := askingFixture(t, func(c *Config) {
		var err error
		c.Policy, err = policy.New(policy.Config{Rules: []policy.Rule{{Number: 1, Paths: []string{"/vault/**"}, ACR: []string{"mfa"}}}})
		if err != nil {
			t.Fatal(err)
		}
		c.AllowedHosts = []string{"b.example.com"}
	})
	who := []string{"Cookie: " + valid, acceptsHTML}
	a := f.ask(askPath, traefik("GET", "/vault/x"), who)
	if got := a.Header.Get("Sallyport-Error"); got != "step_up_required" {
		t.Errorf("%d %q", a.StatusCode, got)
	}
	if got := a.Header.Get("Www-Authenticate"); !strings.Contains(got, `acr_values="mfa"`) {
		t.Errorf("WWW-Authenticate %q", got)
	}
	f.ask(askRedirect, traefik("GET", "/vault/x"), who).wantStatus(t, 302)
	if got := f.login.last(); got != "/vault/x" {
		t.Errorf("the sign-in leads to %q", got)
	}
	a = f.ask(askRedirect, traefik("GET", "/vault/x"), who, []string{"X-Forwarded-Host: b.example.com"})
	a.wantStatus(t, 302)
	if got := a.Header.Get("Location"); !strings.HasPrefix(got, "https://app.example.com/oauth2/login?acr=mfa&rd=") {
		t.Errorf("Location %q", got)
	} else if u, err := url.Parse(got); err != nil || u.Query().Get("renew") != "true" {
		t.Errorf("Location %q does not say that it is about a session", got)
	}
}

// TestForwardAuthJudgesWebSockets: PA-29; most proxies do not pass Upgrade on.
func TestForwardAuthJudgesWebSockets(t *testing.T) {
	f := askingFixture(t, nil)
	shake := []string{"Cookie: " + valid, "Sec-WebSocket-Key: x", "Sec-WebSocket-Version: 13"}
	f.ask(askPath, traefik("GET", "/ws"), shake, []string{"Origin: https://evil.com"}).wantStatus(t, 403)
	f.ask(askPath, traefik("GET", "/ws"), shake, []string{"Origin: https://app.example.com"}).wantStatus(t, 200)
	f.ask(askPath, traefik("GET", "/ws"), shake).wantStatus(t, 200)
	// RFC 8441: from HTTP/2 there is no key, and some proxies pass Upgrade on.
	for _, lines := range [][]string{{"Upgrade: websocket"}, {"Upgrade: WebSocket", "Connection: Upgrade"}, {"Sec-WebSocket-Key: x", "Sec-WebSocket-Key: y"}} {
		signed := append(lines, "Cookie: "+valid)
		f.ask(askPath, traefik("GET", "/ws"), signed, []string{"Origin: https://evil.com"}).wantStatus(t, 403)
		f.ask(askPath, traefik("GET", "/ws"), signed, []string{"Origin: https://app.example.com"}).wantStatus(t, 200)
	}
	old := "GET " + askPath + " HTTP/1.0\r\nHost: app.example.com\r\nOrigin: https://evil.com\r\n" +
		strings.Join(append(shake, traefik("GET", "/ws")...), "\r\n") + "\r\n\r\n"
	f.send(old).wantStatus(t, 403)
}

// TestForwardAuthRefusesOtherUpgrades: an app that agreed to one would have a connection
// in which nobody is asked again, with any path and identity (h2c smuggling).
func TestForwardAuthRefusesOtherUpgrades(t *testing.T) {
	f := askingFixture(t, nil)
	for _, lines := range [][]string{
		{"Upgrade: h2c"}, {"Upgrade: h2c", "Connection: Upgrade, HTTP2-Settings"}, {"Upgrade: TLS/1.0"}, {"Upgrade: websocket, h2c"},
		{"Upgrade: websocket", "Upgrade: h2c"}, {"Upgrade: h2c", "Sec-WebSocket-Key: x"},
	} {
		f.ask(askPath, traefik("GET", "/public/x"), lines).wantStatus(t, 403)
		f.ask(askPath, traefik("GET", "/a"), lines, []string{"Cookie: " + valid}).wantStatus(t, 403)
		f.ask(askPath, lines, []string{"Cookie: " + valid}).wantStatus(t, 403)
	}
	f.ask(askPath, traefik("GET", "/public/x"), []string{"Upgrade:"}).wantStatus(t, 200)
}

// TestForwardAuthRedirectsWithoutMethod: many configurations of nginx tell the address
// alone.
func TestForwardAuthRedirectsWithoutMethod(t *testing.T) {
	f := newFixture(t, trustLoopback)
	f.ask(askRedirect, []string{"X-Original-URL: https://app.example.com/a", acceptsHTML}).wantStatus(t, 302)
	if to := f.login.last(); to != "/a" {
		t.Errorf("the sign-in leads to %q", to)
	}
}
