package deploy

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// root is the repository's top folder, relative to this package.
var root = filepath.Join("..", "..")

func read(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(name)))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// markdown returns the text of every page of ours by its slash-separated path.
func markdown(t *testing.T) map[string]string {
	t.Helper()
	pages := map[string]string{}
	tree := os.DirFS(root)
	err := fs.WalkDir(tree, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "node_modules" || d.Name() == ".git") {
			return fs.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(path, ".md") {
			return nil
		}
		text, err := fs.ReadFile(tree, path)
		pages[path] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(pages) < 10 {
		t.Fatalf("found %d pages of documentation, which cannot be all", len(pages))
	}
	return pages
}

var variable = regexp.MustCompile(`SALLYPORT_((RULE|OIDC)_<n>_)?[A-Z0-9_]*[A-Z0-9]`)

// numbered matches the variables of one rule or provider.
var numbered = regexp.MustCompile(`^SALLYPORT_(RULE|OIDC)_[0-9]+_`)

// variables returns the names in docs/configuration.md, which the program
// writes from its own struct tags.
func variables(t *testing.T) map[string]bool {
	t.Helper()
	names := map[string]bool{}
	for _, name := range variable.FindAllString(read(t, "docs/configuration.md"), -1) {
		names[name] = true
	}
	if len(names) < 20 {
		t.Fatalf("docs/configuration.md names %d variables, which cannot be all", len(names))
	}
	return names
}
