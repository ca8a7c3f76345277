package deploy

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

var (
	seriesName = regexp.MustCompile(`sallyport_[a-z_]*[a-z]`)
	// shortName is a name as it stands beside Namespace: "sallyport".
	shortName = regexp.MustCompile(`^[a-z]+(_[a-z]+)*_(total|seconds|in_flight|info|active)$`)
)

// Dashboards and alerts are written from docs/metrics.md: it names the series
// that the program registers, all of them and no other.
func TestMetricsPageNamesEverySeries(t *testing.T) {
	registered := seriesInSource(t)
	if len(registered) < 5 {
		t.Fatalf("found %d series in the source, which cannot be all", len(registered))
	}
	documented := map[string]bool{}
	for _, name := range seriesName.FindAllString(read(t, "docs/metrics.md"), -1) {
		for _, suffix := range []string{"_bucket", "_sum", "_count"} { // of a histogram
			if trimmed := strings.TrimSuffix(name, suffix); registered[trimmed] {
				name = trimmed
			}
		}
		documented[name] = true
	}
	for name := range registered {
		if !documented[name] {
			t.Errorf("docs/metrics.md does not name %s", name)
		}
	}
	for name := range documented {
		if !registered[name] {
			t.Errorf("docs/metrics.md names %s, which nothing registers", name)
		}
	}
}

// seriesInSource returns every string of the program that is a series' name.
func seriesInSource(t *testing.T) map[string]bool {
	t.Helper()
	names := map[string]bool{}
	for _, top := range []string{"cmd", "idp", "proxy", "session"} {
		dir := filepath.Join(root, top)
		err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			source, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			file, err := parser.ParseFile(token.NewFileSet(), path, source, parser.SkipObjectResolution)
			if err != nil {
				return err
			}
			texts := stringsIn(file)
			for _, text := range texts {
				switch {
				case text != "" && seriesName.FindString(text) == text:
					names[text] = true
				case shortName.MatchString(text) && slices.Contains(texts, "sallyport"):
					names["sallyport_"+text] = true
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return names
}

// stringsIn returns the string literals of a file.
func stringsIn(file *ast.File) []string {
	var texts []string
	ast.Inspect(file, func(n ast.Node) bool {
		if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
			if text, err := strconv.Unquote(lit.Value); err == nil {
				texts = append(texts, text)
			}
		}
		return true
	})
	return texts
}
