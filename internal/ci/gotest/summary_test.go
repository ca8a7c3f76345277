package main

import (
	"bufio"
	"strings"
	"testing"
)

func TestSummarize(t *testing.T) {
	tests := []struct {
		name   string
		events string
		count  string
		prints []string
		hides  []string
	}{
		{
			name: "tests and subtests count, their chatter is hidden",
			events: `{"Action":"run","Package":"p","Test":"TestA"}
{"Action":"output","Package":"p","Test":"TestA","Output":"=== RUN   TestA\n"}
{"Action":"output","Package":"p","Test":"TestA","Output":"    a_test.go:1: chatter\n"}
{"Action":"pass","Package":"p","Test":"TestA/one"}
{"Action":"pass","Package":"p","Test":"TestA"}
{"Action":"output","Package":"p","Output":"PASS\n"}
{"Action":"output","Package":"p","Output":"ok  \tp\t0.1s\n"}
{"Action":"pass","Package":"p"}
`,
			count:  "2 passed, 0 failed",
			prints: []string{"ok  \tp\t0.1s\n"},
			hides:  []string{"chatter", "PASS\n", "=== RUN"},
		},
		{
			name: "a failed test prints what it said and its package is not counted again",
			events: `{"Action":"output","Package":"p","Test":"TestA","Output":"    a_test.go:1: wanted 1\n"}
{"Action":"fail","Package":"p","Test":"TestA"}
{"Action":"output","Package":"p","Output":"FAIL\tp\t0.1s\n"}
{"Action":"fail","Package":"p"}
`,
			count:  "0 passed, 1 failed",
			prints: []string{"wanted 1", "FAIL\tp"},
		},
		{
			name: "a package that does not build is one failure",
			events: `{"ImportPath":"p","Action":"build-output","Output":"p/a.go:1: undefined: x\n"}
{"Action":"output","Package":"p","Output":"FAIL\tp [build failed]\n"}
{"Action":"fail","Package":"p"}
`,
			count:  "0 passed, 1 failed",
			prints: []string{"undefined: x", "[build failed]"},
		},
		{
			name: "a test cut off by its process is one failure and its words are printed",
			events: `{"Action":"run","Package":"p","Test":"TestA"}
{"Action":"output","Package":"p","Test":"TestA","Output":"panic: test timed out\n"}
{"Action":"output","Package":"p","Output":"FAIL\tp\t900s\n"}
{"Action":"fail","Package":"p"}
`,
			count:  "0 passed, 1 failed",
			prints: []string{"panic: test timed out"},
		},
		{
			name: "skipped tests are named",
			events: `{"Action":"skip","Package":"p","Test":"TestA"}
{"Action":"pass","Package":"p"}
`,
			count: "0 passed, 0 failed, 1 skipped",
		},
		{
			name:   "what is not an event is passed on",
			events: "go: cannot find main module\n",
			count:  "0 passed, 0 failed",
			prints: []string{"go: cannot find main module\n"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var printed strings.Builder
			c, err := summarize(strings.NewReader(tt.events), bufio.NewWriter(&printed))
			if err != nil {
				t.Fatal(err)
			}
			if c.String() != tt.count {
				t.Errorf("count is %q, want %q", c, tt.count)
			}
			for _, want := range tt.prints {
				if !strings.Contains(printed.String(), want) {
					t.Errorf("printed %q, which lacks %q", printed.String(), want)
				}
			}
			for _, hidden := range tt.hides {
				if strings.Contains(printed.String(), hidden) {
					t.Errorf("printed %q, which should not have %q", printed.String(), hidden)
				}
			}
		})
	}
}
