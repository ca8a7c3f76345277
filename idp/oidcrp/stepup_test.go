package oidcrp

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/internal/fault"
)

// What one sign-in asks for beyond the configuration is enforced when it comes back.
// Who was signed in before stays so when it fails, and is led nowhere.
func TestStepUpIsEnforced(t *testing.T) {
	const gold, recent = "/oauth2/login?acr=gold&rd=/bank", "/oauth2/login?max_age=600&rd=/bank"
	for _, tt := range []struct {
		name, login string
		changes     map[string]any
		want        fault.Code // "" = signed in anew
	}{
		{"as asked for", gold, map[string]any{"acr": "gold"}, ""},
		{"one of several", "/oauth2/login?acr=gold+silver&rd=/bank", map[string]any{"acr": "silver"}, ""},
		{"what everybody has", gold, map[string]any{"acr": "basic"}, fault.StepUpFailed},
		{"no acr", gold, nil, fault.StepUpFailed},
		{"both in one", gold, map[string]any{"acr": "gold silver"}, fault.StepUpFailed},
		{"an array", gold, map[string]any{"acr": []string{"gold"}}, fault.StepUpFailed},
		{"recent", recent, map[string]any{"acr": "basic", "auth_time": in(-9 * time.Minute)}, ""},
		{"too old", recent, map[string]any{"acr": "basic", "auth_time": in(-12 * time.Minute)}, fault.StepUpFailed},
		{"no auth_time", recent, map[string]any{"acr": "basic"}, fault.StepUpFailed},
		{"recent, but not what everybody has", recent, map[string]any{"acr": "none", "auth_time": in(0)}, fault.StepUpFailed},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := newHostile(t)
			changes := map[string]any{"acr": "basic"}
			h.claims = func(c map[string]any) {
				for name, v := range with(c, changes) {
					c[name] = v
				}
			}
			w := newWorld(t, h, func(c *Config) { c.ACRValues, c.StepUpACRs = []string{"basic"}, []string{"gold", "silver"} })
			if w.signIn("/"); w.signedIn() == "" {
				t.Fatal("the first sign-in failed")
			}
			before := w.jar.Cookies(mustURL(t, w.site.URL))
			changes = tt.changes
			res := w.signIn(tt.login)
			if got := fault.Code(res.Header.Get("Sallyport-Error")); got != tt.want || (tt.want == "") != (res.Header.Get("Location") == "/bank") {
				t.Errorf("%d %q, want %q; log:\n%s", res.StatusCode, got, tt.want, w.log)
			}
			if w.signedIn() == "" {
				t.Error("nobody is signed in afterwards")
			}
			kept := w.jar.Cookies(mustURL(t, w.site.URL))[0].Value == before[0].Value
			if kept != (tt.want != "") {
				t.Errorf("the session of before goes on: %v", kept)
			}
		})
	}
}

// OpenID Connect Core Unmet Authentication Requirements 1.0.
func TestStepUpThatTheProviderRefuses(t *testing.T) {
	h := newHostile(t)
	h.answer = func(q, _ url.Values) {
		q.Del("code")
		q.Set("error", "unmet_authentication_requirements")
	}
	w := newWorld(t, h, func(c *Config) { c.StepUpACRs = []string{"gold"} })
	w.wantFault(w.signIn("/oauth2/login?acr=gold"), fault.StepUpFailed)
}

func TestLoginAsksForWhatARuleLists(t *testing.T) {
	w := newWorld(t, newHostile(t), func(c *Config) { c.ACRValues, c.StepUpACRs = []string{"basic"}, []string{"gold"} })
	for query, want := range map[string]string{
		"acr=gold&max_age=600": "acr_values=gold&max_age=600",
		"acr=gold+basic":       "acr_values=gold+basic",
		"max_age=0":            "acr_values=basic&max_age=0",
		"acr=platinum":         "",
		"acr=gold+platinum":    "",
		"max_age=-1":           "",
		"max_age=1h":           "",
		"max_age=9999999999":   "",
		"max_age=1&max_age=2":  "",
		"acr=gold&acr=basic":   "",
	} {
		res := w.get("/oauth2/login?" + query)
		if want == "" {
			if res.StatusCode != 400 {
				t.Errorf("%s: status %d, want 400", query, res.StatusCode)
			}
			continue
		}
		sent := mustURL(t, res.Header.Get("Location")).RawQuery
		for part := range strings.SplitSeq(want, "&") {
			if !strings.Contains("&"+sent+"&", "&"+part+"&") {
				t.Errorf("%s: sent %s, want %s", query, sent, part)
			}
		}
	}
}
