package redisstore

import (
	"context"
	"crypto/rand"
	"errors"
	"strconv"
	"time"

	"github.com/redis/rueidis"
	"github.com/sallyport/sallyport/session"
)

// TryLock implements session.Locker. When it fails, the lock may have been taken
// all the same; then nobody has it until ttl is over.
func (s *Store) TryLock(ctx context.Context, h session.Handle, ttl time.Duration) (session.Lock, bool, error) {
	k := &lock{store: s, key: lockKey(h), token: rand.Text()}
	_, err := ask(ctx, s.link, k.key, func(ctx context.Context, c rueidis.Client) (struct{}, error) {
		set := c.B().Set().Key(k.key).Value(k.token).Nx().PxMilliseconds(lockTTL(ttl)).Build()
		err := c.Do(ctx, set).Error()
		if rueidis.IsRedisNil(err) {
			err = session.ErrConflict
		}
		return struct{}{}, err
	})
	switch {
	case err == nil:
		return k, true, nil
	case errors.Is(err, session.ErrConflict):
		return nil, false, nil
	}
	return nil, false, err
}

// lock is a key that holds a token, so that nobody lets go of another's lock.
type lock struct {
	store *Store
	key   string
	token string
}

// Renew implements session.Lock.
func (k *lock) Renew(ctx context.Context, ttl time.Duration) error {
	return k.store.exec(ctx, k.store.scripts.renew, k.key, k.token, strconv.FormatInt(lockTTL(ttl), 10))
}

// Unlock implements session.Lock.
func (k *lock) Unlock(ctx context.Context) error {
	return k.store.exec(ctx, k.store.scripts.unlock, k.key, k.token)
}

func lockTTL(ttl time.Duration) int64 { return max(ttl.Milliseconds(), 1) }
