package main

import (
	"context"
	"net"
	"time"
)

// lastRequests is how long connections that were accepted may still bring a request
// once no new ones are: net/http drops one that it reads after Shutdown was called.
const lastRequests = 250 * time.Millisecond

// closeDoor takes no new connections, and returns when those that were accepted have
// had their time, or with ctx.
func closeDoor(ctx context.Context, door net.Listener, over <-chan time.Time) {
	_ = door.Close() // the server hears of it, and says so
	select {
	case <-over:
	case <-ctx.Done():
	}
}
