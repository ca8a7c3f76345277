package main

import (
	"cmp"
	"fmt"
	"iter"
	"reflect"
	"slices"
	"strings"
	"time"
	"unicode"
)

// requireValues reports each required variable that has no value. examples replace
// those of the tags.
func requireValues(values iter.Seq2[variable, reflect.Value], examples map[string]string, f *faults) {
	for v, value := range values {
		if v.Required && value.IsZero() {
			f.unreadable(v.Name, "is required", "set it, for example to "+cmp.Or(examples[v.Name], v.Example))
		}
	}
}

// checkWords holds each value against the words that its tag allows.
func checkWords(values iter.Seq2[variable, reflect.Value], f *faults) {
	for v, value := range values {
		if len(v.OneOf) == 0 {
			continue
		}
		words := []string{}
		switch x := value.Interface().(type) {
		case string:
			if x != "" {
				words = append(words, x)
			}
		case []string:
			words = x
		}
		for _, w := range words {
			if !slices.Contains(v.OneOf, w) {
				f.unreadable(v.Name, fmt.Sprintf("is %q", w), "use "+alternatives(v.OneOf))
			}
		}
	}
}

// checkText refuses what no value has on purpose and nobody sees: white space around
// it and control characters, such as the line end that a template leaves. It comes
// last, for what the other checks say of a value is more exact. Secrets are not its
// business: every character may belong to them.
func checkText(values iter.Seq2[variable, reflect.Value], f *faults) {
	for v, value := range values {
		var texts []string
		switch x := value.Interface().(type) {
		case string:
			texts = []string{x}
		case []string:
			texts = x
		}
		for _, text := range texts {
			if (strings.TrimSpace(text) != text || hasControl(text)) && !f.blames(v.Name) {
				f.add(v.Name, fmt.Sprintf("has the value %q, with white space around it or a control character in it", text), "remove what cannot be seen")
			}
		}
	}
}

func hasControl(text string) bool { return strings.ContainsFunc(text, unicode.IsControl) }

func alternatives(words []string) string {
	if len(words) == 1 {
		return words[0]
	}
	return strings.Join(words[:len(words)-1], ", ") + " or " + words[len(words)-1]
}

// positive refuses durations of zero and below.
func positive(f *faults, name string, d time.Duration) {
	if d <= 0 {
		f.add(name, fmt.Sprintf("is %s", d), "give a duration above zero, such as 30s")
	}
}

// notNegative refuses durations below zero.
func notNegative(f *faults, name string, d time.Duration) {
	if d < 0 {
		f.add(name, fmt.Sprintf("is %s", d), "give 0s or a duration above zero, such as 5s")
	}
}

func (s *settings) resolveLimits(f *faults) {
	l := s.Limits
	const smallest, largest = 4 << 10, 1 << 20
	if l.MaxHeaderBytes < smallest || l.MaxHeaderBytes > largest {
		f.add("SALLYPORT_MAX_HEADER_BYTES", fmt.Sprintf("is %d", l.MaxHeaderBytes), fmt.Sprintf("give a number of bytes from %d to %d", smallest, largest))
	}
	positive(f, "SALLYPORT_HEADER_TIMEOUT", l.HeaderTimeout)
	notNegative(f, "SALLYPORT_SHUTDOWN_DELAY", l.ShutdownDelay)
	positive(f, "SALLYPORT_SHUTDOWN_TIMEOUT", l.ShutdownTimeout)
	// The word has been checked already; an unknown one leaves info.
	_ = s.logLevel.UnmarshalText([]byte(s.Logging.Level))
}
