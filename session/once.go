package session

import (
	"context"
	"time"
)

// Remembers reports whether FirstUse works: the store is a Claimer.
func (m *Manager) Remembers() bool {
	_, ok := m.store.store.(Claimer)
	return ok
}

// FirstUse reports whether a value is used for that purpose for the first time, on
// any replica and under any key of the ring, and remembers it until then at least.
// The error is a *StoreError; the caller must then take the value for used. It is
// only for a Manager that Remembers.
func (m *Manager) FirstUse(ctx context.Context, purpose, value string, until time.Time) (bool, error) {
	once := facet{kind: facetOnce, parts: [2]string{purpose, value}}
	first := true
	// Under every key, because a replica may have the next newest key already. All
	// of them are claimed: of two calls at most one finds all of them free.
	for _, f := range m.keys.current.Load().finders {
		free, err := m.store.claim(ctx, f.tag(once), until)
		if err != nil {
			return false, err
		}
		first = first && free
	}
	return first, nil
}
