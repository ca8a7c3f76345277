package main

import (
	"bytes"
	"errors"
	"strings"
	"testing"
)

// fullDisk takes nothing.
type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, errors.New("no space left on device") }

// A command whose output went nowhere did not do what was asked for: the file that
// should have a key in it is empty.
func TestOutputThatCannotBeWritten(t *testing.T) {
	for _, args := range []string{"keygen", "version", "--help", "config", "config --markdown", "config --env"} {
		var stderr bytes.Buffer
		if code := run(t.Context(), strings.Fields(args), nil, fullDisk{}, &stderr); code != exitFailed || !strings.Contains(stderr.String(), "no space left on device") {
			t.Errorf("%s exits with %d and says %q", args, code, stderr.String())
		}
	}
}
