package hop

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// idle holds the connections that wait for a request, the last used on top: those at
// the bottom grow old and are closed when a request or their time comes.
type idle struct {
	max     int
	timeout time.Duration
	surplus func()

	mu      sync.Mutex
	conns   []*conn
	sweeper *time.Timer // runs while there are connections
}

// take returns a connection that the app has not closed, or nil.
func (i *idle) take(now time.Time) *conn {
	for {
		c := i.pop(now)
		if c == nil {
			return nil
		}
		seen := c.glance.look()
		if seen == quiet && now.Sub(c.idleSince) < c.lasts {
			c.reused = true
			return c
		}
		if seen == waiting && c.records == nil {
			i.surplus() // within TLS it is usually the notice that the app closes
		}
		c.close()
	}
}

// pop takes out the last used of the connections that have rested.
func (i *idle) pop(now time.Time) *conn {
	i.mu.Lock()
	defer i.mu.Unlock()
	for n := len(i.conns) - 1; n >= 0; n-- {
		c := i.conns[n]
		if c.rest > 0 && now.Sub(c.idleSince) < c.rest {
			continue
		}
		i.conns = slices.Delete(i.conns, n, n+1)
		return c
	}
	return nil
}

// put keeps c, or closes it when there are enough.
func (i *idle) put(c *conn) {
	c.idleSince = time.Now()
	i.mu.Lock()
	full := len(i.conns) >= i.max
	if !full {
		i.conns = append(i.conns, c)
		if i.sweeper == nil {
			i.sweeper = time.AfterFunc(i.timeout, i.sweep)
		}
	}
	i.mu.Unlock()
	if full {
		c.close()
	}
}

// sweep closes the connections whose time has come and sees to its next turn.
func (i *idle) sweep() {
	now := time.Now()
	i.mu.Lock()
	n := 0
	for n < len(i.conns) && now.Sub(i.conns[n].idleSince) >= i.timeout {
		n++
	}
	old := slices.Clone(i.conns[:n])
	i.conns = slices.Delete(i.conns, 0, n)
	if len(i.conns) == 0 {
		i.sweeper = nil
	} else {
		i.sweeper.Reset(i.timeout - now.Sub(i.conns[0].idleSince))
	}
	i.mu.Unlock()
	for _, c := range old {
		c.close()
	}
}

func (i *idle) closeAll() {
	i.mu.Lock()
	all := i.conns
	i.conns = nil
	i.mu.Unlock()
	for _, c := range all {
		c.close()
	}
}

// lasting is how long a connection is used after an answer with these fields: most, or
// four fifths of what the app says that it waits (Keep-Alive, RFC 2068 §19.7.1.1). A request
// sent just as the app closes is lost, and most may not be sent twice.
func lasting(h http.Header, most time.Duration) time.Duration {
	for _, field := range h["Keep-Alive"] {
		for parameter := range strings.SplitSeq(field, ",") {
			name, value, _ := strings.Cut(parameter, "=")
			if !strings.EqualFold(strings.TrimSpace(name), "timeout") {
				continue
			}
			if seconds, err := strconv.ParseUint(strings.TrimSpace(value), 10, 32); err == nil {
				return min(most, time.Duration(seconds)*(4*time.Second/5))
			}
		}
	}
	return most
}
