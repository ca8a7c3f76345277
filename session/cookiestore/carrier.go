package cookiestore

import (
	"bufio"
	"context"
	"net"
	"net/http"
	"sync"

	"github.com/sallyport/sallyport/session"
)

// carrierKey is the context's key of a *carrier.
type carrierKey struct{}

// visit is the context of a request with a carrier.
type visit struct {
	context.Context
	carrier *carrier
}

// Value implements context.Context.
func (v *visit) Value(key any) any {
	if key == (carrierKey{}) {
		return v.carrier
	}
	return v.Context.Value(key)
}

// carrier is one request with its answer: what its cookies hold, as it changes.
// Streams ask from goroutines of their own, so mu guards everything.
type carrier struct {
	http.ResponseWriter
	store   *Store
	request http.Header
	visit   visit // here for one allocation less

	mu      sync.Mutex
	sent    [][]string     // by part; nil until somebody asks
	reader  session.Handle // whom from is of
	from    *reading       // what was found for reader; nil until something was
	brought session.Record // what from is to this request
	begun   bool           // the answer's header is gone
	changed bool           // what follows holds, and not what was sent
	owner   session.Handle
	record  *session.Record // nil: deleted
	parts   []string        // of record
}

// get returns the record of h as the browser will have it. The caller holds mu.
func (c *carrier) get(h session.Handle) (session.Record, bool) {
	if c.changed && c.owner == h {
		if c.record == nil {
			return session.Record{}, false
		}
		return *c.record, true
	}
	// Once found it stays, also when another request touches it meanwhile: the
	// request replaces the version that it was given.
	if c.from == nil || c.reader != h || c.from.generation != c.store.keys.Generation() {
		c.reader, c.from = h, c.find(h)
		if c.from == nil {
			return session.Record{}, false
		}
		c.brought = c.from.latest(c.store.now())
	}
	return c.brought, true
}

// find returns what the request brings of h, or nil. Most often it is what came last.
// The caller holds mu.
func (c *carrier) find(h session.Handle) *reading {
	known := c.store.cache.get(h, c.store.keys.Generation())
	if known != nil && c.store.cookies.HasParts(c.request, known.parts) {
		return known
	}
	return c.store.find(h, c.cookies())
}

// cookies reads the request once, when the gate has let it through. The caller
// holds mu.
func (c *carrier) cookies() [][]string {
	if c.sent == nil {
		c.sent = c.store.cookies.Parts(c.request, MaxParts, maxPart)
	}
	return c.sent
}

// set has the answer carry r in these parts, or with nil none. The caller holds mu.
func (c *carrier) set(h session.Handle, r *session.Record, parts []string) {
	c.cookies() // while the request still is as it came
	c.changed, c.owner, c.record, c.parts = true, h, r, parts
}

// begin adds the cookies to the header, once, before it goes out.
func (c *carrier) begin() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.begun {
		return
	}
	c.begun = true
	if !c.changed {
		return
	}
	if c.record != nil && c.store.Deleted(c.owner) {
		return // by another request, whose answer says what the browser has now
	}
	header, sent := c.Header(), c.cookies()
	for n := range MaxParts {
		switch {
		case n < len(c.parts):
			c.store.cookies.SetPart(header, n, c.parts[n])
		case len(sent[n]) > 0:
			c.store.cookies.SetPart(header, n, "")
		}
	}
	// No cache may hand one person's record to another.
	header.Set("Cache-Control", "no-store")
}

// WriteHeader implements http.ResponseWriter.
func (c *carrier) WriteHeader(status int) {
	if status >= 200 || status == http.StatusSwitchingProtocols {
		c.begin()
	}
	c.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (c *carrier) Write(b []byte) (int, error) {
	c.begin()
	return c.ResponseWriter.Write(b)
}

// FlushError is what http.ResponseController.Flush calls.
func (c *carrier) FlushError() error {
	c.begin()
	return http.NewResponseController(c.ResponseWriter).Flush()
}

// Hijack implements http.Hijacker. Who answers an upgrade by itself takes the
// header along.
func (c *carrier) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	c.begin()
	return http.NewResponseController(c.ResponseWriter).Hijack()
}

// Unwrap gives http.ResponseController the rest.
func (c *carrier) Unwrap() http.ResponseWriter { return c.ResponseWriter }
