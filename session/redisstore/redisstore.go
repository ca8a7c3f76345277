package redisstore

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/redis/rueidis"
	"github.com/sallyport/sallyport/session"
)

// The defaults of a Config that says nothing else.
const (
	DefaultTimeout      = 250 * time.Millisecond
	DefaultStaleFor     = 15 * time.Second
	DefaultCacheRecords = 16_384
)

// Config makes a Store.
type Config struct {
	// URL of Redis; see ParseURL.
	URL URL
	// Timeout bounds each operation; 0 = DefaultTimeout, at most a second.
	Timeout time.Duration
	// StaleFor is how long, after the connection was lost, a record in memory
	// is used while Redis cannot answer; 0 = DefaultStaleFor, below 0 = never.
	// A sign-out on another replica may go unnoticed for that long.
	StaleFor time.Duration
	// CacheRecords bounds the records in memory, each as large as its sealed
	// session and some 200 bytes; 0 = DefaultCacheRecords.
	CacheRecords int
	// Logger gets one line when Redis stops answering and one when it answers
	// again; nil = slog.Default().
	Logger *slog.Logger
	// Now is the clock; nil = time.Now.
	Now func() time.Time
}

var (
	_ session.Indexer  = (*Store)(nil)
	_ session.Claimer  = (*Store)(nil)
	_ session.Notifier = (*Store)(nil)
)

// Store keeps records in Redis. Its methods are safe for concurrent use.
type Store struct {
	link    *link
	cache   *cache
	scripts scripts
	now     func() time.Time
	corrupt *occasional

	onChange func(h session.Handle) // nil = nobody wants to know
	losses   chan struct{}          // a connection was lost, and onChange was not called since
}

// New makes a store. It fails on a configuration that cannot work, and not
// because Redis is out of reach: the store connects by itself as soon as it can,
// and Ping says why it cannot.
func New(cfg Config) (*Store, error) {
	if err := cfg.complete(); err != nil {
		return nil, fmt.Errorf("redisstore: %w", err)
	}
	s := &Store{
		cache:   newCache(cfg.CacheRecords, cfg.StaleFor, cfg.Now),
		scripts: newScripts(),
		now:     cfg.Now,
		losses:  make(chan struct{}, 1),
		corrupt: &occasional{every: time.Minute, now: cfg.Now, logger: cfg.Logger},
	}
	option, err := clientOption(cfg.URL.at)
	if err != nil {
		return nil, fmt.Errorf("redisstore: %w", err)
	}
	option.OnInvalidations = s.invalidated
	s.link = newLink(option, cfg.Timeout, cfg.Logger.With("redis", cfg.URL.String()))
	return s, nil
}

// complete fills in the defaults.
func (c *Config) complete() error {
	if c.URL.at == nil {
		return errors.New("SALLYPORT_REDIS_URL is empty; with SALLYPORT_SESSION_STORE=redis it must say where Redis is")
	}
	if c.Timeout == 0 {
		c.Timeout = DefaultTimeout
	}
	if c.Timeout < 0 || c.Timeout > time.Second {
		return fmt.Errorf("Timeout is %v, it must be above zero and at most a second", c.Timeout)
	}
	if c.StaleFor == 0 {
		c.StaleFor = DefaultStaleFor
	}
	if c.CacheRecords == 0 {
		c.CacheRecords = DefaultCacheRecords
	}
	if c.CacheRecords < 0 {
		return fmt.Errorf("CacheRecords is %d, it must be above zero", c.CacheRecords)
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return nil
}

// Close gives up the connections. Whatever is called afterwards fails.
func (s *Store) Close() error {
	s.link.close()
	return nil
}

// Ping implements session.Pinger: nil once Redis answers.
func (s *Store) Ping(ctx context.Context) error { return s.link.ping(ctx) }

// Get implements session.Store. The record's Sealed is shared: read only.
func (s *Store) Get(ctx context.Context, h session.Handle) (session.Record, error) {
	if err := ctx.Err(); err != nil {
		return session.Record{}, err
	}
	inMemory, fresh := s.cache.get(h)
	if fresh == confirmed {
		return inMemory, nil
	}
	r, err := s.fetch(ctx, h)
	switch {
	case err == nil, errors.Is(err, session.ErrNotFound):
		return r, err
	case errors.Is(err, ErrCorrupt):
		s.corrupt.warn(ctx, "session record in redis makes no sense; its session gets 503 until it is deleted or expires",
			"session", h, "error", err)
	case fresh == stale && ctx.Err() == nil:
		return inMemory, nil
	}
	return session.Record{}, err
}

// fetch waits until Redis has been asked for a record, once for all who want it.
// The question does not end with the request that happened to be the first.
func (s *Store) fetch(ctx context.Context, h session.Handle) (session.Record, error) {
	f, first := s.cache.board(h)
	if first {
		go func() {
			r, err := s.read(context.WithoutCancel(ctx), h)
			s.cache.land(h, f, r, err)
		}()
	}
	return f.wait(ctx)
}

// read asks Redis for a record, and to be told when it changes.
func (s *Store) read(ctx context.Context, h session.Handle) (session.Record, error) {
	key := recordKey(h)
	return ask(ctx, s.link, key, func(ctx context.Context, c rueidis.Client) (session.Record, error) {
		// How long rueidis would keep the answer is of no matter: it keeps none.
		// Pinned, because the writer of a lost connection may still read a
		// command that was answered on the next one.
		get := c.B().Get().Key(key).Cache().ToStaticTTL().Pin()
		value, err := c.DoCache(ctx, get, time.Hour).AsBytes()
		if rueidis.IsRedisNil(err) {
			return session.Record{}, session.ErrNotFound
		}
		if err != nil {
			return session.Record{}, err
		}
		r, err := decode(h, value)
		if err != nil {
			return session.Record{}, err
		}
		if !s.now().Before(r.ExpiresAt) {
			return session.Record{}, session.ErrNotFound
		}
		return r, nil
	})
}

// Create implements session.Store. An existing handle is a session.ErrConflict.
func (s *Store) Create(ctx context.Context, h session.Handle, r session.Record) error {
	now := s.now()
	r.Version = 1
	err := s.exec(ctx, s.scripts.create, recordKey(h),
		milliseconds(now), ttl(r.ExpiresAt, now), string(encode(h, r, true)))
	s.cache.changed(h)
	if errors.Is(err, session.ErrConflict) {
		return fmt.Errorf("creating session record: %w", err)
	}
	return err
}

// Replace implements session.Store. When only the times change, only the header
// is sent.
func (s *Store) Replace(ctx context.Context, h session.Handle, r session.Record) error {
	now := s.now()
	next := r
	next.Version++
	whole, flag := !s.holds(h, r), "0"
	if whole {
		flag = "1"
	}
	err := s.exec(ctx, s.scripts.replace, recordKey(h), milliseconds(now), ttl(r.ExpiresAt, now),
		string(versionBytes(r.Version)), flag, string(encode(h, next, whole)))
	// On another error it stays: if the write was made after all, Redis says so.
	if err == nil || errors.Is(err, session.ErrConflict) || errors.Is(err, session.ErrNotFound) {
		s.cache.changed(h)
	}
	return err
}

// holds reports whether the record of that version is known to have the same
// sealed session. A version's sealed session never changes, so it does not
// matter how old that knowledge is: a handle is made at random for one session and
// never used for another.
func (s *Store) holds(h session.Handle, r session.Record) bool {
	known, fresh := s.cache.get(h)
	return fresh != absent && known.Version == r.Version && string(known.Sealed) == string(r.Sealed)
}

// Delete implements session.Store. This process forgets the record even if Redis
// does not answer.
func (s *Store) Delete(ctx context.Context, h session.Handle) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	key := recordKey(h)
	s.cache.changed(h)
	_, err := ask(ctx, s.link, key, func(ctx context.Context, c rueidis.Client) (struct{}, error) {
		// Deleting twice does no harm, so it is tried again on a new connection
		// (pinned as in fetch).
		return struct{}{}, c.Do(ctx, c.B().Del().Key(key).Build().ToRetryable().Pin()).Error()
	})
	s.cache.changed(h)
	return err
}

// invalidated is called by the client's reader with the keys that changed, and
// with nil when it lost what it was to be told.
func (s *Store) invalidated(keys []rueidis.RedisMessage) {
	if keys == nil {
		s.cache.lose()
		s.tellLost()
		return
	}
	for _, k := range keys {
		key, err := k.ToString()
		if err != nil {
			continue
		}
		if h, ok := parseKey(key); ok {
			s.cache.changed(h)
			s.tellChanged(h)
		}
	}
}
