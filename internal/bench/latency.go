package main

import (
	"context"
	"fmt"
	"time"
)

// loadShare is how much of what the slower of two proxies can do they are given.
const loadShare = 0.4

// rowApp is the app without a proxy: what the meter shows where there is nothing
// to measure.
const rowApp = "no proxy: the meter itself"

// latencies are quantiles of one row in milliseconds, slice by slice.
type latencies struct {
	*row
	p50, p99 []float64
}

// calibrations is how many slices tell what the proxies can do.
const calibrations = 4

// measureLatency alternates open-loop slices between the app, the bare pool and
// Sallyport, each round with the same moments.
func measureLatency(ctx context.Context, o options, w *world, print func(table)) error {
	part := w.part()
	defer part.close()
	rows, err := part.paced(ctx, o)
	if err != nil {
		return err
	}
	able, err := measure(ctx, rows[1:], load{loop: w.loop, conns: o.conns, lasts: o.slice}, min(o.slices, calibrations))
	if err != nil {
		return err
	}
	capacity := func(s series) float64 { return spreadOf(values(s.samples, sample.perSecond)).median }
	p := pace{loop: w.loop, perSecond: loadShare * min(capacity(able[0]), capacity(able[1])), lasts: latencySlices * o.slice, conns: o.conns}
	all := make([]latencies, len(rows))
	for i := range all {
		all[i].row = rows[i]
	}
	for round := range o.slices {
		p.seed = uint64(round)
		if err := inTurn(round, len(all), func(i int) error { return all[i].measure(ctx, p) }); err != nil {
			return err
		}
	}
	print(latencyTable(p, all))
	return nil
}

// paced are the rows of that: the app, the bare pool and Sallyport.
func (w *world) paced(ctx context.Context, o options) ([]*row, error) {
	pool, err := w.bare(ctx, rowPool, barePool, 1)
	if err != nil {
		return nil, err
	}
	g, err := w.gate(ctx, "Sallyport, memory", 1)
	if err != nil {
		return nil, err
	}
	target, plain := path(o.sizes[0]), fromApp(w.app.body(o.sizes[0]), "", false)
	return []*row{
		{name: rowApp, on: []*process{{addr: w.app.host}}, request: get(w.app.host, target, acceptsAll, g.cookie), want: plain},
		{name: pool.name, on: []*process{pool}, request: get(pool.addr, target, acceptsAll, g.cookie), want: plain},
		g.signedIn(w.app, o.sizes[0]),
	}, nil
}

// latencyTable compares each row with the second, which is the bare pool.
func latencyTable(p pace, all []latencies) table {
	t := table{
		title: "Latency at 40 % load",
		note: fmt.Sprintf("%.0f requests/s, 40 %% of what the slower of both proxies can do; %d rounds of slices of %v with the same moments, which are a Poisson process's. "+
			"Time from when a request was due to the last byte of its answer; medians (quartiles) of the slices, and of the differences within a round.", p.perSecond, len(all[0].p50), p.lasts),
		head: []string{"proxy", "p50 ms", "beyond the bare pool", "p99 ms", "beyond the bare pool"},
	}
	for _, l := range all {
		t.rows = append(t.rows, []string{
			l.name,
			spreadOf(l.p50).text(3), spreadOf(differences(l.p50, all[1].p50)).text(3),
			spreadOf(l.p99).text(3), spreadOf(differences(l.p99, all[1].p99)).text(3),
		})
	}
	return t
}

// latencySlices is how many times as long as others a slice of latency is: a hundredth of
// its requests has to be some hundred.
const latencySlices = 3

func (l *latencies) measure(ctx context.Context, p pace) error {
	took, err := p.run(ctx, l.row)
	if err != nil {
		return fmt.Errorf("%s: %w", l.name, err)
	}
	ms := make([]float64, len(took))
	for k := range took {
		ms[k] = float64(took[k]) / float64(time.Millisecond)
	}
	l.p50, l.p99 = append(l.p50, quantile(ms, 0.5)), append(l.p99, quantile(ms, 0.99))
	return nil
}
