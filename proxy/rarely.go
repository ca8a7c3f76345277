package proxy

import (
	"sync/atomic"
	"time"
)

// warnEvery is how often a warning is written that anybody can cause.
const warnEvery = time.Minute

// rarely lets one warning through every warnEvery. It is safe for concurrent use.
type rarely struct{ last atomic.Int64 } // Unix seconds; 0 = never

// pass reports whether the warning may be written.
func (r *rarely) pass(now time.Time) bool {
	seconds, last := now.Unix(), r.last.Load()
	if last != 0 && seconds < last+int64(warnEvery/time.Second) {
		return false
	}
	return r.last.CompareAndSwap(last, seconds)
}
