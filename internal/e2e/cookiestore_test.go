package e2e

import (
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// sessionCookies are those that b has for Sallyport.
func (w *world) sessionCookies(b *browser) []*http.Cookie {
	w.t.Helper()
	public, err := url.Parse(w.public)
	if err != nil {
		w.t.Fatal(err)
	}
	return b.client.Jar.Cookies(public)
}

// copyOf is a browser with the cookies that b has now: a thief, or a tab whose
// answers are lost.
func (w *world) copyOf(b *browser) *browser {
	w.t.Helper()
	public, err := url.Parse(w.public)
	if err != nil {
		w.t.Fatal(err)
	}
	c := newBrowser(w.t)
	jar, err := cookiejar.New(nil)
	if err != nil {
		w.t.Fatal(err)
	}
	jar.SetCookies(public, b.client.Jar.Cookies(public))
	c.client.Jar = jar
	return c
}

// Sessions that the browser keeps: refreshed once by parallel requests although the
// provider detects the reuse of refresh tokens, also for a tab that still has the
// cookies from before; none of ours reaches the app; a sign-out holds for copies.
func TestCookieStore(t *testing.T) {
	t.Parallel()
	const life, parallel = 5, 20
	w := planWorld(t)
	w.tokenLife, w.tokenSlow = life, 500
	w.startProvider()
	w.startSallyport("SALLYPORT_SESSION_STORE=cookie", "SALLYPORT_PASS_ACCESS_TOKEN=true")
	w.awaitReady()
	b := newBrowser(t)
	if got := w.signIn(b, "/", "ada").received(); got.values("Cookie") != nil {
		t.Errorf("the application received Cookie %q", got.values("Cookie"))
	}
	if n := len(w.sessionCookies(b)); n < 2 {
		t.Fatalf("%d cookies, want the ticket and a part", n)
	}
	for round := 1; round <= 2; round++ {
		<-time.After(life*time.Second + 500*time.Millisecond)
		before := w.copyOf(b)
		tabs := make([]*browser, parallel)
		for i := range tabs {
			tabs[i] = w.copyOf(b)
		}
		tokens := make([]string, parallel)
		var all sync.WaitGroup
		for i, tab := range tabs {
			all.Go(func() {
				p := tab.fetch(http.MethodGet, w.public+"/api")
				if p.status == http.StatusOK {
					tokens[i] = strings.Join(p.received().values("X-Forwarded-Access-Token"), ",")
				}
				if set := p.header.Values("Set-Cookie"); len(set) == 0 || p.header.Get("Cache-Control") != "no-store" {
					t.Errorf("an answer sets %d cookies with Cache-Control %q", len(set), p.header.Get("Cache-Control"))
				}
			})
		}
		all.Wait()
		if distinct := slices.Compact(slices.Sorted(slices.Values(tokens))); len(distinct) != 1 || distinct[0] == "" {
			t.Errorf("round %d: the app saw %d access tokens: %q", round, len(distinct), distinct)
		}
		if p := before.fetch(http.MethodGet, w.public+"/api"); p.status != http.StatusOK {
			t.Errorf("round %d: the tab with the older cookies: %d", round, p.status)
		}
		if n := w.provider.awaitCount(round, refreshed); n != round {
			t.Errorf("round %d: %d refreshes at the provider", round, n)
		}
		b = tabs[0]
	}

	thief := w.copyOf(b)
	header := navigation()
	header.Set("Sec-Fetch-Site", "same-origin")
	header.Set("Origin", w.public)
	b.stopAt(func(*url.URL) bool { return true })
	b.send(http.MethodPost, w.public+prefix+"/logout", url.Values{}, header)
	for _, c := range w.sessionCookies(b) {
		if !strings.Contains(c.Name, "logout") {
			t.Errorf("the browser keeps %s", c.Name)
		}
	}
	if p := thief.fetch(http.MethodGet, w.public+"/api"); p.status != http.StatusUnauthorized {
		t.Errorf("a copy of the cookies after the sign-out: %d", p.status)
	}
	if n := w.provider.count(record{"event": "grant.error"}); n != 0 {
		t.Errorf("the provider refused %d token requests", n)
	}
}
