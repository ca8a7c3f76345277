package e2e

import (
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// A browser that is told to forget what the app keeps comes back from the provider to
// where the sign-out leads all the same, and the Back button shows nothing of before.
func TestSignOutForgetsInABrowser(t *testing.T) {
	t.Parallel()
	w := newSPA(t, "SALLYPORT_SIGN_OUT_CLEARS=cache,storage", "SALLYPORT_PUBLIC_PATHS=/bye")
	c := newChromium(t)
	c.signInTo(w, "ada")
	c.evaluate(`localStorage.setItem("draft", "kept") ?? (document.cookie = "app=kept; max-age=600")`)
	c.eventually("what the app stored", `localStorage.getItem("draft") + document.cookie`, is("keptapp=kept"))

	run(c, "signing out", chromedp.Evaluate[string](`String(location.assign("/oauth2/logout?rd=/bye"))`))
	run(c, "waiting for the provider", chromedp.WaitVisible(chromedp.CSS(`button[name="logout"]`)))
	run(c, "agreeing", chromedp.Click(chromedp.CSS(`button[name="logout"]`)))
	c.eventually("the address", `location.href`, is(w.public+"/bye"))
	c.eventually("what is stored", `localStorage.getItem("draft") + document.cookie`, is("nullapp=kept"))

	c.evaluate(`history.go(-2)`)
	c.eventually("where Back leads", `location.href`, func(at string) bool { return !strings.HasPrefix(at, w.public+"/bye") })
	c.eventually("what Back shows", `document.body.innerText.includes("ada")`, is("false"))
}
