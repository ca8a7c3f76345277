package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// crowd is a Sallyport with many sessions.
type crowd struct {
	sessions     int
	took, cpu    time.Duration // of all sign-ins; cpu is Sallyport's
	before       float64       // MiB resident without a session
	after        float64       // MiB resident with all of them, each used once
	live         float64       // MiB of that on Go's heap, without garbage
	tokens       float64       // MiB that the tokens are long
	resignedLive int           // sessions asked again at the end, all of them alive
}

// crowdAgain is how many sessions are asked once more when all are there.
const crowdAgain = 1000

// crowd signs o.sessions people in over HTTP, each the whole way: the redirect with PKCE, the
// callback with its code and ID token, and a request to the app.
func (w *world) crowd(ctx context.Context, o options) (crowd, error) {
	c := crowd{sessions: o.sessions}
	part := w.part()
	defer part.close()
	idp, err := startIssuer()
	if err != nil {
		return c, err
	}
	part.ends = append(part.ends, idp.Close)
	r, err := part.rig("Sallyport with many sessions", 1, "SALLYPORT_OIDC_ISSUER="+idp.URL, "SALLYPORT_PPROF=true")
	if err != nil {
		return c, err
	}
	p, _, err := r.start(ctx)
	if err != nil {
		return c, err
	}
	if err := pause(ctx, o.idle); err != nil {
		return c, err
	}
	if c.before, err = resident(p); err != nil {
		return c, err
	}
	cookies, err := c.signIn(ctx, p, idp)
	if err != nil {
		return c, err
	}
	c.resignedLive = min(c.sessions, crowdAgain)
	v := newVisitor(p.addr)
	defer v.client.CloseIdleConnections()
	for i := range c.resignedLive {
		if err := v.check(ctx, subject(i), cookies[i]); err != nil {
			return c, fmt.Errorf("session %d after all others: %w", i, err)
		}
	}
	if err := pause(ctx, o.idle); err != nil {
		return c, err
	}
	if c.after, err = resident(p); err != nil {
		return c, err
	}
	// That collects the garbage first.
	if err := fetch(ctx, p.pprof("heap?gc=1"), io.Discard); err != nil {
		return c, err
	}
	s, err := readStats(ctx, p.stats)
	c.live, c.tokens = s.heap/(1<<20), float64(idp.tokenBytes())/(1<<20)
	return c, err
}

// signIn makes the sessions and returns the cookie of each.
func (c *crowd) signIn(ctx context.Context, p *process, idp *issuer) ([]string, error) {
	began := time.Now()
	before, err := processCPU(p.pid)
	if err != nil {
		return nil, err
	}
	cookies, err := signInMany(ctx, p.addr, idp, c.sessions)
	if err != nil {
		return nil, err
	}
	c.took = time.Since(began)
	after, err := processCPU(p.pid)
	c.cpu = after - before
	return cookies, err
}

func subject(i int) string { return "person-" + strconv.Itoa(i) }

// signInMany returns the session cookie of each.
func signInMany(ctx context.Context, addr string, idp *issuer, n int) ([]string, error) {
	const visitors = 16
	cookies := make([]string, n)
	errs := make([]error, visitors)
	var next atomic.Int64
	var group sync.WaitGroup
	for k := range visitors {
		group.Go(func() {
			v := newVisitor(addr)
			defer v.client.CloseIdleConnections()
			for i := int(next.Add(1)) - 1; i < n && errs[k] == nil; i = int(next.Add(1)) - 1 {
				cookies[i], errs[k] = v.signIn(ctx, idp, subject(i))
			}
		})
	}
	group.Wait()
	return cookies, errors.Join(errs...)
}

func (c crowd) rows() [][]string {
	beyond := c.after - c.before - c.tokens
	return [][]string{
		{fmt.Sprintf("%d sessions, beyond their tokens and the idle process, MiB", c.sessions), fmt.Sprintf("%.0f", beyond), "≤ 250 for 100000"},
		{"resident with them, MiB", fmt.Sprintf("%.0f", c.after), ""},
		{"of which on the heap, without garbage, MiB", fmt.Sprintf("%.0f", c.live), ""},
		{"of that beyond their tokens, MiB", fmt.Sprintf("%.0f", c.live-c.tokens), ""},
		{"their tokens, MiB", fmt.Sprintf("%.0f", c.tokens), ""},
		{"a whole sign-in and the first request after it, CPU µs", fmt.Sprintf("%.0f", float64(c.cpu.Microseconds())/float64(c.sessions)), ""},
		{"the same, per second", fmt.Sprintf("%.0f", float64(c.sessions)/c.took.Seconds()), ""},
	}
}
