package redisstore

import (
	"bytes"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sallyport/sallyport/session"
	"github.com/sallyport/sallyport/session/memstore"
)

// sizes are sealed sessions without and with tokens of the usual size.
func sizes() map[string]int { return map[string]int{"slim": 700, "fat": 4096} }

// BenchmarkGet compares a session in memory here with the memory store, which
// has it nowhere else.
func BenchmarkGet(b *testing.B) {
	memory, err := memstore.New(memstore.Config{})
	if err != nil {
		b.Fatal(err)
	}
	redis := newStore(b, startRedis(b).url())
	for name, s := range map[string]session.Store{"memory": memory, "redis": redis} {
		b.Run(name, func(b *testing.B) { benchmarkGet(b, s) })
	}
}

func benchmarkGet(b *testing.B, s session.Store) {
	const sessions = 5000
	r := record(string(bytes.Repeat([]byte("x"), 4096)))
	handles := make([]session.Handle, sessions)
	for i := range handles {
		handles[i] = newHandle()
		if err := s.Create(b.Context(), handles[i], r); err != nil {
			b.Fatal(err)
		}
		if _, err := s.Get(b.Context(), handles[i]); err != nil {
			b.Fatal(err)
		}
	}
	var n atomic.Int64
	b.ReportAllocs()
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for i := int(n.Add(1)) * 1000; pb.Next(); i++ {
			if _, err := s.Get(b.Context(), handles[i%sessions]); err != nil {
				b.Error(err)
			}
		}
	})
}

// BenchmarkMiss is a Get that has to ask Redis.
func BenchmarkMiss(b *testing.B) {
	for name, size := range sizes() {
		b.Run(name, func(b *testing.B) {
			s := newStore(b, startRedis(b).url())
			h := newHandle()
			create(b, s, h, record(string(bytes.Repeat([]byte("x"), size))))
			b.ReportAllocs()
			for b.Loop() {
				s.cache.changed(h)
				get(b, s, h)
			}
		})
	}
}

// BenchmarkReplace writes a use down (the header) and another session (all).
func BenchmarkReplace(b *testing.B) {
	for _, what := range []string{"use", "whole"} {
		b.Run(what, func(b *testing.B) {
			s := newStore(b, startRedis(b).url())
			h := newHandle()
			create(b, s, h, record(string(bytes.Repeat([]byte("x"), 4096))))
			r := get(b, s, h)
			b.ReportAllocs()
			for n := 0; b.Loop(); n++ {
				if what == "use" {
					b.StopTimer()
					r = get(b, s, h)
					b.StartTimer()
				} else {
					r.Sealed = bytes.Repeat([]byte{byte(n)}, 4096)
				}
				if err := s.Replace(b.Context(), h, r); err != nil {
					b.Fatal(err)
				}
				r.Version++
			}
		})
	}
}

// BenchmarkBytes prints what a session takes in Redis: the value's own, the
// key's, the expiry's and the tracking table's entry for one replica, as
// the growth of used_memory over 20,000 sessions.
func BenchmarkBytes(b *testing.B) {
	const sessions = 20_000
	for name, size := range sizes() {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				redis := startRedis(b)
				s := newStore(b, redis.url(), func(cfg *Config) { cfg.CacheRecords = 2 * sessions })
				create(b, s, newHandle(), record("x")) // the scripts are loaded
				sealed := string(bytes.Repeat([]byte("x"), size))
				before := usedMemory(b, redis)
				handles := make([]session.Handle, sessions)
				for i := range handles {
					handles[i] = newHandle()
					create(b, s, handles[i], record(sealed))
				}
				stored := usedMemory(b, redis)
				for _, h := range handles {
					get(b, s, h)
				}
				tracked := usedMemory(b, redis)
				b.ReportMetric(float64(redis.number("MEMORY", "USAGE", recordKey(handles[0]))), "B/MEMORY-USAGE")
				b.ReportMetric(float64(stored-before)/sessions, "B/session")
				b.ReportMetric(float64(tracked-stored)/sessions, "B/tracked")
				redis.kill()
			}
		})
	}
}

// BenchmarkMarkedBytes prints what four marks with notes of 150 bytes add to a
// session, each of them under a tag of its own.
func BenchmarkMarkedBytes(b *testing.B) {
	const sessions = 20_000
	for b.Loop() {
		redis := startRedis(b)
		s := newStore(b, redis.url())
		createMarked(b, s, fourMarks()...) // the scripts are loaded
		before := usedMemory(b, redis)
		for range sessions {
			create(b, s, newHandle(), record("sealed"))
		}
		plain := usedMemory(b, redis)
		for range sessions {
			createMarked(b, s, fourMarks()...)
		}
		marked := usedMemory(b, redis)
		b.ReportMetric(float64(marked-plain-(plain-before))/sessions, "B/marks")
		redis.kill()
	}
}

// BenchmarkCreate is a sign-in, without and with four marks.
func BenchmarkCreate(b *testing.B) {
	for name, marks := range map[string]int{"plain": 0, "marked": 4} {
		b.Run(name, func(b *testing.B) {
			s := newStore(b, startRedis(b).url())
			b.ReportAllocs()
			for b.Loop() {
				createMarked(b, s, fourMarks()[:marks]...)
			}
		})
	}
}

// BenchmarkFind looks for the sessions of one person.
func BenchmarkFind(b *testing.B) {
	for _, n := range []int{1, 3, 1000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			s, mark := newStore(b, startRedis(b).url()), fourMarks()[0]
			for range n {
				createMarked(b, s, mark)
			}
			b.ReportAllocs()
			for b.Loop() {
				finds(b, s, mark.Tag, n)
			}
		})
	}
}

func usedMemory(b *testing.B, redis *server) (n int64) {
	b.Helper()
	time.Sleep(100 * time.Millisecond) // buffers of clients shrink
	for line := range bytes.Lines([]byte(redis.text("INFO", "memory"))) {
		if _, err := fmt.Sscanf(string(line), "used_memory_dataset:%d", &n); err == nil {
			return n
		}
	}
	b.Fatal("INFO memory has no used_memory_dataset")
	return 0
}
