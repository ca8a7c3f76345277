package main

import (
	"context"
	"fmt"
	"io"
	"strings"
)

// part measures something and hands on each table when it is known.
type part func(ctx context.Context, o options, w *world, print func(table)) error

// allParts is the name of everything in parts.
const allParts = "all"

var parts = map[string][]part{
	allParts:    {measureRequests, measureAssertion, measureLatency, measureProcesses},
	"requests":  {measureRequests},
	"assertion": {measureAssertion},
	"latency":   {measureLatency},
	"processes": {measureProcesses},
}

// bench measures the part that is asked for, prints each table when it is known, and
// writes all of them into the page.
func bench(ctx context.Context, o options, out io.Writer) error {
	if o.write != "" {
		if err := checkPage(o.write, o.run); err != nil {
			return err
		}
	}
	w, err := newWorld(ctx)
	if err != nil {
		return err
	}
	defer w.close()
	var report strings.Builder
	print := func(text string) { fmt.Fprintln(io.MultiWriter(out, &report), text) }
	print(fmt.Sprintf("`%s`\n\n%s Load average of the machine at the start: %s.\n",
		strings.Join(append([]string{"go run ./internal/bench"}, o.args...), " "), w.machine(ctx), loadAverage()))
	if err := w.cpus.apart(); err != nil {
		return err
	}
	back, granted := precede()
	defer back()
	if !granted {
		print("The system did not give what is measured precedence over other programs.\n")
	}
	defer w.cpus.together()
	for _, measurePart := range parts[o.part] {
		if err := measurePart(ctx, o, w, func(t table) { print(t.markdown()) }); err != nil {
			return err
		}
	}
	if o.write == "" {
		return nil
	}
	return writeInto(o.write, o.run, report.String())
}

// measureRequests is everything that the same running proxies are asked.
func measureRequests(ctx context.Context, o options, w *world, print func(table)) error {
	part := w.part()
	defer part.close()
	s, err := part.proxies(ctx)
	if err != nil {
		return err
	}
	l := load{loop: w.loop, conns: o.conns, lasts: o.slice}
	for i, size := range o.sizes {
		rows := s.signedIn(w.app, size)
		title, slices := "Signed in, "+bytesText(size), fewer(o.slices)
		if i == 0 {
			slices = o.slices
			rows = append(rows, s.others(size)...)
			title += ", and the answers that are not the app's"
		}
		all, err := measure(ctx, rows, l, slices)
		if err != nil {
			return err
		}
		note := fmt.Sprintf("%d connections, %d slices of %v; medians (quartiles).", o.conns, slices, o.slice)
		if len(s.absent) > 0 {
			note += " Not installed here: " + strings.Join(s.absent, ", ") + "."
		}
		print(cpuTable(title, note, all))
	}
	rows := append(s.signedIn(w.app, o.sizes[0]), s.others(o.sizes[0])...)
	rounds := min(o.slices, maxRounds)
	frugal, err := measureFrugality(ctx, rows, l, rounds)
	if err != nil {
		return err
	}
	note := fmt.Sprintf("%s, connections and sessions warm; medians of %d slices. What asking for the figures takes is taken off.", bytesText(o.sizes[0]), rounds)
	print(frugalityTable(note, frugal))
	return nil
}

// fewer is how many slices those rows have that are not the first table's.
func fewer(slices int) int { return (slices + 1) / 2 }

// measureProcesses is everything for which processes are started anew.
func measureProcesses(ctx context.Context, o options, w *world, print func(table)) error {
	t, err := w.scaling(ctx, o)
	if err != nil {
		return err
	}
	print(t)
	f, err := w.footprint(ctx, o)
	if err != nil {
		return err
	}
	t = table{title: "Memory, start, size", note: "Processes with GOMAXPROCS=1; medians (quartiles) where there are several measurements.", head: []string{"what", "measured", "goal"}, rows: f.rows()}
	if o.sessions > 0 {
		c, err := w.crowd(ctx, o)
		if err != nil {
			return err
		}
		t.rows = append(t.rows, c.rows()...)
	}
	if o.sockets > 0 {
		all, note, err := w.sockets(ctx, o)
		if err != nil {
			return err
		}
		t.note += note
		t.rows = append(t.rows, socketRows(all)...)
	}
	print(t)
	return nil
}

// bytesText is a size for people.
func bytesText(n int) string {
	switch {
	case n >= 1<<20 && n%(1<<20) == 0:
		return fmt.Sprintf("%d MiB", n>>20)
	case n >= 1<<10 && n%(1<<10) == 0:
		return fmt.Sprintf("%d KiB", n>>10)
	}
	return fmt.Sprintf("%d B", n)
}
