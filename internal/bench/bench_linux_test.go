package main

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestMain lets the test binary be the bare server, as the program itself is.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == bareCommand {
		if err := serveBare(os.Args[2:], os.Stdout); err != nil {
			os.Exit(1)
		}
	}
	os.Exit(m.Run())
}

// A whole run, too short to measure anything: every answer is still checked.
func TestRun(t *testing.T) {
	var out strings.Builder
	page := filepath.Join(t.TempDir(), "performance.md")
	copyFile(t, "../../docs/performance.md", page)
	err := run(t.Context(), []string{"-sizes", "100000", "-slices", "1", "-slice", "20ms", "-conns", "4", "-sessions", "20", "-websockets", "5", "-idle", "1ms",
		"-write", page, "-run", "second"}, &out)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		rowPool, rowDefault, rowAnswer, "Sallyport, memory", "Sallyport, cookie", "without the assertion", rowApp, "forward-auth, signed in", "302", "401",
		"Redis commands", "p99 ms", "start to /readyz", "20 sessions", "5 idle WebSockets",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the report lacks %q:\n%s", want, out.String())
		}
	}
	written, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	if _, second, _ := strings.Cut(string(written), "<!-- bench:second -->"); !strings.Contains(second, strings.TrimSpace(out.String())) {
		t.Errorf("the page is not what was printed:\n%s", second)
	}
}

// The profile is one that the compiler can read, and names the way of a request.
func TestProfile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "default.pgo")
	var out strings.Builder
	if err := run(t.Context(), []string{"-profile", file, "-profile-time", "1s", "-conns", "4"}, &out); err != nil {
		t.Fatal(err)
	}
	said, err := exec.CommandContext(t.Context(), "go", "tool", "pprof", "-top", "-cum", "-nodecount", "400", file).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	if !strings.Contains(string(said), "proxy.(*Site).ServeHTTP") {
		t.Errorf("the profile has no request:\n%s", said)
	}
	raw, err := exec.CommandContext(t.Context(), "go", "tool", "pprof", "-raw", file).CombinedOutput()
	if err != nil || strings.Contains(string(raw), os.TempDir()) {
		t.Errorf("the profile names a folder of this run, %v:\n%s", err, raw)
	}
}

// A run that is interrupted leaves neither a process nor a file behind, whatever it is at.
func TestInterruptedRunLeavesNothing(t *testing.T) {
	folder := t.TempDir()
	t.Setenv("TMPDIR", folder)
	tests := []struct {
		name string
		busy time.Duration // CPU time of a Sallyport, by which it is no longer starting
		args []string
	}{
		{"starting", 0, []string{"-part", "requests", "-slice", "2s", "-sizes", "1024"}},
		{"under load", 500 * time.Millisecond, []string{"-part", "latency", "-slice", "2s", "-sizes", "1024"}},
		{"signing in", 500 * time.Millisecond, []string{"-part", "processes", "-slices", "1", "-slice", "1ms", "-sessions", "1000000"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			ended := make(chan error, 1)
			go func() { ended <- run(ctx, tt.args, io.Discard) }()
			for !sallyportUsed(t, tt.busy) {
				select {
				case err := <-ended:
					t.Fatal("the run ended by itself:", err)
				case <-time.After(10 * time.Millisecond):
				}
			}
			cancel()
			if err := <-ended; !errors.Is(err, context.Canceled) {
				t.Errorf("error is %v, want that of being interrupted", err)
			}
			if left := children(t); len(left) > 0 {
				t.Errorf("processes are left: %v", left)
			}
			if left, err := os.ReadDir(folder); err != nil || len(left) > 0 {
				t.Errorf("files are left: %v, %v", left, err)
			}
		})
	}
}

// sallyportUsed reports whether a Sallyport of this process has used as much CPU time.
func sallyportUsed(t *testing.T, atLeast time.Duration) bool {
	t.Helper()
	return slices.ContainsFunc(children(t), func(pid string) bool {
		id, err := strconv.Atoi(pid)
		if err != nil {
			t.Fatal(err)
		}
		name, err := os.ReadFile("/proc/" + pid + "/comm")
		if err != nil || strings.TrimSpace(string(name)) != "sallyport" {
			return false
		}
		used, err := processCPU(id)
		return err == nil && used >= atLeast
	})
}

// children are the processes that this one has started and not waited for.
func children(t *testing.T) []string {
	t.Helper()
	lists, err := filepath.Glob("/proc/self/task/*/children")
	if err != nil {
		t.Fatal(err)
	}
	var pids []string
	for _, list := range lists {
		said, err := os.ReadFile(list)
		if err == nil { // else the thread has ended
			pids = append(pids, strings.Fields(string(said))...)
		}
	}
	return pids
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	text, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestLoadRefusesWrongAnswers(t *testing.T) {
	app := fromApp([]byte("body"), "ada@example.com", true)
	tests := []struct {
		name   string
		want   answer
		answer http.HandlerFunc
		why    string
	}{
		{"status", app, func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusBadGateway) }, "502"},
		{"identity", app, func(w http.ResponseWriter, _ *http.Request) { tell(w, "eve@example.com", "yes", "body") }, "eve@example.com"},
		{"assertion", app, func(w http.ResponseWriter, _ *http.Request) { tell(w, "ada@example.com", "", "body") }, "assertion: false"},
		{"body", app, func(w http.ResponseWriter, _ *http.Request) { tell(w, "ada@example.com", "yes", "bodx") }, "not the app's"},
		{"short body", app, func(w http.ResponseWriter, _ *http.Request) { tell(w, "ada@example.com", "yes", "bod") }, "has 3 bytes"},
		{"long body", app, func(w http.ResponseWriter, _ *http.Request) { tell(w, "ada@example.com", "yes", "body!") }, "has 5 bytes"},
		{"no length", app, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set(echoHeader, "ada@example.com")
			w.Header().Set(vouchedHeader, "yes")
			w.Write([]byte("body"))
			w.(http.Flusher).Flush()
		}, "Transfer-Encoding"},
		{"closes", app, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, "reading an answer"},
		{"whither", toSignIn("http://idp"), func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Location", "http://elsewhere/?code_challenge=x&code_challenge_method=S256&state=s&nonce=n")
			w.WriteHeader(http.StatusFound)
		}, "elsewhere"},
		{"login cookie", toSignIn("http://idp"), func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Location", "http://idp/?code_challenge=x&code_challenge_method=S256&state=s&nonce=n")
			w.WriteHeader(http.StatusFound)
		}, "login cookie"},
		{"page instead of problem", refused(), func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusUnauthorized) }, "want a problem"},
		{"nobody", asked("ada@example.com"), func(w http.ResponseWriter, _ *http.Request) {}, "names"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			server := httptest.NewServer(tt.answer)
			defer server.Close()
			addr := server.Listener.Addr().String()
			r := &row{on: []*process{{addr: addr, pid: os.Getpid()}}, request: get(addr, "/", "*/*", ""), want: tt.want}
			_, err := load{loop: newLoop(t), conns: 1, lasts: time.Millisecond}.run(t.Context(), r)
			if err == nil || !strings.Contains(err.Error(), tt.why) {
				t.Errorf("error is %v, want one with %q", err, tt.why)
			}
		})
	}
}

func newLoop(t *testing.T) *loop {
	t.Helper()
	l, err := startLoop()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.close)
	return l
}

func tell(w http.ResponseWriter, identity, vouched, body string) {
	w.Header().Set(echoHeader, identity)
	w.Header().Set(vouchedHeader, vouched)
	w.Write([]byte(body))
}

// Another program that fails costs its row, one of ours the run.
func TestForeignRowsMayFail(t *testing.T) {
	good := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer good.Close()
	bad := httptest.NewServer(http.NotFoundHandler())
	defer bad.Close()
	on := func(s *httptest.Server, foreign bool) *row {
		addr := s.Listener.Addr().String()
		return &row{name: addr, foreign: foreign, on: []*process{{addr: addr, pid: os.Getpid()}}, request: get(addr, "/", "*/*", ""), want: emptyOK()}
	}
	l := load{loop: newLoop(t), conns: 2, lasts: 10 * time.Millisecond}
	all, err := measure(t.Context(), []*row{on(bad, true), on(good, false)}, l, 2)
	if err != nil {
		t.Fatal(err)
	}
	if all[0].failed == nil || all[1].failed != nil || len(all[1].samples) != 2 {
		t.Errorf("failures are %v and %v, with %d samples", all[0].failed, all[1].failed, len(all[1].samples))
	}
	if _, err := measure(t.Context(), []*row{on(good, false), on(bad, false)}, l, 2); err == nil {
		t.Error("a row of ours failed, and the run went on")
	}
}

// The clock is that of the other process: it moves with what that one does.
func TestProcessCPUCountsWork(t *testing.T) {
	before, err := processCPU(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	for time.Since(began) < 50*time.Millisecond {
	}
	after, err := processCPU(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	if after <= before {
		t.Errorf("the CPU clock went from %v to %v", before, after)
	}
	if _, err := processCPU(1 << 25); err == nil {
		t.Error("a process beyond any pid_max has a CPU clock")
	}
}

// The bare servers take the load's requests as processes of their own, and say what
// they allocate.
func TestBareServers(t *testing.T) {
	l := newLoop(t)
	app, err := startApp(l)
	if err != nil {
		t.Fatal(err)
	}
	cpus, err := findProcessors()
	if err != nil {
		t.Fatal(err)
	}
	w := &world{loop: l, app: app, upstream: app.URL, cpus: cpus}
	defer w.close()
	for kind, want := range map[string]answer{
		bareDefault: fromApp(app.body(1024), "", false), barePool: fromApp(app.body(1024), "", false), bareAnswer: emptyOK(),
	} {
		t.Run(kind, func(t *testing.T) {
			p, err := w.bare(t.Context(), kind, kind, 1)
			if err != nil {
				t.Fatal(err)
			}
			r := &row{name: kind, on: []*process{p}, request: get(p.addr, path(1024), "*/*", ""), want: want}
			before, err := readStats(t.Context(), p.stats)
			if err != nil {
				t.Fatal(err)
			}
			all, err := measure(t.Context(), []*row{r}, load{loop: l, conns: 4, lasts: 50 * time.Millisecond}, 2)
			if err != nil {
				t.Fatal(err)
			}
			for _, s := range all[0].samples {
				if s.requests == 0 || s.cpu <= 0 {
					t.Errorf("sample %+v measured nothing", s)
				}
			}
			if after, err := readStats(t.Context(), p.stats); err != nil || after.mallocs <= before.mallocs {
				t.Errorf("allocations went from %v to %v, %v", before, after, err)
			}
			if kib, err := residentKiB(p.pid); err != nil || kib < 1024 {
				t.Errorf("%d KiB resident, %v", kib, err)
			}
		})
	}
}
