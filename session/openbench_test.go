package session

import (
	"testing"
	"time"
)

// BenchmarkOpenTicket opens a sealed ticket, as the first request of a session does at
// a replica, with one key and with the second of two.
func BenchmarkOpenTicket(b *testing.B) {
	old := GenerateKey()
	for name, keys := range map[string][]Key{"one-key": {old}, "second-key": {GenerateKey(), old}} {
		b.Run(name, func(b *testing.B) {
			_, value := sealTestTicket(b, newTestRing(b, old))
			set := newTestRing(b, keys...).current.Load()
			b.ReportAllocs()
			for b.Loop() {
				if _, ok := openTicket(set, scanned, value); !ok {
					b.Fatal("it does not open")
				}
			}
		})
	}
}

// BenchmarkOpenTicketParallel is the same on all processors.
func BenchmarkOpenTicketParallel(b *testing.B) {
	ring := newTestRing(b, GenerateKey())
	_, value := sealTestTicket(b, ring)
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, ok := openTicket(ring.current.Load(), scanned, value); !ok {
				b.Error("it does not open")
			}
		}
	})
}

// BenchmarkOpenRecord opens a sealed session, plain as stores have it and compressed
// as cookies carry it.
func BenchmarkOpenRecord(b *testing.B) {
	for name, compact := range map[string]bool{"plain": false, "compact": true} {
		b.Run(name, func(b *testing.B) {
			tk := newTicket(time.Now(), 0, whose{7})
			sealed, err := sealSession(&tk, fullSession(&tk), compact)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := openSession(&tk, sealed); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
