// Command gotest runs `go test -json` with its arguments, prints what plain
// `go test` would, and ends with one line that counts every test and subtest:
//
//	412 passed, 0 failed
//
// Its exit status is that of go test.
package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		if exit, ok := errors.AsType[*exec.ExitError](err); ok && exit.ExitCode() > 0 {
			os.Exit(exit.ExitCode())
		}
		fmt.Fprintln(os.Stderr, "gotest:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	cmd := exec.Command("go", append([]string{"test", "-json"}, args...)...)
	cmd.Stderr = os.Stderr
	events, err := cmd.StdoutPipe()
	if err != nil {
		return fmt.Errorf("connecting to go test: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("starting go test: %w", err)
	}
	out := bufio.NewWriter(os.Stdout)
	count, readErr := summarize(events, out)
	// Whatever is left keeps go test from blocking on a full pipe.
	_, _ = io.Copy(io.Discard, events)
	waitErr := cmd.Wait()
	fmt.Fprintln(out, count)
	return errors.Join(waitErr, readErr, out.Flush())
}
