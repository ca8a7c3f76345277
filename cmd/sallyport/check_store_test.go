package main

import (
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/internal/loopback"
	"github.com/sallyport/sallyport/session/boltstore"
)

// storeFindings are the lines of the store's probe.
func storeFindings(t *testing.T, changes map[string]string) string {
	t.Helper()
	s, err := load(with(changes))
	if err != nil {
		t.Fatal(err)
	}
	var f findings
	checkStore(t.Context(), s, &f)
	return render(f)
}

func wantLines(t *testing.T, got string, want ...string) {
	t.Helper()
	for _, w := range want {
		if !strings.Contains(got, w) {
			t.Errorf("no %q in\n%s", w, got)
		}
	}
}

func TestCheckFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "sessions.db")
	ask := func(path string) string {
		return storeFindings(t, map[string]string{"SALLYPORT_SESSION_STORE": "file", "SALLYPORT_SESSION_FILE": path})
	}
	wantLines(t, ask(path), "ok | store |  | "+path+" will be made")
	if _, err := os.Stat(path); err == nil {
		t.Error("the doctor made the file")
	}
	wantLines(t, ask(filepath.Join(dir, "no", "such.db")), "fail | store | SALLYPORT_SESSION_FILE | ", "its directory does not exist")
	store, err := boltstore.New(boltstore.Config{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	wantLines(t, ask(path), "ok | store |  | "+path+" is in use by a running process")
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	wantLines(t, ask(path), "ok | store |  | "+path+" holds 0 session(s)")
	if err := os.WriteFile(path, []byte(strings.Repeat("no session file", 1000)), 0o600); err != nil {
		t.Fatal(err)
	}
	wantLines(t, ask(path), "fail | store | SALLYPORT_SESSION_FILE | ")
}

func TestCheckRedis(t *testing.T) {
	ask := func(address string) string {
		return storeFindings(t, map[string]string{"SALLYPORT_SESSION_STORE": "redis", "SALLYPORT_REDIS_URL": "redis://:canary-redis-password@" + address})
	}
	address := startRedis(t, "--maxmemory-policy", "noeviction")
	wantLines(t, ask(address), "ok | store |  | redis: absolute limit", "ok | store |  | redis://"+address+" is redis ", "ok | store |  | maxmemory-policy is noeviction")
	wantLines(t, ask(startRedis(t, "--maxmemory-policy", "allkeys-lru")), "warn | store |  | maxmemory-policy is allkeys-lru: when the memory is full, sessions are evicted")
	got := ask("127.0.0.1:" + unusedPort(t))
	wantLines(t, got, "fail | store | SALLYPORT_REDIS_URL | redis://127.0.0.1:", "does not answer")
	if strings.Contains(got, "canary") {
		t.Errorf("the password is shown:\n%s", got)
	}
}

// startRedis runs a server that wants the password of TestCheckRedis.
func startRedis(t *testing.T, args ...string) (address string) {
	t.Helper()
	program, err := exec.LookPath("redis-server")
	if err != nil {
		t.Fatal("redis-server is not on this machine: `make test` installs what the tests need, or says what is missing")
	}
	port := unusedPort(t)
	cmd := exec.Command(program, append([]string{"--bind", "127.0.0.1", "--port", port, "--save", "", "--dir", t.TempDir(), "--requirepass", "canary-redis-password"}, args...)...)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	address = net.JoinHostPort("127.0.0.1", port)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
		if err == nil {
			_ = conn.Close()
			return address
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("redis-server does not start: %v", err)
		}
	}
}

// unusedPort returns a port of the loopback on which nobody listens until the test ends but
// programs that are told of it.
func unusedPort(t *testing.T) string {
	t.Helper()
	port, err := loopback.Reserve()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = port.Close() })
	return port.String()
}
