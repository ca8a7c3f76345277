package e2e

import (
	"crypto/rand"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestEdgeCookieStore keeps sessions in cookies behind proxies that ask: what the answer
// to a question sets has to reach the browser with the app's answer, whole, although most
// of these proxies see one Set-Cookie of two.
func TestEdgeCookieStore(t *testing.T) {
	for _, server := range edgeServers {
		t.Run(server.name, func(t *testing.T) {
			t.Parallel()
			const life = 5
			e := planEdge(t)
			e.tokenLife = life
			// So much that it takes two cookies.
			for range 150 {
				e.groups = append(e.groups, rand.Text())
			}
			e.run(server.start, "SALLYPORT_SESSION_STORE=cookie")
			b := e.browser()
			e.signIn(b, "/", "ada")
			before := e.partsOf(b)
			if len(before) != 2 {
				t.Fatalf("the session is in %d parts, want 2", len(before))
			}
			<-time.After(life*time.Second + 500*time.Millisecond)
			p := b.fetch(http.MethodGet, e.public+"/api")
			got := p.received()
			if p.status != http.StatusOK || got.told("Cookie") != nil || strings.Contains(p.body, "__Host-sallyport") {
				t.Errorf("%d; the application received cookies %t, the session's %t", p.status, got.told("Cookie") != nil, strings.Contains(p.body, "__Host-sallyport"))
			}
			if got := p.header.Values("Cache-Control"); !strings.Contains(strings.Join(got, ", "), "no-store") {
				t.Errorf("Cache-Control %q", got)
			}
			set := (&http.Response{Header: p.header}).Cookies()
			names := make([]string, len(set))
			for i, c := range set {
				names[i] = c.Name
				if !c.HttpOnly || !c.Secure || c.SameSite != http.SameSiteLaxMode || c.Path != "/" {
					t.Errorf("%s lost attributes: HttpOnly %t, Secure %t, SameSite %d, Path %q", c.Name, c.HttpOnly, c.Secure, c.SameSite, c.Path)
				}
			}
			if slices.Sort(names); !slices.Equal(names, []string{"__Host-sallyport_0", "__Host-sallyport_1"}) {
				t.Errorf("the answer sets %q", names)
			}
			after := e.partsOf(b)
			for name, value := range before {
				if after[name] == value || after[name] == "" {
					t.Errorf("the browser has %s as before", name)
				}
			}
			if n := e.provider.count(refreshed); n != 1 {
				t.Errorf("%d refreshes at the provider", n)
			}
			// Nothing is set where nothing has changed, and by no public path.
			for _, path := range []string{"/api", "/public/x"} {
				if p := b.fetch(http.MethodGet, e.public+path); p.status != http.StatusOK || p.header["Set-Cookie"] != nil {
					t.Errorf("then %s: %d, %d cookies are set", path, p.status, len(p.header["Set-Cookie"]))
				}
			}
		})
	}
}

// partsOf are the numbered parts of the session that b has, by name.
func (e *edge) partsOf(b *browser) map[string]string {
	parts := map[string]string{}
	for _, c := range e.sessionCookies(b) {
		if c.Name != "__Host-sallyport" && strings.HasPrefix(c.Name, "__Host-sallyport_") {
			parts[c.Name] = c.Value
		}
	}
	return parts
}
