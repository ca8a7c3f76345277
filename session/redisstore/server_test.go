package redisstore

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/redis/rueidis"

	"github.com/sallyport/sallyport/internal/loopback"
)

// server is a redis-server of its own, on a free port of the loopback.
type server struct {
	t    testing.TB
	port string // its number; 10,000 above, a cluster's node listens as well
	dir  string
	args []string
	cmd  *exec.Cmd
	// admin is a client beside the store's.
	admin rueidis.Client
}

// startRedis starts a server that lives as long as the test. Without --appendonly
// it forgets everything when it is killed.
func startRedis(t testing.TB, args ...string) *server {
	t.Helper()
	s := prepareRedis(t, args...)
	s.start()
	return s
}

// prepareRedis does not start it yet.
func prepareRedis(t testing.TB, args ...string) *server {
	t.Helper()
	s := &server{t: t, port: freePort(t, 10_000), dir: t.TempDir(), args: args}
	t.Cleanup(s.kill)
	return s
}

func (s *server) addr() string { return net.JoinHostPort("127.0.0.1", s.port) }

func (s *server) url() string { return "redis://" + s.addr() }

func (s *server) start() {
	s.t.Helper()
	s.startAs("redis-server", append([]string{
		"--port", s.port, "--bind", "127.0.0.1", "--dir", s.dir, "--save", "", "--loglevel", "warning",
	}, s.args...)...)
}

// startAs runs the server and waits until it answers.
func (s *server) startAs(name string, args ...string) {
	s.t.Helper()
	s.cmd = exec.Command(program(s.t, name), args...)
	log, err := os.OpenFile(filepath.Join(s.dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		s.t.Fatal(err)
	}
	defer log.Close()
	s.cmd.Stdout, s.cmd.Stderr = log, log
	if err := s.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.eventually("the server listens", patience, func() error {
		conn, err := net.Dial("tcp", s.addr())
		if err != nil {
			return err
		}
		return conn.Close()
	})
}

func program(t testing.TB, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Fatalf("%s is missing: run make test, which installs redis-server", name)
	}
	return path
}

// freePort returns a port of the loopback on which nobody listens until the test ends but
// programs that are told of it; further are distances to more of them.
func freePort(t testing.TB, further ...int) string {
	t.Helper()
	port, err := loopback.Reserve(further...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = port.Close() })
	return port.String()
}

// kill is kill -9.
func (s *server) kill() {
	if s.cmd == nil {
		return
	}
	_ = s.cmd.Process.Kill()
	_ = s.cmd.Wait()
	s.cmd = nil
	if s.t.Failed() {
		if log, err := os.ReadFile(filepath.Join(s.dir, "log")); err == nil && len(log) > 0 {
			s.t.Logf("log of the server on port %s:\n%s", s.port, log[max(0, len(log)-2000):])
		}
	}
}

// signal stops it (SIGSTOP: connections stay open, nothing answers) and has it
// go on (SIGCONT).
func (s *server) signal(sig syscall.Signal) {
	s.t.Helper()
	if err := s.cmd.Process.Signal(sig); err != nil {
		s.t.Fatal(err)
	}
}

// do runs a command beside the store.
func (s *server) do(args ...string) (rueidis.RedisMessage, error) {
	if s.admin == nil {
		c, err := rueidis.NewClient(rueidis.ClientOption{
			InitAddress: []string{s.addr()}, ForceSingleClient: true, DisableCache: true,
		})
		if err != nil {
			return rueidis.RedisMessage{}, err
		}
		s.admin = c
		s.t.Cleanup(c.Close)
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	return s.admin.Do(ctx, s.admin.B().Arbitrary(args...).Build()).ToMessage()
}

// must is do that may not fail.
func (s *server) must(args ...string) rueidis.RedisMessage {
	s.t.Helper()
	m, err := s.do(args...)
	if err != nil && !rueidis.IsRedisNil(err) {
		s.t.Fatalf("%s: %v", args, err)
	}
	return m
}

func (s *server) text(args ...string) string {
	s.t.Helper()
	m := s.must(args...)
	text, err := m.ToString()
	if err != nil {
		s.t.Fatalf("%s: %v", args, err)
	}
	return text
}

func (s *server) number(args ...string) int64 {
	s.t.Helper()
	m := s.must(args...)
	n, err := m.AsInt64()
	if err != nil {
		s.t.Fatalf("%s: %v", args, err)
	}
	return n
}

// calls returns how often each command was called since CONFIG RESETSTAT.
func (s *server) calls() map[string]int {
	s.t.Helper()
	calls := make(map[string]int)
	for line := range strings.Lines(s.text("INFO", "commandstats")) {
		name, rest, ok := strings.Cut(strings.TrimPrefix(strings.TrimSpace(line), "cmdstat_"), ":calls=")
		if !ok {
			continue
		}
		n, _, _ := strings.Cut(rest, ",")
		calls[name], _ = strconv.Atoi(n)
	}
	return calls
}

// eventually waits until f is nil.
func (s *server) eventually(what string, within time.Duration, f func() error) {
	s.t.Helper()
	eventually(s.t, what, within, f)
}

func eventually(t testing.TB, what string, within time.Duration, f func() error) {
	t.Helper()
	err := errors.New("not tried")
	for deadline := time.Now().Add(within); time.Now().Before(deadline); time.Sleep(2 * time.Millisecond) {
		if err = f(); err == nil {
			return
		}
	}
	t.Fatalf("not within %v: %s: %v", within, what, err)
}

func want(ok bool, format string, args ...any) error {
	if ok {
		return nil
	}
	return fmt.Errorf(format, args...)
}
