package main

import (
	"cmp"
	"context"
	"time"
)

// load is what every row gets alike.
type load struct {
	loop  *loop
	conns int
	lasts time.Duration
}

// sample is one slice of load on one row.
type sample struct {
	requests int64
	cpu      time.Duration // of the row's processes
	took     time.Duration
}

// perRequest is the CPU time of one request in microseconds.
func (s sample) perRequest() float64 {
	return float64(s.cpu.Nanoseconds()) / 1e3 / float64(s.requests)
}

// perSecond is the rate of requests.
func (s sample) perSecond() float64 { return float64(s.requests) / s.took.Seconds() }

// run opens the connections, sends one request over each, and only then measures.
func (l load) run(ctx context.Context, r *row) (sample, error) {
	clients, err := dialAll(ctx, l.loop, r, l.conns)
	if err != nil {
		return sample{}, err
	}
	defer hangUp(l.loop, clients)
	return l.sample(ctx, r, clients)
}

// sample measures until the slice is over and every request of the row's clients is
// answered.
func (l load) sample(ctx context.Context, r *row, clients []*client) (sample, error) {
	cpu, err := r.cpu()
	if err != nil {
		return sample{}, err
	}
	began := time.Now()
	requests, err := l.drive(ctx, clients, began.Add(l.lasts))
	if err != nil {
		return sample{}, err
	}
	took := time.Since(began)
	after, err := r.cpu()
	if err != nil {
		return sample{}, err
	}
	return sample{requests: requests, cpu: after - cpu, took: took}, nil
}

// drive asks until the end, over each connection again and again. Its error is the first
// client's that has one.
func (l load) drive(ctx context.Context, clients []*client, end time.Time) (int64, error) {
	var requests int64
	var failed error
	open, over := len(clients), make(chan error, 1)
	l.loop.do(func() {
		for _, c := range clients {
			c.then = func(err error) {
				if failed = cmp.Or(failed, err); err == nil {
					requests++
				}
				if failed == nil && time.Now().Before(end) {
					c.ask()
				} else if open--; open == 0 {
					over <- failed
				}
			}
			c.ask()
		}
	})
	if err := await(ctx, over, time.Until(end)+answerLimit); err != nil {
		return 0, err
	}
	return requests, nil
}

// cpu is the CPU time that the row's processes have used.
func (r *row) cpu() (time.Duration, error) {
	var sum time.Duration
	for _, p := range r.on {
		t, err := processCPU(p.pid)
		if err != nil {
			return 0, err
		}
		sum += t
	}
	return sum, nil
}
