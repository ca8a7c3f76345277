package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// peer is another proxy. Its rows are those of the app's answers.
type peer struct {
	name     string
	on       []*process
	host     string // Host field; "" = the address
	cookie   string // "" = that of Sallyport's session, for the same bytes
	identity string // what the app is told; "" = nothing
	vouched  bool
	redis    *redis // its store; nil = none
}

// row is the peer's answer of size bytes to a request with its own cookie, or else
// with that one.
func (p peer) row(a *app, size int, cookie string) *row {
	host := p.on[0].addr
	if p.host != "" {
		host = p.host
	}
	if p.cookie != "" {
		cookie = p.cookie
	}
	return &row{
		name: p.name, on: p.on, redis: p.redis, foreign: true, want: fromApp(a.body(size), p.identity, p.vouched),
		request: get(host, path(size), acceptsAll, cookie),
	}
}

// startPeers starts the other proxies that are installed, each in one process, and
// notes those that are not.
func (s *proxies) startPeers(ctx context.Context, w *world) error {
	for _, start := range []func(context.Context, *world) error{s.startNginx, s.startApache, s.startOpenIDC} {
		err := start(ctx, w)
		var absent notInstalled
		switch {
		case errors.As(err, &absent):
			s.absent = append(s.absent, string(absent))
		case err != nil:
			return err
		}
	}
	return nil
}

// notInstalled names what is missing on this machine.
type notInstalled string

func (n notInstalled) Error() string { return string(n) + " is not installed" }

// findServer looks where distributions put servers, too, which an ordinary PATH does
// not name.
func findServer(name string) (string, error) {
	if found, err := exec.LookPath(name); err == nil {
		return found, nil
	}
	found := filepath.Join("/usr/sbin", name)
	if _, err := os.Stat(found); err != nil {
		return "", notInstalled(name)
	}
	return found, nil
}

// server starts cmd in a folder of its own, made of files, on the proxies' processor, and
// waits until it listens on addr. command gets the folder.
func (w *world) server(ctx context.Context, name, addr string, files map[string]string, command func(dir string) *exec.Cmd) (*process, error) {
	dir, err := os.MkdirTemp(w.dir, "server-")
	if err != nil {
		return nil, fmt.Errorf("%s: making a folder: %w", name, err)
	}
	// A server that begins as root goes on as somebody else, who must get here.
	for _, d := range []string{w.dir, dir} {
		if err := os.Chmod(d, 0o711); err != nil {
			return nil, fmt.Errorf("%s: opening its folder: %w", name, err)
		}
	}
	for file, text := range files {
		if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o600); err != nil {
			return nil, fmt.Errorf("%s: configuring: %w", name, err)
		}
	}
	log, err := os.OpenFile(filepath.Join(dir, errorLog), os.O_CREATE|os.O_APPEND|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("%s: making its log: %w", name, err)
	}
	defer log.Close()
	cmd := command(dir)
	cmd.Stderr = log
	p, err := w.start(name, 1, cmd)
	if err != nil {
		return nil, err
	}
	p.addr = addr
	for began := time.Now(); time.Since(began) < startLimit && ctx.Err() == nil; {
		if conn, err := (&net.Dialer{Timeout: time.Second}).DialContext(ctx, "tcp", addr); err == nil {
			return p, conn.Close()
		}
		if err := pause(ctx, 5*time.Millisecond); err != nil {
			return nil, err
		}
	}
	said, err := os.ReadFile(log.Name())
	if err != nil {
		return nil, fmt.Errorf("%s: reading its log: %w", name, err)
	}
	return nil, fmt.Errorf("%s does not listen on %s: %s", name, addr, said)
}

// errorLog is the file, in its folder, that a server writes its complaints to.
const errorLog = "error.log"
