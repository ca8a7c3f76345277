package main

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/a-h/templ/parser/v2"
)

// root is the module's, seen from this package.
const root = "../.."

// found lists the files of the module whose name ends with suffix.
func found(t *testing.T, suffix string) []string {
	t.Helper()
	var paths []string
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() && d.Name() == "node_modules" {
			return fs.SkipDir
		}
		if strings.HasSuffix(path, suffix) {
			paths = append(paths, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return paths
}

func TestCodeIsCurrent(t *testing.T) {
	templates := found(t, ".templ")
	if len(templates) == 0 {
		t.Fatal("no templates: is this the root of the module?")
	}
	for _, template := range templates {
		want, err := codeOf(template)
		if err != nil {
			t.Error(err)
			continue
		}
		if got, err := os.ReadFile(target(template)); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s is not the code of %s (%v); run go generate ./...", target(template), template, err)
		}
	}
}

func TestCodeHasATemplate(t *testing.T) {
	for _, code := range found(t, "_templ.go") {
		if _, err := os.Stat(strings.TrimSuffix(code, "_templ.go") + ".templ"); err != nil {
			t.Errorf("%s: its template is gone, and it has to go too: %v", code, err)
		}
	}
}

func TestTemplatesAreFormatted(t *testing.T) {
	for _, template := range found(t, ".templ") {
		parsed, err := parser.Parse(template)
		if err != nil {
			t.Error(err)
			continue
		}
		var want bytes.Buffer
		if err := parsed.Write(&want); err != nil {
			t.Error(err)
			continue
		}
		if got, err := os.ReadFile(template); err != nil || !bytes.Equal(got, want.Bytes()) {
			t.Errorf("%s is not as `templ fmt` writes it (%v)", template, err)
		}
	}
}

func TestGenerate(t *testing.T) {
	dir := t.TempDir()
	template := filepath.Join(dir, "greeting.templ")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(template, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}

	write("package greetings\n\ntempl greeting(name string) {\n\t<p>{ name }</p>\n}\n")
	if err := generate(dir); err != nil {
		t.Fatal(err)
	}
	code, err := os.ReadFile(filepath.Join(dir, "greeting_templ.go"))
	if err != nil || !bytes.Contains(code, []byte("func greeting(name string) templ.Component")) {
		t.Errorf("the code is %v\n%s", err, code)
	}

	write("package greetings\n\ntempl greeting(name string) {\n\t<p>{ name }\n}\n")
	if err := generate(dir); err == nil || !strings.Contains(err.Error(), "greeting.templ") {
		t.Errorf("a template that does not parse: %v, want an error that names it", err)
	}
}
