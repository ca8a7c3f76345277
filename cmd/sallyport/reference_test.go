package main

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestReferenceIsCurrent fails when docs/configuration.md and the struct tags
// say different things.
func TestReferenceIsCurrent(t *testing.T) {
	written, err := os.ReadFile("../../docs/configuration.md")
	if err != nil {
		t.Fatal(err)
	}
	var now bytes.Buffer
	markdown(&now, inReference())
	if diff := cmp.Diff(string(written), now.String()); diff != "" {
		t.Errorf("docs/configuration.md is not what the code says; run make docs (-written +code):\n%s", diff)
	}
}

func TestEveryVariableIsDescribed(t *testing.T) {
	seen := make(map[string]bool)
	for _, v := range variables() {
		switch {
		case !strings.HasPrefix(v.Name, namePrefix):
			t.Errorf("field %s has no env tag of ours: %q", v.field, v.Name)
		case seen[v.Name]:
			t.Errorf("%s is described twice", v.Name)
		case v.Doc == "" || !strings.HasSuffix(v.Doc, "."):
			t.Errorf("%s has no doc tag that is a sentence", v.Name)
		case v.Required && v.Example == "":
			t.Errorf("%s is required and has no example", v.Name)
		}
		seen[v.Name] = true
	}
}

// TestEnvFileIsAConfiguration fills the empty lines of the env file and loads it.
func TestEnvFileIsAConfiguration(t *testing.T) {
	var out bytes.Buffer
	envFile(&out, variables())
	values := valid()
	var environ []string
	for line := range strings.Lines(out.String()) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "# ") {
			continue
		}
		name, value, ok := strings.Cut(strings.TrimPrefix(line, "#"), "=")
		if !ok {
			t.Errorf("line %q is no assignment", line)
		}
		if strings.HasPrefix(value, "/run/secrets/") { // the other way to give a secret
			continue
		}
		if !strings.HasPrefix(line, "#") {
			value = values[name]
		}
		if value == "" && (strings.HasPrefix(name, "SALLYPORT_ALLOWED_") || name == emailDomainsVariable) {
			continue
		}
		environ = append(environ, name+"="+value)
	}
	if _, err := load(environ); err != nil {
		t.Errorf("the defaults that the env file shows are not valid: %v", err)
	}
}

func FuzzWrap(f *testing.F) {
	f.Add("some words to wrap", 8)
	f.Fuzz(func(t *testing.T, text string, width int) {
		var lines []string
		for line := range wrap(text, width) {
			lines = append(lines, line)
		}
		if got, want := strings.Join(lines, " "), strings.Join(strings.Fields(text), " "); got != want {
			t.Errorf("words were lost: %q became %q", want, got)
		}
	})
}
