package main

import (
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
		{[]float64{3, 1, 2}, spread{2, 1, 3}},
		{[]float64{4, 1, 3, 2}, spread{2.5, 1, 4}},
	}
	for _, tt := range tests {
		if got := spreadOf(tt.values); got != tt.want {
			t.Errorf("spreadOf(%v) = %v, want %v", tt.values, got, tt.want)
		}
	}
}

func TestRatiosPairSlices(t *testing.T) {
	of := []sample{{requests: 10, cpu: 300 * time.Microsecond}, {requests: 100, cpu: 8 * time.Millisecond}}
	by := []sample{{requests: 10, cpu: 200 * time.Microsecond}, {requests: 10, cpu: 400 * time.Microsecond}}
	if diff := cmp.Diff([]float64{1.5, 2}, ratios(of, by)); diff != "" {
		t.Error(diff)
	}
}
