package redisstore

import (
	"context"
	"errors"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/sallyport/sallyport/session"
)

// A session that everybody wants at once, just after it changed, is read once.
func TestManyGetsAskOnce(t *testing.T) {
	const requests, rounds = 200, 20
	redis := startRedis(t)
	s, h := newStore(t, redis.url()), newHandle()
	create(t, s, h, record("sealed"))
	redis.must("CONFIG", "RESETSTAT")
	for range rounds {
		s.cache.changed(h)
		var wg sync.WaitGroup
		for range requests {
			wg.Go(func() {
				if r, err := s.Get(t.Context(), h); err != nil || string(r.Sealed) != "sealed" {
					t.Errorf("Get = %q, %v", r.Sealed, err)
				}
			})
		}
		wg.Wait()
	}
	if n := redis.calls()["get"]; n != rounds {
		t.Errorf("%d × get for %d rounds of %d requests, want one for each round", n, rounds, requests)
	}
}

// Whoever shares a question may go away without taking the others' answer along,
// also the one who asked first; and nobody waits for longer than his context.
func TestGetSharedByOneWhoGoesAway(t *testing.T) {
	redis := startRedis(t)
	s := newStore(t, redis.url())
	h := newHandle()
	create(t, s, h, record("sealed"))
	redis.signal(syscall.SIGSTOP)
	first, leave := context.WithCancel(t.Context())
	got := make(chan error, 2)
	go func() { _, err := s.Get(first, h); got <- err }()
	eventually(t, "the first asks", patience, func() error {
		_, asking := s.cache.shard(h).flying(h)
		return want(asking, "nobody asks")
	})
	hurried, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if _, err := s.Get(hurried, h); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Get with a deadline that passes = %v, want DeadlineExceeded", err)
	}
	leave()
	if err := <-got; !errors.Is(err, context.Canceled) {
		t.Errorf("Get of the one who left = %v, want Canceled", err)
	}
	go func() { _, err := s.Get(t.Context(), h); got <- err }()
	redis.signal(syscall.SIGCONT)
	if err := <-got; err != nil {
		t.Errorf("Get of the one who stayed = %v", err)
	}
}

// Who asks after a change does not get the answer to a question from before.
func TestFlightOvertaken(t *testing.T) {
	for name, overtake := range map[string]func(*cache, session.Handle){
		"change": func(c *cache, h session.Handle) { c.changed(h) },
		"loss":   func(c *cache, _ session.Handle) { c.lose() },
	} {
		t.Run(name, func(t *testing.T) {
			c, h := newTestCache(1000, time.Hour), newHandle()
			before, _ := c.board(h)
			if joined, first := c.board(h); joined != before || first {
				t.Fatal("a second request does not share the question of the first")
			}
			overtake(c, h)
			after, first := c.board(h)
			if after == before || !first {
				t.Fatal("a request after it shares the question from before")
			}
			c.land(h, before, record("old"), nil)
			if joined, first := c.board(h); joined != after || first {
				t.Error("the old answer ended the new question")
			}
			c.land(h, after, record("new"), nil)
			if r, fresh := c.get(h); fresh != confirmed || string(r.Sealed) != "new" {
				t.Errorf("kept %q, freshness %d", r.Sealed, fresh)
			}
			if r, err := before.wait(t.Context()); err != nil || string(r.Sealed) != "old" {
				t.Errorf("who had asked before got %q, %v", r.Sealed, err)
			}
		})
	}
}

// flying returns the flight of a record that is under way.
func (s *cacheShard) flying(h session.Handle) (*flight, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	f, ok := s.flights[h]
	return f, ok
}
