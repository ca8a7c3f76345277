package main

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/sallyport/sallyport/session/boltstore"
	"github.com/sallyport/sallyport/session/redisstore"
)

// storeTimeout bounds the probe of the store.
const storeTimeout = 3 * time.Second

func checkStore(ctx context.Context, s *settings, f *findings) {
	const probe = "store"
	f.ok(probe, "%s: absolute limit %s, idle limit %s", s.Session.Store, s.Session.MaxAge, s.Session.Idle)
	switch s.Session.Store {
	case storeFile:
		checkFile(s, f)
	case storeRedis:
		checkRedis(ctx, s, f)
	case storeCookie:
		f.warn(probe, "SALLYPORT_SESSION_STORE", cookieNote)
	default:
		f.warn(probe, "SALLYPORT_SESSION_STORE", memoryNote)
	}
}

// checkFile opens a file that is there, as serve would, and does not make one.
func checkFile(s *settings, f *findings) {
	const probe, variable = "store", "SALLYPORT_SESSION_FILE"
	path := s.Session.File
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		if dir, err := os.Stat(filepath.Dir(path)); err != nil || !dir.IsDir() {
			f.fail(probe, variable, "%s: its directory does not exist; make it", path)
			return
		}
		f.ok(probe, "%s will be made", path)
		return
	}
	store, err := boltstore.New(boltstore.Config{Path: path})
	switch {
	case errors.Is(err, boltstore.ErrInUse):
		f.ok(probe, "%s is in use by a running process; a second one needs a file of its own", path)
	case err != nil:
		f.fail(probe, variable, "%v", err)
	default:
		f.ok(probe, "%s holds %d session(s)", path, store.Count())
		_ = store.Close() // nothing was written
	}
}

// checkRedis waits until Redis answers and looks at what would lose sessions.
func checkRedis(ctx context.Context, s *settings, f *findings) {
	const probe, variable = "store", "SALLYPORT_REDIS_URL"
	store, err := redisstore.New(redisstore.Config{URL: s.redis, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		f.fail(probe, variable, "%v", err)
		return
	}
	defer store.Close()
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	if err := awaitRedis(ctx, store); err != nil {
		f.fail(probe, variable, "%s does not answer: %v", s.redis, err)
		return
	}
	server, err := store.Describe(ctx)
	if err != nil {
		f.warn(probe, "", "%s answers and does not tell its version and maxmemory-policy (%v); set the latter to noeviction, because an evicted record is a person who is signed out", s.redis, err)
		return
	}
	f.ok(probe, "%s is %s", s.redis, server.Name)
	switch {
	case server.EvictionPolicy == "":
		f.warn(probe, "", "the server does not tell its maxmemory-policy; set it to noeviction, because an evicted record is a person who is signed out")
	case server.EvictionPolicy != "noeviction":
		f.warn(probe, "", "maxmemory-policy is %s: when the memory is full, sessions are evicted and people signed out; set it to noeviction", server.EvictionPolicy)
	default:
		f.ok(probe, "maxmemory-policy is noeviction")
	}
}

// awaitRedis asks until there is an answer or ctx ends: the store connects by
// itself, and says meanwhile why it has not.
func awaitRedis(ctx context.Context, store *redisstore.Store) error {
	ticker := time.NewTicker(100 * time.Millisecond)
	defer ticker.Stop()
	for {
		err := store.Ping(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return err
		}
	}
}
