package redisstore

import (
	"context"
	"errors"

	"github.com/redis/rueidis"
)

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
func (l *link) breaker(c rueidis.Client, key string) *breaker { return &l.breakers[part(c, key)] }

// part returns which part of a cluster has the key; without one there is one.
func part(c rueidis.Client, key string) int {
	if c.Mode() != rueidis.ClientModeCluster {
		return 0
	}
	cmd := c.B().Exists().Key(key).Build()
	return int(cmd.Slot()) * breakers / 16384
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
