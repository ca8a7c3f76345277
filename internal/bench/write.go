package main

import (
	"fmt"
	"os"
	"strings"
)

// writeInto replaces what the page at file has between the markers of that run.
func writeInto(file, run, text string) error {
	page, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("reading the page to write into: %w", err)
	}
	changed, err := between(string(page), run, text)
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	if err := os.WriteFile(file, []byte(changed), 0o644); err != nil {
		return fmt.Errorf("writing the page: %w", err)
	}
	return nil
}

// checkPage says what would keep writeInto from working after a long run.
func checkPage(file, run string) error {
	page, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("reading the page to write into: %w", err)
	}
	if _, err := between(string(page), run, ""); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	return nil
}

// between is page with text between the run's markers, which stay.
func between(page, run, text string) (string, error) {
	begin, end := fmt.Sprintf("<!-- bench:%s -->\n", run), fmt.Sprintf("<!-- /bench:%s -->\n", run)
	before, rest, found := strings.Cut(page, begin)
	_, after, closed := strings.Cut(rest, end)
	if !found || !closed {
		return "", fmt.Errorf("it lacks the line %q or, after it, %q", strings.TrimSpace(begin), strings.TrimSpace(end))
	}
	return before + begin + "\n" + strings.TrimSpace(text) + "\n\n" + end + after, nil
}
