package main

import (
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"
)

// reloadEvery is how often whoever uses files looks whether they changed.
const reloadEvery = 10 * time.Second

// reloadedConfig says what to read.
type reloadedConfig[T any] struct {
	what      string             // in the log, such as "certificate"
	paths     []string           // whose change counts
	variables string             // that name them, for the log
	read      func() (*T, error) // reads them
	now       func() time.Time
	logger    *slog.Logger
}

// reloaded is something that was read from files, and is read again when they
// change. It is safe for concurrent use.
type reloaded[T any] struct {
	cfg reloadedConfig[T]

	mu      sync.Mutex
	current *T
	stamp   string    // of the files that current was read from
	next    time.Time // when to look again
}

// newReloaded reads the files for the first time.
func newReloaded[T any](cfg reloadedConfig[T]) (*reloaded[T], error) {
	r := &reloaded[T]{cfg: cfg}
	if err := r.load(); err != nil {
		return nil, err
	}
	r.next = cfg.now().Add(reloadEvery)
	return r, nil
}

// get returns the newest that could be read: a broken file keeps the one before,
// because a renewal that is half written is no reason to stop.
func (r *reloaded[T]) get() *T {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.cfg.now()
	if !now.After(r.next) {
		return r.current
	}
	r.next = now.Add(reloadEvery)
	if r.stampOf() == r.stamp {
		return r.current
	}
	if err := r.load(); err != nil {
		r.cfg.logger.Error("the files of the "+r.cfg.what+" changed and cannot be used; the one before stays",
			"error", err, "variables", r.cfg.variables)
	} else {
		r.cfg.logger.Info(r.cfg.what+" read again", "file", r.cfg.paths[0])
	}
	return r.current
}

func (r *reloaded[T]) load() error {
	stamp := r.stampOf()
	value, err := r.cfg.read()
	if err != nil {
		return fmt.Errorf("reading the %s: %w", r.cfg.what, err)
	}
	r.current, r.stamp = value, stamp
	return nil
}

// stampOf tells one state of the files from another.
func (r *reloaded[T]) stampOf() string {
	stamp := ""
	for _, path := range r.cfg.paths {
		info, err := os.Stat(path)
		if err != nil {
			return "" // absent for a moment while somebody replaces it
		}
		stamp += fmt.Sprintf("%d/%d ", info.ModTime().UnixNano(), info.Size())
	}
	return stamp
}
