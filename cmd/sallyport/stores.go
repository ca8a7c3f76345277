package main

import (
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/sallyport/sallyport/session"
	"github.com/sallyport/sallyport/session/boltstore"
	"github.com/sallyport/sallyport/session/cookiestore"
	"github.com/sallyport/sallyport/session/memstore"
	"github.com/sallyport/sallyport/session/redisstore"
)

// storage is a session store with what belongs to it.
type storage struct {
	session.Store
	// close is called when nothing uses the store any more.
	close func() error
	// within has the store take part in the requests to a handler.
	within func(http.Handler) http.Handler
}

// openStore makes the store that settings ask for. Redis need not be in reach; a
// file must be.
func openStore(s *settings, keys *session.KeyRing, now func() time.Time, logger *slog.Logger) (storage, error) {
	opened := storage{
		close:  func() error { return nil },
		within: func(h http.Handler) http.Handler { return h },
	}
	switch s.Session.Store {
	case storeFile:
		store, err := boltstore.New(boltstore.Config{Path: s.Session.File, Now: now})
		if err != nil {
			return storage{}, err
		}
		opened.Store, opened.close = store, store.Close
	case storeRedis:
		store, err := redisstore.New(redisstore.Config{URL: s.redis, Now: now, Logger: logger})
		if err != nil {
			return storage{}, err
		}
		opened.Store, opened.close = store, store.Close
	case storeCookie:
		store, err := cookiestore.New(cookiestore.Config{Keys: keys, Cookies: s.cookies, MaxAge: s.Session.MaxAge, Now: now})
		if err != nil {
			return storage{}, err
		}
		opened.Store, opened.within = store, store.Handler
	default:
		store, err := memstore.New(memstore.Config{Now: now})
		if err != nil {
			return storage{}, fmt.Errorf("making the memory store: %w", err)
		}
		opened.Store = store
	}
	return opened, nil
}
