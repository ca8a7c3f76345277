package accesslog

import (
	"io"
	"sync"
	"time"
)

const (
	// maxDelay is how long a line of a request may wait for others.
	maxDelay = 100 * time.Millisecond
	// maxWaiting is how many bytes wait at most: as many as a pipe takes in one piece
	// (PIPE_BUF), so that not even another process that writes to it can tear a line.
	// A line that is longer is written by itself.
	maxWaiting = 4096
)

// Config makes a Log.
type Config struct {
	To   io.Writer // gets whole lines, from one goroutine at a time
	Text bool      // lines are those of slog.TextHandler; false = of slog.JSONHandler
}

// Log is where lines go. It is safe for concurrent use.
//
// A line that End writes waits until there is no room for the next, for a tenth of a second at most,
// or until something is written with Write. Nothing is ever left out for want of room:
// while To takes nothing, those who have a line to write wait for it. What To refuses
// with an error is lost, as with a slog.Handler.
type Log struct {
	to    io.Writer
	text  bool
	alarm *time.Timer

	writing sync.Mutex // held while To is written to, and taken before mu
	leaving []byte     // what is being written to it

	mu      sync.Mutex // held to copy a line, and no longer
	waiting []byte
	prompt  bool
}

// New makes a Log.
func New(c Config) *Log {
	l := &Log{to: c.To, text: c.Text}
	l.alarm = time.AfterFunc(maxDelay, func() { _ = l.flush() })
	return l
}

// Write implements io.Writer, for a slog.Handler: p is a line, which is written before
// Write returns, and after every line that came before it.
func (l *Log) Write(p []byte) (int, error) {
	l.append(p)
	if err := l.flush(); err != nil {
		return 0, err
	}
	return len(p), nil
}

// Prompt has all lines written at once, from those that wait on. It is for a process
// that is about to end, and may end sooner than it thinks.
func (l *Log) Prompt() {
	l.mu.Lock()
	l.prompt = true
	l.mu.Unlock()
	_ = l.flush()
}

// add puts a line behind those that wait.
func (l *Log) add(line []byte) {
	switch first, prompt := l.append(line); {
	case prompt:
		_ = l.flush()
	case first:
		l.alarm.Reset(maxDelay)
	}
}

// append copies a line and says whether it is the only one that waits, and whether it
// may not.
func (l *Log) append(line []byte) (first, prompt bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(l.waiting) > 0 && len(l.waiting)+len(line) > maxWaiting {
		l.mu.Unlock()
		_ = l.flush()
		l.mu.Lock()
	}
	l.waiting = append(l.waiting, line...)
	return len(l.waiting) == len(line), l.prompt
}

// flush writes what waits. The error is To's.
func (l *Log) flush() error {
	l.writing.Lock()
	defer l.writing.Unlock()
	l.mu.Lock()
	l.leaving, l.waiting = l.waiting, l.leaving[:0]
	l.mu.Unlock()
	if len(l.leaving) == 0 {
		return nil
	}
	_, err := l.to.Write(l.leaving)
	if cap(l.leaving) > 4*maxWaiting {
		l.leaving = nil // it grew for one long line
	}
	return err
}
