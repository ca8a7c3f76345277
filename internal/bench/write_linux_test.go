package main

import (
	"strings"
	"testing"
)

func TestBetweenKeepsTheRestOfThePage(t *testing.T) {
	const page = "# Title\n\n<!-- bench:quiet -->\nold\n<!-- /bench:quiet -->\n\nWritten by hand.\n\n<!-- bench:second -->\n<!-- /bench:second -->\n"
	got, err := between(page, "quiet", "new\n\n")
	if err != nil {
		t.Fatal(err)
	}
	const want = "# Title\n\n<!-- bench:quiet -->\n\nnew\n\n<!-- /bench:quiet -->\n\nWritten by hand.\n\n<!-- bench:second -->\n<!-- /bench:second -->\n"
	if got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if again, err := between(got, "quiet", "new"); err != nil || again != got {
		t.Errorf("a second time it is %q, %v", again, err)
	}
}

func TestBetweenNeedsBothMarkers(t *testing.T) {
	for _, page := range []string{"", "<!-- bench:quiet -->\n", "<!-- /bench:quiet -->\n<!-- bench:quiet -->\n", "<!-- bench:second -->\n<!-- /bench:second -->\n"} {
		if _, err := between(page, "quiet", "new"); err == nil || !strings.Contains(err.Error(), "bench:quiet") {
			t.Errorf("%q: error is %v, want one that names the marker", page, err)
		}
	}
}

// A page of the documentation has a place for each run.
func TestPerformancePageHasBothPlaces(t *testing.T) {
	for _, run := range []string{"quiet", "second"} {
		copied := t.TempDir() + "/performance.md"
		copyFile(t, "../../docs/performance.md", copied)
		if err := writeInto(copied, run, "measured"); err != nil {
			t.Error(err)
		}
	}
}
