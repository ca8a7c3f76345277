package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"
)

// pace is an open loop: requests are due at moments that do not depend on the
// answers, as those of many people are, and what counts is the time from when one was due.
type pace struct {
	loop      *loop
	perSecond float64
	lasts     time.Duration
	conns     int
	seed      uint64 // of the moments: equal seeds, equal moments
}

// due are the moments of a Poisson process, from its beginning.
func (p pace) due() []time.Duration {
	random := rand.New(rand.NewPCG(p.seed, 0))
	var at []time.Duration
	for t := time.Duration(0); ; {
		t += time.Duration(random.ExpFloat64() / p.perSecond * float64(time.Second))
		if t >= p.lasts {
			return at
		}
		at = append(at, t)
	}
}

// paced is a pace on its way; it is the loop's.
type paced struct {
	began   time.Time
	moments []time.Duration // of the requests, in order
	due     int             // how many of them have come
	sent    int
	idle    []*client // the one that waits longest first
	clock   *alarm
	took    []time.Duration
	failed  error
	over    chan error
}

// run returns how long each answer took from when its request was due, sorted.
func (p pace) run(ctx context.Context, r *row) ([]time.Duration, error) {
	clients, err := dialAll(ctx, p.loop, r, p.conns)
	if err != nil {
		return nil, err
	}
	defer hangUp(p.loop, clients)
	run := &paced{moments: p.due(), idle: clients, over: make(chan error, 1)}
	if len(run.moments) == 0 {
		return nil, fmt.Errorf("no request was due in %v; choose a longer -slice", p.lasts)
	}
	run.took = make([]time.Duration, 0, len(run.moments))
	if run.clock, err = p.loop.alarm(run.proceed); err != nil {
		return nil, err
	}
	defer p.loop.do(run.clock.close)
	p.loop.do(func() {
		run.began = time.Now()
		run.proceed()
	})
	if err := await(ctx, run.over, p.lasts+answerLimit); err != nil {
		return nil, err
	}
	slices.Sort(run.took)
	return run.took, nil
}

// proceed sends what is due, as far as there are connections, and sets the clock to
// what will be.
func (p *paced) proceed() {
	now := time.Since(p.began)
	for p.due < len(p.moments) && p.moments[p.due] <= now {
		p.due++
	}
	for p.sent < p.due && len(p.idle) > 0 && p.failed == nil {
		c, due := p.idle[0], p.moments[p.sent]
		p.idle = p.idle[1:]
		p.sent++
		c.then = func(err error) { p.answered(c, due, err) }
		c.ask()
	}
	if p.due < len(p.moments) && p.failed == nil {
		if err := p.clock.in(p.moments[p.due] - time.Since(p.began)); err != nil {
			p.fail(err)
		}
	}
}

func (p *paced) answered(c *client, due time.Duration, err error) {
	if err != nil {
		p.fail(err)
		return
	}
	p.took = append(p.took, time.Since(p.began)-due)
	p.idle = append(p.idle, c)
	switch {
	case len(p.took) == len(p.moments):
		p.over <- nil
	case p.sent < p.due:
		p.proceed()
	}
}

func (p *paced) fail(err error) {
	if p.failed == nil {
		p.failed = err
		p.over <- err
	}
}
