package boltstore

import (
	"bytes"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sallyport/sallyport/session"
	"go.etcd.io/bbolt"
)

// BenchmarkCreate prints what one acknowledged write costs on this disk: alone,
// and when many wait together and share a transaction.
func BenchmarkCreate(b *testing.B) {
	for _, size := range []int{700, 4096} {
		for _, parallel := range []int{1, 128} {
			b.Run(name(size, parallel), func(b *testing.B) {
				s := openNew(b, nil)
				r := record("", time.Hour)
				r.Sealed = bytes.Repeat([]byte{7}, size)
				var n atomic.Int64
				b.SetParallelism(parallel)
				if parallel == 1 {
					for b.Loop() {
						if err := s.Create(b.Context(), handle(int(n.Add(1))), r); err != nil {
							b.Fatal(err)
						}
					}
					return
				}
				b.ResetTimer()
				b.RunParallel(func(pb *testing.PB) {
					for pb.Next() {
						if err := s.Create(b.Context(), handle(int(n.Add(1))), r); err != nil {
							b.Error(err)
						}
					}
				})
			})
		}
	}
}

// BenchmarkGet reads one of 10,000 records.
func BenchmarkGet(b *testing.B) {
	for _, size := range []int{700, 4096} {
		b.Run(name(size, 1), func(b *testing.B) {
			const records = 10_000
			s := openNew(b, nil)
			r := record("", time.Hour)
			r.Sealed = bytes.Repeat([]byte{7}, size)
			var batch []*write
			for i := range records {
				batch = append(batch, &write{ctx: b.Context(), done: make(chan struct{}), apply: func(t table) (int, error) {
					return 1, t.put(handle(i), r)
				}})
			}
			s.commit(batch)
			var n atomic.Int64
			b.ReportAllocs()
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if _, err := s.Get(b.Context(), handle(int(n.Add(1))%records)); err != nil {
						b.Error(err)
					}
				}
			})
		})
	}
}

func name(size, parallel int) string {
	n := "slim"
	if size > 1000 {
		n = "fat"
	}
	if parallel > 1 {
		return n + "/together"
	}
	return n + "/alone"
}

// BenchmarkCreateMarked is a sign-in that is found by four marks with notes of 150
// bytes. It prints what the marks add to the file for each.
func BenchmarkCreateMarked(b *testing.B) {
	s := openNew(b, nil)
	r := record("", time.Hour)
	r.Sealed = bytes.Repeat([]byte{7}, 700)
	note := bytes.Repeat([]byte{7}, 150)
	n := 0
	for b.Loop() {
		n++
		var marks []session.Mark
		for i := range 4 {
			h := handle(4*n + i)
			marks = append(marks, session.Mark{Tag: session.Tag(h), Note: note})
		}
		if err := s.CreateMarked(b.Context(), handle(n), r, marks, r.ExpiresAt); err != nil {
			b.Fatal(err)
		}
	}
	if err := s.db.View(func(tx *bbolt.Tx) error {
		t := tables(tx)
		used := t.marks.Stats().LeafAlloc + t.marked.Stats().LeafAlloc
		b.ReportMetric(float64(used)/float64(n), "B/marks")
		return nil
	}); err != nil {
		b.Fatal(err)
	}
}
