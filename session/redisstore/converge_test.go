package redisstore

import (
	"errors"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/sallyport/sallyport/session"
)

// Whatever replicas write, read, delete and lose connections over at the same
// time: afterwards no memory holds what Redis does not.
func TestReplicasConverge(t *testing.T) {
	redis := startRedis(t)
	var replicas []*Store
	for range 3 {
		replicas = append(replicas, newStore(t, redis.url()))
	}
	var handles []session.Handle
	for range 16 {
		h := newHandle()
		create(t, replicas[0], h, record("start"))
		handles = append(handles, h)
	}
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for i, s := range replicas {
		for j := range 3 {
			wg.Go(func() {
				for n := i + j; ; n++ {
					select {
					case <-stop:
						return
					default:
					}
					churn(t, s, handles[n%len(handles)], n)
				}
			})
		}
	}
	wg.Go(func() {
		for range 10 {
			time.Sleep(100 * time.Millisecond)
			redis.must("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
		}
		close(stop)
	})
	wg.Wait()
	for _, h := range handles {
		for i, s := range replicas {
			eventually(t, "memory agrees with Redis", pushed, func() error {
				value, missing := redis.do("GET", recordKey(h))
				got, err := s.Get(t.Context(), h)
				if missing != nil {
					return want(errors.Is(err, session.ErrNotFound), "replica %d: Get = version %d, %v; Redis has none", i, got.Version, err)
				}
				b, _ := value.AsBytes()
				there, errDecode := decode(h, b)
				return errors.Join(err, errDecode, want(got.Version == there.Version, "replica %d: version %d, Redis has %d", i, got.Version, there.Version))
			})
		}
	}
}

// churn does to a record what requests do. Lost connections are no fault here.
func churn(t *testing.T, s *Store, h session.Handle, n int) {
	r, err := s.Get(t.Context(), h)
	switch {
	case err != nil && !errors.Is(err, session.ErrNotFound):
		return
	case n%31 == 0:
		_ = s.Delete(t.Context(), h)
	case err != nil:
		_ = s.Create(t.Context(), h, record("again"))
	case n%5 == 0:
		_ = s.Replace(t.Context(), h, r)
	case n%7 == 0:
		r.Sealed = append([]byte("changed "), byte(n))
		_ = s.Replace(t.Context(), h, r)
	}
}

// ST-04: over a slow network a request pays for one round trip, and only when
// its session is not in memory.
func TestST04SlowNetwork(t *testing.T) {
	const delay = 60 * time.Millisecond // each way
	redis := startRedis(t)
	s := newStore(t, "redis://"+slowly(t, redis.addr(), delay))
	eventually(t, "the store is ready", patience, func() error { return s.Ping(t.Context()) })
	near := newStore(t, redis.url())
	var h session.Handle
	asking := quickest(func() {
		h = newHandle()
		create(t, near, h, record("sealed"))
		get(t, s, h)
	})
	if asking < 2*delay || asking > 3*delay {
		t.Errorf("a Get that asks took %v, want one round trip of %v", asking, 2*delay)
	}
	if took := quickest(func() { get(t, s, h) }); took > delay {
		t.Errorf("a Get from memory took %v", took)
	}
}

// slowly is a relay that holds everything back for delay.
func slowly(t *testing.T, to string, delay time.Duration) (addr string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	t.Cleanup(func() {
		_ = l.Close()
		wg.Wait()
	})
	wg.Go(func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			out, err := net.Dial("tcp", to)
			if err != nil {
				_ = in.Close()
				continue
			}
			wg.Go(func() { relay(out, in, delay) })
			wg.Go(func() { relay(in, out, delay) })
		}
	})
	return l.Addr().String()
}

func relay(to io.WriteCloser, from io.ReadCloser, delay time.Duration) {
	type piece struct {
		b   []byte
		due time.Time
	}
	pieces := make(chan piece, 1024)
	go func() {
		defer close(pieces)
		for {
			b := make([]byte, 4096)
			n, err := from.Read(b)
			if err != nil {
				return
			}
			pieces <- piece{b[:n], time.Now().Add(delay)}
		}
	}()
	for p := range pieces {
		time.Sleep(time.Until(p.due))
		if _, err := to.Write(p.b); err != nil {
			break
		}
	}
	_, _ = to.Close(), from.Close()
	for range pieces { // until the reader has ended
	}
}
