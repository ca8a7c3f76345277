package e2e

import (
	"net/http"
	"strings"
	"testing"
)

// adminToken turns on the session API of the admin listener.
const adminToken = "an-administrators-token-of-some-length"

// endSessionsOf ends somebody's sessions from outside, as an administrator does.
func (w *world) endSessionsOf(user string) {
	w.t.Helper()
	r, err := http.NewRequestWithContext(w.t.Context(), http.MethodDelete, w.admin+"/sessions?user="+user, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+adminToken)
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		w.t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		w.t.Fatalf("ending the sessions of %s: %s", user, response.Status)
	}
}

// Somebody fills in a form, the session ends meanwhile, and after the sign-in the
// form is sent: once, as it was, as the same person.
func TestHalfFilledFormSurvives(t *testing.T) {
	w := newWorld(t, "SALLYPORT_ADMIN_TOKEN="+adminToken)
	c := newChromium(t)
	c.open(w.public+"/form", `input[name="login"]`)
	c.evaluate(`document.querySelector('[name=login]').value = "ada"`)
	c.click("button", `[name="title"]`)

	w.endSessionsOf("ada")
	c.evaluate(`document.querySelector('[name=title]').value = 'Ünïcode "<b>" & more'`)
	c.evaluate(`document.querySelector('[name=note]').value = "first line\nsecond line + 100%"`)
	c.click("button", "#ordered") // the provider still knows ada, so it asks nothing
	if at := c.location(); at != w.public+"/orders?from=form" {
		t.Errorf("the form led to %s", at)
	}
	got := w.app.awaitRecord(record{"event": "ordered"})
	want := "title=%C3%9Cn%C3%AFcode+%22%3Cb%3E%22+%26+more&note=first+line%0D%0Asecond+line+%2B+100%25&tag=a&tag=b&submit=now"
	if got.text("body") != want || got.text("user") != "ada" || got.text("url") != "/orders?from=form" || got.text("origin") != w.public {
		t.Errorf("the application was sent %v, want %s", got, want)
	}

	// Nothing is left to be sent again.
	c.open(w.public+prefix+"/form", "body")
	c.eventually("the address", "location.pathname", func(path string) bool { return !strings.HasPrefix(path, prefix) })
	if n := w.app.count(record{"event": "ordered"}); n != 1 {
		t.Errorf("the form was sent %d times", n)
	}
	c.noProblems()
}
