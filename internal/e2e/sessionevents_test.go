package e2e

import (
	"io"
	"net/http"
	"sync"
	"testing"
	"time"
)

// scriptedEvents plays the stream that tells of the end; the zero value has none.
type scriptedEvents struct {
	mu     sync.Mutex
	offers bool
	opened int // since the beginning
	open   map[chan string]struct{}
}

const eventsLive, eventsEnded = "retry: 200\nevent: live\ndata: {}\n\n", "event: ended\ndata: {}\n\n"

// serve writes what is sent to the stream, until it is closed or the browser leaves.
func (e *scriptedEvents) serve(w http.ResponseWriter, r *http.Request) {
	said := make(chan string)
	e.mu.Lock()
	offers := e.offers
	if offers {
		e.opened++
		e.open[said] = struct{}{}
	}
	e.mu.Unlock()
	if !offers {
		http.NotFound(w, r)
		return
	}
	defer func() {
		e.mu.Lock()
		defer e.mu.Unlock()
		delete(e.open, said)
	}()
	w.Header().Set("Content-Type", "text/event-stream")
	for text, ok := eventsLive, true; ok; {
		if _, err := io.WriteString(w, text); err != nil {
			return
		}
		if err := http.NewResponseController(w).Flush(); err != nil {
			return
		}
		select {
		case text, ok = <-said:
		case <-r.Context().Done():
			return
		}
	}
}

// offer says whether there are streams from now on.
func (e *scriptedEvents) offer(yes bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.offers = yes
	if e.open == nil {
		e.open = map[chan string]struct{}{}
	}
}

// end says text on every stream and ends it.
func (e *scriptedEvents) end(text string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for said := range e.open {
		delete(e.open, said)
		if text != "" {
			said <- text
		}
		close(said)
	}
}

// count returns how many streams are open, and were since the beginning.
func (e *scriptedEvents) count() (open, opened int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.open), e.opened
}

// Two tabs of one browser have one stream between them, and hear of the end by it.
func TestSessionScriptStream(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := newScripted(t, w)
	s.offer(true)
	s.says("ada", "2026-11-25T08:00:00Z", 3600)
	c := newChromium(t)
	other := c.tab()
	c.visit(s.URL + "/one")
	c.eventually("events", "names()", is("active"))
	other.visit(s.URL + "/two")
	other.eventually("events", "names()", is("active"))
	one := func(opened int) func() bool {
		return func() bool { now, ever := s.count(); return now == 1 && ever == opened }
	}
	w.await("a stream", one(1))

	// While it works they ask four times less often.
	pause(t, 2*time.Second) // until the tabs know that it does
	before := s.times("/one") + s.times("/two")
	pause(t, 8*time.Second)
	if n := s.times("/one") + s.times("/two") - before; n > 5 {
		t.Errorf("asked %d times in 8 s beside a stream", n)
	}

	// Somebody signs in anew in this browser, which ends the old session: nobody is
	// told that it is over, and everybody of the new one.
	s.says("ada", "2026-11-25T09:00:00Z", 3600)
	s.end(eventsEnded)
	w.await("a stream of the new session", one(2))
	c.eventually("events", "names()", is("active active"))
	other.eventually("events", "names()", is("active active"))

	// It ends, and no stream is opened in vain.
	s.fails(401)
	s.end(eventsEnded)
	c.eventually("events", "names()", is("active active ended"))
	other.eventually("events", "names()", is("active active ended"))
	if now, ever := s.count(); now != 0 || ever != 2 {
		t.Errorf("without a session %d streams are open, %d were", now, ever)
	}

	// The tab with the stream is closed: the other one opens it.
	s.says("ada", "2026-11-25T10:00:00Z", 3600)
	c.do(`window.dispatchEvent(new Event("sallyport:check"))`)
	other.eventually("events", "names()", is("active active ended active"))
	w.await("a stream", one(3))
	c.visit("about:blank")
	w.await("a stream of the other tab", one(4))

	// It breaks off: the browser opens it again. Then it is refused: the tab looks as
	// often as without one.
	s.end("")
	w.await("the stream again", one(5))
	s.offer(false)
	s.end("")
	before = s.times("/two")
	pause(t, 5*time.Second)
	if n := s.times("/two") - before; n < 3 {
		t.Errorf("asked %d times in 5 s without a stream", n)
	}
	s.offer(true)
	w.await("the stream once there is one", one(6))
	other.eventually("events", "names()", is("active active ended active"))
	c.noProblems()
}
