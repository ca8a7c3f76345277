package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"time"
)

// The assertion is worth less than two processes of the same program differ by, so there
// are several pairs of processes, and many short slices of each.
const (
	assertionPairs  = 3
	assertionRounds = 3 // times as many rounds for each pair as other rows have slices
	assertionSlice  = 3 // a slice is this part of another one
)

// assertionFunc is what makes the assertion, or finds the one that was made, in a profile.
const assertionFunc = `proxy.\(\*asserter\).of$`

// measureAssertion compares requests with the signed assertion and without, and looks for it
// in a profile of those with it.
func measureAssertion(ctx context.Context, o options, w *world, print func(table)) error {
	l := load{loop: w.loop, conns: o.conns, lasts: max(o.slice/assertionSlice, time.Millisecond)}
	rounds := o.slices * assertionRounds
	var quotients []float64
	var inProfile share
	for pair := range assertionPairs {
		part := w.part()
		defer part.close()
		on, err := part.gate(ctx, "Sallyport, memory", 1, "SALLYPORT_PPROF=true")
		if err != nil {
			return err
		}
		off, err := part.gate(ctx, "Sallyport, memory, no assertion", 1, "SALLYPORT_PPROF=true", noAssertion)
		if err != nil {
			return err
		}
		vouched := on.signedIn(w.app, o.sizes[0])
		more, err := l.duel(ctx, vouched, off.signedIn(w.app, o.sizes[0]), rounds)
		if err != nil {
			return err
		}
		quotients = append(quotients, more...)
		if pair == 0 {
			file := filepath.Join(w.dir, "assertion.profile")
			lasts := max(time.Duration(2*o.slices)*o.slice, time.Second).Round(time.Second)
			m := mix{gate: on, lasts: lasts, rows: map[*row]int{vouched: o.conns}}
			if err := m.profile(ctx, w.loop, file); err != nil {
				return err
			}
			if inProfile, err = shareOf(ctx, file, assertionFunc); err != nil {
				return err
			}
		}
		part.close()
	}
	print(table{
		title: "The signed assertion",
		note: fmt.Sprintf("%s, %d connections; %d pairs of processes with it and without, %d times %v of each in turn. The margin is that of 95 %%.",
			bytesText(o.sizes[0]), o.conns, assertionPairs, rounds, l.lasts),
		head: []string{"what", "measured", "goal"},
		rows: [][]string{
			{"CPU time of a request ÷ the same without the assertion", marginOf(quotients).text(3), "≤ 1.02"},
			{"share of making or finding it in a CPU profile", inProfile.text(), ""},
		},
	})
	return nil
}

// duel alternates slices of two rows over connections that stay open, and returns for each
// round the CPU time of a request of a as a multiple of that of b.
func (l load) duel(ctx context.Context, a, b *row, rounds int) ([]float64, error) {
	rows := []*row{a, b}
	clients := make([][]*client, len(rows))
	for i, r := range rows {
		var err error
		if clients[i], err = dialAll(ctx, l.loop, r, l.conns); err != nil {
			return nil, fmt.Errorf("%s: %w", r.name, err)
		}
		defer hangUp(l.loop, clients[i])
	}
	quotients := make([]float64, 0, rounds)
	for round := range rounds + 1 {
		var took [2]float64
		err := inTurn(round, len(rows), func(i int) error {
			s, err := l.sample(ctx, rows[i], clients[i])
			if err != nil {
				return fmt.Errorf("%s: %w", rows[i].name, err)
			}
			took[i] = s.perRequest()
			return nil
		})
		if err != nil {
			return nil, err
		}
		if round > 0 { // the first warms up
			quotients = append(quotients, took[0]/took[1])
		}
	}
	return quotients, nil
}

// share is a part of a profile's samples.
type share struct{ part, samples float64 }

// accounted is the line of pprof that tells how much of a profile it shows.
var accounted = regexp.MustCompile(`accounting for [^,]+, *([0-9.]+)% of +([0-9.]+)(ms|s|mins) total`)

// shareOf is how much of a CPU profile's time a function and those that it calls take.
func shareOf(ctx context.Context, file, function string) (share, error) {
	said, err := exec.CommandContext(ctx, "go", "tool", "pprof", "-top", "-nodefraction", "0", "-nodecount", "100000", "-focus", function, file).Output()
	if err != nil {
		return share{}, fmt.Errorf("reading a profile: %w", err)
	}
	found := accounted.FindSubmatch(said)
	if found == nil {
		return share{}, errors.New("reading a profile: pprof does not tell how much it shows")
	}
	percent, err := strconv.ParseFloat(string(found[1]), 64)
	if err != nil {
		return share{}, fmt.Errorf("reading a profile: %w", err)
	}
	total, err := strconv.ParseFloat(string(found[2]), 64)
	if err != nil {
		return share{}, fmt.Errorf("reading a profile: %w", err)
	}
	const perSecond = 100 // the rate of Go's profiler
	unit := map[string]float64{"ms": 1e-3, "s": 1, "mins": 60}[string(found[3])]
	return share{part: percent / 100, samples: total * unit * perSecond}, nil
}

// text is the share with the margin that so many samples leave.
func (s share) text() string {
	margin := 1.96 * math.Sqrt(s.part*(1-s.part)/s.samples)
	return fmt.Sprintf("%.1f %% ± %.1f", 100*s.part, 100*margin)
}
