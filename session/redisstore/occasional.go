package redisstore

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// occasional logs a line that many requests could cause, at most once in a
// while, with the number that were left out.
type occasional struct {
	every  time.Duration
	now    func() time.Time
	logger *slog.Logger

	mu   sync.Mutex
	last time.Time
	left int
}

func (o *occasional) warn(ctx context.Context, msg string, args ...any) {
	o.mu.Lock()
	now := o.now()
	if !o.last.IsZero() && now.Sub(o.last) < o.every {
		o.left++
		o.mu.Unlock()
		return
	}
	left := o.left
	o.last, o.left = now, 0
	o.mu.Unlock()
	o.logger.WarnContext(ctx, msg, append(args, "left_out", left)...)
}
