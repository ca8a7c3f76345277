package proxy

import (
	"bufio"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sallyport/sallyport/session"
	"github.com/sallyport/sallyport/session/memstore"
)

// eventsOpening is what every stream begins with.
var eventsOpening = regexp.MustCompile(`^retry: [2-5]\d{3}\nevent: live\ndata: \{\}\n\n$`)

const eventsEnd = "event: ended\ndata: {}\n\n"

// openedEvents is an open stream of /session/events.
type openedEvents struct {
	*connection
	res  *http.Response
	body *bufio.Reader
}

// openEvents opens a stream and reads its opening.
func (f *fixture) openEvents(cookie string, lines ...string) *openedEvents {
	f.t.Helper()
	c := f.dial()
	c.write(request("GET", "/oauth2/session/events", append(lines, "Cookie: "+cookie, "Accept: text/event-stream")...))
	res, err := http.ReadResponse(c.r, nil)
	if err != nil {
		f.t.Fatal(err)
	}
	if res.StatusCode != http.StatusOK {
		f.t.Fatalf("status %s", res.Status)
	}
	s := &openedEvents{connection: c, res: res, body: bufio.NewReader(res.Body)}
	opening := ""
	for range 4 {
		line, err := s.body.ReadString('\n')
		if err != nil {
			f.t.Fatal(err)
		}
		opening += line
	}
	if !eventsOpening.MatchString(opening) {
		f.t.Errorf("the stream begins with %q", opening)
	}
	return s
}

// wantRest reads the stream to its end, which has to be tidy and at once.
func (s *openedEvents) wantRest(want string) {
	s.t.Helper()
	_ = s.SetReadDeadline(time.Now().Add(atOnce))
	if rest, err := io.ReadAll(s.body); err != nil || string(rest) != want {
		s.t.Errorf("the stream goes on with %q, %v; want %q", rest, err, want)
	}
}

func TestSessionEvents(t *testing.T) {
	f := newFixture(t, nil)
	s := f.openEvents(valid, "Sec-Fetch-Site: same-origin")
	for name, want := range map[string]string{
		"Content-Type": "text/event-stream", "X-Content-Type-Options": "nosniff", "Cross-Origin-Resource-Policy": "same-origin",
		"Cache-Control": "no-store, no-transform", "X-Accel-Buffering": "no", "Set-Cookie": "", "Access-Control-Allow-Origin": "",
	} {
		if got := s.res.Header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	f.auth.end("alice")
	s.wantRest(eventsEnd)
	s.write(request("GET", "/oauth2/session/events", "Cookie: "+valid))
	s.answer("GET").wantStatus(t, 401)
	if f.auth.asked+f.auth.touched != 0 {
		t.Error("a stream counts as use")
	}
	f.app.wantNone(t)
}

func TestSessionEventsOfManagedSessions(t *testing.T) {
	ways := endings()
	ways["LO-20 signed out"] = func(m *managed, _, there string) { m.signOut(there) }
	ways["LO-20 replaced by a new sign-in"] = func(m *managed, _, there string) {
		m.get("/oauth2/start", "Cookie: "+there).wantStatus(m.t, 200)
	}
	for name, end := range ways {
		t.Run(name, func(t *testing.T) {
			m := newManaged(t, "")
			here, there := m.signIn("alice"), m.signIn("alice")
			goes, stays := m.openEvents(there), m.openEvents(here)
			end(m, here, there)
			goes.wantRest(eventsEnd)
			m.signOut(here)
			stays.wantRest(eventsEnd)
		})
	}
}

func TestSessionEventsRefused(t *testing.T) {
	for name, tt := range map[string]struct {
		lines  []string
		status int
	}{
		"nobody":                         {nil, 401},
		"no session of ours":             {[]string{"Cookie: __Host-sallyport=mallory"}, 401},
		"LO-13 another site":             {[]string{"Cookie: " + valid, "Sec-Fetch-Site: cross-site"}, 403},
		"LO-13 a sibling host":           {[]string{"Cookie: " + valid, "Sec-Fetch-Site: same-site", "Origin: https://evil.example.com"}, 403},
		"LO-13 another site, old":        {[]string{"Cookie: " + valid, "Origin: https://evil.com"}, 403},
		"LO-13 a sandboxed frame, old":   {[]string{"Cookie: " + valid, "Origin: null"}, 403},
		"another site, nobody signed in": {[]string{"Sec-Fetch-Site: cross-site"}, 403},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, nil)
			a := f.get("/oauth2/session/events", tt.lines...)
			a.wantStatus(t, tt.status)
			if got := a.Header.Get("Access-Control-Allow-Origin"); got != "" {
				t.Errorf("Access-Control-Allow-Origin %q", got)
			}
			if f.auth.watching("alice") != 0 {
				t.Error("a refused request watches a session")
			}
		})
	}
	f := newFixture(t, nil)
	if head := f.send(request("HEAD", "/oauth2/session/events", "Cookie: "+valid)); head.StatusCode != 200 || f.auth.watching("alice") != 0 {
		t.Errorf("HEAD: %d", head.StatusCode)
	}
	f.send(request("POST", "/oauth2/session/events", "Content-Length: 0", "Cookie: "+valid)).wantStatus(t, 405)
	f.auth.fail(errStore)
	f.get("/oauth2/session/events", "Cookie: "+valid).wantStatus(t, 503)
}

// nginx speaks HTTP/1.0 to what is behind it unless it is told otherwise.
func TestSessionEventsOverHTTP10(t *testing.T) {
	f := newFixture(t, nil)
	c := f.dial()
	c.write("GET /oauth2/session/events HTTP/1.0\r\nHost: app.example.com\r\nCookie: " + valid + "\r\n\r\n")
	res, err := http.ReadResponse(c.r, nil)
	if err != nil {
		t.Fatal(err)
	}
	opening := make([]byte, len("retry: 2000\nevent: live\ndata: {}\n\n"))
	if _, err := io.ReadFull(res.Body, opening); err != nil || !eventsOpening.Match(opening) {
		t.Fatalf("the stream begins with %q, %v", opening, err)
	}
	f.auth.end("alice")
	if rest, err := io.ReadAll(res.Body); err != nil || string(rest) != eventsEnd {
		t.Errorf("the stream goes on with %q, %v", rest, err)
	}
}

// Whoever has one cookie cannot open streams without an end: the oldest gives way,
// and a browser does not come back at once to push out the next.
func TestSessionEventsAreBounded(t *testing.T) {
	f := newFixture(t, nil)
	others := f.openEvents("__Host-sallyport=bob")
	var open []*openedEvents
	for range maxSessionEvents + 2 {
		open = append(open, f.openEvents(valid))
	}
	open[0].wantRest("retry: 300000\n\n")
	open[1].wantRest("retry: 300000\n\n")
	f.auth.end("alice")
	for _, s := range open[2:] {
		s.wantRest(eventsEnd)
	}
	f.auth.end("bob")
	others.wantRest(eventsEnd)
	eventually(t, "all streams forgotten", func() bool { return f.openStreams() == 0 })
}

// A stream whose browser has gone, or that is over, makes room and leaves nothing.
func TestSessionEventsAreForgotten(t *testing.T) {
	events := newSessionEvents(newFakeAuth(), newStreams(newFakeAuth()), nil)
	h := session.Handle{1}
	var all []*eventsListener
	for range maxSessionEvents + 1 {
		l := &eventsListener{over: make(chan ending, 1)}
		events.join(h, l)
		all = append(all, l)
	}
	if why := <-all[0].over; why != displaced {
		t.Errorf("the oldest ends with %d", why)
	}
	for _, l := range all {
		events.leave(h, l)
	}
	if len(events.of) != 0 {
		t.Errorf("%d sessions are still known", len(events.of))
	}
	f := newFixture(t, nil)
	s := f.openEvents(valid)
	if f.openStreams() != 1 {
		t.Errorf("%d streams are open", f.openStreams())
	}
	_ = s.Close()
	eventually(t, "the stream of a browser that has gone ends", func() bool { return f.openStreams() == 0 })
}

func TestSessionEventsEndAtShutdown(t *testing.T) {
	f := newFixture(t, nil)
	s := f.openEvents(valid)
	ctx, cancel := context.WithTimeout(context.Background(), atOnce)
	defer cancel()
	if err := f.site.CloseStreams(ctx); err != nil {
		t.Error(err)
	}
	s.wantRest("")
	late := f.openEvents(valid) // a connection that was accepted already
	late.wantRest("")
}

// Something passes every 25 s, so that nobody in between hangs up.
func TestSessionEventsBeat(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		auth := newFakeAuth()
		events := newSessionEvents(auth, newStreams(auth), nil)
		r := httptest.NewRequest("GET", "/oauth2/session/events", nil)
		r.Header.Set("Cookie", valid)
		w := httptest.NewRecorder()
		done := make(chan struct{})
		go func() {
			events.serve(w, r)
			close(done)
		}()
		time.Sleep(time.Minute)
		synctest.Wait()
		auth.end("alice")
		<-done
		opening, rest, _ := strings.Cut(w.Body.String(), ":\n\n")
		if !eventsOpening.MatchString(opening) || rest != ":\n\n"+eventsEnd {
			t.Errorf("in a minute: %q", w.Body)
		}
	})
}

// An open stream keeps nobody signed in: it tells of the idle limit.
func TestSessionEventsProlongNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, err := memstore.New(memstore.Config{Now: time.Now})
		if err != nil {
			t.Fatal(err)
		}
		keys, err := session.NewKeyRing([]session.Key{session.GenerateKey()}, "https://app.example.com|rp1")
		if err != nil {
			t.Fatal(err)
		}
		cookies, err := session.NewCookies(session.CookieConfig{Name: "sallyport", Secure: true})
		if err != nil {
			t.Fatal(err)
		}
		manager, err := session.NewManager(session.Config{
			Store: store, Keys: keys, Cookies: cookies, MaxAge: 12 * time.Hour, Idle: time.Hour,
			Now: time.Now, Logger: slog.New(slog.DiscardHandler),
		})
		if err != nil {
			t.Fatal(err)
		}
		signedIn := httptest.NewRecorder()
		r := httptest.NewRequest("GET", "/oauth2/session/events", nil)
		if _, err := manager.Start(signedIn, r, session.Login{IdP: "generic", Identity: session.Identity{Issuer: "https://idp.example.com", Subject: "alice"}}); err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Cookie", cookieOf(signedIn.Result()))
		w, began := httptest.NewRecorder(), time.Now()
		newSessionEvents(manager, newStreams(manager), nil).serve(w, r)
		if took := time.Since(began); took < time.Hour || took > time.Hour+2*time.Minute || !strings.HasSuffix(w.Body.String(), eventsEnd) {
			t.Errorf("after %s: %q", took, w.Body)
		}
	})
}

func (f *fixture) openStreams() int {
	f.site.streams.mu.Lock()
	defer f.site.streams.mu.Unlock()
	return len(f.site.streams.open)
}
