package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/sallyport/sallyport/session"
)

// TestMain makes this test binary the sallyport command of the scripts.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"sallyport": main})
}

// TestScripts runs the commands as a shell would. Listeners of the scripts are
// unix sockets in the script's own directory, so that no port is fixed.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		Setup: func(e *testscript.Env) error {
			e.Setenv("KEY", session.GenerateKey().Encode())
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"ask": askCommand, "code": codeCommand},
	})
}

// askCommand is "ask socket path status [text]": it asks until the answer has that
// status and holds that text, for at most ten seconds, and writes the body to the
// file "answer".
func askCommand(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 3 || len(args) > 4 {
		ts.Fatalf("usage: ask socket path status [text]")
	}
	text := ""
	if len(args) == 4 {
		text = args[3]
	}
	want, err := strconv.Atoi(args[2])
	ts.Check(err)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	client := &http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, "unix", ts.MkAbs(args[0]))
		}},
	}
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	last := errors.New("nothing was asked")
	for {
		var body []byte
		if body, last = askOnce(ctx, client, args[1], want, text); last == nil {
			ts.Check(os.WriteFile(ts.MkAbs("answer"), body, 0o600))
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			ts.Fatalf("ask %s: %v", args[1], last)
		}
	}
}

func askOnce(ctx context.Context, client *http.Client, path string, want int, text string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://localhost"+path, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", "text/html")
	resp, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err == nil && (resp.StatusCode != want || !bytes.Contains(body, []byte(text))) {
		err = fmt.Errorf("status %d, want %d and %q in: %s", resp.StatusCode, want, text, body)
	}
	return body, err
}

// codeCommand is "code n program args...": it runs the program and compares its
// exit code.
func codeCommand(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: code n program args...")
	}
	err := ts.Exec(args[1], args[2:]...)
	got := 0
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		got = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if strconv.Itoa(got) != args[0] {
		ts.Fatalf("exit code %d, want %s", got, args[0])
	}
}
