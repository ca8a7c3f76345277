package e2e

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/target"
	"github.com/chromedp/chromedp"
)

// popup clicks what selector matches, and returns the window that opens.
func (c *chromium) popup(selector string) *chromium {
	c.t.Helper()
	opened := chromedp.WaitNewTarget(c.ctx, func(info *target.Info) bool { return info.Type == "page" })
	run(c, "clicking "+selector, chromedp.Click(chromedp.CSS(selector), chromedp.NodeVisible))
	ctx, stop := chromedp.NewContext(c.ctx, chromedp.WithTargetID(<-opened))
	c.t.Cleanup(stop)
	if err := chromedp.Do(ctx); err != nil {
		c.t.Fatalf("attaching to the popup: %v", err)
	}
	return &chromium{t: c.t, ctx: ctx, pictures: c.pictures}
}

// signIn fills in the provider's form. The window may be gone before anybody sees that
// the button was pressed.
func (c *chromium) signIn(login string) {
	c.t.Helper()
	run(c, "typing the name", chromedp.SendKeys(chromedp.CSS(`input[name="login"]`), login))
	c.evaluate(`setTimeout(() => document.querySelector("button").click())`)
}

// windows is how many the browser has.
func (c *chromium) windows() int {
	c.t.Helper()
	all, err := chromedp.Targets(c.ctx)
	if err != nil {
		c.t.Fatal(err)
	}
	return len(slices.DeleteFunc(all, func(info *target.Info) bool { return info.Type != "page" }))
}

// A session ends while somebody types. A popup signs them in again and closes itself, and
// the page goes on with what was typed, whether or not the provider cuts the popup off
// from the page that opened it.
func TestSignInInAPopup(t *testing.T) {
	t.Parallel()
	for _, policy := range []string{"", "same-origin"} {
		t.Run("opener policy "+policy, func(t *testing.T) {
			w := planWorld(t)
			w.openerPolicy = policy
			// The provider asks each time, as it does when its own session is over.
			w.startSPA("SALLYPORT_ADMIN_TOKEN="+adminToken, "SALLYPORT_OIDC_PROMPT=login")
			c := newChromium(t)
			c.signInTo(w, "ada")
			c.evaluate(`location.hash = "#/notes/7?draft=1"`)
			c.evaluate(`window.sameDocument = "yes"`)
			run(c, "typing", chromedp.SendKeys(chromedp.CSS("#draft"), "half a sentence"))

			w.endSessionsOf("ada")
			c.eventually("what the window shows", shown, is("over"))
			c.picture("10-spa-over-with-a-draft")
			p := c.popup("#popup")
			run(p, "waiting for the provider", chromedp.WaitVisible(chromedp.CSS(`input[name="login"]`)))
			severed := run(p, "looking for the opener", chromedp.Evaluate[string](`String(window.opener === null)`))
			if want := fmt.Sprint(policy != ""); severed != want {
				t.Errorf("the provider's page is cut off: %s, want %s", severed, want)
			}
			p.signIn("ada")
			c.eventually("what the window shows", shown, is("app"))
			c.eventually("what was typed", `document.getElementById("draft").value`, is("half a sentence"))
			c.eventually("the document", "window.sameDocument", is("yes"))
			c.eventually("the route", "location.hash", is("#/notes/7?draft=1"))
			c.eventually("the notes", `document.querySelectorAll("#notes li").length`, is("2"))
			w.await("the popup to close itself", func() bool { return c.windows() == 1 })
			c.picture("11-spa-after-the-popup")

			// Somebody else in the popup: nothing of the first person's is left.
			w.endSessionsOf("ada")
			c.eventually("what the window shows", shown, is("over"))
			p = c.popup("#popup")
			run(p, "waiting for the provider", chromedp.WaitVisible(chromedp.CSS(`input[name="login"]`)))
			p.signIn("grace")
			c.eventually("why", `document.getElementById("why").textContent`, is("Somebody else has signed in with this browser."))
			c.eventually("what is left", `document.getElementById("draft").value + "|" + `+shown, is("|over"))

			// The other way back, in this window, leads to the very route.
			w.endSessionsOf("grace")
			c.click("#login", `input[name="login"]`)
			c.signIn("ada")
			c.eventually("the address", "location.href", is(w.public+"/#/notes/7?draft=1"))
			c.eventually("what the window shows", shown, is("app"))

			// Who opens the page by hand reads what to do: nothing closes.
			c.open(w.public+prefix+"/signed-in", "#done a")
			c.picture("12-signed-in")
			c.noProblems()
		})
	}
}

// frontPage is a front end of another origin: it calls the app, and opens a popup for
// the sign-in that the app's 401 asks for.
const frontPage = `<!doctype html><title>front</title><body><button id="go">Sign in</button><script>
"use strict";
const app = "%s";
window.said = [];
window.addEventListener("message", (e) => said.push(e.origin + " " + JSON.stringify(e.data)));
window.call = async () => {
  const answer = await fetch(app + "/api/things", { method: "PUT", credentials: "include", headers: { "Content-Type": "application/json" }, body: "{}" });
  window.body = await answer.json();
  return answer.status + " " + answer.headers.get("Sallyport-Error");
};
document.getElementById("go").addEventListener("click", () => {
  const login = new URL(body.login_url, app);
  login.searchParams.set("rd", "/oauth2/signed-in");
  window.open(login, "sign-in", "popup,width=480,height=640");
});
</script>`

// A front end of another origin learns from the app's 401 where to sign in, hears from the
// popup that it is done, and is let in; one that is not listed reads nothing.
func TestFrontEndOfAnotherOrigin(t *testing.T) {
	t.Parallel()
	w := planWorld(t)
	front := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Content-Type", "text/html")
		fmt.Fprintf(rw, frontPage, w.public)
	}))
	t.Cleanup(front.Close)
	listed := strings.Replace(front.URL, "127.0.0.1", "localhost", 1) // the same site, another port
	w.startProvider()
	w.startSallyport("SALLYPORT_CORS_ORIGINS=" + listed)
	w.awaitReady()
	c := newChromium(t)
	const call = `call().then((s) => window.status = s, (e) => window.status = e.name) && window.status`

	c.open(listed+"/", "#go")
	c.eventually("the refusal", call, is("401 sign_in_required"))
	p := c.popup("#go")
	run(p, "waiting for the provider", chromedp.WaitVisible(chromedp.CSS(`input[name="login"]`)))
	p.signIn("ada")
	c.eventually("what the popup says", "said.join()", is(w.public+` {"type":"sallyport:signed-in"}`))
	c.eventually("the answer", call, is("200 null"))
	c.eventually("the person", `body.headers.filter(([n]) => n.toLowerCase() === "x-forwarded-user").map(([, v]) => v)`, is("ada"))
	w.await("the popup to close itself", func() bool { return c.windows() == 1 })

	c.open(front.URL+"/", "#go")
	c.eventually("what an unlisted page reads", call, is("TypeError"))
}
