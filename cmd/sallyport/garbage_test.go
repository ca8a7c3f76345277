package main

import (
	"runtime"
	"testing"
	"time"
)

func TestGarbagePercent(t *testing.T) {
	for _, tt := range []struct {
		name          string
		live, scanned uint64
		want          int
	}{
		{"nothing yet", 0, 0, 2400},
		{"a small heap", 4 << 20, 3 << 20, 600},
		{"as large as the garbage", 24 << 20, 20 << 20, 100},
		{"a large heap full of pointers", 300 << 20, 300 << 20, 100},
		{"mostly sessions", 240 << 20, 20 << 20, 10},
		{"sessions and much else", 400 << 20, 100 << 20, 25},
		{"more to scan than there is", 100 << 20, 120 << 20, 100},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := garbagePercent(tt.live, tt.scanned); got != tt.want {
				t.Errorf("GOGC %d, want %d", got, tt.want)
			}
		})
	}
}

// The first collection says how small the heap is, unless the environment says how
// often it is collected.
func TestCollectByWork(t *testing.T) {
	if garbagePercent(8<<20, 8<<20) == usualGarbage {
		t.Fatal("a heap of 8 MiB counts as a large one")
	}
	told, pinned := make(chan int, 9), make(chan int, 9)
	collectByWork([]string{"A=b", "GOGC=100"}, func(percent int) int { pinned <- percent; return usualGarbage })
	collectByWork([]string{"A=b"}, func(percent int) int { told <- percent; return usualGarbage })
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
