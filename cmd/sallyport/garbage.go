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

// collectLessOften has a small heap collected less often, unless the environment says
// how often. A large one is collected as usual, so that sessions do not cost several
// times their size; GOMEMLIMIT stays what it is. set is debug.SetGCPercent.
func collectLessOften(environ []string, set func(int) int) {
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
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(live)
	if percent := garbagePercent(live[0].Value.Uint64()); percent != c.percent {
		c.percent = percent
		c.set(percent)
	}
	c.watch()
}

// garbagePercent is the GOGC by which spareHeap may be allocated beside that many live
// bytes. It comes in steps, because changing it stops the program for a moment.
func garbagePercent(live uint64) int {
	const step = 50
	percent := spareHeap * 100 / max(live, 1<<20)
	return max(usualGarbage, int(percent/step*step))
}
