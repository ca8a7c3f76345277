package proxy

import (
	"bufio"
	"context"
	"net/http"
	"strings"
	"testing"
	"time"
)

// events opens the event stream of a session and returns its lines as they come.
func (m *managed) events(cookie string) (lines <-chan string, stop func()) {
	m.t.Helper()
	c := m.dial()
	c.write(request("GET", "/oauth2/session/events", "Cookie: "+cookie, "Sec-Fetch-Site: same-origin"))
	res, err := http.ReadResponse(c.r, &http.Request{Method: "GET"})
	if err != nil {
		m.t.Fatal(err)
	}
	if res.StatusCode != 200 || res.Header.Get("Content-Type") != "text/event-stream" || res.Header.Get("Cache-Control") != "no-store" {
		m.t.Fatalf("%s %v", res.Status, res.Header)
	}
	told := make(chan string, 16)
	go func() {
		defer close(told)
		for s := bufio.NewScanner(res.Body); s.Scan(); {
			if s.Text() != "" {
				told <- s.Text()
			}
		}
	}()
	if first := <-told; first != "retry: 3000" {
		m.t.Fatalf("it begins with %q", first)
	}
	return told, func() { _ = c.Close() }
}

// LO-20: a page hears at once that its session has ended, and nothing else, and
// listening prolongs nothing.
func TestSessionEvents(t *testing.T) {
	m := newManaged(t, "")
	cookie, other := m.signIn("alice"), m.signIn("bob")
	told, _ := m.events(cookie)
	others, stop := m.events(other)
	start := time.Now()
	m.signOut(cookie)
	if got := []string{<-told, <-told}; got[0] != "event: ended" || got[1] != "data: {}" {
		t.Errorf("told %q", got)
	}
	if more, open := <-told; open {
		t.Errorf("and then %q", more)
	}
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("after %s", took)
	}
	select {
	case line := <-others:
		t.Errorf("bob's page is told %q", line)
	default:
	}
	stop()
	m.later(61 * time.Minute)
	m.get("/oauth2/session", "Cookie: "+other).wantStatus(t, 401) // idle, for all that it listened
}

// Who may not listen, and how many may.
func TestSessionEventsAreRefused(t *testing.T) {
	m := newManaged(t, "")
	cookie := m.signIn("alice")
	for name, lines := range map[string][]string{
		"nobody":         {},
		"another site":   {"Cookie: " + cookie, "Sec-Fetch-Site: cross-site"},
		"a sibling site": {"Cookie: " + cookie, "Sec-Fetch-Site: same-site"},
	} {
		if a := m.get("/oauth2/session/events", lines...); a.StatusCode != 401 && a.StatusCode != 403 {
			t.Errorf("%s: %d", name, a.StatusCode)
		}
	}
	for range eventsPerSession {
		_, stop := m.events(cookie)
		defer stop()
	}
	a := m.get("/oauth2/session/events", "Cookie: "+cookie)
	if a.StatusCode != 429 || a.Header.Get("Sallyport-Error") != "too_many_streams" {
		t.Errorf("one too many: %d", a.StatusCode)
	}
	_, stop := m.events(m.signIn("bob"))
	stop()
	m.get("/oauth2/session", "Cookie: "+cookie).wantStatus(t, 200)
	if a := m.send(request("HEAD", "/oauth2/session/events", "Cookie: "+m.signIn("carol"))); a.StatusCode != 200 {
		t.Errorf("HEAD: %d", a.StatusCode)
	}
}

// A place becomes free when a page goes away, and a stop of the process ends the
// streams without telling of an end of the session.
func TestSessionEventsEnd(t *testing.T) {
	m := newManaged(t, "")
	cookie := m.signIn("alice")
	for range 2 * eventsPerSession {
		_, stop := m.events(cookie)
		stop()
		eventually(t, "the stream to be gone", func() bool {
			m.site.streams.mu.Lock()
			defer m.site.streams.mu.Unlock()
			return len(m.site.streams.open) == 0
		})
	}
	told, _ := m.events(cookie)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := m.site.CloseStreams(ctx); err != nil {
		t.Error(err)
	}
	for line := range told {
		if strings.Contains(line, "ended") {
			t.Errorf("told %q although the session goes on", line)
		}
	}
}
