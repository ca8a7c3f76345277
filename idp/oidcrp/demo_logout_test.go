package oidcrp

import (
	"net/http/cookiejar"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/idp/demoidp"
	"github.com/sallyport/sallyport/session"
)

// newDemoLogoutWorld is a demoWorld whose provider says when a session ends.
func newDemoLogoutWorld(t *testing.T) *demoWorld {
	t.Helper()
	var client *demoidp.Client
	w := newDemoWorld(t, func(c *demoidp.Client) {
		c.BackChannelLogoutURI = strings.TrimSuffix(c.RedirectURIs[0], "/callback") + "/logout/backchannel"
		client = c
	})
	if client.BackChannelLogoutURI != w.site.URL+"/oauth2/logout/backchannel" {
		t.Fatalf("registered %s", client.BackChannelLogoutURI)
	}
	return w
}

// isSignedIn looks with the cookies of a browser, as no request of the app would.
func (w *demoWorld) isSignedIn(browser *cookiejar.Jar) bool {
	w.t.Helper()
	w.jar = browser
	_, err := w.sessions.Peek(w.withCookies())
	return err == nil
}

// One session that ends at the provider ends here, and no other.
func TestDemoProviderEndsOneSession(t *testing.T) {
	t.Parallel()
	w := newDemoLogoutWorld(t)
	first := w.signInAs("ada")
	one := w.jar
	w.newBrowser()
	w.signInAs("ada")
	two := w.jar
	if !w.provider.EndSession(first.Identity.SID) {
		t.Fatalf("no session %q at the provider", first.Identity.SID)
	}
	w.provider.WaitDeliveries()
	if w.isSignedIn(one) {
		t.Errorf("the session lives on; log:\n%s", w.log)
	}
	if !w.isSignedIn(two) {
		t.Errorf("another session of the same person ended; log:\n%s", w.log)
	}
}

// LO-09: all sessions of a person end, also after some have ended before, and
// nobody else's.
func TestDemoProviderEndsAPerson(t *testing.T) {
	t.Parallel()
	w := newDemoLogoutWorld(t)
	var browsers []*cookiejar.Jar
	for range 3 {
		w.newBrowser()
		w.signInAs("ada")
		browsers = append(browsers, w.jar)
	}
	w.newBrowser()
	w.signInAs("grace")
	grace := w.jar

	w.jar = browsers[0]
	if _, err := w.sessions.EndOwn(w.withCookies(), w.current(browsers[0]).Handle, session.EndedElsewhere); err != nil {
		t.Fatal(err)
	}
	if n := w.provider.EndPerson("ada"); n != 3 {
		t.Fatalf("%d sessions ended at the provider, want 3", n)
	}
	w.provider.WaitDeliveries()
	for i, browser := range browsers {
		if w.isSignedIn(browser) {
			t.Errorf("browser %d is signed in; log:\n%s", i, w.log)
		}
	}
	if !w.isSignedIn(grace) {
		t.Error("somebody else's session ended")
	}
}

func (w *demoWorld) current(browser *cookiejar.Jar) *session.Session {
	w.t.Helper()
	w.jar = browser
	s, err := w.sessions.Peek(w.withCookies())
	must(w.t, err)
	return s
}
