package main

import (
	"runtime"
	"runtime/metrics"
	"slices"
	"strings"
)

// spareHeap is how much may at least be allocated between two collections, in bytes.
// The heap of a proxy is a few megabytes, and by default a collection would come
// whenever as much again has been allocated: every few hundred requests.
const spareHeap = 24 << 20

// usualGarbage is the collector's own default of GOGC.
const usualGarbage = 100

// collectByWork has the heap collected when as much has been allocated as a collection
// has to look at, and at least spareHeap, unless the environment says how often: a
// small heap less often than Go does by itself, and one that is mostly sessions, which
// the memory store keeps without pointers, more often. GOMEMLIMIT stays what it is. set
// is debug.SetGCPercent.
func collectByWork(environ []string, set func(int) int) {
	if !slices.ContainsFunc(environ, func(e string) bool { return strings.HasPrefix(e, "GOGC=") }) {
		(&collection{percent: usualGarbage, set: set}).watch()
	}
}

// collection follows the size of the heap from one collection to the next.
type collection struct {
	percent int
	set     func(int) int
}

// watch has adjust called after the next collection, which finds the object that
// nothing refers to.
func (c *collection) watch() {
	runtime.AddCleanup(new(*collection), (*collection).adjust, c)
}

func (c *collection) adjust() {
	heap := []metrics.Sample{{Name: "/gc/heap/live:bytes"}, {Name: "/gc/scan/heap:bytes"}}
	metrics.Read(heap)
	percent := garbagePercent(heap[0].Value.Uint64(), heap[1].Value.Uint64())
	// To change it stops the program for a moment.
	if off := max(percent, c.percent) - min(percent, c.percent); off > c.percent/8 {
		c.percent = percent
		c.set(percent)
	}
	c.watch()
}

// garbagePercent is the GOGC by which as many bytes may be allocated beside the live
// ones as a collection scans of them, and at least spareHeap.
func garbagePercent(live, scanned uint64) int {
	return int(max(spareHeap, min(scanned, live)) * 100 / max(live, 1<<20))
}
