package main

import (
	"net"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/idp/oidcrp"
)

// demoSite is a running demo with the addresses that it printed.
type demoSite struct {
	*running
	public, provider, admin string
}

// printed finds the addresses in the demo's welcome.
var printed = regexp.MustCompile(`(?m)^  open +(\S+)/\n(?s:.*)^  provider +(\S+)/account (?s:.*)^  metrics +(\S+)/metrics$`)

// startDemo runs `sallyport demo` while its preferred ports are busy.
func startDemo(t *testing.T, environ ...string) demoSite {
	t.Helper()
	for _, port := range []int{demoProxyPort, demoProviderPort, demoAppPort, demoAdminPort} {
		// Whoever has it already keeps it busy as well.
		if l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port))); err == nil {
			t.Cleanup(func() { l.Close() })
		}
	}
	d := demoSite{running: start(t, []string{"demo"}, environ)}
	eventually(t, "the demo's welcome", func() bool {
		m := printed.FindStringSubmatch(d.stdout.String())
		if m != nil {
			d.public, d.provider, d.admin = m[1], m[2], m[3]
		}
		return m != nil
	})
	eventually(t, "the demo's readiness", func() bool {
		status, _ := get(t, d.admin+"/readyz")
		return status == http.StatusOK
	})
	return d
}

// whoami is what the app was told.
type whoami struct {
	User, Email, Name, Path string
	Groups, Cookies         []string
}

func (d demoSite) whoami(t *testing.T, b *browser) whoami {
	t.Helper()
	p := b.script(d.public + "/api/whoami")
	if p.status != http.StatusOK {
		t.Fatalf("/api/whoami is %d: %s", p.status, p.body)
	}
	return decode[whoami](t, p)
}

func (d demoSite) signOut(b *browser) page { return b.submit(d.public+"/oauth2/logout", nil) }

func isPicker(p page) bool { return strings.Contains(p.body, `name="person"`) }

func TestDemoTakesFreePorts(t *testing.T) {
	d := startDemo(t)
	for _, address := range []string{d.public, d.provider, d.admin} {
		u, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		if slices.Contains([]string{"4180", "4181", "4182", "4190"}, u.Port()) {
			t.Errorf("%s is printed, and its port is busy", address)
		}
	}
	for _, person := range []string{"Ada Lovelace", "Grace Hopper", "Alan Turing"} {
		if !strings.Contains(d.stdout.String(), person) {
			t.Errorf("%s is not named:\n%s", person, d.stdout.String())
		}
	}
}

func TestDemoSignInSignOutSignInAsAnother(t *testing.T) {
	d := startDemo(t)
	b := newBrowser(t)

	app := b.signIn(d.public+"/?from=start", "ada")
	if got, want := app.url.String(), d.public+"/?from=start"; app.status != http.StatusOK || got != want {
		t.Fatalf("the sign-in ended at %s with %d, want %s", got, app.status, want)
	}
	if !strings.Contains(app.body, "Ada") || !strings.Contains(app.body, "ada@example.com") {
		t.Errorf("the app does not greet Ada:\n%s", app.body)
	}
	who := d.whoami(t, b)
	if who.User != "ada" || who.Email != "ada@example.com" || !slices.Equal(who.Groups, []string{"engineering", "admins"}) {
		t.Errorf("the app was told %+v", who)
	}
	if slices.Contains(who.Cookies, "sallyport") {
		t.Error("CK-18 the session cookie reached the app")
	}

	session := decode[struct{ Mode, IdP string }](t, b.script(d.public+"/oauth2/session"))
	if session.Mode != "full" || session.IdP != oidcrp.GenericPreset {
		t.Errorf("/oauth2/session says %+v", session)
	}

	out := d.signOut(b)
	if out.status != http.StatusOK || out.url.Path != "/oauth2/logout/callback" {
		t.Errorf("the sign-out ended at %s with %d", out.url, out.status)
	}
	if p := b.script(d.public + "/api/whoami"); p.status != http.StatusUnauthorized {
		t.Errorf("after the sign-out /api/whoami is %d", p.status)
	}
	again := b.visit(d.public + "/")
	if !isPicker(again) {
		t.Fatalf("after the sign-out the provider does not ask who it is: %s\n%s", again.url, again.body)
	}
	b.pick(again, "grace")
	if who := d.whoami(t, b); who.User != "grace" || !slices.Equal(who.Groups, []string{"engineering"}) {
		t.Errorf("the app was told %+v, want grace", who)
	}
}

func TestDemoFiveTabs(t *testing.T) {
	d := startDemo(t)
	b := newBrowser(t)
	var pickers []page
	for i := range 5 {
		pickers = append(pickers, b.visit(d.public+"/?tab="+strconv.Itoa(i)))
	}
	for i, picker := range pickers {
		app := b.pick(picker, "ada")
		if got, want := app.url.String(), d.public+"/?tab="+strconv.Itoa(i); app.status != http.StatusOK || got != want {
			t.Errorf("tab %d ended at %s with %d %s", i, got, app.status, app.header.Get("Sallyport-Error"))
		}
	}
	if who := d.whoami(t, b); who.User != "ada" {
		t.Errorf("the app was told %+v", who)
	}
}

// TestDemoProviderSessionEnds: the provider tells us, and the next sign-in asks who
// it is.
func TestDemoProviderSessionEnds(t *testing.T) {
	d := startDemo(t)
	b := newBrowser(t)
	b.signIn(d.public+"/", "ada")
	if p := b.submit(d.provider+"/account/end", nil); p.status != http.StatusOK {
		t.Fatalf("ending the provider's session is %d: %s", p.status, p.body)
	}
	eventually(t, "the end of the session here", func() bool {
		return b.script(d.public+"/api/whoami").status == http.StatusUnauthorized
	})
	if again := b.visit(d.public + "/"); !isPicker(again) {
		t.Errorf("the provider does not ask who it is: %s", again.url)
	}
}

// TestDemoSignOutOfAnotherBrowser leaves a browser alone that shares nothing.
func TestDemoSignOutOfAnotherBrowser(t *testing.T) {
	d := startDemo(t)
	ada, alan := newBrowser(t), newBrowser(t)
	ada.signIn(d.public+"/", "ada")
	alan.signIn(d.public+"/", "alan")
	d.signOut(ada)
	if who := d.whoami(t, alan); who.User != "alan" {
		t.Errorf("the app was told %+v", who)
	}
}

func TestDemoForbiddenByGroup(t *testing.T) {
	d := startDemo(t, "SALLYPORT_ALLOWED_GROUPS=admins")
	alan := newBrowser(t)
	if p := alan.signIn(d.public+"/", "alan"); p.status != http.StatusForbidden || p.header.Get("Sallyport-Error") != "group_not_allowed" {
		t.Errorf("alan gets %d %q", p.status, p.header.Get("Sallyport-Error"))
	}
	if p := alan.script(d.public + "/api/whoami"); p.status != http.StatusForbidden || p.header.Get("Content-Type") != "application/problem+json" {
		t.Errorf("alan's script gets %d %q", p.status, p.header.Get("Content-Type"))
	}
	ada := newBrowser(t)
	if p := ada.signIn(d.public+"/", "ada"); p.status != http.StatusOK {
		t.Errorf("ada gets %d", p.status)
	}
}

func TestDemoWithoutSession(t *testing.T) {
	d := startDemo(t, "SALLYPORT_PUBLIC_PATHS=/healthz")
	b := newBrowser(t)
	if p := b.visit(d.public + "/healthz"); p.status != http.StatusOK || !strings.Contains(p.body, "the application is well") {
		t.Errorf("a public path is %d: %s", p.status, p.body)
	}
	p := b.script(d.public + "/api/whoami")
	problem := decode[struct {
		Status   int
		Code     string
		LoginURL string `json:"login_url"`
	}](t, p)
	if p.status != http.StatusUnauthorized || p.header.Get("Content-Type") != "application/problem+json" ||
		problem.Status != 401 || problem.Code != "sign_in_required" || problem.LoginURL == "" {
		t.Errorf("a script without a session gets %d: %s", p.status, p.body)
	}
	for _, name := range []string{"WWW-Authenticate", "X-Request-Id"} {
		if p.header.Get(name) == "" {
			t.Errorf("the 401 has no %s", name)
		}
	}
	if got := p.header.Get("Cache-Control"); got != "no-store" {
		t.Errorf("the 401 has Cache-Control %q", got)
	}
}

// TestDemoIgnoresAddressesOfEarnest: a shell that is set up for a real
// deployment can still run the demo.
func TestDemoIgnoresAddressesOfEarnest(t *testing.T) {
	d := startDemo(t, with(map[string]string{"SALLYPORT_LISTEN": ":443", "SALLYPORT_SECRET": "", "SALLYPORT_SECRET_FILE": "/nonexistent"})...)
	b := newBrowser(t)
	if p := b.signIn(d.public+"/", "ada"); p.status != http.StatusOK {
		t.Errorf("ada gets %d", p.status)
	}
}

// TestDemoLogsNoSecret looks for what every flow carries.
func TestDemoLogsNoSecret(t *testing.T) {
	d := startDemo(t, "SALLYPORT_LOG_LEVEL=debug", "SALLYPORT_ACCESS_LOG=true")
	b := newBrowser(t)
	var seen []string
	b.client.CheckRedirect = func(req *http.Request, _ []*http.Request) error {
		for _, name := range []string{"code", "state", "nonce", "code_challenge", "id_token_hint"} {
			if v := req.URL.Query().Get(name); v != "" {
				seen = append(seen, v)
			}
		}
		return nil
	}
	b.signIn(d.public+"/", "ada")
	u, err := url.Parse(d.public)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range b.client.Jar.Cookies(u) {
		seen = append(seen, c.Value)
	}
	d.signOut(b)
	if len(seen) < 5 {
		t.Fatalf("only %d values were seen, so that this test proves nothing", len(seen))
	}
	log := d.stderr.String()
	if !strings.Contains(log, "/oauth2/callback") {
		t.Error("the access log does not show the callback, so that this test proves nothing")
	}
	for _, v := range seen {
		if strings.Contains(log, v) {
			t.Errorf("OP-08 the log contains %q", v)
		}
	}
}
