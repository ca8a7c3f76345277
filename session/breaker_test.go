package session

import (
	"testing"
	"time"
)

// fails has n different sessions fail.
func fails(b *breaker, n int, now time.Time) (opened int) {
	for i := range n {
		if b.failed(Handle{byte(i)}, now) {
			opened++
		}
	}
	return opened
}

func TestBreakerOpensAfterDifferentSessions(t *testing.T) {
	var b breaker
	now := time.Unix(1_000_000, 0)
	for range 100 {
		b.failed(Handle{1}, now)
	}
	if !b.allows(now) {
		t.Error("one session opened it")
	}
	fails(&b, breakAfter-1, now)
	b.answered()
	fails(&b, breakAfter-1, now)
	if !b.allows(now) {
		t.Error("an answer between them does not count")
	}
	if !b.failed(Handle{200}, now) || b.allows(now) {
		t.Errorf("%d sessions did not open it", breakAfter)
	}
}

// A crowd that was under way when it opened does not make the first rest long.
func TestBreakerRestGrowsByProbes(t *testing.T) {
	var b breaker
	now := time.Unix(1_000_000, 0)
	if n := fails(&b, 250, now); n != 1 {
		t.Errorf("it opened %d times, want once", n)
	}
	for _, rest := range []time.Duration{2, 4, 8, 16, 30, 30} {
		rest *= time.Second
		if b.allows(now.Add(rest - 1)) {
			t.Fatalf("a probe before %s", rest)
		}
		now = now.Add(rest)
		if !b.allows(now) {
			t.Fatalf("no probe after %s", rest)
		}
		if b.allows(now) {
			t.Fatalf("two probes after %s", rest)
		}
		b.failed(Handle{1}, now)
	}
	b.answered()
	if !b.allows(now) || !b.allows(now) {
		t.Error("still open after an answer")
	}
}

// A probe that never reports (another replica had renewed the grant) does not keep
// the breaker open for good.
func TestBreakerProbesAgain(t *testing.T) {
	var b breaker
	now := time.Unix(1_000_000, 0)
	fails(&b, breakAfter, now)
	for range 3 {
		now = now.Add(firstRest)
		if !b.allows(now) {
			t.Fatal("no probe after a rest")
		}
	}
}
