package main

import (
	"io"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParse(t *testing.T) {
	o, err := parse([]string{"-sizes", "1,65536", "-part", "requests"})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]int{1, 65536}, o.sizes); diff != "" {
		t.Error(diff)
	}
	if o.sessions != 100_000 || o.sockets != 10_000 || o.run != "second" {
		t.Errorf("the defaults are %+v", o)
	}
}

func TestParseNamesTheFlag(t *testing.T) {
	for flag, args := range map[string][]string{
		"-sizes":        {"-sizes", "1024,none"},
		"-sizes has":    {"-sizes", "0"},
		"-slices":       {"-slices", "0"},
		"-sessions":     {"-sessions", "-1"},
		"-profile-time": {"-profile-time", "1500ms"},
		"-part":         {"-part", "nothing"},
		"no arguments":  {"more"},
	} {
		if _, err := parse(args); err == nil || !strings.Contains(err.Error(), flag) {
			t.Errorf("%q: error is %v, want one that names %s", args, err, flag)
		}
	}
}

// A page that cannot be written into is found before anything is measured.
func TestPageIsCheckedFirst(t *testing.T) {
	page := filepath.Join(t.TempDir(), "performance.md")
	copyFile(t, "../../docs/performance.md", page)
	for why, args := range map[string][]string{
		"bench:third":      {"-write", page, "-run", "third"},
		"reading the page": {"-write", page + ".absent"},
	} {
		if err := run(t.Context(), args, io.Discard); err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("%q: error is %v, want one with %q", args, err, why)
		}
	}
}
