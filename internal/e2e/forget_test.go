package e2e

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// After a sign-out a browser has forgotten the pages of before, though the app lets
// them be cached, and what the app keeps if that is wanted; and it comes back from
// the provider to where the sign-out leads all the same.
func TestSignOutForgetsInABrowser(t *testing.T) {
	t.Parallel()
	app := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		w.Header().Set("Cache-Control", "private, max-age=600")
		if r.URL.Path == "/private" {
			_, _ = io.WriteString(w, "<!doctype html><p id=secret>the salaries")
			return
		}
		_, _ = io.WriteString(w, "<!doctype html><p>bye")
	}))
	t.Cleanup(app.Close)
	w := planWorld(t)
	w.startProvider()
	w.startSallyport("SALLYPORT_UPSTREAM="+app.URL, "SALLYPORT_SIGN_OUT_CLEARS=cache,storage", "SALLYPORT_PUBLIC_PATHS=/bye")
	w.awaitReady()
	c := newChromium(t)
	c.open(w.public+"/private", `input[name="login"]`)
	run(c, "typing the name", chromedp.SendKeys(chromedp.CSS(`input[name="login"]`), "ada"))
	c.click("button", "#secret")
	c.evaluate(`localStorage.setItem("draft", "kept") ?? (document.cookie = "app=kept; max-age=600")`)
	const stored = `localStorage.getItem("draft") + document.cookie`
	c.eventually("what the app stored", stored, is("keptapp=kept"))

	run(c, "signing out", chromedp.Evaluate[string](`String(location.assign("/oauth2/logout?rd=/bye"))`))
	c.click(`button[name="logout"]`, "p")
	c.eventually("the address", `location.href`, is(w.public+"/bye"))
	c.eventually("what is stored", stored, is("nullapp=kept"))

	c.evaluate(`history.go(-2)`)
	c.eventually("where Back leads", `location.href`, func(at string) bool { return strings.HasPrefix(at, w.issuer) })
}
