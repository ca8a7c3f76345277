package main

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"unicode/utf8"
)

// spread is the middle of some measurements and where its middle half lies.
type spread struct{ median, low, high float64 }

// spreadOf needs at least one value. low and high are the quartiles.
func spreadOf(values []float64) spread {
	v := slices.Sorted(slices.Values(values))
	return spread{median: quantile(v, 0.5), low: quantile(v, 0.25), high: quantile(v, 0.75)}
}

// quantile interpolates between neighbours of sorted, which is not empty.
func quantile(sorted []float64, q float64) float64 {
	at := q * float64(len(sorted)-1)
	i := int(at)
	if i+1 == len(sorted) {
		return sorted[i]
	}
	return sorted[i] + (at-float64(i))*(sorted[i+1]-sorted[i])
}

// text writes the spread with so many decimals.
func (s spread) text(decimals int) string {
	return fmt.Sprintf("%.*f (%.*f–%.*f)", decimals, s.median, decimals, s.low, decimals, s.high)
}

// margin is a median and how far from it the true one may be.
type margin struct{ median, half float64 }

// marginOf needs at least one value. Its half is of an interval of some 95 %, by the
// quartiles (McGill, Tukey and Larsen 1978), so that single strange values do not count.
func marginOf(values []float64) margin {
	s := spreadOf(values)
	return margin{median: s.median, half: 1.57 * (s.high - s.low) / math.Sqrt(float64(len(values)))}
}

func (m margin) text(decimals int) string {
	return fmt.Sprintf("%.*f ± %.*f", decimals, m.median, decimals, m.half)
}

// table is a part of the report: a title, what was done, and figures.
type table struct {
	title string
	note  string
	head  []string
	rows  [][]string
}

// markdown is the table as a page shows it and a terminal can, too.
func (t table) markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "### %s\n\n%s\n\n", t.title, t.note)
	widths := make([]int, len(t.head))
	for _, row := range append([][]string{t.head}, t.rows...) {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	rule := make([]string, len(widths))
	for i, n := range widths {
		rule[i] = strings.Repeat("-", n)
	}
	for _, row := range append([][]string{t.head, rule}, t.rows...) {
		for i, cell := range row {
			fmt.Fprintf(&b, "| %s%s ", cell, strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell)))
		}
		b.WriteString("|\n")
	}
	return b.String()
}

// cpuTable is what each row costs, absolutely and beside the row that it is
// divided by.
func cpuTable(title, note string, all []series) table {
	t := table{title: title, note: note, head: []string{"request", "CPU µs", "÷", "of", "requests/s"}}
	for _, s := range all {
		if s.failed != nil {
			t.rows = append(t.rows, []string{s.name, "failed", "", "", ""})
			t.note += fmt.Sprintf(" %s failed: %v.", s.name, s.failed)
			continue
		}
		by := base(all, s)
		of := by.name
		if of == s.name {
			of = "itself"
		}
		t.rows = append(t.rows, []string{
			s.name,
			spreadOf(values(s.samples, sample.perRequest)).text(1),
			spreadOf(ratios(s.samples, by.samples, sample.perRequest)).text(2),
			of,
			fmt.Sprintf("%.0f", spreadOf(values(s.samples, sample.perSecond)).median),
		})
	}
	return t
}
