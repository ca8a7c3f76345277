package main

import (
	"context"
	"net"
	"net/http"
	"sync/atomic"
	"time"
)

// lastRequests is how long connections that were accepted may still bring a request
// once no new ones are: net/http drops one that it reads after Shutdown was called.
const lastRequests = 250 * time.Millisecond

// leaving passes requests on, and while the process leaves has each answer end its
// connection, so that the next request goes elsewhere.
type leaving struct {
	next http.Handler
	now  atomic.Bool
}

// ServeHTTP implements http.Handler. An upgraded connection ends by itself.
func (l *leaving) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if l.now.Load() && len(r.Header["Upgrade"]) == 0 {
		w.Header().Set("Connection", "close") // HTTP/2 makes a GOAWAY of it
	}
	l.next.ServeHTTP(w, r)
}

// closeDoor takes no new connections, and returns when those that were accepted have
// had their time, or with ctx.
func (l *leaving) closeDoor(ctx context.Context, door net.Listener, over <-chan time.Time) {
	l.now.Store(true)
	_ = door.Close() // the server hears of it, and says so
	select {
	case <-over:
	case <-ctx.Done():
	}
}
