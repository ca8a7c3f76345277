package main

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestListenRemovesOnlyStaleSockets(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	address := unixScheme + path

	l, err := listen(t.Context(), "SALLYPORT_LISTEN", address)
	if err != nil {
		t.Fatal(err)
	}
	if got := addressOf(l); got != address {
		t.Errorf("address is %q, want %q", got, address)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != socketMode {
		t.Errorf("the socket has mode %v, want %o (%v)", info.Mode().Perm(), socketMode, err)
	}
	if _, err := listen(t.Context(), "SALLYPORT_LISTEN", address); err == nil || !strings.Contains(err.Error(), "another process listens") {
		t.Errorf("a socket in use: %v", err)
	}

	// A process that dies leaves the file.
	l.(*net.UnixListener).SetUnlinkOnClose(false)
	l.Close()
	again, err := listen(t.Context(), "SALLYPORT_LISTEN", address)
	if err != nil {
		t.Fatalf("a stale socket was not replaced: %v", err)
	}
	again.Close()

	if err := os.WriteFile(path, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := listen(t.Context(), "SALLYPORT_LISTEN", address); err == nil || !strings.Contains(err.Error(), "is not a socket") {
		t.Errorf("a file that is no socket: %v", err)
	}
	if b, err := os.ReadFile(path); err != nil || string(b) != "precious" {
		t.Errorf("the file was touched: %q, %v", b, err)
	}
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	if _, err := listen(t.Context(), "SALLYPORT_LISTEN", unixScheme+link); err == nil {
		t.Error("a symbolic link was taken for a socket")
	}
}

func TestListenNamesTheVariable(t *testing.T) {
	busy, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer busy.Close()
	_, err = listen(t.Context(), "SALLYPORT_ADMIN_LISTEN", busy.Addr().String())
	if err == nil || !strings.Contains(err.Error(), "SALLYPORT_ADMIN_LISTEN") || !strings.Contains(err.Error(), "stop the process that uses the port") {
		t.Errorf("busy port: %v", err)
	}
}

func TestReachable(t *testing.T) {
	for address, want := range map[string]string{
		":4190": "127.0.0.1:4190", "0.0.0.0:1": "127.0.0.1:1", "[::]:1": "[::1]:1",
		"10.0.0.1:1": "10.0.0.1:1", "admin.internal:1": "admin.internal:1", "[::1]:1": "[::1]:1",
	} {
		if got := reachable(address); got != want {
			t.Errorf("reachable(%q) = %q, want %q", address, got, want)
		}
	}
}
