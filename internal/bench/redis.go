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

// redisBinary is what has to be installed for the rows with Redis.
const redisBinary = "redis-server"

// redis is a Redis server of this run, with one user.
type redis struct {
	*process
}

// startRedis starts redis-server without persistence, off the proxies' processor.
func (w *world) startRedis(ctx context.Context) (*redis, error) {
	binary, err := findServer(redisBinary)
	if err != nil {
		return nil, err
	}
	addr, err := w.freeAddress()
	if err != nil {
		return nil, err
	}
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	p, err := w.start(redisBinary, 0, exec.CommandContext(ctx, binary, "--bind", host, "--port", port, "--dir", w.dir, "--save", "", "--appendonly", "no"))
	if err != nil {
		return nil, err
	}
	p.addr = addr
	r := &redis{process: p}
	for began := time.Now(); ; {
		if _, err = r.commands(ctx); err == nil {
			return r, nil
		}
		if time.Since(began) > startLimit {
			return nil, fmt.Errorf("redis-server does not answer: %w", err)
		}
		if err := pause(ctx, 5*time.Millisecond); err != nil {
			return nil, err
		}
	}
}

// commands asks how many commands the server has processed, this one included
// the next time.
func (r *redis) commands(ctx context.Context) (int64, error) {
	conn, err := (&net.Dialer{Timeout: time.Second}).DialContext(ctx, "tcp", r.addr)
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(answerLimit))
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
