package session

import "sync"

// health is what refreshes have found out about one provider.
type health struct {
	breaker breaker
	alarm   pace
}

// healths holds one for each provider that sessions are of, by its id: an outage of
// one says nothing about the others. The ids come from sealed records, so that they are
// no more than were ever configured. It is safe for concurrent use.
type healths struct {
	mu sync.Mutex
	of map[string]*health
}

func (h *healths) at(idp string) *health {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.of == nil {
		h.of = make(map[string]*health)
	}
	found := h.of[idp]
	if found == nil {
		found = new(health)
		h.of[idp] = found
	}
	return found
}
