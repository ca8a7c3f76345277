package session

import (
	"context"
	"time"
)

// Remembers reports whether Used and FirstUse work: the store is a Claimer.
func (m *Manager) Remembers() bool {
	_, ok := m.store.store.(Claimer)
	return ok
}

// FirstUse reports whether a value is used for that purpose for the first time, on
// any replica and under any key of the ring, and remembers it until then at least.
// The error is a *StoreError; the caller must then take the value for used. It is
// only for a Manager that Remembers.
func (m *Manager) FirstUse(ctx context.Context, purpose, value string, until time.Time) (bool, error) {
	once, first := use(purpose, value), true
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

// Used reports whether FirstUse has been asked about a value for that purpose, on any
// replica and under any key of the ring. The error is a *StoreError. It is only for a
// Manager that Remembers.
func (m *Manager) Used(ctx context.Context, purpose, value string) (bool, error) {
	once := use(purpose, value)
	for _, f := range m.keys.current.Load().finders {
		if used, err := m.store.claimed(ctx, f.tag(once)); used || err != nil {
			return used, err
		}
	}
	return false, nil
}

// use is what is claimed when a value is used for a purpose.
func use(purpose, value string) facet {
	return facet{kind: facetOnce, parts: [2]string{purpose, value}}
}
