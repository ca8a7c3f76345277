package main

import (
	"runtime"
	"testing"
	"time"
)

func TestGarbagePercent(t *testing.T) {
	for _, tt := range []struct {
		live uint64
		want int
	}{
		{0, 2400}, {4 << 20, 600}, {5 << 20, 450}, {16 << 20, 150}, {24 << 20, 100}, {300 << 20, 100},
	} {
		if got := garbagePercent(tt.live); got != tt.want {
			t.Errorf("%d bytes: GOGC %d, want %d", tt.live, got, tt.want)
		}
	}
}

// The first collection says how small the heap is, unless the environment says how
// often it is collected.
func TestCollectLessOften(t *testing.T) {
	if garbagePercent(8<<20) == usualGarbage {
		t.Fatal("a heap of 8 MiB counts as a large one")
	}
	told, pinned := make(chan int, 9), make(chan int, 9)
	collectLessOften([]string{"A=b", "GOGC=100"}, func(percent int) int { pinned <- percent; return usualGarbage })
	collectLessOften([]string{"A=b"}, func(percent int) int { told <- percent; return usualGarbage })
	runtime.GC()
	select {
	case percent := <-told:
		if percent <= usualGarbage {
			t.Errorf("GOGC became %d", percent)
		}
	case <-time.After(time.Minute):
		t.Fatal("nothing was told of the collection")
	}
	if len(pinned) > 0 {
		t.Error("GOGC was changed although it was set")
	}
}
