package idp_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/idp"
	"github.com/sallyport/sallyport/internal/secret"
	"github.com/sallyport/sallyport/session"
)

func TestSessionsGoToTheirProvider(t *testing.T) {
	s, p := staff(), partner()
	w := newWorld(t, nil, s, p)
	of := &session.Session{IdP: "partner"}
	if _, err := w.providers.Refresh(t.Context(), of); err != nil {
		t.Error(err)
	}
	w.providers.Revoke(of)
	if got := w.providers.Mode(of); got != "mode of partner" {
		t.Errorf("mode %q", got)
	}
	if !slices.Equal(p.asked, []string{"refresh", "revoke"}) || len(s.asked) != 0 {
		t.Errorf("partner was asked to %q, staff to %q", p.asked, s.asked)
	}
}

// A provider may get another ID: its sessions are known by the issuer, and by the client
// where several are clients of one issuer.
func TestSessionsOfARenamedProvider(t *testing.T) {
	p := partner()
	for _, tt := range []struct {
		name   string
		others []idp.Provider
		want   bool
	}{
		{"alone", nil, true},
		{"beside another", []idp.Provider{staff()}, true},
		{"beside another client of the issuer", []idp.Provider{&fakeProvider{about: idp.About{ID: "third"}, issuer: p.issuer}}, false},
		{"beside another client of the issuer, whose tokens say so", []idp.Provider{&fakeProvider{about: idp.About{ID: "third"}, issuer: p.issuer, clientID: "third"}}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p.asked = nil
			w := newWorld(t, nil, append(tt.others, p)...)
			x := &session.Session{IdP: "suppliers", Identity: session.Identity{Issuer: p.issuer}, Grant: session.Grant{IDToken: secret.New("partner")}}
			if _, err := w.providers.Refresh(t.Context(), x); (err == nil) != tt.want {
				t.Errorf("refresh: %v", err)
			}
			if got := w.providers.Mode(x) == "mode of partner"; got != tt.want {
				t.Errorf("mode %q", w.providers.Mode(x))
			}
		})
	}
}

// A session of a provider that is not configured any more goes on for as long as its
// access token would have.
func TestSessionsOfAFormerProvider(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	s := staff()
	w := newWorld(t, func(c *idp.ProvidersConfig) { c.Now = func() time.Time { return now } }, s)
	tests := []struct {
		name    string
		expires time.Time
		want    session.RefreshOutcome
		after   time.Duration
	}{
		{"an access token that is good", now.Add(time.Minute), session.RefreshUnavailable, time.Minute},
		{"one that has expired", now, session.RefreshEnded, 0},
		{"one that nobody knows the end of", time.Time{}, session.RefreshEnded, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			of := &session.Session{IdP: "former", Grant: session.Grant{ExpiresAt: tt.expires}}
			_, err := w.providers.Refresh(context.Background(), of)
			failed, ok := errors.AsType[*session.RefreshError](err)
			if !ok || failed.Outcome != tt.want || failed.RetryAfter != tt.after || !strings.Contains(failed.Err.Error(), `"former"`) || !strings.Contains(failed.Err.Error(), "SALLYPORT_OIDC_ID") {
				t.Errorf("= %v (%+v)", err, failed)
			}
		})
	}
	of := &session.Session{IdP: "former"}
	w.providers.Revoke(of)
	if got := w.providers.Mode(of); got != string(session.ModeDegraded) || len(s.asked) != 0 {
		t.Errorf("mode %q; staff was asked to %q", got, s.asked)
	}
}

// Traffic may come as soon as people can sign in somewhere.
func TestReadyOnceOneIs(t *testing.T) {
	s, p := staff(), partner()
	s.notReady, p.notReady = errors.New("staff is away"), errors.New("partner is away")
	w := newWorld(t, nil, s, p)
	if err := w.providers.Ready(); err == nil || !strings.Contains(err.Error(), "staff: staff is away") || !strings.Contains(err.Error(), "partner: partner is away") {
		t.Errorf("ready: %v, want both reasons", err)
	}
	p.notReady = nil
	if err := w.providers.Ready(); err != nil {
		t.Errorf("not ready: %v", err)
	}
	p.notReady = errors.New("away")
	w = newWorld(t, nil, p)
	if err := w.providers.Ready(); err == nil || err.Error() != "away" {
		t.Errorf("one alone: %v", err)
	}
}

// Nobody is sent to a draft, so that its readiness is nobody's.
func TestReadyWithoutTheDraft(t *testing.T) {
	s, draft := staff(), partner()
	draft.about.Draft = true
	s.notReady = errors.New("staff is away")
	w := newWorld(t, nil, draft, s)
	if err := w.providers.Ready(); err == nil || err.Error() != "staff is away" {
		t.Errorf("ready: %v", err)
	}
	s.notReady, draft.notReady = nil, errors.New("the draft is away")
	if err := w.providers.Ready(); err != nil {
		t.Errorf("not ready: %v", err)
	}
}

func TestDraftsAlone(t *testing.T) {
	var cfg idp.ProvidersConfig
	newWorld(t, func(c *idp.ProvidersConfig) { cfg = *c }, staff())
	draft := partner()
	draft.about.Draft = true
	cfg.Providers = []idp.Provider{draft}
	if _, err := idp.NewProviders(cfg); err == nil || !strings.Contains(err.Error(), "SALLYPORT_OIDC_DRAFT") {
		t.Errorf("NewProviders: %v", err)
	}
}

func TestRoutesOfAll(t *testing.T) {
	var paths []string
	for _, r := range newWorld(t, nil, staff(), partner()).providers.Routes() {
		paths = append(paths, r.Path)
	}
	if want := []string{"/login", "/logout", "/logout/callback", "/callback/staff", "/callback/partner"}; !slices.Equal(paths, want) {
		t.Errorf("routes %q, want %q", paths, want)
	}
}

func TestProvidersConfig(t *testing.T) {
	good := func() idp.ProvidersConfig {
		var cfg idp.ProvidersConfig
		newWorld(t, func(c *idp.ProvidersConfig) { cfg = *c }, staff())
		return cfg
	}
	id := func(id string) idp.Provider { return &fakeProvider{about: idp.About{ID: id}} }
	for name, tt := range map[string]struct {
		change func(*idp.ProvidersConfig)
		want   string
	}{
		"none":              {func(c *idp.ProvidersConfig) { c.Providers = nil }, "Providers"},
		"nil":               {func(c *idp.ProvidersConfig) { c.Providers = []idp.Provider{nil} }, "Providers"},
		"two alike":         {func(c *idp.ProvidersConfig) { c.Providers = []idp.Provider{id("a"), id("a")} }, "SALLYPORT_OIDC_ID"},
		"no id":             {func(c *idp.ProvidersConfig) { c.Providers = []idp.Provider{id("")} }, "SALLYPORT_OIDC_ID"},
		"an id with a path": {func(c *idp.ProvidersConfig) { c.Providers = []idp.Provider{id("a/b")} }, "SALLYPORT_OIDC_ID"},
		"a long id":         {func(c *idp.ProvidersConfig) { c.Providers = []idp.Provider{id(strings.Repeat("a", 33))} }, "SALLYPORT_OIDC_ID"},
		"no prefix":         {func(c *idp.ProvidersConfig) { c.Prefix = "" }, "Prefix"},
		"no address":        {func(c *idp.ProvidersConfig) { c.LoginURL = "" }, "LoginURL"},
		"no sessions":       {func(c *idp.ProvidersConfig) { c.Sessions = nil }, "Sessions"},
		"no logins":         {func(c *idp.ProvidersConfig) { c.Logins = nil }, "Logins"},
		"no browsers":       {func(c *idp.ProvidersConfig) { c.Browsers = nil }, "Browsers"},
		"no pages":          {func(c *idp.ProvidersConfig) { c.Pages = nil }, "Pages"},
		"no returns":        {func(c *idp.ProvidersConfig) { c.Returns = nil }, "Returns"},
		"no navigation":     {func(c *idp.ProvidersConfig) { c.IsNavigation = nil }, "IsNavigation"},
	} {
		cfg := good()
		tt.change(&cfg)
		if _, err := idp.NewProviders(cfg); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want an error that names %s", name, err, tt.want)
		}
	}
}

func TestMethods(t *testing.T) {
	w := newWorld(t, nil, staff(), partner())
	for path, method := range map[string]string{"/oauth2/logout": http.MethodPut, "/oauth2/logout/callback": http.MethodPost} {
		res := w.get(path, func(r *http.Request) { r.Method = method })
		if res.StatusCode != http.StatusMethodNotAllowed || res.Header.Get("Allow") == "" {
			t.Errorf("%s %s: %d", method, path, res.StatusCode)
		}
	}
}
