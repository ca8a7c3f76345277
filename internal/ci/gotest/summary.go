package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"strings"
)

// event is a line of `go test -json`; see `go doc test2json`.
type event struct {
	Action  string
	Package string
	Test    string
	Output  string
}

// count is how many tests and subtests ended how. A package that fails without
// a failed test (it did not build, or its process died) counts as one failure.
type count struct {
	passed, failed, skipped int
}

// String returns the summary line; skipped tests are named only when there are
// any.
func (c count) String() string {
	s := fmt.Sprintf("%d passed, %d failed", c.passed, c.failed)
	if c.skipped > 0 {
		s += fmt.Sprintf(", %d skipped", c.skipped)
	}
	return s
}

// summary prints and counts the events of one run.
type summary struct {
	count
	out    *bufio.Writer
	held   map[test][]string // output of tests that have not ended
	broken map[string]bool   // packages with a failed test
}

type test struct{ pkg, name string }

// summarize reads events to their end and writes what plain `go test` prints:
// the lines of packages at once, the lines of a test only when it fails. out is
// flushed after each package.
func summarize(events io.Reader, out *bufio.Writer) (count, error) {
	s := &summary{out: out, held: map[test][]string{}, broken: map[string]bool{}}
	lines := bufio.NewReader(events)
	for {
		line, err := lines.ReadBytes('\n')
		if len(line) > 0 {
			var e event
			if json.Unmarshal(line, &e) == nil {
				s.add(e)
			} else {
				out.Write(line) // go test's own complaint, not an event
			}
		}
		if err == io.EOF {
			return s.count, out.Flush()
		}
		if err != nil {
			return s.count, fmt.Errorf("reading the events of go test: %w", err)
		}
	}
}

func (s *summary) add(e event) {
	t := test{e.Package, e.Test}
	switch e.Action {
	case "output", "build-output":
		switch {
		case e.Test != "", strings.HasPrefix(e.Output, "-test.shuffle "):
			s.held[t] = append(s.held[t], e.Output)
		case e.Output != "PASS\n": // the package's own line follows
			s.out.WriteString(e.Output)
		}
	case "pass", "skip", "fail":
		if e.Test == "" {
			s.endPackage(e)
		} else {
			s.endTest(t, e.Action)
		}
	}
}

func (s *summary) endTest(t test, action string) {
	switch action {
	case "pass":
		s.passed++
	case "skip":
		s.skipped++
	default:
		s.broken[t.pkg] = true
		s.failed++
		s.print(t)
	}
	delete(s.held, t)
}

func (s *summary) endPackage(e event) {
	defer s.out.Flush()
	if e.Action != "fail" {
		return
	}
	if !s.broken[e.Package] {
		s.failed++
	}
	// The seed of -shuffle is held back until now. A process that died or ran
	// out of time leaves tests without an end; what they printed is the reason.
	for t := range s.held {
		if t.pkg == e.Package {
			s.print(t)
			delete(s.held, t)
		}
	}
}

// print writes what a test printed, without the lines of `go test -v`.
func (s *summary) print(t test) {
	for _, line := range s.held[t] {
		if !strings.HasPrefix(line, "=== ") {
			s.out.WriteString(line)
		}
	}
}
