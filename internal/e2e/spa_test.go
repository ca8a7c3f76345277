package e2e

import (
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// newSPA is a world whose application is the example of docs/integrations/spa.md,
// a folder of static files.
func newSPA(t *testing.T, env ...string) *world {
	t.Helper()
	w := planWorld(t)
	w.startSPA(env...)
	return w
}

// startSPA starts a planned world with the example as its application.
func (w *world) startSPA(env ...string) {
	w.t.Helper()
	files := httptest.NewServer(http.FileServer(http.Dir("../../docs/integrations/samples/spa")))
	w.t.Cleanup(files.Close)
	w.startProvider()
	w.startSallyport(append([]string{"SALLYPORT_UPSTREAM=" + files.URL}, env...)...)
	w.awaitReady()
}

// signInTo opens the example and fills in the provider's form.
func (c *chromium) signInTo(w *world, login string) {
	c.t.Helper()
	defer w.signedIn(time.Now())
	c.open(w.public+"/", `input[name="login"]`)
	run(c, "typing the name", chromedp.SendKeys(chromedp.CSS(`input[name="login"]`), login))
	c.click("button", "#app")
	c.eventually("the notes", `document.querySelectorAll("#notes li").length`, is("2"))
}

func is(want string) func(string) bool { return func(got string) bool { return got == want } }

const shown = `Array.from(document.querySelectorAll("main")).filter((m) => !m.hidden).map((m) => m.id)`

// A person signs in with two browsers, sees both on the page of their sessions, and
// ends the other one, whose window notices by itself.
func TestEndAnotherSessionInABrowser(t *testing.T) {
	t.Parallel()
	w := newSPA(t)
	here, there := newChromium(t), newChromium(t)
	here.signInTo(w, "ada")
	there.signInTo(w, "ada")
	if name := there.text("#who"); name != "ada" {
		t.Errorf("the example greets %q", name)
	}

	here.click(`a[href="/oauth2/sessions"]`, ".sessions")
	here.eventually("the number of sessions", `document.querySelectorAll(".sessions li").length`, is("2"))
	here.picture("6-sessions")
	for selector, want := range map[string]string{
		".sessions .current h2":            "Headless Chrome on Linux\nThis browser",
		".sessions li:not(.current) h2":    "Headless Chrome on Linux",
		".sessions li:not(.current) p + p": "Signed in just now from 127.0.0.1",
		"main > p":                         "These browsers are signed in to " + strings.TrimPrefix(w.public, "http://") + " as ada@example.com.",
		".actions button":                  "Sign out everywhere else",
	} {
		if got := here.text(selector); got != want {
			t.Errorf("%s is %q, want %q", selector, got, want)
		}
	}
	here.click(".sessions li:not(.current) button", ".sessions")
	here.eventually("the number of sessions", `document.querySelectorAll(".sessions li").length`, is("1"))
	here.picture("7-session-alone")
	w.provider.awaitRecord(record{"event": "refresh_token.destroyed"})

	there.eventually("what the other window shows", shown, is("over"))
	there.eventually("its notes", `document.querySelectorAll("#notes li").length`, is("0"))
	there.picture("8-spa-over")
	there.click("#login", "#app") // the provider's session there goes on
	here.open(w.public+"/", "#app")

	// And the other way about: everything but this one.
	here.open(w.public+prefix+"/sessions", ".sessions li:nth-child(2)")
	here.click(".actions button", ".sessions")
	here.eventually("the number of sessions", `document.querySelectorAll(".sessions li").length`, is("1"))
	there.eventually("what the other window shows", shown, is("over"))
	here.click(".sessions .current button", "body")
	here.eventually("the way to the provider", `location.origin`, is(w.issuer))
	here.noProblems()
	there.noProblems()
}

// The example warns before an idle session ends, prolongs it when asked to, and is
// told of the end; the script's own looking prolongs nothing.
func TestSPAWarnsBeforeTheEnd(t *testing.T) {
	t.Parallel()
	w := newSPA(t, "SALLYPORT_SESSION_IDLE=10s")
	c := newChromium(t)
	c.signInTo(w, "ada")
	run(c, "seeing the warning", chromedp.WaitVisible(chromedp.CSS("#stay")))
	c.picture("9-spa-ending")

	const end = `fetch("/oauth2/session").then((r) => r.json()).then((s) => Date.parse(s.idle_expires_at))`
	idleEnd := func() int64 {
		text := run(c, "asking for the end", chromedp.Evaluate[string](end+".then(String)", chromedp.EvalAwaitPromise))
		at, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			t.Fatalf("%q is no time: %v", text, err)
		}
		return at
	}
	before := idleEnd()
	pause(t, 3*time.Second)
	if again := idleEnd(); again != before {
		t.Errorf("asking moved the end by %d ms", again-before)
	}
	run(c, "staying signed in", chromedp.Click(chromedp.CSS("#stay")))
	c.eventually("a later end", end+".then(String)", func(string) bool { return idleEnd() > before })

	c.eventually("what the window shows", shown, is("over"))
	if late := time.Now().UnixMilli() - before; late < 0 || late > 60_000 {
		t.Errorf("the end came %d ms after the first one", late)
	}
	c.noProblems()
}

// Every tab of a browser hears at once that the session was ended elsewhere, though
// one alone holds a stream.
func TestTabsHearAtOnce(t *testing.T) {
	t.Parallel()
	w := newSPA(t, "SALLYPORT_ADMIN_TOKEN="+adminToken)
	c := newChromium(t)
	c.signInTo(w, "ada")
	c.evaluate(`(window.other = window.open("/")) && "opened"`)
	const otherShows = `Array.from(other.document.querySelectorAll("main")).filter((m) => !m.hidden).map((m) => m.id)`
	c.eventually("what the other tab shows", otherShows, is("app"))
	c.eventually("a stream", `navigator.locks.query().then((l) => window.held = l.held.length) && window.held`, is("1"))

	start := time.Now()
	w.endSessionsOf("ada")
	c.eventually("what this tab shows", shown, is("over"))
	here := time.Since(start)
	c.eventually("what the other tab shows", otherShows, is("over"))
	there := time.Since(start)
	t.Logf("the tabs heard after %s and %s", here, there)
	if limit := w.atMost(5 * time.Second); here > limit || there > limit { // they look every 15 seconds
		t.Errorf("after %s and %s, want at most %s", here, there, limit)
	}
	c.noProblems()
}
