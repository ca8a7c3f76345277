package accesslog

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// pieces is a writer that keeps what each Write was given. While it is blocked, a
// Write waits.
type pieces struct {
	mu      sync.Mutex
	all     []string
	blocked sync.Mutex
	err     error
}

func (p *pieces) Write(b []byte) (int, error) {
	p.blocked.Lock()
	defer p.blocked.Unlock()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.all = append(p.all, string(b))
	return len(b), p.err
}

func (p *pieces) written() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string(nil), p.all...)
}

func request(l *Log, id string) {
	l.End(l.String(l.Begin(nil, time.Now(), "request"), "request_id", id))
}

// ids are the request ids of lines, in their order.
func ids(written []string) []string {
	var found []string
	for line := range strings.Lines(strings.Join(written, "")) {
		_, rest, ok := strings.Cut(line, `"request_id":"`)
		if id, end, whole := strings.Cut(rest, `"`); ok && whole && end == "}\n" {
			found = append(found, id)
		} else {
			found = append(found, "torn: "+line)
		}
	}
	return found
}

func TestLinesWaitTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		to := &pieces{}
		l := New(Config{To: to})
		request(l, "a")
		time.Sleep(maxDelay - time.Millisecond)
		request(l, "b")
		synctest.Wait()
		if got := to.written(); len(got) != 0 {
			t.Errorf("written before their time: %q", got)
		}
		time.Sleep(time.Millisecond)
		synctest.Wait()
		if got := to.written(); len(got) != 1 || fmt.Sprint(ids(got)) != "[a b]" {
			t.Errorf("after %v: %q", maxDelay, got)
		}
		request(l, "c") // the delay begins anew
		time.Sleep(maxDelay)
		synctest.Wait()
		if got := to.written(); len(got) != 2 || fmt.Sprint(ids(got)) != "[a b c]" {
			t.Errorf("then: %q", got)
		}
	})
}

// Whatever slog writes is written at once, and nothing overtakes.
func TestOtherLinesDoNotWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		to := &pieces{}
		l := New(Config{To: to})
		log := slog.New(slog.NewJSONHandler(l, nil))
		request(l, "a")
		log.Warn("w", "request_id", "b")
		if got := to.written(); len(got) != 1 || fmt.Sprint(ids(got)) != "[a b]" {
			t.Errorf("at the warning: %q", got)
		}
		request(l, "c")
		log.Info("i", "request_id", "d")
		if got := ids(to.written()); fmt.Sprint(got) != "[a b c d]" {
			t.Errorf("at the next: %q", got)
		}
	})
}

// At the end of the process nothing waits any more: not what did, and nothing that
// comes after.
func TestPrompt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		to := &pieces{}
		l := New(Config{To: to})
		request(l, "a")
		l.Prompt()
		request(l, "b")
		if got := ids(to.written()); fmt.Sprint(got) != "[a b]" {
			t.Errorf("written: %q", got)
		}
	})
}

// A full buffer is written without waiting, never in more than maxWaiting bytes, and
// a line that is longer by itself.
func TestFullBuffer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		to := &pieces{}
		l := New(Config{To: to})
		for i := range 1000 {
			request(l, fmt.Sprint(i))
		}
		request(l, strings.Repeat("x", 5*maxWaiting))
		request(l, "last")
		l.Prompt()
		got := to.written()
		for _, piece := range got {
			if len(piece) > maxWaiting && strings.Count(piece, "\n") > 1 || !strings.HasSuffix(piece, "}\n") {
				t.Errorf("a piece of %d bytes and %d lines", len(piece), strings.Count(piece, "\n"))
			}
		}
		all := ids(got)
		if len(all) != 1002 || all[0] != "0" || all[999] != "999" || all[1001] != "last" {
			t.Errorf("%d lines in %d pieces", len(all), len(got))
		}
		if n := cap(l.leaving) + cap(l.waiting); n > 8*maxWaiting {
			t.Errorf("%d bytes are kept for lines to come", n)
		}
		if len(got) > 40 {
			t.Errorf("%d pieces for a thousand lines", len(got))
		}
	})
}

// While nobody reads, lines wait for room instead of being left out, and memory is
// bounded. When somebody reads again, all are there, each writer's in order.
func TestBlockedWriter(t *testing.T) {
	to := &pieces{}
	l := New(Config{To: to})
	to.blocked.Lock()
	const writers, lines = 8, 200
	var group sync.WaitGroup
	for w := range writers {
		group.Go(func() {
			for i := range lines {
				request(l, fmt.Sprintf("%d-%03d", w, i))
			}
		})
	}
	full := func() (int, bool) {
		l.mu.Lock()
		defer l.mu.Unlock()
		return len(l.waiting), len(l.waiting) > maxWaiting-100 // less than a line
	}
	for held, ok := full(); !ok; held, ok = full() {
		if held > maxWaiting {
			t.Errorf("%d bytes wait", held)
		}
		runtime.Gosched()
	}
	if got := to.written(); len(got) != 0 {
		t.Errorf("written while nobody reads: %d pieces", len(got))
	}
	to.blocked.Unlock()
	group.Wait()
	l.Prompt()
	last := make(map[string]string)
	all := ids(to.written())
	for _, id := range all {
		w, i, _ := strings.Cut(id, "-")
		if i <= last[w] {
			t.Errorf("%s comes after %s-%s", id, w, last[w])
		}
		last[w] = i
	}
	if len(all) != writers*lines {
		t.Errorf("%d lines, want %d", len(all), writers*lines)
	}
}

func TestRefusedLinesAreLost(t *testing.T) {
	to := &pieces{err: errors.New("no space left on device")}
	l := New(Config{To: to})
	if _, err := l.Write([]byte("{}\n")); !errors.Is(err, to.err) {
		t.Errorf("error %v", err)
	}
	to.err = nil
	if n, err := l.Write([]byte("{\"b\":1}\n")); n != 8 || err != nil || to.all[1] != "{\"b\":1}\n" {
		t.Errorf("then %d, %v, %q", n, err, to.all)
	}
}

// The buffers are swapped, never shared: what is handed to the writer does not change
// while it is being written.
func TestConcurrentLinesStayWhole(t *testing.T) {
	var b bytes.Buffer
	l := New(Config{To: &b}) // one goroutine at a time, or the race detector says so
	var group sync.WaitGroup
	for w := range 8 {
		group.Go(func() {
			for i := range 500 {
				request(l, fmt.Sprintf("%d-%d", w, i))
				if i%50 == 0 {
					_, _ = l.Write([]byte(`{"request_id":"other"}` + "\n"))
				}
			}
		})
	}
	group.Wait()
	l.Prompt()
	all := ids([]string{b.String()})
	if len(all) != 8*510 {
		t.Errorf("%d lines", len(all))
	}
	for _, id := range all {
		if strings.HasPrefix(id, "torn") {
			t.Fatal(id)
		}
	}
}
