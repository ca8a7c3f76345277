package main

import (
	"cmp"
	"context"
	"fmt"
	"runtime"
	"runtime/debug"
)

// series is what was measured of one row, slice by slice.
type series struct {
	*row
	samples []sample
	failed  error // of a foreign row, which is then not complete
}

// measure alternates slices of load between the rows. Its first round warms up and
// does not count. A foreign row that fails is left out from then on.
func measure(ctx context.Context, rows []*row, l load, slices int) ([]series, error) {
	all := make([]series, len(rows))
	for i, r := range rows {
		all[i].row = r
	}
	for round := range slices + 1 {
		err := inTurn(round, len(all), func(i int) error { return all[i].measure(ctx, l, round > 0) })
		if err != nil {
			return nil, err
		}
	}
	return all, nil
}

// measure adds a slice, if it counts.
func (s *series) measure(ctx context.Context, l load, counts bool) error {
	if s.failed != nil {
		return nil
	}
	got, err := l.run(ctx, s.row)
	if err != nil && (!s.foreign || ctx.Err() != nil) {
		return fmt.Errorf("%s: %w", s.name, err)
	}
	s.failed = err
	if counts {
		s.samples = append(s.samples, got)
	}
	return nil
}

// inTurn measures each of n once, in every other round from the last to the first, so
// that none is always later than the one that it is compared with. The collector
// of this program waits: its garbage is swept out between two slices.
func inTurn(round, n int, measure func(i int) error) error {
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	for k := range n {
		if round%2 == 1 {
			k = n - 1 - k
		}
		runtime.GC()
		if err := measure(k); err != nil {
			return err
		}
	}
	return nil
}

// base is the series that s is divided by.
func base(all []series, s series) series { return named(all, cmp.Or(s.by, rowPool)) }

// named is the series of that name, which is there.
func named(all []series, name string) series {
	for _, s := range all {
		if s.name == name {
			return s
		}
	}
	panic("bench: no row is called " + name)
}

// ratios divides slice by slice: neighbours in time met the same machine.
func ratios(of, by []sample, value func(sample) float64) []float64 {
	r := make([]float64, len(of))
	for i := range of {
		r[i] = value(of[i]) / value(by[i])
	}
	return r
}

// values are one figure of each sample.
func values(of []sample, value func(sample) float64) []float64 {
	v := make([]float64, len(of))
	for i := range of {
		v[i] = value(of[i])
	}
	return v
}

// differences subtracts slice by slice.
func differences(of, by []float64) []float64 {
	d := make([]float64, len(of))
	for i := range of {
		d[i] = of[i] - by[i]
	}
	return d
}
