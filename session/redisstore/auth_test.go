package redisstore

import (
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/session"
)

const password = "p@ss:w/rd?"

// What is wrong with the credentials is said without repeating them, and needs
// no restart once it is put right in Redis.
func TestCredentials(t *testing.T) {
	redis := startRedis(t, "--requirepass", password)
	host := redis.addr()
	for name, url := range map[string]string{
		"none":            "redis://" + host,
		"wrong password":  "redis://:topsecret@" + host,
		"wrong user":      "redis://somebody:topsecret@" + host,
		"wrong, to a set": "redis://:topsecret@" + host + "," + host,
	} {
		t.Run(name, func(t *testing.T) {
			var log logBuffer
			s := newStore(t, url, logTo(&log))
			err := s.Ping(t.Context())
			if !errors.Is(err, ErrUnavailable) || !strings.Contains(err.Error(), "user and password of SALLYPORT_REDIS_URL") {
				t.Errorf("Ping = %v, want a complaint about user and password", err)
			}
			_, err = s.Get(t.Context(), newHandle())
			cannotAnswer(t, "Get", err)
			eventually(t, "there is a line in the log", patience, func() error {
				return want(log.count("cannot be reached") == 1, "none")
			})
			if strings.Contains(err.Error(), "topsecret") || log.count("topsecret") != 0 {
				t.Errorf("the password is in %q or in the log", err)
			}
		})
	}
	t.Run("right", func(t *testing.T) {
		s := newStore(t, "redis://:p%40ss%3Aw%2Frd%3F@"+host)
		h := newHandle()
		create(t, s, h, record("sealed"))
		get(t, s, h)
	})
	t.Run("put right", func(t *testing.T) {
		redis := startRedis(t)
		redis.must("CONFIG", "SET", "requirepass", "other") // the admin's connection stays signed in
		s := newStore(t, "redis://:topsecret@"+redis.addr())
		if err := s.Ping(t.Context()); err == nil {
			t.Fatal("Ping with a wrong password = nil")
		}
		redis.must("CONFIG", "SET", "requirepass", "topsecret")
		eventually(t, "the store is ready", patience, func() error { return s.Ping(t.Context()) })
	})
}

// The commands that docs/adr/0101-rueidis.md lists suffice.
func TestLeastPrivilege(t *testing.T) {
	redis := startRedis(t)
	redis.must("ACL", "SETUSER", "sallyport", "on", ">secret", "resetkeys", "~sallyport:*", "nocommands",
		"+hello", "+auth", "+ping", "+client|tracking", "+client|caching", "+client|setname",
		"+cluster|slots", "+cluster|shards",
		"+get", "+set", "+del", "+exists", "+getrange", "+setrange", "+pexpire", "+eval", "+evalsha",
		"+hsetnx", "+hscan", "+hdel", "+pttl")
	s := newStore(t, "redis://sallyport:secret@"+redis.addr())
	if err := s.Ping(t.Context()); err != nil {
		t.Fatalf("Ping: %v", err)
	}
	h := newHandle()
	create(t, s, h, record("sealed"))
	r := get(t, s, h)
	if err := s.Replace(t.Context(), h, r); err != nil {
		t.Errorf("Replace: %v", err)
	}
	lock, ok, err := s.TryLock(t.Context(), h, time.Minute)
	if err != nil || !ok {
		t.Fatalf("TryLock = %v, %v", ok, err)
	}
	if err := errors.Join(lock.Renew(t.Context(), time.Minute), lock.Unlock(t.Context()), s.Delete(t.Context(), h)); err != nil {
		t.Error(err)
	}

	mark := session.Mark{Tag: newTag()}
	marked := createMarked(t, s, mark)
	if first, err := s.Claim(t.Context(), mark.Tag, time.Now().Add(time.Minute)); !first || err != nil {
		t.Errorf("Claim = %t, %v", first, err)
	}
	finds(t, s, mark.Tag, 1)
	s.unmark(t.Context(), mark.Tag, []session.Handle{marked})
	finds(t, s, mark.Tag, 0)

	redis.must("ACL", "SETUSER", "sallyport", "-evalsha", "-eval")
	err = s.Create(t.Context(), newHandle(), record("x"))
	cannotAnswer(t, "Create", err)
	if err != nil && !strings.Contains(err.Error(), "SALLYPORT_REDIS_URL") {
		t.Errorf("Create = %v, want the variable named", err)
	}
}

// A server that is something else is not taken for Redis.
func TestNotRedis(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = conn.Write([]byte("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n"))
			_ = conn.Close()
		}
	}()
	s := newStore(t, "redis://"+l.Addr().String())
	if err := s.Ping(t.Context()); !errors.Is(err, ErrUnavailable) {
		t.Errorf("Ping = %v, want ErrUnavailable", err)
	}
}
