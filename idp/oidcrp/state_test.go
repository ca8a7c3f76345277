package oidcrp

import (
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/session"
)

// A state is one spelling of its bits: were another accepted, it would be another
// state to whoever remembers which are spent.
func TestStateSpellings(t *testing.T) {
	good := "1" + strings.Repeat("A", 43)
	if kind, ok := parseState(good); !ok || kind != stateFirst {
		t.Fatalf("parseState(%q) = %c, %t", good, kind, ok)
	}
	for name, bad := range map[string]string{
		"OF-06 bits beyond the last byte": "1" + strings.Repeat("A", 42) + "B",
		"OF-06 padding":                   "1" + strings.Repeat("A", 42) + "=",
		"OF-06 standard base64":           "1" + strings.Repeat("A", 42) + "+",
		"OF-06 a line break inside":       "1" + strings.Repeat("A", 20) + "\n" + strings.Repeat("A", 22),
		"OF-06 a line break at the end":   good[:43] + "\n",
		"OF-06 a longer one":              good + "A",
		"OF-06 a shorter one":             good[:43],
		"OF-06 no kind":                   "\x00" + strings.Repeat("A", 43),
		"OF-06 a small l":                 "l" + strings.Repeat("A", 43),
		"OF-06 44 bytes that are no text": strings.Repeat("\xff", 44),
	} {
		if kind, ok := parseState(bad); ok {
			t.Errorf("%s: parseState(%q) = %c, want it refused", name, bad, kind)
		}
	}
}

func TestSpentStates(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	s := newSpentStates(func() time.Time { return now })
	if !s.spend("a") || s.spend("a") {
		t.Fatal("OF-03: a state must be good for exactly one callback")
	}
	// A cookie is accepted for PendingTTL from the sign-in's beginning: a spent state
	// must be remembered for as long, whenever the generations change.
	now = now.Add(session.PendingTTL - time.Second)
	if !s.spend("b") {
		t.Error("an unused state is refused")
	}
	now = now.Add(time.Second) // a new generation
	for _, state := range []string{"a", "b"} {
		if s.spend(state) {
			t.Errorf("OF-03: %q is good again in the next generation", state)
		}
	}
	now = now.Add(session.PendingTTL - 2*time.Second) // b's cookie would still be good
	if s.spend("b") {
		t.Error("OF-03: b is good again while its cookie is")
	}
}

// Anybody can begin sign-ins and come back from them; memory has a bound all the same.
func TestSpentStatesAreBounded(t *testing.T) {
	s := newSpentStates(time.Now)
	for range 3*maxSpent + 1 {
		s.spend(randomText())
	}
	if n := len(s.young) + len(s.former); n > 2*maxSpent {
		t.Errorf("%d states are remembered, want at most %d", n, 2*maxSpent)
	}
}
