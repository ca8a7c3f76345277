package e2e

import (
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// severalWorld is a site with two providers: w.provider, called staff, whose redirect URI
// is the plain one, and another one, called partner.
type severalWorld struct {
	*world
	partner       *process
	partnerIssuer string
}

// planSeveral starts both providers; the addresses that the partner's vouches for are of
// that domain.
func planSeveral(t *testing.T, partnerDomain string, life int) *severalWorld {
	t.Helper()
	w := &severalWorld{world: planWorld(t), partnerIssuer: "http://127.0.0.1:" + freePort(t)}
	w.tokenLife = life
	w.startProvider()
	w.partner = startProvider(t, "npm oidc-provider of the partner", map[string]any{
		"issuer": w.partnerIssuer, "clientId": "partner-client", "clientSecret": clientSecret, "emailDomain": partnerDomain,
		"redirectUris":           []string{w.public + prefix + "/callback/partner"},
		"postLogoutRedirectUris": []string{w.public + prefix + "/logout/callback"},
		"backchannelLogoutUri":   w.public + prefix + "/logout/backchannel/partner",
		"accessTokenTTL":         w.tokenLife,
	})
	return w
}

func newSeveral(t *testing.T, more ...string) *severalWorld {
	t.Helper()
	w := planSeveral(t, "partner.example", 300)
	w.startSallyport(w.severalEnvironment(more...)...)
	w.awaitReady()
	for _, id := range []string{"staff", "partner"} {
		w.sallyport.awaitRecord(record{"msg": "discovery done: people can sign in", "idp": id})
	}
	return w
}

func (w *severalWorld) severalEnvironment(more ...string) []string {
	return append([]string{
		"SALLYPORT_OIDC_ID=staff", "SALLYPORT_OIDC_TITLE=Example staff", "SALLYPORT_OIDC_EMAIL_DOMAINS=example.com",
		"SALLYPORT_OIDC_2_ISSUER=" + w.partnerIssuer, "SALLYPORT_OIDC_2_CLIENT_ID=partner-client", "SALLYPORT_OIDC_2_CLIENT_SECRET=" + clientSecret,
		"SALLYPORT_OIDC_2_ID=partner", "SALLYPORT_OIDC_2_TITLE=Partners & suppliers", "SALLYPORT_OIDC_2_EMAIL_DOMAINS=partner.example",
	}, more...)
}

func (w *severalWorld) processOf(id string) *process {
	if id == "partner" {
		return w.partner
	}
	return w.provider
}

func (w *severalWorld) issuerOf(id string) string {
	if id == "partner" {
		return w.partnerIssuer
	}
	return w.issuer
}

// enter signs in at a provider, from the page that asks which.
func (w *severalWorld) enter(b *browser, id, path, login string) page {
	w.t.Helper()
	asked := b.open(w.public + path)
	w.wantChoice(asked)
	q := asked.at.Query()
	q.Set("idp", id)
	p := b.open(w.public + prefix + "/login?" + q.Encode())
	if !strings.HasPrefix(p.at.String(), w.issuerOf(id)+"/interaction/") {
		w.t.Fatalf("choosing %s led to %s: %d\n%s", id, p.at, p.status, p.body)
	}
	return b.submit(p, url.Values{"login": {login}})
}

func (w *severalWorld) wantChoice(p page) {
	w.t.Helper()
	if p.status != http.StatusOK || p.at.Path != prefix+"/login" || !strings.Contains(p.body, "Partners &amp; suppliers") || !strings.Contains(p.body, "Example staff") {
		w.t.Fatalf("no page that asks which provider, but %s: %d\n%s", p.at, p.status, p.body)
	}
}

// C42: a second provider is tried by a link that names it, and people at the first see
// nothing of it.
func TestDraftProvider(t *testing.T) {
	t.Parallel()
	w := newSeveral(t, "SALLYPORT_OIDC_2_DRAFT=true")
	for _, path := range []string{"/reports", prefix + "/login", prefix + "/login?login_hint=ada@partner.example"} {
		if p := newBrowser(t).open(w.public + path); !strings.HasPrefix(p.at.String(), w.issuer+"/interaction/") {
			t.Errorf("%s led to %s: %d", path, p.at, p.status)
		}
	}
	b := newBrowser(t)
	b.submit(b.open(w.public+prefix+"/login?idp=partner&rd=/reports"), url.Values{"login": {"ada"}})
	if got := parse(b.fetch(http.MethodGet, w.public+prefix+"/session").body).text("idp"); got != "partner" {
		t.Errorf("who tries it is signed in at %q", got)
	}
}

// Each provider signs people in, refreshes, and signs out, and the other one hears
// nothing of it.
func TestSeveralProviders(t *testing.T) {
	t.Parallel()
	w := newSeveral(t)
	for _, tt := range []struct{ id, other, email string }{
		{"staff", "partner", "ada@example.com"}, {"partner", "staff", "ada@partner.example"},
	} {
		b := newBrowser(t)
		heard := len(w.processOf(tt.other).output())
		p := w.enter(b, tt.id, "/reports?year=2026", "ada")
		if p.at.RequestURI() != "/reports?year=2026" {
			t.Errorf("%s: the sign-in led to %s", tt.id, p.at)
		}
		if got := p.received().values("X-Forwarded-Email"); len(got) != 1 || got[0] != tt.email {
			t.Errorf("%s: signed in as %q, want %s", tt.id, got, tt.email)
		}
		if got := parse(b.fetch(http.MethodGet, w.public+prefix+"/session").body).text("idp"); got != tt.id {
			t.Errorf("%s: /session says %q", tt.id, got)
		}
		// The last renewal, here the sign-in, has to be five seconds ago.
		w.await("the refresh", func() bool {
			b.send(http.MethodPost, w.public+prefix+"/session/refresh", nil, http.Header{"Sec-Fetch-Site": {"same-origin"}})
			return w.processOf(tt.id).count(refreshed) > 0
		})

		header := navigation()
		header.Set("Sec-Fetch-Site", "same-origin")
		header.Set("Origin", w.public)
		p = b.send(http.MethodPost, w.public+prefix+"/logout", url.Values{}, header)
		if !strings.HasPrefix(p.at.String(), w.issuerOf(tt.id)) {
			t.Fatalf("%s: signing out led to %s: %d\n%s", tt.id, p.at, p.status, p.body)
		}
		if p = b.submit(p, nil); p.at.Path != prefix+"/logout/callback" || p.status != http.StatusOK {
			t.Errorf("%s: the sign-out ended at %s: %d", tt.id, p.at, p.status)
		}
		w.processOf(tt.id).awaitRecord(record{"event": "refresh_token.destroyed"})
		if p := b.open(w.public + "/"); !strings.Contains(p.body, "Last used here") {
			t.Errorf("%s: after the sign-out the page does not know the last choice:\n%s", tt.id, p.body)
		}
		if after := w.processOf(tt.other).output(); len(after) != heard {
			t.Errorf("%s: the other provider heard of it: %q", tt.id, after[heard:])
		}
	}
}

// OF-13: an answer of one provider is worth nothing at the other's address.
func TestSeveralProvidersAreNotMixedUp(t *testing.T) {
	t.Parallel()
	w := newSeveral(t)
	for _, tt := range []struct{ id, own, other string }{
		{"staff", prefix + "/callback", prefix + "/callback/partner"},
		{"partner", prefix + "/callback/partner", prefix + "/callback"},
	} {
		b := newBrowser(t)
		b.stopAt(func(u *url.URL) bool { return strings.HasPrefix(u.Path, prefix+"/callback") })
		p := w.enter(b, tt.id, "/", "ada")
		b.stopAt(func(*url.URL) bool { return false })
		back, err := p.at.Parse(p.header.Get("Location"))
		if err != nil || back.Path != tt.own {
			t.Fatalf("%s: back to %q, want %s", tt.id, p.header.Get("Location"), tt.own)
		}
		mixed := *back
		mixed.Path = tt.other
		if p := b.open(mixed.String()); p.status != http.StatusForbidden || p.header.Get("Sallyport-Error") != "issuer_mismatch" {
			t.Errorf("%s: the mixed-up answer got %d %q", tt.id, p.status, p.header.Get("Sallyport-Error"))
		}
		for _, provider := range []*process{w.provider, w.partner} {
			if n := provider.count(record{"event": "grant.error"}); n != 0 {
				t.Errorf("%s: %s was asked to redeem the code", tt.id, provider.name)
			}
		}
		if p := b.open(back.String()); p.received().values("X-Forwarded-User")[0] != "ada" {
			t.Errorf("%s: the sign-in cannot be finished any more", tt.id)
		}
	}
}

// A provider's own logout ends its sessions here, at its own address.
func TestOneOfSeveralEndsItsSessions(t *testing.T) {
	t.Parallel()
	w := newSeveral(t)
	b, other := newBrowser(t), newBrowser(t)
	w.enter(b, "partner", "/", "ada")
	w.enter(other, "staff", "/", "ada")
	if p := b.submit(b.open(w.partnerIssuer+"/session/end"), url.Values{"logout": {"yes"}}); p.status != http.StatusOK {
		t.Fatalf("signing out at the provider: %d\n%s", p.status, p.body)
	}
	w.partner.awaitRecord(record{"event": "backchannel.success"})
	if p := b.fetch(http.MethodGet, w.public+"/api"); p.status != http.StatusUnauthorized {
		t.Errorf("still signed in: %d", p.status)
	}
	if p := other.fetch(http.MethodGet, w.public+"/api"); p.status != http.StatusOK {
		t.Errorf("the other provider's ada is signed out, too: %d", p.status)
	}
	// The browser is led back to the provider of the session that is over.
	if p := b.open(w.public + "/reports"); !strings.HasPrefix(p.at.String(), w.partnerIssuer+"/interaction/") {
		t.Errorf("the renewal led to %s: %d", p.at, p.status)
	}
}

// A provider cannot speak for another one's people, and one that is away is no obstacle
// to the other.
func TestSeveralProvidersKeepApart(t *testing.T) {
	t.Parallel()
	w := planSeveral(t, "example.com", 300) // the partner's claims staff addresses
	w.provider.stop()
	w.startSallyport(w.severalEnvironment()...)
	w.awaitReady() // the partner's is enough
	b := newBrowser(t)
	p := w.enter(b, "partner", "/", "ada")
	if p.status != http.StatusForbidden || p.header.Get("Sallyport-Error") != "email_domain_refused" {
		t.Errorf("an address of another provider's domain got %d %q\n%s", p.status, p.header.Get("Sallyport-Error"), p.body)
	}
	if p := b.fetch(http.MethodGet, w.public+"/api"); p.status != http.StatusUnauthorized {
		t.Errorf("signed in: %d", p.status)
	}
	line := w.sallyport.awaitRecord(record{"msg": "sign-in failed", "idp": "partner", "code": "email_domain_refused"})
	if cause := line.text("cause"); !strings.Contains(cause, "SALLYPORT_OIDC_2_EMAIL_DOMAINS") {
		t.Errorf("the log says %q and not which variable", cause)
	}
	p = b.open(w.public + prefix + "/login?idp=staff")
	if p.status != http.StatusServiceUnavailable || p.header.Get("Sallyport-Error") != "idp_unavailable" {
		t.Errorf("the provider that is away: %d %q", p.status, p.header.Get("Sallyport-Error"))
	}
}

// A provider is taken out of the configuration: its sessions go on until their access
// tokens have run out, and then end with a reason; the others notice nothing.
func TestOneOfSeveralIsTakenOut(t *testing.T) {
	t.Parallel()
	w := planSeveral(t, "partner.example", 15)
	kept := []string{
		"SALLYPORT_SECRET=" + keygen(t), "SALLYPORT_SESSION_STORE=file", "SALLYPORT_SESSION_FILE=" + filepath.Join(t.TempDir(), "sessions.db"),
		"SALLYPORT_OIDC_ID=staff",
	}
	w.startSallyport(w.severalEnvironment(kept...)...)
	for _, id := range []string{"staff", "partner"} {
		w.sallyport.awaitRecord(record{"msg": "discovery done: people can sign in", "idp": id})
	}
	partner, signsOut, staff := newBrowser(t), newBrowser(t), newBrowser(t)
	w.enter(staff, "staff", "/", "ada")
	w.enter(partner, "partner", "/", "ada")
	w.enter(signsOut, "partner", "/", "grace")
	w.sallyport.stop()
	w.startSallyport(kept...)
	w.awaitReady()

	if p := signsOut.open(w.public + prefix + "/logout"); p.status != http.StatusOK || p.at.Path != prefix+"/logout" {
		t.Errorf("its sign-out led to %s: %d", p.at, p.status)
	}
	if p := partner.fetch(http.MethodGet, w.public+"/api"); p.status != http.StatusOK {
		t.Errorf("a session ended before its access token did: %d", p.status)
	}
	w.await("the session's end", func() bool {
		p := partner.send(http.MethodPost, w.public+prefix+"/session/refresh", nil, http.Header{"Sec-Fetch-Site": {"same-origin"}})
		return p.status == http.StatusUnauthorized
	})
	line := w.sallyport.awaitRecord(record{"msg": "session ended", "sub": "ada"})
	if cause := line.text("cause"); !strings.Contains(cause, `"partner"`) || !strings.Contains(cause, "SALLYPORT_OIDC_ID") {
		t.Errorf("the audit log says %v", line)
	}
	if p := staff.fetch(http.MethodGet, w.public+"/api"); p.status != http.StatusOK {
		t.Errorf("the other provider's ada is signed out, too: %d", p.status)
	}
}

// The page, as people see it: a button for each provider, Enter for the last one, an
// address that leads to its provider.
func TestSeveralProvidersInABrowser(t *testing.T) {
	w := newSeveral(t)
	c := newChromium(t)
	c.open(w.public+"/reports", `button[name="idp"]`)
	c.picture("choose-first")
	if at := c.location(); at != w.public+prefix+"/login?rd=%2Freports" {
		t.Errorf("the page is at %s", at)
	}
	c.evaluate(`document.querySelector('#email').value = "bob@elsewhere.example"`)
	c.click(".by-email button", "#unknown")
	c.picture("choose-unknown")
	c.eventually("the focus", "document.activeElement.id", func(id string) bool { return id == "email" })
	c.evaluate(`document.querySelector('#email').value = "grace@Partner.example"`)
	c.click(".by-email button", `input[name="login"]`)
	if at := c.location(); !strings.HasPrefix(at, w.partnerIssuer) {
		t.Fatalf("the address led to %s", at)
	}
	c.evaluate(`document.querySelector('[name=login]').value = "grace"`)
	c.click("button", "pre, body")
	c.eventually("the app", "location.pathname", func(path string) bool { return path == "/reports" })

	c.open(w.public+prefix+"/login", `button[autofocus]`)
	c.picture("choose-last")
	c.eventually("the focus", "document.activeElement.value", func(id string) bool { return id == "partner" })
	run(c, "pressing Enter", chromedp.KeyEvent("\r"))
	c.eventually("the app", "location.pathname", func(path string) bool { return path == "/" })
	c.noProblems()
}
