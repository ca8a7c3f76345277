package main

import (
	"cmp"
	"context"
	"fmt"
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
		for i, r := range rows {
			if all[i].failed != nil {
				continue
			}
			s, err := l.run(ctx, r)
			if err != nil && (!r.foreign || ctx.Err() != nil) {
				return nil, fmt.Errorf("%s: %w", r.name, err)
			}
			all[i].failed = err
			if round > 0 {
				all[i].samples = append(all[i].samples, s)
			}
		}
	}
	return all, nil
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
