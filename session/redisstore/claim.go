package redisstore

import (
	"context"
	"errors"
	"time"

	"github.com/redis/rueidis"
	"github.com/sallyport/sallyport/session"
)

const claimPrefix = "sallyport:claim:{"

func claimKey(t session.Tag) string { return claimPrefix + t.String() + keySuffix }

// Claim implements session.Claimer. After an error the claim may have been made: it
// is not tried again, because that could not tell its own from another's.
func (s *Store) Claim(ctx context.Context, t session.Tag, until time.Time) (bool, error) {
	now := s.now()
	until = until.Add(time.Millisecond - 1) // Redis counts whole ones
	err := s.exec(ctx, s.scripts.claim, claimKey(t), milliseconds(now), ttl(until, now), milliseconds(until))
	if errors.Is(err, session.ErrConflict) {
		return false, nil
	}
	return err == nil, err
}

// Claimed implements session.Claimer.
func (s *Store) Claimed(ctx context.Context, t session.Tag) (bool, error) {
	key := claimKey(t)
	return ask(ctx, s.link, key, func(ctx context.Context, c rueidis.Client) (bool, error) {
		until, err := c.Do(ctx, c.B().Get().Key(key).Build().Pin()).AsInt64()
		if rueidis.IsRedisNil(err) {
			return false, nil
		}
		return err == nil && s.now().UnixMilli() < until, err
	})
}
