package session

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// background is what goes on when no request waits for it: refreshes, and ends
// that the store has yet to confirm. The zero value is ready.
type background struct{ sync.WaitGroup }

// wait returns when nothing goes on, or with ctx.
func (b *background) wait(ctx context.Context) error {
	done := make(chan struct{})
	go func() { b.Wait(); close(done) }()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

const (
	// maxLater bounds how many ends wait for the store; each is a goroutine.
	maxLater = 4096
	// laterLongestPause is the longest time between two tries.
	laterLongestPause = 30 * time.Second
)

// later has end tried until it succeeds, the sessions concerned are over by
// themselves, or the process stops: what was to end and did not because the store
// was out of reach. end counts and tells what it ends; what says it in the log.
func (m *Manager) later(what slog.Attr, end func(ctx context.Context) error) {
	select {
	case m.waiting <- struct{}{}:
	default:
		m.logger.Error("too many sessions wait for the store to end them; this one ends by its own limits", what)
		return
	}
	until := m.now().Add(m.maxAge)
	m.background.Go(func() {
		defer func() { <-m.waiting }()
		for pause := firstPause; m.now().Before(until); pause = min(2*pause, laterLongestPause) {
			_ = sleep(context.Background(), pause)
			ctx, cancel := context.WithTimeout(context.Background(), finishWithin)
			err := end(ctx)
			cancel()
			if err == nil {
				m.logger.Info("ended what the store could not end before", what)
				return
			}
		}
	})
}
