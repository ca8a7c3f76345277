package e2e

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

func TestSignOutEndsEverything(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := newBrowser(t)
	w.signIn(b, "/", "ada")
	public, err := url.Parse(w.public)
	if err != nil {
		t.Fatal(err)
	}
	before := b.client.Jar.Cookies(public)
	if len(before) == 0 {
		t.Fatal("signed in without a cookie")
	}

	header := navigation()
	header.Set("Sec-Fetch-Site", "same-origin")
	header.Set("Origin", w.public)
	p := b.send(http.MethodPost, w.public+prefix+"/logout", url.Values{}, header)
	if !strings.HasPrefix(p.at.String(), w.issuer) {
		t.Fatalf("signing out led to %s: %d\n%s", p.at, p.status, p.body)
	}
	p = b.submit(p, nil) // the provider asks once more
	if p.status != http.StatusOK || !strings.HasPrefix(p.at.String(), w.public+prefix+"/logout/callback") {
		t.Errorf("landed at %s: %d\n%s", p.at, p.status, p.body)
	}
	if query := p.at.Query(); query.Get("state") == "" {
		t.Errorf("the provider was given no state: %s", p.at)
	}

	w.provider.awaitRecord(record{"event": "refresh_token.destroyed"})
	w.provider.awaitRecord(record{"event": "end_session.success"})
	if p := b.fetch(http.MethodGet, w.public+"/api"); p.status != http.StatusUnauthorized {
		t.Errorf("still signed in: %d", p.status)
	}
	thief := newBrowser(t)
	thief.client.Jar.SetCookies(public, before)
	if p := thief.fetch(http.MethodGet, w.public+"/api"); p.status != http.StatusUnauthorized {
		t.Errorf("the old cookie still works: %d", p.status)
	}
	w.signIn(b, "/", "grace") // the provider asks: its session has ended, too
}

// A link on another site must not sign anyone out without a question.
func TestSignOutByAnotherSiteAsks(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := newBrowser(t)
	w.signIn(b, "/", "ada")
	header := navigation()
	header.Set("Sec-Fetch-Site", "cross-site")
	p := b.send(http.MethodGet, w.public+prefix+"/logout", nil, header)
	if p.status != http.StatusOK || len(p.via) != 0 {
		t.Fatalf("no question but %d at %s", p.status, p.at)
	}
	if p := b.fetch(http.MethodGet, w.public+"/api"); p.status != http.StatusOK {
		t.Fatalf("signed out without an answer: %d", p.status)
	}
	if p = b.submit(p, nil); !strings.HasPrefix(p.at.String(), w.issuer) {
		t.Errorf("the answer led to %s: %d", p.at, p.status)
	}
	if p := b.fetch(http.MethodGet, w.public+"/api"); p.status != http.StatusUnauthorized {
		t.Errorf("still signed in: %d", p.status)
	}
}
