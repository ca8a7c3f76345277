package main

import (
	"fmt"
	"log/slog"
	"time"

	"github.com/sallyport/sallyport/session"
	"github.com/sallyport/sallyport/session/boltstore"
	"github.com/sallyport/sallyport/session/memstore"
	"github.com/sallyport/sallyport/session/redisstore"
)

// openStore makes the store that settings ask for, and what closes it. Redis need
// not be in reach; a file must be.
func openStore(s *settings, now func() time.Time, logger *slog.Logger) (session.Store, func() error, error) {
	switch s.Session.Store {
	case storeFile:
		store, err := boltstore.New(boltstore.Config{Path: s.Session.File, Now: now})
		if err != nil {
			return nil, nil, err
		}
		return store, store.Close, nil
	case storeRedis:
		store, err := redisstore.New(redisstore.Config{URL: s.redis, Now: now, Logger: logger})
		if err != nil {
			return nil, nil, err
		}
		return store, store.Close, nil
	}
	store, err := memstore.New(memstore.Config{Now: now})
	if err != nil {
		return nil, nil, fmt.Errorf("making the memory store: %w", err)
	}
	return store, func() error { return nil }, nil
}
