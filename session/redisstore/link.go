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

// ask puts a question to the server that has the key. It returns when there is
// an answer, when the context ends, or after the budget, whichever comes first;
// f may go on for a little longer then (rueidis does not let every wait be
// cancelled), so it must not touch what the caller owns.
func ask[T any](ctx context.Context, l *link, key string, f func(context.Context, rueidis.Client) (T, error)) (T, error) {
	var none T
	if err := ctx.Err(); err != nil {
		return none, err
	}
	within, cancel := context.WithTimeout(ctx, l.budget)
	defer cancel()
	c, err := l.current(within)
	if err != nil {
		return none, l.overdue(ctx, err)
	}
	b := l.breaker(c, key)
	if cause := b.cause(); cause != nil {
		return none, cause
	}
	type answer struct {
		value T
		err   error
	}
	answers := make(chan answer, 1)
	go func() {
		value, err := f(within, c)
		answers <- answer{value, err}
	}()
	var a answer
	select {
	case a = <-answers:
	case <-within.Done():
		a.err = within.Err()
	}
	if a.err == nil || answered(a.err) {
		b.succeeded()
		l.renewIfDemoted(a.err)
		return a.value, explain(a.err)
	}
	if ctx.Err() != nil {
		return none, ctx.Err() // the caller's doing, not that of Redis
	}
	err = l.overdue(ctx, a.err)
	if b.failed(err) {
		l.logger.Warn("redis does not answer; failing fast until it does", "error", err)
		l.spawn(func() { l.probe(b, key) })
	}
	return none, err
}

// overdue explains an error, given that ctx is the caller's: a deadline that is
// not the caller's is ours.
func (l *link) overdue(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return &timeoutError{after: l.budget}
	}
	return explain(err)
}

// breaker returns the breaker of the server that has the key.
func (l *link) breaker(c rueidis.Client, key string) *breaker {
	if c.Mode() != rueidis.ClientModeCluster {
		return &l.breakers[0]
	}
	cmd := c.B().Exists().Key(key).Build()
	return &l.breakers[int(cmd.Slot())*breakers/16384]
}

// probe asks once a second until there is an answer, and closes the breaker.
func (l *link) probe(b *breaker, key string) {
	for l.pause(retryEvery) {
		c, err := l.current(l.life)
		if err != nil {
			return
		}
		ctx, cancel := context.WithTimeout(l.life, dialTimeout)
		err = c.Do(ctx, c.B().Exists().Key(key).Build().Pin()).Error()
		cancel()
		if err == nil || answered(err) {
			b.succeeded()
			l.logger.Info("redis answers again")
			return
		}
		b.still(explain(err))
	}
}

// ping asks Redis, whether or not requests are failing fast.
func (l *link) ping(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	const nobodys = "sallyport:ping"
	_, err := ask(ctx, l, nobodys, func(ctx context.Context, c rueidis.Client) (int64, error) {
		// A key, so that a cluster has to have a master for it.
		return c.Do(ctx, c.B().Exists().Key(nobodys).Build().Pin()).AsInt64()
	})
	if err != nil {
		return err
	}
	for i := range l.breakers {
		if cause := l.breakers[i].cause(); cause != nil {
			return cause
		}
	}
	return nil
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
