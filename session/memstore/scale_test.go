package memstore

import (
	"crypto/rand"
	"fmt"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/sallyport/sallyport/session"
)

// fill makes a store of n records of size bytes each, all expiring at that time.
func fill(b *testing.B, n, size int, expires time.Time, now *time.Time) (*Store, []session.Handle) {
	b.Helper()
	return fillMarked(b, n, size, expires, now, func() []session.Mark { return nil })
}

// fillMarked is fill with marks.
func fillMarked(b *testing.B, n, size int, expires time.Time, now *time.Time, marks func() []session.Mark) (*Store, []session.Handle) {
	b.Helper()
	s, err := New(Config{MaxRecords: n, Now: func() time.Time { return *now }})
	if err != nil {
		b.Fatal(err)
	}
	handles := make([]session.Handle, n)
	sealed := make([]byte, size)
	for i := range handles {
		rand.Read(handles[i][:])
		r := session.Record{Sealed: sealed, LastSeen: *now, ExpiresAt: expires}
		if err := s.CreateMarked(b.Context(), handles[i], r, marks(), expires); err != nil {
			b.Fatal(err)
		}
	}
	return s, handles
}

// fourMarks are those of an ordinary sign-in, with notes of 150 bytes, of a person
// of his own.
func fourMarks() []session.Mark {
	marks := make([]session.Mark, 4)
	for i := range marks {
		rand.Read(marks[i].Tag[:])
		marks[i].Note = make([]byte, 150)
	}
	return marks
}

// oneMark is that of an account that everybody shares.
func oneMark() []session.Mark { return []session.Mark{{Tag: session.Tag{1}}} }

// A look-up takes as long among a million sessions as among a thousand, but for
// what the processor's caches do not hold.
func BenchmarkGetAmong(b *testing.B) {
	for _, n := range []int{1_000, 100_000, 1_000_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			now := time.Now()
			s, handles := fill(b, n, 64, now.Add(time.Hour), &now)
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				i = (i + 7919) % n
				if _, err := s.Get(b.Context(), handles[i]); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// What a record costs beyond the bytes in it, and what its marks add, notes
// included.
func BenchmarkMemoryPerRecord(b *testing.B) {
	for name, marks := range map[string]func() []session.Mark{"unmarked": func() []session.Mark { return nil }, "marked": fourMarks} {
		b.Run(name, func(b *testing.B) {
			const n, size = 100_000, 700
			for b.Loop() {
				var before, after runtime.MemStats
				runtime.GC()
				runtime.ReadMemStats(&before)
				now := time.Now()
				s, handles := fillMarked(b, n, size, now.Add(time.Hour), &now, marks)
				runtime.GC()
				runtime.ReadMemStats(&after)
				mine := uint64(len(handles)) * uint64(len(handles[0]))
				b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc-mine)/n, "B/record")
				b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc-mine)/n-size, "B/record-beyond")
				runtime.KeepAlive(s)
			}
		})
	}
}

// How long the sweep holds up a shard of a store of a million when all of them
// expire at once. The longest hold is mostly what the operating system and the
// garbage collector take meanwhile.
func BenchmarkExpirePause(b *testing.B) {
	for name, marks := range map[string]func() []session.Mark{
		"unmarked": func() []session.Mark { return nil }, "marked": fourMarks, "marked alike": oneMark,
	} {
		b.Run(name, func(b *testing.B) { benchmarkExpirePause(b, marks) })
	}
}

func benchmarkExpirePause(b *testing.B, marks func() []session.Mark) {
	for b.Loop() {
		b.StopTimer()
		now := time.Now()
		s, _ := fillMarked(b, 1_000_000, 64, now.Add(time.Minute), &now, marks)
		now = now.Add(time.Hour)
		var holds []time.Duration
		b.StartTimer()
		for i := range s.shards {
			for more := true; more; {
				start := time.Now()
				more = s.expireSome(&s.shards[i]) == sweepAtOnce
				holds = append(holds, time.Since(start))
			}
		}
		slices.Sort(holds)
		b.ReportMetric(float64(holds[len(holds)*999/1000].Microseconds()), "µs-p99.9")
		b.ReportMetric(float64(holds[len(holds)-1].Microseconds()), "µs-longest")
		if n := s.Count(); n != 0 {
			b.Fatalf("%d records left", n)
		}
	}
}
