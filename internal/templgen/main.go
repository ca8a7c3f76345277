// Command templgen writes, beside each page.templ of a folder, the Go code of its
// components, page_templ.go. Packages with pages name it in a go:generate line, so
// that `go generate ./...` renews all of them; a test fails when one is stale.
//
// It is `templ generate` without the rest of that command, whose watcher, editor
// support and browser would come into go.mod with their modules.
package main

import (
	"bytes"
	"flag"
	"fmt"
	"go/format"
	"os"
	"path/filepath"
	"strings"

	"github.com/a-h/templ/generator"
	"github.com/a-h/templ/parser/v2"
)

func main() {
	flag.Parse()
	dir := "."
	if flag.NArg() > 0 {
		dir = flag.Arg(0)
	}
	if err := generate(dir); err != nil {
		fmt.Fprintln(os.Stderr, "templgen:", err)
		os.Exit(1)
	}
}

// generate writes the code of every template in dir.
func generate(dir string) error {
	templates, err := filepath.Glob(filepath.Join(dir, "*.templ"))
	if err != nil {
		return err
	}
	for _, template := range templates {
		code, err := codeOf(template)
		if err != nil {
			return err
		}
		if err := os.WriteFile(target(template), code, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// target is the file for the code of a template.
func target(template string) string { return strings.TrimSuffix(template, ".templ") + "_templ.go" }

// codeOf returns the Go code of a template, formatted.
func codeOf(template string) ([]byte, error) {
	parsed, err := parser.Parse(template)
	if err != nil {
		return nil, fmt.Errorf("parsing %s: %w", template, err)
	}
	var code bytes.Buffer
	if _, err := generator.Generate(parsed, &code, generator.WithFileName(filepath.Base(template))); err != nil {
		return nil, fmt.Errorf("generating the code of %s: %w", template, err)
	}
	formatted, err := format.Source(code.Bytes())
	if err != nil {
		return nil, fmt.Errorf("formatting the code of %s: %w", template, err)
	}
	return formatted, nil
}
