package arch

import (
	"bytes"
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
)

// file is what the tests of this package know of one Go file.
type file struct {
	path    string // slashed, from the root of the module
	dir     string
	isTest  bool
	lines   int
	imports []string
}

// scan reads every Go file of a module. Folders that the go command ignores and
// other modules within are left out.
func scan(root fs.FS) ([]file, error) {
	var files []file
	err := fs.WalkDir(root, ".", func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			return enter(root, p)
		}
		if path.Ext(p) != ".go" {
			return nil
		}
		f, err := read(root, p)
		if err != nil {
			return fmt.Errorf("reading %s: %w", p, err)
		}
		files = append(files, f)
		return nil
	})
	return files, err
}

func enter(root fs.FS, dir string) error {
	if dir == "." {
		return nil
	}
	base := path.Base(dir)
	if base == "testdata" || base == "vendor" || base == "node_modules" || base[0] == '.' || base[0] == '_' {
		return fs.SkipDir
	}
	if _, err := fs.Stat(root, dir+"/go.mod"); err == nil {
		return fs.SkipDir
	}
	return nil
}

func read(root fs.FS, p string) (file, error) {
	source, err := fs.ReadFile(root, p)
	if err != nil {
		return file{}, err
	}
	parsed, err := parser.ParseFile(token.NewFileSet(), p, source, parser.ImportsOnly)
	if err != nil {
		return file{}, err
	}
	f := file{path: p, dir: path.Dir(p), isTest: strings.HasSuffix(p, "_test.go"), lines: bytes.Count(source, []byte("\n"))}
	for _, spec := range parsed.Imports {
		imported, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return file{}, err
		}
		f.imports = append(f.imports, imported)
	}
	return f, nil
}

func TestScan(t *testing.T) {
	tree := fstest.MapFS{
		"go.mod":                  {Data: []byte("module m\n")},
		"proxy/a.go":              {Data: []byte("package proxy\n\nimport (\n\t_ \"net/http\"\n\n\t_ \"" + module + "/idp\"\n)\n")},
		"proxy/a_test.go":         {Data: []byte("package proxy_test\n\nimport m \"" + module + "/idp/oidcrp\"\n\nvar _ = m.X\n")},
		"session/long.go":         {Data: []byte("package session\n" + strings.Repeat("\n", maxLines))},
		"session/full.go":         {Data: []byte("package session\n" + strings.Repeat("\n", maxLines-1))},
		"session/notes.txt":       {Data: []byte("not Go")},
		"proxy/testdata/b.go":     {Data: []byte("not Go")},
		".hidden/b.go":            {Data: []byte("not Go")},
		"web/node_modules/b.go":   {Data: []byte("not Go")},
		"tools/go.mod":            {Data: []byte("module other\n")},
		"tools/b.go":              {Data: []byte("not Go")},
		"internal/arch/broken.md": {Data: []byte("not Go")},
	}
	files, err := scan(tree)
	if err != nil {
		t.Fatal(err)
	}
	var paths []string
	for _, f := range files {
		paths = append(paths, f.path)
	}
	if want := []string{"proxy/a.go", "proxy/a_test.go", "session/full.go", "session/long.go"}; !slices.Equal(paths, want) {
		t.Errorf("scanned %q, want %q", paths, want)
	}
	if got := wrongArrows(files); len(got) != 2 || !strings.HasPrefix(got[0], "proxy/a.go imports idp,") || !strings.HasPrefix(got[1], "proxy/a_test.go imports idp/oidcrp,") {
		t.Errorf("wrong arrows: %q", got)
	}
	if got := tooLong(files); len(got) != 1 || got[0].path != "session/long.go" || got[0].lines != maxLines+1 {
		t.Errorf("too long: %+v", got)
	}
}

func TestScanReportsBrokenFiles(t *testing.T) {
	if files, err := scan(fstest.MapFS{"a/a.go": {Data: []byte("no package clause")}}); err == nil {
		t.Errorf("scan = %+v, want an error", files)
	}
}
