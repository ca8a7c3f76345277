package redisstore

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sallyport/sallyport/session"
	"github.com/sallyport/sallyport/session/storetest"
)

// startSentinels starts a master, a replica and three Sentinels that watch them,
// and returns the URL of the set.
func startSentinels(t *testing.T) (master, replica *server, url string) {
	t.Helper()
	master = startRedis(t)
	replica = startRedis(t, "--replicaof", "127.0.0.1 "+master.port, "--repl-diskless-load", "swapdb")
	master.must("CONFIG", "SET", "repl-diskless-sync-delay", "0")
	var hosts []string
	for range 3 {
		hosts = append(hosts, startSentinel(t, master).addr())
	}
	eventually(t, "the replica is in step", patience, func() error {
		info, err := replica.do("INFO", "replication")
		if err != nil {
			return err
		}
		text, err := info.ToString()
		return errors.Join(err, want(strings.Contains(text, "master_link_status:up"), "%s", text))
	})
	return master, replica, "redis://" + strings.Join(hosts, ",") + "?master=sessions"
}

func startSentinel(t *testing.T, master *server) *server {
	t.Helper()
	s := prepareRedis(t)
	conf := filepath.Join(s.dir, "sentinel.conf")
	// A Sentinel writes what it learns into its configuration.
	text := fmt.Sprintf("port %s\nbind 127.0.0.1\ndir %s\nloglevel notice\nsentinel monitor sessions 127.0.0.1 %s 2\n"+
		"sentinel down-after-milliseconds sessions 500\nsentinel failover-timeout sessions 3000\n", s.port, s.dir, master.port)
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	s.startAs("redis-server", conf, "--sentinel")
	return s
}

// A failover under load: sessions in memory go on, others get an error for a
// while, none that the replica has is lost, and nothing is restarted.
func TestSentinelFailover(t *testing.T) {
	master, replica, url := startSentinels(t)
	eventually(t, "the sentinels know each other and the replica", patience, func() error {
		return sentinelsAgree(t, url)
	})
	s := newStore(t, url)
	fresh := newStore(t, url)
	eventually(t, "the store is ready", patience, func() error { return errors.Join(s.Ping(t.Context()), fresh.Ping(t.Context())) })
	var handles []session.Handle
	for range 200 {
		h := newHandle()
		create(t, s, h, record("sealed"))
		get(t, s, h)
		handles = append(handles, h)
	}
	if n := master.number("WAIT", "1", "2000"); n != 1 {
		t.Fatalf("%d replicas have the sessions, want 1", n)
	}

	var seen tally
	finish := seen.load(t, handles, s, fresh)
	start := time.Now()
	master.kill()
	eventually(t, "the replica is master", patience, func() error {
		role, err := replica.do("ROLE") // a promotion cuts every connection
		if err != nil {
			return err
		}
		v, err := role.ToArray()
		if err != nil {
			return err
		}
		name, err := v[0].ToString()
		return errors.Join(err, want(name == "master", "it is %s", name))
	})
	promoted := time.Since(start)
	eventually(t, "sessions can be written and read", patience, func() error {
		h := newHandle()
		if err := s.Create(t.Context(), h, record("x")); err != nil {
			return err
		}
		_, err := fresh.Get(t.Context(), h)
		return err
	})
	t.Logf("promoted after %v, writable after %v", promoted, time.Since(start))
	finish()
	t.Logf("%d served, %d refused, %d lost, slowest %v", seen.served, seen.refused, seen.lost, seen.slowest)
	if seen.lost != 0 {
		t.Errorf("%d Gets said that a stored session is gone", seen.lost)
	}
	if seen.slowest > hanging {
		t.Errorf("a Get took %v, want at most %v", seen.slowest, hanging)
	}
	for _, h := range handles {
		get(t, s, h)
		get(t, fresh, h)
	}
	storetest.Run(t, harness(url, 100))
}

// tally counts what requests met.
type tally struct {
	mu                    sync.Mutex
	served, refused, lost int
	slowest               time.Duration
}

// load has each store read sessions until finish is called.
func (n *tally) load(t *testing.T, handles []session.Handle, stores ...*Store) (finish func()) {
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for worker := range 8 {
		wg.Go(func() {
			for i := worker; ; i++ {
				select {
				case <-stop:
					return
				case <-time.After(time.Millisecond):
				}
				start := time.Now()
				_, err := stores[worker%len(stores)].Get(t.Context(), handles[i%len(handles)])
				n.count(err, time.Since(start))
			}
		})
	}
	return func() {
		close(stop)
		wg.Wait()
	}
}

func (n *tally) count(err error, took time.Duration) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.slowest = max(n.slowest, took)
	switch {
	case err == nil:
		n.served++
	case errors.Is(err, session.ErrNotFound):
		n.lost++
	default:
		n.refused++
	}
}

// sentinelsAgree fails until each Sentinel knows two others and one replica.
func sentinelsAgree(t *testing.T, url string) error {
	u, err := ParseURL(url)
	if err != nil {
		return err
	}
	for _, host := range u.at.hosts {
		_, port, _ := strings.Cut(host, ":")
		s := &server{t: t, port: port}
		m, err := s.do("SENTINEL", "MASTER", "sessions")
		if err != nil {
			return err
		}
		state, err := m.AsStrMap()
		if err != nil {
			return err
		}
		if state["num-other-sentinels"] != "2" || state["num-slaves"] != "1" || state["flags"] != "master" {
			return fmt.Errorf("sentinel %s sees %s others, %s replicas, %s", host, state["num-other-sentinels"], state["num-slaves"], state["flags"])
		}
	}
	return nil
}

// A single name behind which another server became master: the client that is
// bound to the old one is replaced.
func TestDemotedMaster(t *testing.T) {
	redis, other := startRedis(t), startRedis(t)
	s := newStore(t, redis.url())
	h := newHandle()
	create(t, s, h, record("sealed"))
	redis.must("REPLICAOF", "127.0.0.1", other.port)
	err := s.Create(t.Context(), newHandle(), record("x"))
	cannotAnswer(t, "Create on a replica", err)
	if err != nil && !strings.Contains(err.Error(), "SALLYPORT_REDIS_URL") {
		t.Errorf("Create = %v, want the variable named", err)
	}
	before := s.link.client.Load()
	eventually(t, "the client is replaced", patience, func() error {
		_ = s.Create(t.Context(), newHandle(), record("x"))
		return want(s.link.client.Load() != before, "still the same")
	})
	redis.must("REPLICAOF", "NO", "ONE")
	eventually(t, "it can be written again", patience, func() error {
		return s.Create(t.Context(), newHandle(), record("x"))
	})
}
