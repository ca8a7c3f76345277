package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// redis is a Redis server of this run.
type redis struct {
	addr    string
	process *proxy // only for its end
	rig     *rig
	before  int64 // commands until the load began
}

// startRedis starts redis-server without persistence, nil when none is installed.
func startRedis(ctx context.Context, dir string) (*redis, error) {
	binary, err := exec.LookPath("redis-server")
	if err != nil {
		return nil, nil
	}
	addr, err := freeAddress()
	if err != nil {
		return nil, err
	}
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	p, err := start("redis-server", exec.CommandContext(ctx, binary, "--bind", host, "--port", port, "--dir", dir, "--save", "", "--appendonly", "no"))
	if err != nil {
		return nil, err
	}
	r := &redis{addr: addr, process: p}
	for began := time.Now(); ; time.Sleep(5 * time.Millisecond) {
		if _, err = r.commands(ctx); err == nil {
			return r, nil
		}
		if time.Since(began) > startLimit {
			p.stop()
			return nil, fmt.Errorf("redis-server does not answer: %w", err)
		}
	}
}

func (r *redis) stop() {
	r.process.stop()
	if r.rig != nil {
		r.rig.provider.Close()
	}
}

// sallyport starts Sallyport on this Redis, signed in.
func (r *redis) sallyport(ctx context.Context, binary, upstream string) (*proxy, error) {
	var err error
	r.rig, err = newRig("Sallyport, signed in, Redis", binary, upstream, "SALLYPORT_SESSION_STORE=redis", "SALLYPORT_REDIS_URL=redis://"+r.addr)
	if err != nil {
		return nil, err
	}
	p, _, err := r.rig.signedIn(ctx)
	if err != nil {
		return nil, err
	}
	r.before, err = r.commands(ctx)
	return p, err
}

// report says how many commands the requests cost.
func (r *redis) report(ctx context.Context, out io.Writer, samples []sample) error {
	after, err := r.commands(ctx)
	if err != nil {
		return err
	}
	var requests int64
	for _, s := range samples {
		requests += int64(s.requests)
	}
	_, err = fmt.Fprintf(out, "Redis: %d commands for at least %d requests\n", after-r.before, requests)
	return err
}

// commands asks how many commands the server has processed.
func (r *redis) commands(ctx context.Context) (int64, error) {
	conn, err := (&net.Dialer{Timeout: time.Second}).DialContext(ctx, "tcp", r.addr)
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(time.Second))
	if _, err := io.WriteString(conn, "INFO stats\r\n"); err != nil {
		return 0, err
	}
	for in := bufio.NewScanner(conn); in.Scan(); {
		if n, ok := strings.CutPrefix(in.Text(), "total_commands_processed:"); ok {
			return strconv.ParseInt(strings.TrimSpace(n), 10, 64)
		}
	}
	return 0, errors.New("INFO names no total_commands_processed")
}
