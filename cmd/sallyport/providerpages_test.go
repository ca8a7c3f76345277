package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/idp/oidcrp"
)

const providerPages = "../../docs/providers"

func readPage(t *testing.T, file string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(providerPages, file))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

var (
	shellBlock = regexp.MustCompile("(?s)```sh\n(.*?)```")
	sourceMark = regexp.MustCompile(`\[[^\]]+\]`)
)

// documented is the environment that a page shows first, with secrets filled in.
func documented(page string) map[string]string {
	vars := map[string]string{}
	block := shellBlock.FindStringSubmatch(page)
	if block == nil {
		return vars
	}
	for line := range strings.Lines(block[1]) {
		name, value, ok := strings.Cut(strings.TrimSpace(line), "=")
		if !ok || strings.HasPrefix(name, "#") {
			continue
		}
		value, _, _ = strings.Cut(value, " ")
		if value == "…" {
			value = valid()[name]
		}
		vars[name] = value
	}
	return vars
}

// Each page has an environment that starts, and says what its preset does.
func TestProviderPages(t *testing.T) {
	overview := readPage(t, "README.md")
	for _, name := range oidcrp.PresetNames() {
		if name == oidcrp.GenericPreset {
			continue
		}
		t.Run(name, func(t *testing.T) {
			page := readPage(t, name+".md")
			s, err := load(environment(documented(page)))
			if err != nil {
				t.Fatalf("the environment of the page: %v", err)
			}
			if s.providers[0].OIDC.Provider != name {
				t.Errorf("the page's preset is %q", s.providers[0].OIDC.Provider)
			}
			preset, _ := oidcrp.FindPreset(name)
			for _, variable := range slices.Sorted(maps.Keys(preset.Defaults)) {
				if row := fmt.Sprintf("| `%s` | `%s` |\n", variable, preset.Defaults[variable]); !strings.Contains(page, row) {
					t.Errorf("the page does not say %s", row)
				}
			}
			if !strings.Contains(overview, "]("+name+".md) | `"+name+"` |") {
				t.Error("the overview has no row for it")
			}
		})
	}
}

// Every recorded fact is on the page, with a source that sources.md explains.
func TestFactsAreOnThePages(t *testing.T) {
	sources := readPage(t, "sources.md")
	for _, name := range oidcrp.PresetNames() {
		if name == oidcrp.GenericPreset {
			continue
		}
		raw, err := os.ReadFile(filepath.Join("../../idp/oidcrp/testdata/profiles", name+".json"))
		if err != nil {
			t.Fatal(err)
		}
		var profile struct {
			Facts []struct{ Fact, Source string }
		}
		if err := json.Unmarshal(raw, &profile); err != nil {
			t.Fatal(err)
		}
		page := readPage(t, name+".md")
		for _, f := range profile.Facts {
			if row := fmt.Sprintf("| %s | %s |\n", f.Fact, f.Source); !strings.Contains(page, row) {
				t.Errorf("%s: the page does not have %s", name, row)
			}
			for _, mark := range sourceMark.FindAllString(f.Source, -1) {
				if !strings.Contains(sources, "| "+mark+" | ") {
					t.Errorf("%s: sources.md does not know %s", name, mark)
				}
			}
		}
	}
}
