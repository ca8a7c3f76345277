// Package recall remembers values for a time and within a bound: what a process
// does well to know, and can do without.
package recall

import (
	"container/list"
	"sync"
	"time"
)

// Memory remembers values by key. Once it holds as many as it may, the one that
// was put first gives way. It is safe for concurrent use.
type Memory[K comparable, V any] struct {
	limit int

	mu    sync.Mutex
	of    map[K]*list.Element
	order list.List // of entry[K, V], the first to be put in front
}

type entry[K comparable, V any] struct {
	key   K
	value V
	until time.Time
}

// New makes a Memory of at most limit values, one or more.
func New[K comparable, V any](limit int) *Memory[K, V] {
	return &Memory[K, V]{limit: max(limit, 1), of: make(map[K]*list.Element)}
}

// Put remembers v until then, in the place of what it knew by that key.
func (m *Memory[K, V]) Put(key K, v V, now, until time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.remove(m.of[key])
	for first := m.order.Front(); first != nil && (len(m.of) >= m.limit || !now.Before(first.Value.(entry[K, V]).until)); first = m.order.Front() {
		m.remove(first)
	}
	m.of[key] = m.order.PushBack(entry[K, V]{key, v, until})
}

// Get returns what was put by that key, unless its time is over.
func (m *Memory[K, V]) Get(key K, now time.Time) (v V, ok bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	e := m.of[key]
	if e == nil {
		return v, false
	}
	found := e.Value.(entry[K, V])
	if !now.Before(found.until) {
		m.remove(e)
		return v, false
	}
	return found.value, true
}

// Delete forgets a key.
func (m *Memory[K, V]) Delete(key K) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.remove(m.of[key])
}

// remove takes e out; nil is nothing. The caller holds mu.
func (m *Memory[K, V]) remove(e *list.Element) {
	if e == nil {
		return
	}
	delete(m.of, e.Value.(entry[K, V]).key)
	m.order.Remove(e)
}
