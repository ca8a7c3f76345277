package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"time"
)

// startLimit is how long a proxy may take until it serves.
const startLimit = 15 * time.Second

// proxy is one process under measurement.
type proxy struct {
	name     string
	addr     string // host:port that the load goes to
	identity string // what the app must have been told; "" = nothing
	cookie   string // Cookie field of the request; "" = of nobody
	pid      int
	process  *os.Process
	ended    <-chan struct{}
}

// stop kills the process and waits for its end.
func (p *proxy) stop() {
	_ = p.process.Kill() // an error says that it has ended already
	<-p.ended
}

// start runs cmd on one processor. A stream of it that is nil is /dev/null.
func start(name string, cmd *exec.Cmd) (*proxy, error) {
	cmd.Env = append(cmd.Environ(), "GOMAXPROCS=1")
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting %s: %w", name, err)
	}
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait() // it is killed, so an error says nothing
		close(ended)
	}()
	return &proxy{name: name, pid: cmd.Process.Pid, process: cmd.Process, ended: ended}, nil
}

// startBare runs this program as a bare proxy, which prints its address.
func startBare(ctx context.Context, name, transport, upstream string) (*proxy, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("finding this program: %w", err)
	}
	output, writer, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("%s: making a pipe: %w", name, err)
	}
	defer output.Close()
	cmd := exec.CommandContext(ctx, self, bareCommand, transport, upstream)
	cmd.Stdout = writer
	p, err := start(name, cmd)
	writer.Close()
	if err != nil {
		return nil, err
	}
	line, err := bufio.NewReader(output).ReadString('\n')
	if err != nil {
		p.stop()
		return nil, fmt.Errorf("%s: reading its address: %w", name, err)
	}
	p.addr = strings.TrimPrefix(strings.TrimSpace(line), "http://")
	return p, nil
}

// build makes the binary as the Dockerfile does.
func build(ctx context.Context, output string) error {
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w", "-o", output,
		"github.com/sallyport/sallyport/cmd/sallyport")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if said, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("building sallyport: %w\n%s", err, bytes.TrimSpace(said))
	}
	return nil
}

// freeAddress returns a loopback address that nothing listened on a moment ago.
func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("finding a free port: %w", err)
	}
	return l.Addr().String(), l.Close()
}
