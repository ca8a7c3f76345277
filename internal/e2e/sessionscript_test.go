package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// scripted is a site that serves Sallyport's session script and plays the endpoint
// that it reads, so that a test says what the answer is.
type scripted struct {
	*httptest.Server
	mu     sync.Mutex
	status int
	answer map[string]any
	asked  map[string]int // how often, by the page that asked
	scriptedEvents
}

// A page keeps what it was told, and can be hidden.
const scriptedPage = `<!doctype html><title>page</title><body><script>
"use strict";
window.told = [];
for (const name of ["active", "ending", "ended"]) {
  window.addEventListener("sallyport:" + name, (e) => told.push(name + " " + JSON.stringify(e.detail)));
}
window.names = () => told.map((t) => t.split(" ")[0]).join(" ");
window.hide = (hidden) => {
  Object.defineProperty(document, "visibilityState", { configurable: true, get: () => (hidden ? "hidden" : "visible") });
  document.dispatchEvent(new Event("visibilitychange"));
};
if (location.search === "?hidden") hide(true);
</script><script src="/oauth2/session.js" data-every="1" data-warn="60"></script>`

func newScripted(t *testing.T, w *world) *scripted {
	t.Helper()
	s := &scripted{status: 401, asked: map[string]int{}}
	script := newBrowser(t).fetch(http.MethodGet, w.public+prefix+"/session.js")
	if script.status != http.StatusOK {
		t.Fatalf("the script is %d", script.status)
	}
	s.Server = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/oauth2/session.js":
			rw.Header().Set("Content-Type", "text/javascript")
			fmt.Fprint(rw, script.body)
		case "/oauth2/session":
			s.session(rw, r)
		case "/oauth2/session/events":
			s.scriptedEvents.serve(rw, r)
		default:
			rw.Header().Set("Content-Type", "text/html")
			fmt.Fprint(rw, scriptedPage)
		}
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *scripted) session(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	at := strings.TrimPrefix(r.Referer(), s.URL)
	s.asked[at]++
	w.WriteHeader(s.status)
	_ = json.NewEncoder(w).Encode(s.answer) // a browser that has gone needs none
}

// says makes the endpoint tell of a session of that person that ends in so many
// seconds, by the idle limit.
func (s *scripted) says(sub, created string, left int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.status, s.answer = 200, map[string]any{
		"user": map[string]any{"sub": sub}, "idp": "x", "created_at": created, "seconds_left": left,
		"expires_at": "2026-11-25T20:00:00Z", "idle_expires_at": "2026-11-25T09:00:00Z",
	}
}

func (s *scripted) fails(status int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.status, s.answer = status, map[string]any{"code": "a problem"}
}

func (s *scripted) times(page string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked[page]
}

// tab opens another tab of the same browser.
func (c *chromium) tab() *chromium {
	c.t.Helper()
	ctx, stop := chromedp.NewContext(c.ctx)
	c.t.Cleanup(stop)
	if err := chromedp.Do(ctx); err != nil {
		c.t.Fatalf("opening a tab: %v", err)
	}
	return &chromium{t: c.t, ctx: ctx, pictures: c.pictures}
}

// do runs a script in the page.
func (c *chromium) do(script string) {
	c.t.Helper()
	run(c, "running "+script, chromedp.Evaluate[string]("String("+script+")"))
}

// visit loads an address anew.
func (c *chromium) visit(address string) {
	c.t.Helper()
	run(c, "opening "+address, chromedp.Navigate(address))
}

// The life of a page, as the script tells of it: one browser with two tabs, of
// which one is hidden and hears of everything from the other.
func TestSessionScript(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := newScripted(t, w)
	c := newChromium(t)
	hidden := c.tab()

	// Nobody is signed in, and the script does not go on asking.
	c.visit(s.URL + "/")
	c.eventually("events", "names()", is("ended"))
	c.eventually("the first event", "told[0]", is(`ended {"loginURL":"/oauth2/login?rd=%2F","popupURL":"/oauth2/login?rd=%2Foauth2%2Fsigned-in","hadSession":false,"replaced":false}`))
	asked := s.times("/")
	pause(t, 3*time.Second)
	if again := s.times("/"); again != asked {
		t.Errorf("without a session the page asked %d times more", again-asked)
	}

	// Somebody signs in; a visible tab tells a hidden one, which asks nothing.
	s.says("ada", "2026-11-25T08:00:00Z", 3600)
	hidden.visit(s.URL + "/?hidden")
	c.visit(s.URL + "/page?a=1#b")
	c.eventually("events", "told.join()", is(`active {"sub":"ada","secondsLeft":3600}`))
	hidden.eventually("events", "names()", is("active"))
	if n := s.times("/?hidden"); n != 0 {
		t.Errorf("a hidden tab asked %d times", n)
	}

	// It ends soon; then it was used, and does not.
	s.says("ada", "2026-11-25T08:00:00Z", 30)
	c.eventually("events", "names()", is("active ending"))
	c.eventually("the warning", "told[1]", is(`ending {"sub":"ada","secondsLeft":30,"idle":true}`))
	s.says("ada", "2026-11-25T08:00:00Z", 3600)
	c.eventually("events", "names()", is("active ending active"))

	// The store is down: nobody knows, nobody is told.
	s.fails(503)
	pause(t, 3*time.Second)
	c.eventually("events", "names()", is("active ending active"))

	// It is over, for the hidden tab, too.
	s.fails(401)
	c.do(`window.dispatchEvent(new Event("sallyport:check"))`)
	c.eventually("events", "names()", is("active ending active ended"))
	c.eventually("the end", "told[3]", is(`ended {"loginURL":"/oauth2/login?rd=%2Fpage%3Fa%3D1%23b","popupURL":"/oauth2/login?rd=%2Foauth2%2Fsigned-in","hadSession":true,"replaced":false}`))
	hidden.eventually("events", "names()", is("active ending active ended"))

	// The same person signs in again: the page may go on.
	s.says("ada", "2026-11-25T10:00:00Z", 3600)
	hidden.do("hide(false)")
	hidden.eventually("events", "names()", is("active ending active ended active"))
	c.eventually("events", "names()", is("active ending active ended active"))

	// Somebody else signs in: it is never theirs.
	s.says("grace", "2026-11-25T11:00:00Z", 3600)
	c.eventually("events", "names()", is("active ending active ended active ended"))
	c.eventually("the end", "told[5].endsWith('\"replaced\":true}')", is("true"))
	pause(t, 3*time.Second)
	c.eventually("events", "names()", is("active ending active ended active ended"))
	c.noProblems()
}

// The page's own script, deferred as docs/integrations/spa.md has it, once came over a slow
// network after the first answer, and never heard that somebody is signed in.
func TestSessionScriptWaitsForThePage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := newScripted(t, w)
	s.says("ada", "2026-11-25T08:00:00Z", 3600)
	looked := make(chan struct{})
	look := sync.OnceFunc(func() { close(looked) })
	page := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/page":
			rw.Header().Set("Content-Type", "text/html")
			fmt.Fprint(rw, `<!doctype html><title>page</title><script src="/oauth2/session.js" data-every="60" defer></script><script src="/late.js" defer></script>`)
		case "/late.js":
			select {
			case <-looked:
				pause(t, time.Second/2) // until the answer has come
			case <-r.Context().Done():
			}
			rw.Header().Set("Content-Type", "text/javascript")
			fmt.Fprint(rw, `window.addEventListener("sallyport:active", () => { window.heard = "active" })`)
		case "/oauth2/session":
			s.Config.Handler.ServeHTTP(rw, r)
			look()
		default:
			s.Config.Handler.ServeHTTP(rw, r)
		}
	}))
	t.Cleanup(page.Close)
	c := newChromium(t)
	c.visit(page.URL + "/page")
	c.eventually("what was heard", "window.heard", is("active"))
	c.noProblems()
}

// A page that cannot learn anything asks less and less often.
func TestSessionScriptBacksOff(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := newScripted(t, w)
	s.fails(500)
	c := newChromium(t)
	c.visit(s.URL + "/")
	pause(t, 10*time.Second) // at 0, 2, 6 and 14 s, where it would ask 11 times
	if n := s.times("/"); n < 2 || n > 4 {
		t.Errorf("asked %d times in 10 s of failures", n)
	}
	c.eventually("events", "names()", is(""))
	c.noProblems()
}

// pause lets real time pass in the browser, whose clock is not ours.
func pause(t *testing.T, d time.Duration) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	<-ctx.Done()
}
