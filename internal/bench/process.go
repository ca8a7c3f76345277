package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"time"

	"github.com/sallyport/sallyport/internal/loopback"
)

// startLimit is how long a process may take until it serves.
const startLimit = time.Minute

// process is one program under measurement.
type process struct {
	name    string
	addr    string // host:port that the load goes to
	stats   string // where readStats finds its statistics; "" = it has none
	pid     int
	process *os.Process
	ended   <-chan struct{}
}

// stop kills the process and waits for its end. It may be called again.
func (p *process) stop() {
	_ = p.process.Kill() // an error says that it has ended already
	<-p.ended
}

// start runs cmd on n processors, as processors.start counts them, until the world
// ends or it is stopped. A stream of cmd that is nil is /dev/null.
func (w *world) start(name string, n int, cmd *exec.Cmd) (*process, error) {
	if n > 0 {
		cmd.Env = append(cmd.Environ(), "GOMAXPROCS="+strconv.Itoa(n))
	}
	endWithParent(cmd)
	if err := w.cpus.start(n, cmd.Start); err != nil {
		return nil, fmt.Errorf("starting %s: %w", name, err)
	}
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait() // it is killed, so an error says nothing
		close(ended)
	}()
	p := &process{name: name, pid: cmd.Process.Pid, process: cmd.Process, ended: ended}
	w.ends = append(w.ends, p.stop)
	return p, nil
}

// bare runs this program as a bare server, which prints its addresses.
func (w *world) bare(ctx context.Context, name, kind string, n int) (*process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("finding this program: %w", err)
	}
	output, writer, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("%s: making a pipe: %w", name, err)
	}
	defer output.Close()
	cmd := exec.CommandContext(ctx, self, bareCommand, kind, w.upstream)
	cmd.Stdout = writer
	p, err := w.start(name, n, cmd)
	writer.Close()
	if err != nil {
		return nil, err
	}
	var stats string
	if _, err := fmt.Fscanln(bufio.NewReader(output), &p.addr, &stats); err != nil {
		return nil, fmt.Errorf("%s: reading its addresses: %w", name, err)
	}
	p.stats = "http://" + stats
	return p, nil
}

// build makes the binary as the Dockerfile does.
func build(ctx context.Context, output string) error {
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w", "-o", output,
		"github.com/sallyport/sallyport/cmd/sallyport")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	// Killed, it would leave its own temporary folder behind.
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = startLimit
	if said, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("building sallyport: %w\n%s", err, bytes.TrimSpace(said))
	}
	return nil
}

// freeAddress returns a loopback address on which, until the world ends, nobody listens
// but programs that are told of it.
func (w *world) freeAddress() (string, error) {
	port, err := loopback.Reserve()
	if err != nil {
		return "", err
	}
	w.ends = append(w.ends, func() { _ = port.Close() })
	return port.Address(), nil
}
