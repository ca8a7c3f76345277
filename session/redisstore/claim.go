package redisstore

import (
	"context"
	"errors"
	"time"

	"github.com/sallyport/sallyport/session"
)

const claimPrefix = "sallyport:claim:{"

func claimKey(t session.Tag) string { return claimPrefix + t.String() + keySuffix }

// Claim implements session.Claimer. After an error the claim may have been made: it
// is not tried again, because that could not tell its own from another's.
func (s *Store) Claim(ctx context.Context, t session.Tag, until time.Time) (bool, error) {
	now := s.now()
	err := s.exec(ctx, s.scripts.claim, claimKey(t), milliseconds(now), ttl(until, now), milliseconds(until))
	if errors.Is(err, session.ErrConflict) {
		return false, nil
	}
	return err == nil, err
}
