package main

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestSpreadOf(t *testing.T) {
	tests := []struct {
		values []float64
		want   spread
	}{
		{[]float64{7}, spread{7, 7, 7}},
		{[]float64{3, 1, 2}, spread{2, 1.5, 2.5}},
		{[]float64{4, 1, 3, 2}, spread{2.5, 1.75, 3.25}},
		{[]float64{5, 1, 4, 2, 3}, spread{3, 2, 4}},
	}
	for _, tt := range tests {
		if got := spreadOf(tt.values); got != tt.want {
			t.Errorf("spreadOf(%v) = %v, want %v", tt.values, got, tt.want)
		}
	}
}

func TestMarginNarrowsWithMoreValues(t *testing.T) {
	few := marginOf([]float64{1, 2, 3, 4, 5})
	if few.median != 3 || few.half < 1.40 || few.half > 1.41 { // 1.57 × 2 ÷ √5
		t.Errorf("the margin is %+v", few)
	}
	if got := few.text(1); got != "3.0 ± 1.4" {
		t.Errorf("it is written %q", got)
	}
	var many []float64
	for range 100 {
		many = append(many, 1, 2, 3, 4, 5)
	}
	if got := marginOf(many); got.median != 3 || got.half > 0.15 {
		t.Errorf("the margin of 500 values is %+v", got)
	}
}

func TestShareHasTheMarginOfItsSamples(t *testing.T) {
	if got, want := (share{part: 0.01, samples: 2000}).text(), "1.0 % ± 0.4"; got != want {
		t.Errorf("it is written %q, want %q", got, want)
	}
}

func TestRatiosPairSlices(t *testing.T) {
	of := []sample{{requests: 10, cpu: 300 * time.Microsecond}, {requests: 100, cpu: 8 * time.Millisecond}}
	by := []sample{{requests: 10, cpu: 200 * time.Microsecond}, {requests: 10, cpu: 400 * time.Microsecond}}
	if diff := cmp.Diff([]float64{1.5, 2}, ratios(of, by, sample.perRequest)); diff != "" {
		t.Error(diff)
	}
}

func TestMarkdown(t *testing.T) {
	got := table{title: "Costs", note: "Measured.", head: []string{"row", "µs"}, rows: [][]string{{"a", "1.0"}, {"long", "22.5"}}}.markdown()
	want := `### Costs

Measured.

| row  | µs   |
| ---- | ---- |
| a    | 1.0  |
| long | 22.5 |
`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// A row is compared with the one that it names, or else with the bare pool.
func TestCPUTableComparesWithTheNamedRow(t *testing.T) {
	one := func(name, by string, us int) series {
		return series{row: &row{name: name, by: by}, samples: []sample{{requests: 1, cpu: time.Duration(us) * time.Microsecond, took: time.Second}}}
	}
	failed := series{row: &row{name: "peer"}, failed: errors.New("refused")}
	table := cpuTable("t", "n", []series{one("handler", "", 5), one(rowPool, "", 10), one("asked", "handler", 20), failed})
	if !strings.HasSuffix(table.note, "peer failed: refused.") {
		t.Errorf("the note is %q", table.note)
	}
	got := table.rows
	want := [][]string{
		{"handler", "5.0 (5.0–5.0)", "0.50 (0.50–0.50)", rowPool, "1"},
		{rowPool, "10.0 (10.0–10.0)", "1.00 (1.00–1.00)", "itself", "1"},
		{"asked", "20.0 (20.0–20.0)", "4.00 (4.00–4.00)", "handler", "1"},
		{"peer", "failed", "", "", ""},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
