package redisstore

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/session"
)

// What Redis returns is checked before it counts as a session, or as none.
func TestCorruptValue(t *testing.T) {
	redis := startRedis(t)
	var log logBuffer
	s := newStore(t, redis.url(), logTo(&log))
	h := newHandle()
	good := string(encode(h, session.Record{
		Version: 1, Sealed: []byte("sealed"), LastSeen: time.Now(), ExpiresAt: time.Now().Add(time.Hour),
	}, true))
	other := string(encode(newHandle(), record("another's"), true))
	flip := func(i int) string { return good[:i] + string(good[i]^1) + good[i+1:] }
	corruptions := 0
	for name, value := range map[string]string{
		"one byte": "x", "text": strings.Repeat("not a session ", 20), "empty header": strings.Repeat("\x00", headerSize),
		"cut in the header": good[:headerSize-1], "cut in the session": good[:len(good)-1],
		"longer": good + "x", "another format": "\x02" + good[1:], "another key's": other,
		"version changed": flip(8), "expiry changed": flip(16), "session changed": flip(headerSize),
	} {
		t.Run(name, func(t *testing.T) {
			redis.must("SET", recordKey(h), value, "EX", "3600")
			s.cache.changed(h) // as Redis will have us do in a moment
			for range 5 {
				_, err := s.Get(t.Context(), h)
				if !errors.Is(err, ErrCorrupt) || errors.Is(err, session.ErrNotFound) {
					t.Fatalf("Get = %v, want ErrCorrupt", err)
				}
			}
			if err := s.Delete(t.Context(), h); err != nil {
				t.Fatalf("Delete: %v", err)
			}
			if _, err := s.Get(t.Context(), h); !errors.Is(err, session.ErrNotFound) {
				t.Fatalf("Get after Delete = %v, want ErrNotFound", err)
			}
		})
		corruptions++
	}
	if lines := log.count("makes no sense"); lines != 1 {
		t.Errorf("%d corruptions made %d lines in the log, want 1 a minute", corruptions, lines)
	}
	if err := s.Ping(t.Context()); err != nil {
		t.Errorf("Ping: %v; corrupt values are no outage", err)
	}
}

// The scripts check as much of a value as they use.
func TestCorruptValueIsNotWritten(t *testing.T) {
	redis := startRedis(t)
	s := newStore(t, redis.url())
	for name, set := range map[string][]string{
		"short":          {"SET", "%s", "short", "EX", "3600"},
		"another format": {"SET", "%s", "\x02" + strings.Repeat("x", 50), "EX", "3600"},
		"a list":         {"RPUSH", "%s", "x"},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHandle()
			args := append([]string(nil), set...)
			args[1] = fmt.Sprintf(args[1], recordKey(h))
			redis.must(args...)
			r := record("sealed")
			r.Version = 1
			cannotAnswer(t, "Create", s.Create(t.Context(), h, r))
			cannotAnswer(t, "Replace", s.Replace(t.Context(), h, r))
			_, err := s.Get(t.Context(), h)
			cannotAnswer(t, "Get", err)
			if err := s.Delete(t.Context(), h); err != nil {
				t.Errorf("Delete: %v", err)
			}
			create(t, s, h, r)
		})
	}
}

// A session that Redis evicted is gone, also where it was in memory.
func TestEvicted(t *testing.T) {
	redis := startRedis(t, "--maxmemory", "8mb", "--maxmemory-policy", "volatile-ttl", "--maxmemory-clients", "0")
	s := newStore(t, redis.url())
	first := newHandle()
	r := record(strings.Repeat("x", 4096))
	r.ExpiresAt = time.Now().Add(time.Minute) // it goes before the others
	create(t, s, first, r)
	get(t, s, first)
	full := record(strings.Repeat("x", 4096))
	for n := 0; redis.number("EXISTS", recordKey(first)) == 1; n++ {
		if n > 20_000 {
			t.Fatal("Redis evicts nothing")
		}
		create(t, s, newHandle(), full)
	}
	eventually(t, "the evicted session is gone", pushed, func() error {
		_, err := s.Get(t.Context(), first)
		return want(errors.Is(err, session.ErrNotFound), "Get = %v", err)
	})
}

// A Redis that is full and evicts nothing refuses sign-ins and keeps sessions.
func TestFull(t *testing.T) {
	redis := startRedis(t)
	s := newStore(t, redis.url())
	h := newHandle()
	create(t, s, h, record("sealed"))
	redis.must("CONFIG", "SET", "maxmemory", "1mb")
	err := s.Create(t.Context(), newHandle(), record("x"))
	cannotAnswer(t, "Create", err)
	if err != nil && !strings.Contains(err.Error(), "maxmemory") {
		t.Errorf("Create = %v, want the remedy: maxmemory", err)
	}
	get(t, s, h)
	if err := s.Delete(t.Context(), h); err != nil {
		t.Errorf("a sign-out in a full Redis: %v", err)
	}
}
