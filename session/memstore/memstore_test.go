package memstore_test

import (
	"crypto/rand"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sallyport/sallyport/session"
	"github.com/sallyport/sallyport/session/memstore"
	"github.com/sallyport/sallyport/session/storetest"
)

func TestStore(t *testing.T) {
	storetest.Run(t, storetest.Harness{
		New: func(t *testing.T, now func() time.Time) session.Store {
			return newStore(t, memstore.Config{Now: now})
		},
	})
}

func newStore(t testing.TB, cfg memstore.Config) *memstore.Store {
	t.Helper()
	s, err := memstore.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func newHandle() (h session.Handle) {
	rand.Read(h[:])
	return h
}

func TestNewRefusesNegativeBound(t *testing.T) {
	if _, err := memstore.New(memstore.Config{MaxRecords: -1}); err == nil {
		t.Fatal("New with MaxRecords -1 = nil")
	}
}

// forgotten collects what a store drops by itself.
type forgotten struct {
	mu               sync.Mutex
	expired, evicted map[session.Handle]session.Record
}

func watch(s *memstore.Store) *forgotten {
	f := &forgotten{expired: map[session.Handle]session.Record{}, evicted: map[session.Handle]session.Record{}}
	s.OnForget(func(h session.Handle, r session.Record, evicted bool) {
		f.mu.Lock()
		defer f.mu.Unlock()
		if evicted {
			f.evicted[h] = r
		} else {
			f.expired[h] = r
		}
	})
	return f
}

func TestExpiredRecordsGoByThemselves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStore(t, memstore.Config{})
		f := watch(s)
		const n = 1000
		for i := range n {
			r := session.Record{LastSeen: time.Now(), ExpiresAt: time.Now().Add(time.Hour)}
			if i%2 == 0 {
				r.ExpiresAt = time.Now().Add(time.Minute)
			}
			if err := s.Create(t.Context(), newHandle(), r); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(3 * time.Minute)
		synctest.Wait()
		if s.Count() != n/2 || len(f.expired) != n/2 {
			t.Fatalf("after the first half expired: Count = %d, %d reported; want %d and %d", s.Count(), len(f.expired), n/2, n/2)
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		if s.Count() != 0 || len(f.expired) != n || len(f.evicted) != 0 {
			t.Fatalf("after all expired: Count = %d, %d reported as expired, %d as evicted; want 0, %d, 0", s.Count(), len(f.expired), len(f.evicted), n)
		}
		// The sweep rests while the store is empty and wakes up again.
		time.Sleep(24 * time.Hour)
		if err := s.Create(t.Context(), newHandle(), session.Record{ExpiresAt: time.Now().Add(time.Second)}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		if s.Count() != 0 || len(f.expired) != n+1 {
			t.Fatalf("second sweep: Count = %d, %d reported; want 0, %d", s.Count(), len(f.expired), n+1)
		}
	})
}

func TestDeletedRecordsAreNotReported(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStore(t, memstore.Config{})
		f := watch(s)
		h := newHandle()
		if err := s.Create(t.Context(), h, session.Record{ExpiresAt: time.Now().Add(time.Minute)}); err != nil {
			t.Fatal(err)
		}
		if err := s.Delete(t.Context(), h); err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		if len(f.expired)+len(f.evicted) != 0 {
			t.Fatalf("%d expired and %d evicted reported, want none", len(f.expired), len(f.evicted))
		}
	})
}

func TestFullStoreEvictsTheLeastRecentlySeen(t *testing.T) {
	const bound = 512
	now := time.Unix(1_800_000_000, 0)
	s := newStore(t, memstore.Config{MaxRecords: bound, Now: func() time.Time { return now }})
	f := watch(s)
	old, recent := 0, 0
	for i := range 4 * bound {
		r := session.Record{LastSeen: now.Add(time.Duration(i) * time.Second), ExpiresAt: now.Add(24 * time.Hour)}
		h := newHandle()
		if err := s.Create(t.Context(), h, r); err != nil {
			t.Fatal(err)
		}
		if s.Count() > bound {
			t.Fatalf("Count = %d after %d Creates, want at most %d", s.Count(), i+1, bound)
		}
		if _, err := s.Get(t.Context(), h); err != nil {
			t.Fatalf("a record just created is gone: %v", err)
		}
	}
	for _, r := range f.evicted {
		if r.LastSeen.Before(now.Add(2 * bound * time.Second)) {
			old++
		} else {
			recent++
		}
	}
	if len(f.evicted) != 3*bound || len(f.expired) != 0 {
		t.Fatalf("%d evicted and %d expired reported, want %d and 0", len(f.evicted), len(f.expired), 3*bound)
	}
	if recent >= old {
		t.Errorf("%d of the newer half and %d of the older half were evicted", recent, old)
	}
}

func TestEvictionPrefersExpired(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStore(t, memstore.Config{MaxRecords: 2})
		f := watch(s)
		expired, alive := session.Handle{7, 1}, session.Handle{7, 2}
		soon := time.Now().Add(time.Second / 2) // before the first sweep
		for h, r := range map[session.Handle]session.Record{
			expired: {LastSeen: time.Now(), ExpiresAt: soon},
			alive:   {LastSeen: time.Now().Add(-time.Hour), ExpiresAt: time.Now().Add(time.Hour)},
		} {
			if err := s.Create(t.Context(), h, r); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(time.Second / 2)
		if err := s.Create(t.Context(), session.Handle{7, 3}, session.Record{ExpiresAt: time.Now().Add(time.Hour)}); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Get(t.Context(), alive); err != nil {
			t.Errorf("the living record was dropped although an expired one was there: %v", err)
		}
		if len(f.expired) != 1 || len(f.evicted) != 0 {
			t.Errorf("%d expired and %d evicted reported, want 1 and 0", len(f.expired), len(f.evicted))
		}
	})
}

func TestEvictionLooksInOtherShards(t *testing.T) {
	s := newStore(t, memstore.Config{MaxRecords: 1})
	far, last := session.Handle{9}, session.Handle{10}
	for _, h := range []session.Handle{far, last} {
		if err := s.Create(t.Context(), h, session.Record{ExpiresAt: time.Now().Add(time.Hour)}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.Get(t.Context(), far); err == nil || s.Count() != 1 {
		t.Fatalf("Get of the older record = %v, Count = %d; want ErrNotFound and 1", err, s.Count())
	}
}

func TestConcurrentCreatesStayBounded(t *testing.T) {
	const bound = 100
	s := newStore(t, memstore.Config{MaxRecords: bound})
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 500 {
				h := newHandle()
				_ = s.Create(t.Context(), h, session.Record{ExpiresAt: time.Now().Add(time.Hour)})
				_ = s.Delete(t.Context(), newHandle())
			}
		})
	}
	wg.Wait()
	if s.Count() != bound {
		t.Fatalf("Count = %d, want %d", s.Count(), bound)
	}
}

func TestGetDoesNotAllocate(t *testing.T) {
	s, h := newStore(t, memstore.Config{}), newHandle()
	ctx := t.Context()
	if err := s.Create(ctx, h, session.Record{Sealed: make([]byte, 4096), ExpiresAt: time.Now().Add(time.Hour)}); err != nil {
		t.Fatal(err)
	}
	if n := testing.AllocsPerRun(100, func() { _, _ = s.Get(ctx, h) }); n != 0 {
		t.Errorf("Get allocates %v times, want 0", n)
	}
}

func BenchmarkGet(b *testing.B) {
	for _, records := range []int{1, 50_000} {
		b.Run(strconv.Itoa(records), func(b *testing.B) {
			s := newStore(b, memstore.Config{})
			handles := make([]session.Handle, records)
			for i := range handles {
				handles[i] = newHandle()
				if err := s.Create(b.Context(), handles[i], session.Record{ExpiresAt: time.Now().Add(time.Hour)}); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				for i := 0; pb.Next(); i++ {
					_, _ = s.Get(b.Context(), handles[i%records])
				}
			})
		})
	}
}
