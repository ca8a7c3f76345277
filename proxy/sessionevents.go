package proxy

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/sallyport/sallyport/internal/fault"
	"github.com/sallyport/sallyport/session"
)

const (
	// maxSessionEvents is how many streams of GET /session/events one session has
	// at this process. A browser has one; more are left over, or not a browser's.
	maxSessionEvents = 8
	// sessionEventsBeat is how long such a stream is silent: less than the 30 s and
	// 60 s after which proxies and load balancers hang up.
	sessionEventsBeat = 25 * time.Second
	// comeBackAfter and comeBackWithin bound when a browser opens a stream anew that
	// was cut, at random, because a restart cuts those of everybody.
	comeBackAfter, comeBackWithin = 2 * time.Second, 6 * time.Second
)

// The last words of a stream of GET /session/events, in the format of Server-Sent
// Events (HTML Standard §9.2.5). An event without data would not be dispatched.
var sessionFarewells = map[ending]string{
	sessionOver:  "event: ended\ndata: {}\n\n",
	shuttingDown: "",                  // the browser comes back by itself
	displaced:    "retry: 300000\n\n", // in five minutes, or the nine would go round in circles
}

// sessionEvents is GET /session/events: a stream that tells pages of this origin
// the end of their session at once, wherever it comes from. It prolongs nothing,
// and says no more than that.
type sessionEvents struct {
	auth    Authenticator
	streams *streams
	refuse  func(http.ResponseWriter, *http.Request, error)

	mu sync.Mutex
	of map[session.Handle][]*eventsListener // oldest first
}

// eventsListener is one open stream.
type eventsListener struct {
	over chan ending // has room for one: the first ending counts
}

func (l *eventsListener) cut(why ending) {
	select {
	case l.over <- why:
	default:
	}
}

func newSessionEvents(auth Authenticator, registry *streams, refuse func(http.ResponseWriter, *http.Request, error)) *sessionEvents {
	return &sessionEvents{auth: auth, streams: registry, refuse: refuse, of: make(map[session.Handle][]*eventsListener)}
}

func (e *sessionEvents) route() Route {
	return Route{Path: "/session/events", Name: "session_events", Methods: []string{http.MethodGet}, Handler: http.HandlerFunc(e.serve)}
}

func (e *sessionEvents) serve(w http.ResponseWriter, r *http.Request) {
	if err := checkSameOrigin(r); err != nil {
		e.refuse(w, r, fault.New(fault.CrossSiteRequest, err))
		return
	}
	s, err := e.auth.Peek(r)
	if err != nil {
		e.refuse(w, r, err)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cache-Control", "no-store, no-transform") // compressing proxies hold events back
	h.Set("X-Accel-Buffering", "no")                 // and so does nginx
	if r.Method == http.MethodHead {
		return
	}
	l := &eventsListener{over: make(chan ending, 1)}
	e.join(s.Handle, l)
	defer e.leave(s.Handle, l)
	entry := e.streams.add(s, l.cut)
	defer e.streams.remove(entry)
	l.run(w, r)
}

// checkSameOrigin refuses what a page of another origin asks, as for a POST: each
// stream costs something, and a session cookie with SameSite=None would come along.
func checkSameOrigin(r *http.Request) error {
	asIfPosted := r.WithContext(r.Context())
	asIfPosted.Method = http.MethodPost
	return http.NewCrossOriginProtection().Check(asIfPosted)
}

// run writes the stream until it ends or the client leaves.
func (l *eventsListener) run(w http.ResponseWriter, r *http.Request) {
	beat := time.NewTicker(sessionEventsBeat)
	defer beat.Stop()
	retry := comeBackAfter + rand.N(comeBackWithin-comeBackAfter)
	// Only an event shows a page that nobody in between holds them back.
	text := fmt.Sprintf("retry: %d\nevent: live\ndata: {}\n\n", retry.Milliseconds())
	for {
		if _, err := io.WriteString(w, text); err != nil {
			return
		}
		if err := http.NewResponseController(w).Flush(); err != nil {
			return
		}
		select {
		case <-beat.C:
			text = ":\n\n"
		case why := <-l.over:
			_, _ = io.WriteString(w, sessionFarewells[why]) // a client that has gone needs none
			return
		case <-r.Context().Done():
			return
		}
	}
}

// join adds a stream of h; the oldest gives way to one too many.
func (e *sessionEvents) join(h session.Handle, l *eventsListener) {
	e.mu.Lock()
	defer e.mu.Unlock()
	all := e.of[h]
	if len(all) == maxSessionEvents {
		all[0].cut(displaced)
		all = slices.Delete(all, 0, 1)
	}
	e.of[h] = append(all, l)
}

func (e *sessionEvents) leave(h session.Handle, l *eventsListener) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if i := slices.Index(e.of[h], l); i >= 0 {
		e.of[h] = slices.Delete(e.of[h], i, i+1)
	}
	if len(e.of[h]) == 0 {
		delete(e.of, h)
	}
}
