package main

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"time"
)

// secretPoll is how often secret files are looked at. Kubernetes replaces them
// within a minute or so of a change; 10 s add little to that and cost nothing.
const secretPoll = 10 * time.Second

// secretWatch reads secret files again and hands changed contents on.
type secretWatch struct {
	files  map[string]string             // path by variable
	apply  map[string]func(string) error // what to do with a new value, by variable
	logger *slog.Logger
	last   map[string]string // last value by variable
}

// run looks every secretPoll until ctx ends.
func (w *secretWatch) run(ctx context.Context) {
	if len(w.files) == 0 {
		return
	}
	ticker := time.NewTicker(secretPoll)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			w.look()
		}
	}
}

// look reads every file once. What cannot be read or used leaves the secret
// before in force, and is tried again at the next look.
func (w *secretWatch) look() {
	for _, name := range slices.Sorted(maps.Keys(w.files)) {
		value, err := readSecretFile(w.files[name])
		if err == nil && value == w.last[name] {
			continue
		}
		if err == nil {
			err = w.apply[name](value)
		}
		if err != nil {
			w.logger.Error("a secret file changed and cannot be used; the secret before stays in force",
				"variable", name+fileSuffix, "file", w.files[name], "error", err)
			continue
		}
		w.last[name] = value
		w.logger.Info("secret read again", "variable", name+fileSuffix, "file", w.files[name])
	}
}
