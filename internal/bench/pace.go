package main

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"
)

// pace is an open loop: requests are due at moments that do not depend on the
// answers, as those of many people are, and what counts is the time from when one was due.
type pace struct {
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

// run returns how long each answer took from when its request was due, sorted.
func (p pace) run(ctx context.Context, r *row) ([]time.Duration, error) {
	clients, err := dialAll(ctx, r, p.conns)
	if err != nil {
		return nil, err
	}
	defer hangUp(clients)
	clock, err := newAlarm()
	if err != nil {
		return nil, err
	}
	defer clock.close()
	moments := p.due()
	queue := make(chan time.Time, len(moments))
	took := make([][]time.Duration, len(clients))
	errs := make([]error, len(clients)+1)
	var group sync.WaitGroup
	for i, c := range clients {
		group.Go(func() {
			for due := range queue {
				if errs[i] = c.ask(); errs[i] != nil {
					return
				}
				took[i] = append(took[i], time.Since(due))
			}
		})
	}
	began := time.Now()
	for _, at := range moments {
		due := began.Add(at)
		if errs[len(clients)] = clock.until(due); errs[len(clients)] != nil || ctx.Err() != nil {
			break
		}
		queue <- due
	}
	close(queue)
	group.Wait()
	if err := cmp.Or(append(errs, ctx.Err())...); err != nil {
		return nil, err
	}
	return slices.Sorted(slices.Values(slices.Concat(took...))), nil
}

// loadShare is how much of what the slower of two proxies can do they are given.
const loadShare = 0.4

// paces alternates open-loop slices between the bare pool and Sallyport, each pair
// with the same moments.
func paces(ctx context.Context, o options, pool, sallyport series) (table, error) {
	capacity := min(spreadOf(values(pool.samples, sample.perSecond)).median, spreadOf(values(sallyport.samples, sample.perSecond)).median)
	p := pace{perSecond: loadShare * capacity, lasts: 2 * o.slice, conns: o.conns}
	t := table{
		title: "Latency at 40 % load",
		note: fmt.Sprintf("%.0f requests/s, 40 %% of what the slower of both did above; %d pairs of slices of %v with the same moments, which are a Poisson process's. "+
			"Time from when a request was due to the last byte of its answer; medians (quartiles) of the slices.", p.perSecond, o.slices, p.lasts),
		head: []string{"proxy", "p50 ms", "p99 ms", "p99 beyond the bare pool, ms"},
	}
	rows := []*row{pool.row, sallyport.row}
	p50, p99 := make([][]float64, len(rows)), make([][]float64, len(rows))
	for round := range o.slices {
		p.seed = uint64(round)
		for i, r := range rows {
			took, err := p.run(ctx, r)
			if err != nil {
				return t, fmt.Errorf("%s: %w", r.name, err)
			}
			if len(took) == 0 {
				return t, fmt.Errorf("%s: no request was due in %v; choose a longer -slice", r.name, p.lasts)
			}
			ms := make([]float64, len(took))
			for k := range took {
				ms[k] = float64(took[k]) / float64(time.Millisecond)
			}
			p50[i], p99[i] = append(p50[i], quantile(ms, 0.5)), append(p99[i], quantile(ms, 0.99))
		}
	}
	for i, r := range rows {
		beyond := make([]float64, len(p99[i]))
		for k := range beyond {
			beyond[k] = p99[i][k] - p99[0][k]
		}
		t.rows = append(t.rows, []string{r.name, spreadOf(p50[i]).text(2), spreadOf(p99[i]).text(2), spreadOf(beyond).text(2)})
	}
	return t, nil
}
