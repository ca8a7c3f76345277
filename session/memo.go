package session

import "sync/atomic"

// Memo keeps one value that was worked out from a session until the session is
// forgotten, so that the next request need not work it out again. All snapshots of
// a session share it, those before and after a refresh included: whoever reads a
// value must see for himself that it still fits. A nil Memo keeps nothing. It is
// safe for concurrent use and takes no lock.
type Memo struct{ kept atomic.Pointer[any] }

// Load returns what Store was last given, or nil.
func (m *Memo) Load() any {
	if m == nil {
		return nil
	}
	if v := m.kept.Load(); v != nil {
		return *v
	}
	return nil
}

// Store replaces the value.
func (m *Memo) Store(v any) {
	if m != nil {
		m.kept.Store(&v)
	}
}

// Equal is always true: what is remembered says nothing about the session.
func (m *Memo) Equal(*Memo) bool { return true }
