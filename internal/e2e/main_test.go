package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// built is what TestMain leaves to the tests; nothing changes it afterwards.
type built struct{ sallyport string }

var binaries built

func TestMain(m *testing.M) {
	os.Exit(runTests(m))
}

// runTests builds the binary once, for all tests.
func runTests(m *testing.M) int {
	folder, err := os.MkdirTemp("", "sallyport-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, "making a folder for the binary:", err)
		return 1
	}
	defer os.RemoveAll(folder)
	binaries.sallyport = filepath.Join(folder, "sallyport")
	// As the Dockerfile does, so that the tests see the binary that people run.
	build := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w", "-o", binaries.sallyport, "../../cmd/sallyport")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "building cmd/sallyport: %v\n%s", err, out)
		return 1
	}
	return m.Run()
}
