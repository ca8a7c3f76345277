package deploy

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	testFunc  = regexp.MustCompile(`(?m)^func (Test\w+)\(`)
	namedTest = regexp.MustCompile("`(Test\\w+)`")
)

// Every requirement has a row, and every row names tests that exist or what it still
// needs.
func TestRequirementsAreShown(t *testing.T) {
	exists := map[string]bool{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		source, err := os.ReadFile(path)
		for _, m := range testFunc.FindAllStringSubmatch(string(source), -1) {
			exists[m[1]] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile(filepath.Join(root, "docs", "requirements.md"))
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string]string{}
	for line := range strings.Lines(string(page)) {
		if cells := strings.Split(line, " | "); len(cells) == 3 {
			rows[strings.TrimPrefix(cells[0], "| ")] = cells[2]
		}
	}
	for _, series := range []struct {
		letter      string
		first, last int
	}{{"C", 19, 42}, {"P", 1, 34}, {"T", 1, 16}} {
		for n := series.first; n <= series.last; n++ {
			id := fmt.Sprintf("%s%d", series.letter, n)
			shown := rows[id]
			tests := namedTest.FindAllStringSubmatch(shown, -1)
			for _, m := range tests {
				if !exists[m[1]] {
					t.Errorf("%s names %s, and there is no such test", id, m[1])
				}
			}
			if len(tests) == 0 && !strings.Contains(shown, "later: ") && !strings.HasPrefix(shown, "as ") {
				t.Errorf("%s is neither shown by a test nor left for later: %q", id, shown)
			}
		}
	}
}
