package cookiestore

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/sallyport/sallyport/internal/recall"
	"github.com/sallyport/sallyport/session"
)

// maxDeleted bounds how many deleted sessions are remembered, some 250 bytes each.
const maxDeleted = 100_000

// The errors of a Store beside those of session.Store and session.TooLargeError.
var (
	// ErrNoRequest: the context is not that of a request that came through
	// Handler.
	ErrNoRequest = errors.New("SALLYPORT_SESSION_STORE=cookie works only within a request of the session's browser")
	// ErrAnswered: the answer has begun and can take no cookie along.
	ErrAnswered = errors.New("the answer has begun, its cookies cannot be changed any more")
)

// Config makes a Store.
type Config struct {
	Keys    *session.KeyRing
	Cookies session.Cookies
	// MaxAge is what no session outlives, SALLYPORT_SESSION_MAX_AGE: so long is a
	// deleted one remembered.
	MaxAge time.Duration
	Now    func() time.Time // nil = time.Now
}

// Store implements session.Store and session.Carried over the cookies of requests.
// It is safe for concurrent use.
type Store struct {
	keys    *session.KeyRing
	cookies session.Cookies
	now     func() time.Time
	maxAge  time.Duration
	deleted *recall.Memory[session.Handle, struct{}]
	cache   *cache
}

// New makes a Store.
func New(cfg Config) (*Store, error) {
	if cfg.Keys == nil || cfg.Cookies.SessionName() == "" || cfg.MaxAge <= 0 {
		return nil, errors.New("cookiestore: Config needs Keys, Cookies, and MaxAge above zero")
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return &Store{
		keys: cfg.Keys, cookies: cfg.Cookies, now: cfg.Now, maxAge: cfg.MaxAge,
		deleted: recall.New[session.Handle, struct{}](maxDeleted),
		cache:   newCache(),
	}, nil
}

// Deleted implements session.Carried.
func (s *Store) Deleted(h session.Handle) bool {
	_, ok := s.deleted.Get(h, s.now())
	return ok
}

// Handler has the store work within the requests to next.
func (s *Store) Handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := &carrier{ResponseWriter: w, store: s, request: r.Header}
		c.visit = visit{Context: r.Context(), carrier: c}
		next.ServeHTTP(c, r.WithContext(&c.visit))
		c.begin() // an answer without a body or status of its own
	})
}

// Create implements session.Store. A record that does not fit is a
// *session.TooLargeError.
func (s *Store) Create(ctx context.Context, h session.Handle, r session.Record) error {
	c, err := s.change(ctx)
	if err != nil {
		return fmt.Errorf("creating session cookies: %w", err)
	}
	defer c.mu.Unlock()
	if _, ok := s.live(c, h); ok {
		return session.ErrConflict
	}
	r.Version = 1
	if err := s.write(c, h, r); err != nil {
		return err
	}
	s.deleted.Delete(h)
	return nil
}

// Get implements session.Store.
func (s *Store) Get(ctx context.Context, h session.Handle) (session.Record, error) {
	c, err := carrierOf(ctx)
	if err != nil {
		return session.Record{}, fmt.Errorf("reading session cookies: %w", err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	r, ok := s.live(c, h)
	if !ok {
		return session.Record{}, session.ErrNotFound
	}
	return r, nil
}

// Replace implements session.Store. The version is compared with that of this
// request's cookies.
func (s *Store) Replace(ctx context.Context, h session.Handle, r session.Record) error {
	c, err := s.change(ctx)
	if err != nil {
		return fmt.Errorf("replacing session cookies: %w", err)
	}
	defer c.mu.Unlock()
	old, ok := s.live(c, h)
	if !ok {
		return session.ErrNotFound
	}
	if old.Version != r.Version {
		return session.ErrConflict
	}
	r.Version++
	if err := s.write(c, h, r); err != nil {
		return err
	}
	if c.from != nil && c.reader == h {
		c.from.touch(r, s.now())
	}
	return nil
}

// Delete implements session.Store. All copies of the record are refused from now on,
// by this process. Outside a request, or once its answer has begun, the browser
// keeps cookies that open nothing here.
func (s *Store) Delete(ctx context.Context, h session.Handle) error {
	c, err := carrierOf(ctx)
	if err != nil && !errors.Is(err, ErrNoRequest) {
		return fmt.Errorf("deleting session cookies: %w", err)
	}
	now := s.now()
	s.deleted.Put(h, struct{}{}, now, now.Add(s.maxAge))
	s.cache.drop(h) // of no use any more
	if c == nil {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.get(h); ok && (!c.changed || c.owner == h) { // else the answer carries another session
		c.set(h, nil, nil)
	}
	return nil
}

// live returns the record of h unless it has expired or was deleted. The caller
// holds c.mu.
func (s *Store) live(c *carrier, h session.Handle) (session.Record, bool) {
	r, ok := c.get(h)
	if !ok || !s.now().Before(r.ExpiresAt) || s.Deleted(h) {
		return session.Record{}, false
	}
	return r, true
}

// write has the answer carry r. The caller holds c.mu.
func (s *Store) write(c *carrier, h session.Handle, r session.Record) error {
	parts, err := s.encode(h, r)
	if err != nil {
		return err
	}
	c.set(h, &r, parts)
	return nil
}

// change returns the context's carrier, locked, for a change.
func (s *Store) change(ctx context.Context) (*carrier, error) {
	c, err := carrierOf(ctx)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	if c.begun {
		c.mu.Unlock()
		return nil, ErrAnswered
	}
	return c, nil
}

// carrierOf returns the carrier of a request that is not over.
func carrierOf(ctx context.Context) (*carrier, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	c, ok := ctx.Value(carrierKey{}).(*carrier)
	if !ok {
		return nil, ErrNoRequest
	}
	return c, nil
}
