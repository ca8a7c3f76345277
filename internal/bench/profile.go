package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"
)

// mix is one Sallyport under profile, and what it is asked meanwhile.
type mix struct {
	gate  *gate
	lasts time.Duration
	rows  map[*row]int // connections
}

// profile writes the CPU profile of Sallyport under a mixed load, all modes in
// one file.
func profile(ctx context.Context, o options, out io.Writer) error {
	w, err := newWorld(ctx)
	if err != nil {
		return err
	}
	defer w.close()
	if err := w.cpus.apart(); err != nil {
		return err
	}
	defer w.cpus.together()
	mixes, err := w.mixes(ctx, o)
	if err != nil {
		return err
	}
	arguments := []string{"tool", "pprof", "-proto", "-output", o.profile}
	for i, m := range mixes {
		file := filepath.Join(w.dir, "profile-"+strconv.Itoa(i))
		if err := m.profile(ctx, w.loop, file); err != nil {
			return fmt.Errorf("%s: %w", m.gate.name, err)
		}
		arguments = append(arguments, file)
	}
	if said, err := exec.CommandContext(ctx, "go", arguments...).CombinedOutput(); err != nil {
		return fmt.Errorf("merging the profiles: %w\n%s", err, bytes.TrimSpace(said))
	}
	if err := rename(o.profile, w.binary, "sallyport"); err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "%s holds the profiles of %d modes.\n", o.profile, len(mixes))
	return err
}

// mixes weigh the modes: mostly requests to the app of people who are signed in. Memory,
// which also redirects and refuses, has twice the time of the others.
func (w *world) mixes(ctx context.Context, o options) ([]mix, error) {
	const small, big = 1 << 10, 64 << 10
	g, err := w.gates(ctx, "SALLYPORT_PPROF=true")
	if err != nil {
		return nil, err
	}
	few := max(1, o.conns/16)
	mixes := []mix{
		{gate: g.memory, lasts: 2, rows: map[*row]int{
			g.memory.signedIn(w.app, small): o.conns, g.memory.signedIn(w.app, big): 2 * few,
			g.memory.unknown(small): few, g.memory.refused(small): few,
		}},
		{gate: g.cookies, lasts: 1, rows: map[*row]int{g.cookies.signedIn(w.app, small): o.conns}},
		{gate: g.forward, lasts: 1, rows: map[*row]int{g.forward.asked(small): o.conns}},
	}
	if g.stored != nil {
		mixes = append(mixes, mix{gate: g.stored, lasts: 1, rows: map[*row]int{g.stored.signedIn(w.app, small): o.conns}})
	}
	for i := range mixes {
		mixes[i].lasts *= o.profileLasts
	}
	return mixes, nil
}

// profile loads the gate while it profiles itself.
func (m mix) profile(ctx context.Context, l *loop, file string) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	errs := make([]error, 0, len(m.rows)+1)
	var mu sync.Mutex
	var group sync.WaitGroup
	for r, conns := range m.rows {
		group.Go(func() {
			_, err := load{loop: l, conns: conns, lasts: m.lasts}.run(ctx, r)
			mu.Lock()
			defer mu.Unlock()
			errs = append(errs, err)
		})
	}
	err := m.fetch(ctx, file)
	group.Wait()
	return errors.Join(append(errs, err)...)
}

// fetch saves what the gate's profiler has at the end of its time.
func (m mix) fetch(ctx context.Context, file string) error {
	f, err := os.Create(file)
	if err != nil {
		return fmt.Errorf("making a file: %w", err)
	}
	defer f.Close()
	if err := fetch(ctx, m.gate.pprof(fmt.Sprintf("profile?seconds=%.0f", m.lasts.Seconds())), f); err != nil {
		return err
	}
	return f.Close()
}

// pprof is the address of one of the process's profiles, if it is a Sallyport with
// SALLYPORT_PPROF.
func (p *process) pprof(profile string) string {
	return strings.TrimSuffix(p.stats, "/metrics") + "/debug/pprof/" + profile
}

// fetch copies a profile.
func fetch(ctx context.Context, address string, to io.Writer) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return fmt.Errorf("making a request: %w", err)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return fmt.Errorf("asking for a profile: %w", err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("asking for a profile: the answer is %s", answer.Status)
	}
	if _, err := io.Copy(to, answer.Body); err != nil {
		return fmt.Errorf("reading a profile: %w", err)
	}
	return nil
}
