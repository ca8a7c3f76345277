package main

import (
	"context"
	"fmt"
)

// scaling compares one processor with two, for the bare pool and for Sallyport.
// The load shares both processors with them.
func (w *world) scaling(ctx context.Context, o options) (table, error) {
	t := table{
		title: "One processor and two",
		note: fmt.Sprintf("GOMAXPROCS=1 and 2, %s; client and app run on the same %d processors, so requests/s cannot double here. "+
			"A lock that requests share would show as CPU time that two processors need and one does not. Medians (quartiles).",
			bytesText(o.sizes[0]), w.cpus.count()),
		head: []string{"proxy", "GOMAXPROCS", "requests/s", "÷ GOMAXPROCS=1", "CPU µs", "÷ GOMAXPROCS=1"},
	}
	if w.cpus.count() < 2 {
		t.note = "This machine has one processor: nothing to compare."
		return t, nil
	}
	part := w.part()
	defer part.close()
	if err := w.cpus.together(); err != nil {
		return t, err
	}
	defer w.cpus.apart()
	var rows []*row
	body, target := w.app.body(o.sizes[0]), path(o.sizes[0])
	for _, n := range []int{1, 2} {
		pool, err := part.bare(ctx, rowPool, barePool, n)
		if err != nil {
			return t, err
		}
		g, err := part.gate(ctx, "Sallyport, memory", n)
		if err != nil {
			return t, err
		}
		rows = append(rows,
			&row{name: pool.name, on: []*process{pool}, request: get(pool.addr, target, "*/*", g.cookie), want: fromApp(body, "", false)},
			g.signedIn(w.app, o.sizes[0]))
	}
	all, err := measure(ctx, rows, load{loop: w.loop, conns: o.conns, lasts: o.slice}, fewer(o.slices))
	if err != nil {
		return t, err
	}
	for i, s := range all {
		one, n := all[i%2], 1+i/2
		t.rows = append(t.rows, []string{
			s.name, fmt.Sprint(n),
			spreadOf(values(s.samples, sample.perSecond)).text(0), spreadOf(ratios(s.samples, one.samples, sample.perSecond)).text(2),
			spreadOf(values(s.samples, sample.perRequest)).text(1), spreadOf(ratios(s.samples, one.samples, sample.perRequest)).text(2),
		})
	}
	return t, nil
}
