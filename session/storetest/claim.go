package storetest

import (
	"sync/atomic"
	"time"

	"github.com/sallyport/sallyport/session"
)

// claimants is how many goroutines claim one value.
const claimants = 64

// claiming are the tests of a store that is a session.Claimer.
func claiming() map[string]func(*fixture, session.Claimer) {
	return map[string]func(*fixture, session.Claimer){
		"claim once":                  testClaim,
		"claim again when it is over": testClaimOver,
		"one claim is the first":      testClaimRace,
		"claim with a cancelled ctx":  testClaimCancelled,
	}
}

func (f *fixture) claim(c session.Claimer, t session.Tag, want bool) {
	f.Helper()
	if first, err := c.Claim(f.Context(), t, f.Now().Add(10*time.Minute)); first != want || err != nil {
		f.Errorf("Claim = %t, %v; want %t", first, err, want)
	}
	f.claimed(c, t, true)
}

func (f *fixture) claimed(c session.Claimer, t session.Tag, want bool) {
	f.Helper()
	if claimed, err := c.Claimed(f.Context(), t); claimed != want || err != nil {
		f.Errorf("Claimed = %t, %v; want %t", claimed, err, want)
	}
}

func testClaim(f *fixture, c session.Claimer) {
	a, b := newTag(), newTag()
	f.claimed(c, a, false)
	f.claim(c, a, true)
	f.claim(c, a, false)
	f.claimed(c, b, false)
	f.claim(c, b, true)
	f.claim(c, a, false)
	if ix, ok := f.store.(session.Indexer); ok { // a claim marks nothing
		f.finds(ix, a)
	}
}

func testClaimOver(f *fixture, c session.Claimer) {
	a := newTag()
	f.claim(c, a, true)
	f.advance(9 * time.Minute)
	f.claim(c, a, false)
	f.advance(2 * time.Minute)
	f.claimed(c, a, false)
	f.claim(c, a, true)
	f.claim(c, a, false)
}

func testClaimRace(f *fixture, _ session.Claimer) {
	stores := f.stores()
	for range max(f.harness.Races/100, 10) {
		tag := newTag()
		var first atomic.Int32
		racers := make([]func(), claimants)
		for i := range racers {
			racers[i] = func() {
				c := stores[i%len(stores)].(session.Claimer)
				ok, err := c.Claim(f.Context(), tag, f.Now().Add(time.Minute))
				if err != nil {
					f.Errorf("Claim: %v", err)
				}
				if ok {
					first.Add(1)
				}
			}
		}
		together(racers...)
		if n := first.Load(); n != 1 {
			f.Fatalf("%d of %d claims are the first", n, claimants)
		}
	}
}

func testClaimCancelled(f *fixture, c session.Claimer) {
	if first, err := c.Claim(cancelled(f.T), newTag(), f.Now().Add(time.Minute)); first || err == nil {
		f.Errorf("Claim = %t, %v; want an error", first, err)
	}
	if claimed, err := c.Claimed(cancelled(f.T), newTag()); claimed || err == nil {
		f.Errorf("Claimed = %t, %v; want an error", claimed, err)
	}
}
