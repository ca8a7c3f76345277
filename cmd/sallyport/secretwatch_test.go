package main

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestSecretWatch(t *testing.T) {
	path := filepath.Join(t.TempDir(), "secret")
	write := func(text string) {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("first\n")
	synctest.Test(t, func(t *testing.T) {
		var applied []string
		var log bytes.Buffer
		w := &secretWatch{
			files: map[string]string{"SALLYPORT_SECRET": path},
			apply: map[string]func(string) error{"SALLYPORT_SECRET": func(v string) error {
				if v == "broken" {
					return errors.New("it is not base64")
				}
				applied = append(applied, v)
				return nil
			}},
			logger: slog.New(slog.NewTextHandler(&log, nil)),
			last:   map[string]string{"SALLYPORT_SECRET": "first"},
		}
		ctx, cancel := context.WithCancel(t.Context())
		go w.run(ctx)
		step := func() {
			time.Sleep(secretPoll)
			synctest.Wait()
		}
		step() // unchanged
		write("broken\n")
		step()
		step() // still broken: tried again
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		step()
		write("second\n")
		step()
		step() // unchanged again
		cancel()
		synctest.Wait()
		if !slices.Equal(applied, []string{"second"}) {
			t.Errorf("applied %q, want the second secret alone", applied)
		}
		if got := strings.Count(log.String(), "cannot be used"); got != 3 {
			t.Errorf("%d complaints, want one for each of three looks:\n%s", got, log.String())
		}
		for _, secret := range []string{"first", "second"} {
			if strings.Contains(log.String(), secret) {
				t.Errorf("the log contains a secret:\n%s", log.String())
			}
		}
	})
}
