package redisstore

import (
	"errors"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/session"
	"github.com/sallyport/sallyport/session/storetest"
)

const slots = 16384

// startCluster starts a cluster of three masters.
func startCluster(t *testing.T) (nodes []*server, url string) {
	t.Helper()
	var hosts []string
	for range 3 {
		n := startRedis(t, "--cluster-enabled", "yes", "--cluster-node-timeout", "5000",
			"--cluster-require-full-coverage", "no", "--appendonly", "yes")
		nodes, hosts = append(nodes, n), append(hosts, n.addr())
	}
	for i, n := range nodes {
		args := []string{"CLUSTER", "ADDSLOTSRANGE", strconv.Itoa(i * slots / 3), strconv.Itoa((i+1)*slots/3 - 1)}
		n.must(args...)
		n.must("CLUSTER", "SET-CONFIG-EPOCH", strconv.Itoa(i+1))
	}
	for _, n := range nodes[1:] {
		nodes[0].must("CLUSTER", "MEET", "127.0.0.1", n.port)
	}
	for _, n := range nodes {
		eventually(t, "the cluster is complete", patience, func() error {
			info := n.text("CLUSTER", "INFO")
			return want(strings.Contains(info, "cluster_state:ok") && strings.Contains(info, "cluster_slots_assigned:16384") &&
				strings.Contains(info, "cluster_known_nodes:3"), "%s", info)
		})
	}
	return nodes, "redis://" + strings.Join(hosts, ",")
}

func TestCluster(t *testing.T) {
	nodes, url := startCluster(t)
	t.Run("contract", func(t *testing.T) { storetest.Run(t, harness(url, 200)) })
	t.Run("contract, one host named", func(t *testing.T) { storetest.Run(t, harness(nodes[0].url(), 50)) })
	t.Run("spread", func(t *testing.T) {
		s := newStore(t, url)
		for range 60 {
			create(t, s, newHandle(), record("sealed"))
		}
		for i, n := range nodes {
			if size := n.number("DBSIZE"); size == 0 {
				t.Errorf("node %d holds nothing", i)
			}
		}
	})
	t.Run("delete reaches other replica", func(t *testing.T) {
		a, b := newStore(t, url), newStore(t, url)
		for range 100 {
			h := newHandle()
			create(t, a, h, record("sealed"))
			get(t, b, h)
			if err := a.Delete(t.Context(), h); err != nil {
				t.Fatal(err)
			}
			eventually(t, "the session is gone", pushed, func() error {
				_, err := b.Get(t.Context(), h)
				return want(errors.Is(err, session.ErrNotFound), "Get = %v", err)
			})
		}
	})
	t.Run("one node killed", func(t *testing.T) { testNodeKilled(t, nodes, url) })
}

// One server that is down does not take the sessions on the others along.
func testNodeKilled(t *testing.T, nodes []*server, url string) {
	s := newStore(t, url, func(cfg *Config) { cfg.StaleFor = -1 })
	var down, up []session.Handle
	for len(down) < 20 || len(up) < 40 {
		h := newHandle()
		create(t, s, h, record("sealed"))
		if nodes[2].holds(recordKey(h)) {
			down = append(down, h)
		} else {
			up = append(up, h)
		}
	}
	nodes[2].kill()
	eventually(t, "the sessions of the dead node fail fast", patience, func() error {
		start := time.Now()
		_, err := s.Get(t.Context(), down[0])
		return want(err != nil && time.Since(start) < quickly, "Get = %v after %v", err, time.Since(start))
	})
	for range 5 {
		for _, h := range down {
			_, err := s.Get(t.Context(), h)
			cannotAnswer(t, "Get from the dead node", err)
		}
		for _, h := range up {
			get(t, s, h)
		}
	}
	if err := s.Ping(t.Context()); err == nil {
		t.Error("Ping with a dead node = nil")
	}
	nodes[2].start()
	for _, h := range down {
		eventually(t, "the session is back", patience, func() error {
			_, err := s.Get(t.Context(), h)
			return err
		})
	}
	eventually(t, "the store is ready", patience, func() error { return s.Ping(t.Context()) })
}

// holds reports whether the key is on this node.
func (s *server) holds(key string) bool {
	m, err := s.do("EXISTS", key)
	if err != nil {
		return false // MOVED
	}
	n, err := m.AsInt64()
	return err == nil && n == 1
}
