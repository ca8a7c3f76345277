package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"time"
)

// The levels of a finding.
const (
	levelOK   = "ok"
	levelWarn = "warn"
	levelFail = "fail"
)

// finding is one line of the doctor's report.
type finding struct {
	Level    string `json:"level"`              // ok, warn or fail
	Provider string `json:"provider,omitempty"` // its id, where there are several
	Probe    string `json:"probe"`              // what was looked at
	Message  string `json:"message"`            // what was found, and the remedy
	Variable string `json:"variable,omitempty"` // the variable to change
}

// findings collects the report in order.
type findings []finding

func (f *findings) ok(probe, format string, args ...any) {
	*f = append(*f, finding{Level: levelOK, Probe: probe, Message: fmt.Sprintf(format, args...)})
}

func (f *findings) warn(probe, variable, format string, args ...any) {
	*f = append(*f, finding{Level: levelWarn, Probe: probe, Variable: variable, Message: fmt.Sprintf(format, args...)})
}

func (f *findings) fail(probe, variable, format string, args ...any) {
	*f = append(*f, finding{Level: levelFail, Probe: probe, Variable: variable, Message: fmt.Sprintf(format, args...)})
}

// join adds what was found of one provider, with the names that its variables have.
func (f *findings) join(p *provider, found findings) {
	for _, one := range found {
		one.Variable, one.Message = p.Names.of(one.Variable), p.Names.in(one.Message)
		if p.hasSiblings() {
			one.Provider = p.id()
		}
		*f = append(*f, one)
	}
}

func (f findings) failed() bool {
	for _, one := range f {
		if one.Level == levelFail {
			return true
		}
	}
	return false
}

// check is the doctor. It needs no running process and changes nothing.
func (p *process) check(ctx context.Context, asJSON bool) int {
	found := examine(ctx, p.environ, p.now)
	if asJSON {
		writeJSON(p.stdout, found)
	} else {
		writeText(p.stdout, found)
	}
	if found.failed() {
		return exitFailed
	}
	return exitOK
}

func examine(ctx context.Context, environ []string, now func() time.Time) findings {
	var f findings
	s, err := load(environ)
	if err != nil {
		for _, e := range configErrors(err) {
			f.fail("configuration", e.Variable, "%s", e.Message)
		}
		return f
	}
	f.ok("configuration", "every variable is valid")
	for _, w := range s.warnings() {
		f.warn("configuration", w.Variable, "%s", w.Message)
	}
	for _, p := range s.providers {
		f.join(p, examineProvider(ctx, p, now))
	}
	checkUpstream(ctx, s, &f)
	checkUpstreamHealth(ctx, s, &f)
	checkStore(ctx, s, &f)
	checkSessionLists(s, &f)
	checkCertificate(s, now(), &f)
	checkCookies(s, &f)
	checkSurface(s, &f)
	return f
}

// examineProvider looks at one provider. It speaks of variables without a number.
func examineProvider(ctx context.Context, p *provider, now func() time.Time) findings {
	var f findings
	checkPreset(p, &f)
	checkProvider(ctx, p, now, &f)
	checkExpiry(p, now(), &f)
	checkRegistration(p, &f)
	return f
}

func writeJSON(w io.Writer, found findings) {
	writeIndented(w, struct {
		OK       bool     `json:"ok"`
		Findings findings `json:"findings"`
	}{!found.failed(), found})
}

// writeIndented writes JSON for people who also read it.
func writeIndented(w io.Writer, v any) error {
	out := json.NewEncoder(w)
	out.SetEscapeHTML(false)
	out.SetIndent("", "  ")
	return out.Encode(v)
}

// writeText writes a section for each provider where there are several.
func writeText(w io.Writer, found findings) {
	var failures, warnings int
	section := ""
	for _, f := range found {
		if f.Provider != section {
			section = f.Provider
			fmt.Fprintf(w, "\n%s\n", cmp.Or(section, "the site"))
		}
		switch f.Level {
		case levelFail:
			failures++
		case levelWarn:
			warnings++
		}
		fmt.Fprintf(w, "%-4s  %-14s %s\n", f.Level, f.Probe, f.Message)
		if f.Variable != "" && f.Level != levelOK {
			fmt.Fprintf(w, "%-20s  change %s\n", "", f.Variable)
		}
	}
	fmt.Fprintf(w, "\n%d failed, %d to think about\n", failures, warnings)
}
