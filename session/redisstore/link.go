package redisstore

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/rueidis"
)

const (
	// retryEvery is how often connecting and asking is tried while it fails.
	retryEvery = time.Second
	// closeWait is how long close waits for what is under way.
	closeWait = time.Second
	// breakers is the number of parts of a cluster that fail by themselves, by
	// the upper bits of the slot: one server that is down does not take the
	// sessions on the others along. Without a cluster there is one.
	breakers = 64
)

var (
	// ErrUnavailable: Redis did not answer.
	ErrUnavailable = errors.New("redis does not answer")
	errClosed      = errors.New("redis store is closed")
)

// link is the way to Redis: it connects by itself, bounds every question, and
// fails fast while nobody answers.
type link struct {
	option rueidis.ClientOption
	budget time.Duration
	logger *slog.Logger

	client  atomic.Pointer[rueidis.Client]
	tried   chan struct{}                  // closed once connecting was tried
	refused atomic.Pointer[explainedError] // why it failed last

	breakers [breakers]breaker
	renewing atomic.Bool

	life   context.Context
	end    context.CancelFunc
	mu     sync.Mutex     // serialises spawn and close
	active sync.WaitGroup // goroutines that probe and connect
}

func newLink(option rueidis.ClientOption, budget time.Duration, logger *slog.Logger) *link {
	l := &link{option: option, budget: budget, logger: logger, tried: make(chan struct{})}
	l.life, l.end = context.WithCancel(context.Background())
	l.spawn(l.connect)
	return l
}

// spawn runs f in a goroutine that close waits for.
func (l *link) spawn(f func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.life.Err() == nil {
		l.active.Go(f)
	}
}

// connect tries until there is a client. From then on rueidis connects again by
// itself.
func (l *link) connect() {
	tried := sync.OnceFunc(func() { close(l.tried) })
	defer tried()
	for {
		c, err := rueidis.NewClient(l.option)
		if err == nil {
			l.client.Store(&c)
			if l.refused.Load() != nil {
				l.logger.Info("redis answers")
			}
			return
		}
		err = explain(err)
		if l.refused.Swap(&explainedError{err}) == nil {
			l.logger.Warn("redis cannot be reached; sessions get 503 until it can", "error", err)
		}
		tried()
		if !l.pause(retryEvery) {
			return
		}
	}
}

// pause returns false once the link is closed.
func (l *link) pause(d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-l.life.Done():
		return false
	}
}

// current returns the client; while there is none, it waits for the first
// attempt to connect, and not for a second one.
func (l *link) current(ctx context.Context) (rueidis.Client, error) {
	select {
	case <-l.tried:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	switch c := l.client.Load(); {
	case l.life.Err() != nil:
		return nil, errClosed
	case c != nil:
		return *c, nil
	}
	return nil, l.refused.Load().error
}

// renewIfDemoted replaces the client when a server refused a write because it is
// no longer the master: a single server behind a name that has moved on.
func (l *link) renewIfDemoted(err error) {
	if !demoted(err) || !l.renewing.CompareAndSwap(false, true) {
		return
	}
	l.spawn(func() {
		defer l.renewing.Store(false)
		next, err := rueidis.NewClient(l.option)
		if err != nil {
			l.logger.Warn("redis is read-only and connecting anew failed", "error", explain(err))
		} else {
			old := l.client.Swap(&next)
			l.logger.Info("redis was read-only; connected anew")
			closeSoon(*old)
		}
		l.pause(retryEvery)
	})
}

func (l *link) close() {
	l.mu.Lock()
	l.end()
	l.mu.Unlock()
	l.active.Wait()
	if c := l.client.Swap(nil); c != nil {
		closeSoon(*c)
	}
}

// closeSoon closes a client, which waits for what is under way; on a dead
// connection that takes its time, so nobody waits for long.
func closeSoon(c rueidis.Client) {
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		c.Close()
	}()
	select {
	case <-closed:
	case <-time.After(closeWait):
	}
}
