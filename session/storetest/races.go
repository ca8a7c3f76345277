package storetest

import (
	"sync"
	"sync/atomic"

	"github.com/sallyport/sallyport/session"
)

// rivals is how many goroutines race for one winner.
const rivals = 8

// together runs fs at once and waits for them.
func together(fs ...func()) {
	var ready, done sync.WaitGroup
	ready.Add(len(fs))
	for _, f := range fs {
		done.Go(func() {
			ready.Done()
			ready.Wait()
			f()
		})
	}
	done.Wait()
}

func testConcurrentReplace(f *fixture) {
	h := newHandle()
	f.create(h, f.record("sealed"))
	for version := uint64(1); version <= uint64(max(f.harness.Races/100, 10)); version++ {
		var won, lost atomic.Int32
		racers := make([]func(), rivals)
		for i := range racers {
			racers[i] = func() {
				r := f.record("sealed")
				r.Version = version
				switch err := f.store.Replace(f.Context(), h, r); {
				case err == nil:
					won.Add(1)
				case isConflict(err):
					lost.Add(1)
				default:
					f.Errorf("Replace: %v", err)
				}
			}
		}
		together(racers...)
		if won.Load() != 1 || lost.Load() != rivals-1 {
			f.Fatalf("version %d: %d writers won and %d lost, want 1 and %d", version, won.Load(), lost.Load(), rivals-1)
		}
		if got := f.get(h).Version; got != version+1 {
			f.Fatalf("Version = %d, want %d", got, version+1)
		}
	}
}

func testConcurrentCreate(f *fixture) {
	for range max(f.harness.Races/100, 10) {
		h := newHandle()
		var won atomic.Int32
		racers := make([]func(), rivals)
		for i := range racers {
			racers[i] = func() {
				err := f.store.Create(f.Context(), h, f.record("sealed"))
				if err == nil {
					won.Add(1)
				} else if !isConflict(err) {
					f.Errorf("Create: %v", err)
				}
			}
		}
		together(racers...)
		if won.Load() != 1 {
			f.Fatalf("%d of %d Creates of one handle succeeded, want 1", won.Load(), rivals)
		}
	}
}

// testDeleteReplaceRace is a sign-out that meets a refresh: whichever comes
// first, the session is gone afterwards.
func testDeleteReplaceRace(f *fixture) {
	revived := 0
	for range f.harness.Races {
		h, r := newHandle(), f.record("sealed")
		f.create(h, r)
		r.Version = 1
		together(
			func() {
				if err := f.store.Delete(f.Context(), h); err != nil {
					f.Errorf("Delete: %v", err)
				}
			},
			func() {
				if err := f.store.Replace(f.Context(), h, r); err != nil && !isNotFound(err) {
					f.Errorf("Replace: %v", err)
				}
			},
		)
		if _, err := f.store.Get(f.Context(), h); !isNotFound(err) {
			revived++
		}
	}
	if revived != 0 {
		f.Fatalf("%d of %d deleted records came back", revived, f.harness.Races)
	}
}

// testDeleteReplaceRetry has a writer that reads and writes until it is told
// that the record is gone.
func testDeleteReplaceRetry(f *fixture) {
	for range max(f.harness.Races/100, 10) {
		h := newHandle()
		f.create(h, f.record("sealed"))
		together(
			func() {
				if err := f.store.Delete(f.Context(), h); err != nil {
					f.Errorf("Delete: %v", err)
				}
			},
			func() { writeUntilGone(f, h) },
			func() { writeUntilGone(f, h) },
		)
		f.absent(h)
	}
}

func writeUntilGone(f *fixture, h session.Handle) {
	for {
		r, err := f.store.Get(f.Context(), h)
		if isNotFound(err) {
			return
		}
		if err != nil {
			f.Errorf("Get: %v", err)
			return
		}
		if err := f.store.Replace(f.Context(), h, r); err != nil && !isNotFound(err) && !isConflict(err) {
			f.Errorf("Replace: %v", err)
			return
		}
	}
}
