package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"strings"
)

// machine says where a run took place, without naming it.
func (w *world) machine(ctx context.Context) string {
	model := "unknown processor"
	if info, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		if found := field(string(info), "model name"); found != "" {
			model = found
		}
	}
	text := fmt.Sprintf("%d × %s, Linux %s, %s", w.cpus.count(), model, kernel(), runtime.Version())
	for _, server := range []string{redisBinary, "nginx", "apache2"} {
		if version := serverVersion(ctx, server); version != "" {
			text += ", " + server + " " + version
		}
	}
	return text + "."
}

var dotted = regexp.MustCompile(`\d+(\.\d+)+`)

// kernel is its version without what a distribution adds.
func kernel() string {
	release, err := os.ReadFile("/proc/sys/kernel/osrelease")
	if err != nil {
		return "of unknown version"
	}
	return dotted.FindString(string(release))
}

// serverVersion is "" for one that is not installed.
func serverVersion(ctx context.Context, name string) string {
	binary, err := findServer(name)
	if err != nil {
		return ""
	}
	said, err := exec.CommandContext(ctx, binary, "-v").CombinedOutput()
	if err != nil {
		return ""
	}
	return dotted.FindString(string(said))
}

// loadAverage is that of the last minute.
func loadAverage() string {
	average, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	one, _, _ := strings.Cut(string(average), " ")
	return one
}

// field is the first value of that name in text of "name : value" lines.
func field(text, name string) string {
	for line := range strings.Lines(text) {
		if k, v, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(k) == name {
			return strings.Join(strings.Fields(v), " ")
		}
	}
	return ""
}
