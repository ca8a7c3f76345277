package redisstore

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"os"
	"time"

	"github.com/redis/rueidis"
)

const (
	// dialTimeout bounds connecting, TLS and signing in. No request waits for
	// it: they have Config.Timeout.
	dialTimeout = time.Second
	// keepAlive is how long a connection may be silent before it is asked for a
	// sign of life, and pongTimeout how long that may take. Together they bound
	// how long a dead connection goes unnoticed.
	keepAlive   = time.Second
	pongTimeout = time.Second
	// bufferSize of each connection; rueidis would take 512 KiB.
	bufferSize = 64 << 10
	// topologyInterval is how often Sentinels and clusters are asked who is
	// master, beside what they say by themselves.
	topologyInterval = 2 * time.Second
)

// clientOption returns what every client of the store is made with.
func clientOption(t *target) (rueidis.ClientOption, error) {
	dialer := net.Dialer{Timeout: dialTimeout, KeepAlive: keepAlive}
	option := rueidis.ClientOption{
		InitAddress: t.hosts, SelectDB: t.db,
		Username: t.username, Password: t.password, ClientName: "sallyport",
		ClientSetInfo: []string{}, // CLIENT SETINFO came with Redis 7.2
		Dialer:        dialer, ConnWriteTimeout: pongTimeout,
		ReadBufferEachConn: bufferSize, WriteBufferEachConn: bufferSize,
		// One connection to each server: what it says of a change comes after
		// the answers that the change made old.
		PipelineMultiplex: -1,
		NewCacheStoreFn:   func(rueidis.CacheStoreOption) rueidis.CacheStore { return noCache{} },
		ClusterOption:     rueidis.ClusterOption{ShardsRefreshInterval: topologyInterval},
	}
	if t.tls {
		config := &tls.Config{MinVersion: tls.VersionTLS12}
		if t.caFile != "" {
			roots, err := readRoots(t.caFile)
			if err != nil {
				return rueidis.ClientOption{}, err
			}
			config.RootCAs = roots
		}
		option.TLSConfig = config
	}
	if t.master != "" {
		option.Sentinel = rueidis.SentinelOption{
			Dialer: dialer, TLSConfig: option.TLSConfig, ClientName: "sallyport",
			MasterSet: t.master, Username: t.sentinelUsername, Password: t.sentinelPassword,
			TopologyRefreshInterval: topologyInterval,
		}
	}
	return option, nil
}

func readRoots(path string) (*x509.CertPool, error) {
	pem, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading ca_file of SALLYPORT_REDIS_URL: %w", err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("ca_file of SALLYPORT_REDIS_URL: %s holds no PEM certificate", path)
	}
	return roots, nil
}

// noCache keeps rueidis from caching beside us. Every DoCache is a question to
// Redis, which tracks the key all the same.
type noCache struct{}

func (noCache) Flight(string, string, time.Duration, time.Time) (rueidis.RedisMessage, rueidis.CacheEntry) {
	return rueidis.RedisMessage{}, nil
}
func (noCache) Update(string, string, rueidis.RedisMessage) int64 { return 0 }
func (noCache) Cancel(string, string, error)                      {}
func (noCache) Delete([]rueidis.RedisMessage)                     {}
func (noCache) Close(error)                                       {}
