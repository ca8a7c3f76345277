// Package recall remembers values for a time and within a bound: what a process
// does well to know, and can do without.
package recall

import (
	"container/list"
	"sync"
	"sync/atomic"
	"time"
)

// Memory remembers values by key. Once it holds as many as it may, the one that
// was put first gives way. It is safe for concurrent use; Get takes no lock, and
// while nothing is remembered it costs one atomic load.
type Memory[K comparable, V any] struct {
	limit int
	held  atomic.Int64 // how many, as of the last change
	of    sync.Map     // K to *entry[K, V]; changed under mu alone

	mu    sync.Mutex
	order list.List // of *entry[K, V], the first to be put in front
}

// entry never changes once Get can find it.
type entry[K comparable, V any] struct {
	key   K
	value V
	until time.Time
	place *list.Element
}

// New makes a Memory of at most limit values, one or more.
func New[K comparable, V any](limit int) *Memory[K, V] {
	return &Memory[K, V]{limit: max(limit, 1)}
}

// Put remembers v until then, in the place of what it knew by that key: at no moment
// in between is the key unknown.
func (m *Memory[K, V]) Put(key K, v V, now, until time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if old, ok := m.entry(key); ok {
		m.order.Remove(old.place)
	}
	for first := m.order.Front(); first != nil; first = m.order.Front() {
		e := first.Value.(*entry[K, V])
		if m.order.Len() < m.limit && now.Before(e.until) {
			break
		}
		m.remove(e)
	}
	e := &entry[K, V]{key: key, value: v, until: until}
	e.place = m.order.PushBack(e)
	m.of.Store(key, e)
	m.held.Store(int64(m.order.Len()))
}

// Get returns what was put by that key, unless its time is over.
func (m *Memory[K, V]) Get(key K, now time.Time) (v V, ok bool) {
	if m.held.Load() == 0 {
		return v, false
	}
	e, ok := m.entry(key)
	if !ok || !now.Before(e.until) {
		return v, false
	}
	return e.value, true
}

// Delete forgets a key.
func (m *Memory[K, V]) Delete(key K) {
	if m.held.Load() == 0 {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if e, ok := m.entry(key); ok {
		m.remove(e)
		m.held.Store(int64(m.order.Len()))
	}
}

func (m *Memory[K, V]) entry(key K) (*entry[K, V], bool) {
	e, ok := m.of.Load(key)
	if !ok {
		return nil, false
	}
	return e.(*entry[K, V]), true
}

// remove takes e out. The caller holds mu, and sets held.
func (m *Memory[K, V]) remove(e *entry[K, V]) {
	m.of.Delete(e.key)
	m.order.Remove(e.place)
}
