package boltstore

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// childFile tells this test's binary to be the process that is killed.
const childFile = "BOLTSTORE_TEST_CHILD_FILE"

func TestMain(m *testing.M) {
	if path := os.Getenv(childFile); path != "" {
		if err := child(path); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// child creates records until it is killed and prints the number of each one
// that the store acknowledged.
func child(path string) error {
	s, err := New(Config{Path: path})
	if err != nil {
		return err
	}
	var out sync.Mutex
	for w := range 4 {
		go func() {
			for i := w; ; i += 4 {
				if s.Create(context.Background(), handle(i), record(strings.Repeat("x", 700), time.Hour)) != nil {
					return
				}
				out.Lock()
				fmt.Println(i)
				out.Unlock()
			}
		}()
	}
	select {}
}

// kill -9 in the midst of writing: every record that was acknowledged is there.
// (It shows that a transaction is whole or absent; that the disk keeps its
// promise when the power fails, no test on this machine can.)
func TestKilledWhileWriting(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sallyport.db")
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	known := make(map[int]bool)
	for round := range 3 {
		// Each round begins in a file of its own, so that numbers are new.
		file := path + strconv.Itoa(round)
		acknowledged := runAndKill(t, self, file, 100+50*round)
		s := openAt(t, file, nil)
		for _, n := range acknowledged {
			if _, err := s.Get(t.Context(), handle(n)); err != nil {
				t.Errorf("round %d: acknowledged record %d: %v", round, n, err)
			}
			known[n] = true
		}
		if s.Count() < len(acknowledged) {
			t.Errorf("round %d: Count = %d, want at least %d", round, s.Count(), len(acknowledged))
		}
	}
	if len(known) < 100 {
		t.Fatalf("only %d records were acknowledged before the kill", len(known))
	}
}

// runAndKill returns what the child acknowledged until it was killed.
func runAndKill(t *testing.T, self, path string, after int) []int {
	t.Helper()
	cmd := exec.Command(self, "-test.run=^$")
	cmd.Env = append(os.Environ(), childFile+"="+path)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var acknowledged []int
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		n, err := strconv.Atoi(lines.Text())
		if err != nil {
			break // the line that the kill cut off
		}
		acknowledged = append(acknowledged, n)
		if len(acknowledged) == after {
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := cmd.Wait(); err == nil || len(acknowledged) < after {
		t.Fatalf("the child ended by itself after %d records: %v %s", len(acknowledged), err, stderr.String())
	}
	return acknowledged
}
