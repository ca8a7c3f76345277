package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/sallyport/sallyport/idp/demoidp"
)

// world is everything that one run starts. Its close ends all of it.
type world struct {
	cpus     processors
	dir      string // temporary
	loop     *loop
	app      *app
	upstream string // URL of what the proxies lead to: the app, unless a part says otherwise
	binary   string // Sallyport, built from the work tree
	ends     []func()
}

// newWorld makes the folder, the app and the binary.
func newWorld(ctx context.Context) (*world, error) {
	cpus, err := findProcessors()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "sallyport-bench-")
	if err != nil {
		return nil, fmt.Errorf("making a temporary folder: %w", err)
	}
	w := &world{cpus: cpus, dir: dir, binary: filepath.Join(dir, "sallyport")}
	w.ends = append(w.ends, func() { os.RemoveAll(dir) })
	if err := w.serve(); err != nil {
		w.close()
		return nil, err
	}
	if err := build(ctx, w.binary); err != nil {
		w.close()
		return nil, err
	}
	return w, nil
}

// serve starts the loop and the app.
func (w *world) serve() error {
	var err error
	if w.loop, err = startLoop(); err != nil {
		return err
	}
	w.ends = append(w.ends, w.loop.close)
	if w.app, err = startApp(w.loop); err != nil {
		return err
	}
	w.upstream = w.app.URL
	return nil
}

// close ends everything, the youngest first.
func (w *world) close() {
	for i := len(w.ends) - 1; i >= 0; i-- {
		w.ends[i]()
	}
	w.ends = nil
}

// part is a world of its own within this one, to be closed before it.
func (w *world) part() *world {
	part := *w
	part.ends = nil
	return &part
}

// noAssertion turns the assertion off.
const noAssertion = "SALLYPORT_PASS_ASSERTION=false"

// gate is a running Sallyport and somebody who is signed in there.
type gate struct {
	*process
	issuer  string
	email   string
	cookie  string // the whole Cookie field
	vouches bool   // the app gets an assertion
	redis   *redis // where its sessions are; nil = elsewhere
}

// gate starts Sallyport on n processors with the defaults and further variables, and signs in.
func (w *world) gate(ctx context.Context, name string, n int, env ...string) (*gate, error) {
	r, err := w.rig(name, n, env...)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	p, _, err := r.start(ctx)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	person := demoidp.DefaultPeople()[0]
	cookie, err := signIn(ctx, "http://"+r.addr+path(1), person.Name, "sallyport")
	if err != nil {
		return nil, fmt.Errorf("%s: signing in: %w", name, err)
	}
	vouches := !slices.Contains(env, noAssertion)
	return &gate{process: p, issuer: r.issuer, email: person.Email, cookie: cookie, vouches: vouches}, nil
}
