package e2e

import (
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// spread is the example for single-page apps behind two replicas on one Redis: the
// second serves the streams that tell of the end, the first everything else.
type spread struct {
	*world
	streams atomic.Int32 // open at present
}

func newSpread(t *testing.T) *spread {
	t.Helper()
	files := httptest.NewServer(http.FileServer(http.Dir("../../docs/integrations/samples/spa")))
	t.Cleanup(files.Close)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	s := &spread{world: planWorld(t)}
	s.public = "http://localhost:" + strconv.Itoa(listener.Addr().(*net.TCPAddr).Port)
	s.startProvider()
	env := []string{
		"SALLYPORT_UPSTREAM=" + files.URL, "SALLYPORT_LISTEN=127.0.0.1:0", "SALLYPORT_SECRET=" + keygen(t),
		"SALLYPORT_SESSION_STORE=redis", "SALLYPORT_REDIS_URL=redis://" + startRedis(t), "SALLYPORT_ADMIN_TOKEN=" + adminToken,
	}
	s.startSallyport(env...)
	s.awaitReady()
	second := start(t, "sallyport, second replica", s.environment(env...), binaries.sallyport, "serve")
	second.awaitRecord(record{"msg": "discovery done: people can sign in"})
	s.balance(listener, s.sallyport, second)
	return s
}

// balance starts the load balancer, which listens at the public address.
func (s *spread) balance(listener net.Listener, first, second *process) {
	s.t.Helper()
	to := func(p *process) *httputil.ReverseProxy {
		at := &url.URL{Scheme: "http", Host: p.awaitRecord(record{"msg": "listening", "listener": "proxy"}).text("address")}
		return &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(at)
			r.Out.Host = r.In.Host
		}}
	}
	a, b := to(first), to(second)
	balancer := &http.Server{ReadHeaderTimeout: patience, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != prefix+"/session/events" {
			a.ServeHTTP(w, r)
			return
		}
		s.streams.Add(1)
		defer s.streams.Add(-1)
		b.ServeHTTP(w, r)
	})}
	var stopped sync.WaitGroup
	stopped.Go(func() { _ = balancer.Serve(listener) })
	s.t.Cleanup(func() {
		_ = balancer.Close()
		stopped.Wait()
	})
}

// watchEnd has the page note when it is told that its session is over.
func (c *chromium) watchEnd() {
	c.t.Helper()
	c.do(`window.addEventListener("sallyport:ended", () => { window.endedAt ??= Date.now() })`)
}

// endedAfter waits until the page has been told, and returns how long after start.
func (c *chromium) endedAfter(start time.Time) time.Duration {
	c.t.Helper()
	c.eventually("the end", "window.endedAt", func(at string) bool { return at != "undefined" })
	text := run(c, "asking for the end", chromedp.Evaluate[string]("String(window.endedAt)"))
	at, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		c.t.Fatal(err)
	}
	return time.UnixMilli(at).Sub(start)
}

// setHidden makes the page believe that its tab is hidden, or shown again.
func (c *chromium) setHidden(hidden bool) {
	c.t.Helper()
	state := "visible"
	if hidden {
		state = "hidden"
	}
	c.do(`(Object.defineProperty(document, "visibilityState", { configurable: true, value: "` + state + `" }),
		document.dispatchEvent(new Event("visibilitychange")))`)
}

// isSignedOut reports whether the example shows that the session is over.
func (c *chromium) isSignedOut() bool {
	c.t.Helper()
	return run(c, "asking what is shown", chromedp.Evaluate[string]("String("+shown+")")) == "over"
}

// Whoever ends a session, every tab of its browser knows at once, visible or not,
// although the replica that tells it is not the one that was told. LO-20.
func TestEveryTabHearsOfTheEnd(t *testing.T) {
	t.Parallel()
	s := newSpread(t)
	here, there := newChromium(t), newChromium(t)
	here.signInTo(s.world, "ada")
	there.signInTo(s.world, "ada")
	tab, atProvider := here.tab(), here.tab()

	for _, way := range []struct {
		name   string
		hidden *chromium
		end    func() (began time.Time)
	}{
		{"the person, on the page of another browser", tab, func() time.Time {
			began := time.Now()
			there.do(`document.querySelector(".sessions li:not(.current) button").click()`)
			return began
		}},
		{"an administrator", here, func() time.Time {
			began := time.Now()
			s.endSessionsOf("ada")
			return began
		}},
		{"the identity provider", tab, func() time.Time {
			atProvider.open(s.issuer+"/session/end", `button[name="logout"]`)
			began := time.Now()
			run(atProvider, "signing out at the provider", chromedp.Click(chromedp.CSS(`button[name="logout"]`)))
			return began
		}},
	} {
		if here.isSignedOut() { // by the last way
			here.click("#login", "#app")
		}
		tab.open(s.public+"/", "#app")
		// An administrator has ended this one, too: it is led to the sign-in and back.
		there.open(s.public+prefix+"/sessions", ".sessions li:nth-child(2)")
		here.watchEnd()
		tab.watchEnd()
		way.hidden.setHidden(true)
		s.await("one stream for both tabs", func() bool { return s.streams.Load() == 1 })
		began := way.end()
		first, second := here.endedAfter(began), tab.endedAfter(began)
		t.Logf("ended by %s: one tab was told after %s, the other after %s", way.name, first, second)
		if limit := s.atMost(5 * time.Second); first > limit || second > limit {
			t.Errorf("ended by %s: after %s and %s, want at most %s", way.name, first, second, limit)
		}
		tab.eventually("what the tab shows", shown, is("over"))
	}
	s.await("no stream without a session", func() bool { return s.streams.Load() == 0 })
	here.noProblems()
	there.noProblems()
}
