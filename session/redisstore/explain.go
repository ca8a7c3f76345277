package redisstore

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/redis/rueidis"
	"github.com/sallyport/sallyport/session"
)

// timeoutError says that the budget of an operation was used up.
type timeoutError struct{ after time.Duration }

func (e *timeoutError) Error() string {
	return fmt.Sprintf("redis does not answer within %v (is SALLYPORT_REDIS_URL right, and Redis not overloaded?)", e.after)
}

// Unwrap makes it an ErrUnavailable and a deadline that was exceeded.
func (e *timeoutError) Unwrap() []error { return []error{ErrUnavailable, context.DeadlineExceeded} }

// isAnswer reports whether err was made of what a server had under a key.
func isAnswer(err error) bool {
	return errors.Is(err, session.ErrNotFound) || errors.Is(err, session.ErrConflict) || errors.Is(err, ErrCorrupt)
}

// answered reports whether err is something that a server said, or that was made
// of it, rather than the lack of an answer.
func answered(err error) bool {
	if isAnswer(err) {
		return true
	}
	said, ok := reply(err)
	return ok && !credentials(said) // those are said when connecting
}

// reply returns the error that a server sent.
func reply(err error) (text string, ok bool) {
	var said *rueidis.RedisError
	if !errors.As(err, &said) {
		return "", false
	}
	return said.Error(), true
}

// demoted reports whether a server refused a write because it is a replica.
func demoted(err error) bool {
	said, ok := reply(err)
	// A script is refused with "-READONLY You can't write against a read only
	// replica. script: …".
	return ok && strings.HasPrefix(strings.TrimPrefix(said, "-"), "READONLY")
}

func credentials(said string) bool {
	for _, code := range []string{"NOAUTH", "WRONGPASS", "ERR AUTH", "ERR invalid password"} {
		if strings.HasPrefix(said, code) {
			return true
		}
	}
	return false
}

// explain says what an error of rueidis means and what to do about it. An answer
// of a Store stays as it is, and so does an ended context. What a server says
// never repeats a password.
func explain(err error) error {
	switch {
	case err == nil, isAnswer(err), errors.Is(err, context.Canceled), errors.Is(err, ErrUnavailable):
		return err
	case errors.Is(err, rueidis.ErrNoCache):
		return fmt.Errorf("%w: the server of SALLYPORT_REDIS_URL must be Redis 6 or later, or Valkey, and allow CLIENT TRACKING: %w",
			ErrUnavailable, err)
	}
	said, ok := reply(err)
	switch {
	case !ok:
		return fmt.Errorf("%w (is SALLYPORT_REDIS_URL right?): %w", ErrUnavailable, err)
	case credentials(said):
		return fmt.Errorf("%w: it refuses the user and password of SALLYPORT_REDIS_URL: %w", ErrUnavailable, err)
	case strings.HasPrefix(said, "NOPERM"):
		return fmt.Errorf("redis refuses a command to the user of SALLYPORT_REDIS_URL, docs/adr/0101-rueidis.md lists those needed: %w", err)
	case strings.HasPrefix(said, "OOM"), strings.Contains(said, "OOM command"):
		return fmt.Errorf("redis is full, raise its maxmemory: %w", err)
	case demoted(err):
		return fmt.Errorf("redis is a read-only replica, SALLYPORT_REDIS_URL must name the master or the Sentinels: %w", err)
	}
	return fmt.Errorf("redis answers with an error: %w", err)
}
