package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"time"
)

// maxStarts is how often the time to readiness is measured, unless there are fewer
// slices.
const maxStarts = 9

// footprint is what was found of processes before any load.
type footprint struct {
	ready, discovery spread  // milliseconds from exec to 200 at /readyz, and what of it was the provider's
	idle, bareIdle   float64 // MiB resident
	binary           float64 // MiB
}

// footprint starts Sallyport several times, and the bare pool once.
func (w *world) footprint(ctx context.Context, o options) (footprint, error) {
	var f footprint
	info, err := os.Stat(w.binary)
	if err != nil {
		return f, fmt.Errorf("looking at the binary: %w", err)
	}
	f.binary = float64(info.Size()) / (1 << 20)
	part := w.part()
	defer part.close()
	bare, err := part.bare(ctx, rowPool, barePool, 1)
	if err != nil {
		return f, err
	}
	r, err := part.rig("Sallyport", 1)
	if err != nil {
		return f, err
	}
	var ready, discovery []float64
	var p *process
	for range min(o.slices, maxStarts) {
		if p != nil {
			p.stop()
		}
		r.provider.forget()
		var took time.Duration
		if p, took, err = r.start(ctx); err != nil {
			return f, err
		}
		ready = append(ready, float64(took)/float64(time.Millisecond))
		discovery = append(discovery, float64(r.provider.busy())/float64(time.Millisecond))
	}
	f.ready, f.discovery = spreadOf(ready), spreadOf(discovery)
	if err := pause(ctx, o.idle); err != nil {
		return f, err
	}
	if f.idle, err = resident(p); err != nil {
		return f, err
	}
	f.bareIdle, err = resident(bare)
	return f, err
}

// resident is the process's resident memory in MiB.
func resident(p *process) (float64, error) {
	kib, err := residentKiB(p.pid)
	return float64(kib) / 1024, err
}

// pause waits unless the run ends.
func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (f footprint) rows() [][]string {
	return slices.Concat([][]string{
		{"binary, MiB", fmt.Sprintf("%.1f", f.binary), "≤ 20"},
		{"start to /readyz, ms", f.ready.text(1), "≤ 50 beyond discovery"},
		{"of which discovery at the provider, ms", f.discovery.text(1), ""},
		{"resident when idle, MiB", fmt.Sprintf("%.1f", f.idle), "≤ 18"},
		{"the bare pool likewise, MiB", fmt.Sprintf("%.1f", f.bareIdle), ""},
	})
}
