package proxy

import (
	"errors"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/sallyport/sallyport/internal/fault"
	"github.com/sallyport/sallyport/session"
)

const (
	// eventsEvery is how often an event stream of ours says something, so that nobody
	// between us and the browser takes it for dead.
	eventsEvery = 25 * time.Second
	// eventsPerSession bounds the streams of one session: a browser needs one.
	eventsPerSession = 8
)

// sessionEvents is GET /session/events: server-sent events (HTML Standard §9.2) that
// tell a page at once when its session ends, wherever that was decided. It tells
// nothing else, and does not prolong the session.
type sessionEvents struct {
	auth    Authenticator
	streams *streams
	refuse  func(http.ResponseWriter, *http.Request, error)

	mu   sync.Mutex
	open map[session.Handle]int
}

func newSessionEvents(s *Site) *sessionEvents {
	return &sessionEvents{auth: s.auth, streams: s.streams, refuse: s.refuseOwn, open: make(map[session.Handle]int)}
}

func (e *sessionEvents) route() Route {
	return Route{Path: "/session/events", Name: "session_events", Methods: []string{http.MethodGet}, Handler: http.HandlerFunc(e.serve)}
}

func (e *sessionEvents) serve(w http.ResponseWriter, r *http.Request) {
	// Nobody else's page could read it, but it could hold it open.
	if from := r.Header.Get("Sec-Fetch-Site"); from != "" && from != "same-origin" && from != "none" {
		e.refuse(w, r, fault.New(fault.CrossSiteRequest, errors.New("an event stream for a page of another site")))
		return
	}
	s, err := e.auth.Peek(r)
	if err != nil {
		e.refuse(w, r, err)
		return
	}
	if !e.enter(s.Handle) {
		e.refuse(w, r, fault.New(fault.TooManyStreams, errors.New("the session has as many event streams as it may have")))
		return
	}
	defer e.leave(s.Handle)
	if r.Method == http.MethodGet {
		e.tell(w, r, s)
	}
}

// tell writes until the session or the process ends, or the browser goes away.
func (e *sessionEvents) tell(w http.ResponseWriter, r *http.Request, s *session.Session) {
	over := make(chan ending, 2) // each ending comes at most once
	entry := e.streams.add(s, func(why ending) { over <- why })
	defer e.streams.remove(entry)
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Accel-Buffering", "no") // nginx would collect it
	tick := time.NewTicker(eventsEvery)
	defer tick.Stop()
	for text := "retry: 3000\n\n"; ; text = ":\n\n" {
		if !send(w, text) {
			return
		}
		select {
		case why := <-over:
			if why == sessionOver {
				send(w, "event: ended\ndata: {}\n\n")
			}
			return
		case <-r.Context().Done():
			return
		case <-tick.C:
		}
	}
}

// send reports whether the browser is still there.
func send(w http.ResponseWriter, text string) bool {
	if _, err := io.WriteString(w, text); err != nil {
		return false
	}
	return http.NewResponseController(w).Flush() == nil
}

func (e *sessionEvents) enter(h session.Handle) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.open[h] >= eventsPerSession {
		return false
	}
	e.open[h]++
	return true
}

func (e *sessionEvents) leave(h session.Handle) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.open[h]--; e.open[h] == 0 {
		delete(e.open, h)
	}
}
