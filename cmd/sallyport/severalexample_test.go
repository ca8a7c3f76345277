package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var redirectURI = regexp.MustCompile(`# Redirect URI: (\S+)\n`)

// The example for two providers starts once its empty lines have values, and its
// comments say what is so.
func TestExampleOfTwoProviders(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(providerPages, "several.env"))
	if err != nil {
		t.Fatal(err)
	}
	missing := map[string]string{
		"SALLYPORT_SECRET":           valid()["SALLYPORT_SECRET"],
		"SALLYPORT_OIDC_1_CLIENT_ID": "rp1", "SALLYPORT_OIDC_1_CLIENT_SECRET": "x",
		"SALLYPORT_OIDC_2_CLIENT_ID": "rp2", "SALLYPORT_OIDC_2_CLIENT_SECRET": "y",
	}
	vars := make(map[string]string)
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSuffix(line, "\n")
		if line == "" || strings.HasPrefix(line, "# ") {
			continue
		}
		name, value, ok := strings.Cut(line, "=")
		if !ok || (value == "") != (missing[name] != "") {
			t.Errorf("line %q", line)
		}
		if value == "" {
			value = missing[name]
		}
		vars[name] = value
	}
	s, err := load(environment(vars))
	if err != nil {
		t.Fatal(err)
	}
	if odd := s.providerWarnings(); len(odd) > 0 {
		t.Errorf("warned of: %v", odd)
	}
	var callbacks, said []string
	for _, p := range s.providers {
		callbacks = append(callbacks, p.endpoint("/callback"))
	}
	for _, m := range redirectURI.FindAllStringSubmatch(string(text), -1) {
		said = append(said, m[1])
	}
	if !slices.Equal(callbacks, said) || len(said) != 2 {
		t.Errorf("the redirect URIs are %q, the comments say %q", callbacks, said)
	}
}
