package e2e

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// patience bounds every wait for another process. It is long because machines
// are shared, and costs nothing where things work.
const patience = time.Minute

// process is a program under test or beside it. What it prints is kept line by
// line, standard output and standard error together.
type process struct {
	t    *testing.T
	name string
	cmd  *exec.Cmd
	done chan struct{} // closed once it has ended

	mu     sync.Mutex
	lines  []string
	change chan struct{} // closed and replaced at each new line
}

// start runs a program with exactly env, beside what a program needs to run at
// all, and stops it when the test ends.
func start(t *testing.T, name string, env []string, program string, args ...string) *process {
	t.Helper()
	p := &process{
		t: t, name: name, cmd: exec.Command(program, args...),
		done: make(chan struct{}), change: make(chan struct{}),
	}
	p.cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir()}, env...)
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	stderr, err := p.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatalf("starting %s: %v", name, err)
	}
	var readers sync.WaitGroup
	for _, pipe := range []io.Reader{stdout, stderr} {
		readers.Go(func() { p.read(pipe) })
	}
	go func() {
		readers.Wait()
		_ = p.cmd.Wait() // the tests ask ProcessState
		close(p.done)
	}()
	t.Cleanup(p.finish)
	return p
}

func (p *process) read(pipe io.Reader) {
	lines := bufio.NewScanner(pipe)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		p.mu.Lock()
		p.lines = append(p.lines, lines.Text())
		close(p.change)
		p.change = make(chan struct{})
		p.mu.Unlock()
	}
}

// finish ends the process if it still runs, and shows what it said if the test
// failed.
func (p *process) finish() {
	p.stop()
	if p.t.Failed() {
		p.t.Logf("%s said:\n%s", p.name, strings.Join(p.output(), "\n"))
	}
}

// stop sends SIGTERM and returns the exit code.
func (p *process) stop() int {
	p.t.Helper()
	p.signal()
	return p.exit()
}

func (p *process) signal() {
	p.t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		p.t.Errorf("stopping %s: %v", p.name, err)
	}
}

// exit waits for the end and returns the exit code.
func (p *process) exit() int {
	p.t.Helper()
	select {
	case <-p.done:
	case <-time.After(patience):
		_ = p.cmd.Process.Kill() // it may have ended this moment
		<-p.done
		p.t.Errorf("%s did not end within %s", p.name, patience)
	}
	return p.cmd.ProcessState.ExitCode()
}

// output returns the lines so far.
func (p *process) output() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string(nil), p.lines...)
}

// await returns the first line, past or future, that match accepts; ok is false
// when the process ended, or patience did, without one.
func (p *process) await(match func(string) bool) (line string, ok bool) {
	deadline := time.After(patience)
	for next := 0; ; {
		p.mu.Lock()
		fresh, change := p.lines[next:], p.change
		next = len(p.lines)
		p.mu.Unlock()
		for _, line := range fresh {
			if match(line) {
				return line, true
			}
		}
		if len(fresh) > 0 {
			continue
		}
		select {
		case <-change:
		case <-p.done:
			return p.last(match)
		case <-deadline:
			return "", false
		}
	}
}

// last looks once more at everything that an ended process said.
func (p *process) last(match func(string) bool) (string, bool) {
	for _, line := range p.output() {
		if match(line) {
			return line, true
		}
	}
	return "", false
}

// record is one line of JSON.
type record map[string]any

func (r record) text(name string) string {
	s, _ := r[name].(string)
	return s
}

func parse(line string) record {
	var r record
	_ = json.Unmarshal([]byte(line), &r) // a line that is no JSON is an empty record
	return r
}

// awaitRecord waits for a line of JSON whose fields are all as in want, and fails
// the test without one.
func (p *process) awaitRecord(want record) record {
	p.t.Helper()
	line, ok := p.await(func(line string) bool { return parse(line).has(want) })
	if !ok {
		p.t.Fatalf("%s never said %v", p.name, want)
	}
	return parse(line)
}

func (r record) has(want record) bool {
	for name, value := range want {
		if r[name] != value {
			return false
		}
	}
	return true
}

// awaitCount waits, at most for patience, until there are n lines of JSON with the fields of
// want, and returns how many there are then. A line may be read later than the answer that its
// process gave after it.
func (p *process) awaitCount(n int, want record) int {
	p.t.Helper()
	seen := 0
	p.await(func(line string) bool {
		if parse(line).has(want) {
			seen++
		}
		return seen >= n
	})
	return p.count(want)
}

// count returns how many lines so far are JSON with the fields of want.
func (p *process) count(want record) int {
	n := 0
	for _, line := range p.output() {
		if parse(line).has(want) {
			n++
		}
	}
	return n
}
