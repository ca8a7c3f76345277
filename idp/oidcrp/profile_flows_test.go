package oidcrp

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/session"
)

// signedInProfile signs somebody in at a provider of that profile.
func signedInProfile(t *testing.T, name string, changes map[string]string, change func(*profile)) (*world, *profiled, *session.Session) {
	t.Helper()
	p := newProfiled(t, name, change)
	w := newWorld(t, p.hostile, p.configure(t, name, changes))
	res := w.signIn("/reports")
	if res.StatusCode != http.StatusFound || res.Header.Get("Location") != "/reports" {
		t.Fatalf("sign-in: %d %s; log:\n%s", res.StatusCode, res.Header.Get("Sallyport-Error"), w.log)
	}
	s, err := w.sessions.Peek(w.withCookies())
	must(t, err)
	return w, p, s
}

func TestEveryPresetHasAProfile(t *testing.T) {
	want := slices.DeleteFunc(PresetNames(), func(name string) bool { return name == GenericPreset })
	slices.Sort(want)
	if got := profileNames(t); !slices.Equal(got, want) {
		t.Errorf("profiles %q, presets %q", got, want)
	}
}

// P13: each provider, as far as it is recorded, with its preset.
func TestProfiles(t *testing.T) {
	for _, name := range profileNames(t) {
		t.Run(name, func(t *testing.T) {
			w, p, s := signedInProfile(t, name, nil, nil)
			id, want := s.Identity, p.Want
			if id.User != want.User || id.Email != want.Email || id.Name != want.Name || !slices.Equal(id.Groups, want.Groups) && len(id.Groups)+len(want.Groups) > 0 {
				t.Errorf("identity %+v, want %+v; log:\n%s", id, want, w.log)
			}
			if s.IdP != name || string(s.Grant.Mode) != want.Mode {
				t.Errorf("provider %q, mode %q; want %q, %q", s.IdP, s.Grant.Mode, name, want.Mode)
			}
			if p.Refresh.Issued == "always" && s.Grant.RefreshToken.IsEmpty() {
				t.Error("the refresh token was lost")
			}
			p.refresh(t, w, s)
			p.signOutThere(t, w)
		})
	}
}

// refresh renews twice, when there is a refresh token, and once more after the
// provider's session has ended.
func (p *profiled) refresh(t *testing.T, w *world, s *session.Session) {
	t.Helper()
	if s.Grant.RefreshToken.IsEmpty() {
		return
	}
	p.set(func() { p.nonce = "" })
	for range 2 {
		r, err := w.client.Refresh(t.Context(), s)
		if err != nil {
			t.Fatalf("refresh: %v (the provider says %q)", err, p.refused)
		}
		if r.Grant.RefreshToken.Reveal() != p.current {
			t.Error("after a refresh the session has another refresh token than the one that is good")
		}
		if string(r.Grant.Mode) != p.Want.Mode || r.Identity.Subject != s.Identity.Subject || r.Identity.User != p.Want.User || r.Identity.Email != p.Want.Email {
			t.Errorf("after a refresh: mode %q, %+v", r.Grant.Mode, r.Identity)
		}
		renewed := *s
		renewed.Identity, renewed.Grant = r.Identity, r.Grant
		s = &renewed
	}
	p.set(func() { p.signedIn = false })
	_, err := w.client.Refresh(t.Context(), s)
	e, ended := errors.AsType[*session.RefreshError](err)
	if ended = ended && e.Outcome == session.RefreshEnded; ended != p.Refresh.Bound {
		t.Errorf("P8: after the end of the provider's session a refresh says %v, want ended: %v", err, p.Refresh.Bound)
	}
}

// signOutThere signs out and, where the provider has a sign-out, goes through it.
func (p *profiled) signOutThere(t *testing.T, w *world) {
	t.Helper()
	res := w.ask(http.MethodPost, "/oauth2/logout?rd="+url.QueryEscape("/bye"), sameOrigin)
	if w.signedIn() != "" {
		t.Error("still signed in here")
	}
	if p.Logout.ReturnsTo == "" {
		if res.StatusCode != http.StatusOK || !w.pages.remains || !strings.Contains(w.pages.signInURL, "prompt=select_account") {
			t.Errorf("P10: a local sign-out answers %d, says that the session there remains: %v, and signs in again at %q", res.StatusCode, w.pages.remains, w.pages.signInURL)
		}
		return
	}
	if res.StatusCode != http.StatusSeeOther {
		t.Fatalf("sign-out: %d %q", res.StatusCode, res.Header.Get("Location"))
	}
	back, ok := p.signOut(mustURL(t, res.Header.Get("Location")).Query())
	if !ok {
		t.Fatalf("the provider's sign-out refuses (%q): %s", back, res.Header.Get("Location"))
	}
	if !strings.HasPrefix(back, w.site.URL+"/oauth2/logout/callback") {
		t.Fatalf("P18: the provider leads back to %q, which is not registered", back)
	}
	res = w.get(back)
	if p.Logout.State && res.Header.Get("Location") != "/bye" {
		t.Errorf("after the sign-out: %d %q, want the address of rd", res.StatusCode, res.Header.Get("Location"))
	}
	if !p.Logout.State && (res.StatusCode != http.StatusOK || w.pages.remains) {
		t.Errorf("after a sign-out without state: %d, want the signed-out page", res.StatusCode)
	}
}

// Every fact of a profile says where it comes from, in words that
// docs/providers/sources.md explains.
func TestFactsHaveSources(t *testing.T) {
	for _, name := range profileNames(t) {
		p := loadProfile(t, name, "https://idp.example.com")
		if len(p.Facts) == 0 || p.Title == "" {
			t.Errorf("%s: no facts", name)
		}
		for _, f := range p.Facts {
			if f.Fact == "" || f.Source == "" {
				t.Errorf("%s: a fact without a source: %+v", name, f)
			}
		}
	}
}
