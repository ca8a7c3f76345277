package main

import (
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
	"time"
)

// spread is the middle and the ends of some measurements.
type spread struct{ median, low, high float64 }

// spreadOf needs at least one value.
func spreadOf(values []float64) spread {
	v := slices.Sorted(slices.Values(values))
	n := len(v)
	return spread{median: (v[(n-1)/2] + v[n/2]) / 2, low: v[0], high: v[n-1]}
}

// ratios divides slice by slice: neighbours in time met the same machine.
func ratios(of, by []sample) []float64 {
	r := make([]float64, len(of))
	for i := range of {
		r[i] = of[i].perRequest() / by[i].perRequest()
	}
	return r
}

// report prints the table. proxies[0] is the one that the others are compared
// with first, proxies[1] second.
func report(out io.Writer, o options, proxies []*proxy, samples [][]sample, start startup) error {
	fmt.Fprintf(out, "%d B body, %d connections, %d slices of %v, GOMAXPROCS=1 per proxy; medians (lowest–highest)\n\n",
		o.size, o.conns, o.slices, o.slice)
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "proxy\tCPU µs/request\trequests/s\t÷ default\t÷ sized pools")
	for i, p := range proxies {
		var cpu, rate []float64
		for _, s := range samples[i] {
			cpu = append(cpu, s.perRequest())
			rate = append(rate, float64(s.requests)/s.took.Seconds())
		}
		c := spreadOf(cpu)
		fmt.Fprintf(w, "%s\t%.1f (%.1f–%.1f)\t%.0f", p.name, c.median, c.low, c.high, spreadOf(rate).median)
		for _, by := range samples[:2] {
			r := spreadOf(ratios(samples[i], by))
			fmt.Fprintf(w, "\t%.2f (%.2f–%.2f)", r.median, r.low, r.high)
		}
		fmt.Fprintln(w)
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("writing the table: %w", err)
	}
	_, err := fmt.Fprintf(out, "\nSallyport: %.1f MiB resident when idle, %v from start to /readyz, binary %.1f MiB\n",
		float64(start.residentKiB)/1024, start.ready.Round(time.Millisecond), float64(start.binarySize)/(1<<20))
	return err
}
