package main

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// frugality is what a request takes beside CPU time; a field is nil where it
// is not known or does not apply.
type frugality struct {
	*row
	allocations, bytes, commands []float64 // per request
}

// maxRounds is how often frugality is measured, unless there are fewer slices: it hardly
// varies.
const maxRounds = 3

// measureFrugality counts allocations, their bytes, and Redis commands over warm
// connections. Of a foreign row that fails there is less to tell.
func measureFrugality(ctx context.Context, rows []*row, l load, rounds int) ([]frugality, error) {
	all := make([]frugality, len(rows))
	for i, r := range rows {
		all[i].row = r
	}
	for range rounds {
		for i := range all {
			if err := all[i].measure(ctx, l); err != nil && (!all[i].foreign || ctx.Err() != nil) {
				return nil, fmt.Errorf("%s: %w", all[i].name, err)
			}
		}
	}
	return all, nil
}

func (f *frugality) measure(ctx context.Context, l load) error {
	clients, err := dialAll(ctx, l.loop, f.row, l.conns)
	if err != nil {
		return err
	}
	defer hangUp(l.loop, clients)
	if _, err := l.drive(ctx, clients, time.Now().Add(l.lasts/4)); err != nil {
		return err
	}
	before, err := f.count(ctx)
	if err != nil {
		return err
	}
	still, err := f.count(ctx) // the difference is what counting takes
	if err != nil {
		return err
	}
	requests, err := l.drive(ctx, clients, time.Now().Add(l.lasts))
	if err != nil {
		return err
	}
	after, err := f.count(ctx)
	if err != nil {
		return err
	}
	per := func(a, b, c float64) float64 { return (c - b - (b - a)) / float64(requests) }
	if f.on[0].stats != "" {
		f.allocations = append(f.allocations, per(before.mallocs, still.mallocs, after.mallocs))
		f.bytes = append(f.bytes, per(before.bytes, still.bytes, after.bytes))
	}
	if f.redis != nil {
		f.commands = append(f.commands, per(before.commands, still.commands, after.commands))
	}
	return nil
}

// counts are totals since a process began.
type counts struct{ mallocs, bytes, commands float64 }

func (f *frugality) count(ctx context.Context) (counts, error) {
	var c counts
	if f.on[0].stats != "" {
		s, err := readStats(ctx, f.on[0].stats)
		if err != nil {
			return c, err
		}
		c.mallocs, c.bytes = s.mallocs, s.bytes
	}
	if f.redis != nil {
		n, err := f.redis.commands(ctx)
		if err != nil {
			return c, err
		}
		c.commands = float64(n)
	}
	return c, nil
}

// frugalityTable compares with the bare pool, which is one of the rows.
func frugalityTable(note string, all []frugality) table {
	pool := slices.IndexFunc(all, func(f frugality) bool { return f.name == rowPool })
	t := table{title: "Allocations and Redis commands per request", note: note,
		head: []string{"request", "allocations", "beyond the bare pool", "KiB", "Redis commands"}}
	const none = "–"
	for _, f := range all {
		line := []string{f.name, none, none, none, none}
		if f.allocations != nil {
			n := spreadOf(f.allocations).median
			line[1] = fmt.Sprintf("%.1f", n)
			line[2] = fmt.Sprintf("%+.1f", n-spreadOf(all[pool].allocations).median)
			line[3] = fmt.Sprintf("%.1f", spreadOf(f.bytes).median/1024)
		}
		if f.commands != nil {
			line[4] = fmt.Sprintf("%.4f", spreadOf(f.commands).median)
		}
		t.rows = append(t.rows, line)
	}
	return t
}
