package recall

import (
	"testing"
	"time"
)

func TestMemory(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	m := New[string, int](2)
	want := func(key string, value int, known bool) {
		t.Helper()
		if v, ok := m.Get(key, now); v != value || ok != known {
			t.Errorf("Get(%q) = %d, %t; want %d, %t", key, v, ok, value, known)
		}
	}
	want("a", 0, false)
	m.Put("a", 1, now, now.Add(time.Hour))
	m.Put("b", 2, now, now.Add(time.Minute))
	want("a", 1, true)
	want("b", 2, true)

	now = now.Add(time.Minute)
	want("b", 0, false) // its time is over

	m.Put("c", 3, now, now.Add(time.Hour))
	m.Put("d", 4, now, now.Add(time.Hour)) // one too many
	want("a", 0, false)
	want("c", 3, true)
	want("d", 4, true)

	m.Put("c", 5, now, now.Add(time.Hour)) // the last now
	m.Put("e", 6, now, now.Add(time.Hour))
	want("d", 0, false)
	want("c", 5, true)

	m.Delete("c")
	m.Delete("c")
	want("c", 0, false)
	want("e", 6, true)
}

// What is over gives way before anything that is not.
func TestExpiredGoFirst(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	m := New[int, struct{}](3)
	for k := range 3 {
		m.Put(k, struct{}{}, now, now.Add(time.Minute))
	}
	m.Put(2, struct{}{}, now, now.Add(time.Hour))
	now = now.Add(time.Minute)
	m.Put(3, struct{}{}, now, now.Add(time.Hour))
	known := 0
	m.of.Range(func(any, any) bool { known++; return true })
	if known != 2 || m.order.Len() != 2 || m.held.Load() != 2 {
		t.Errorf("%d, %d and %d remembered, want 2", known, m.order.Len(), m.held.Load())
	}
}

// A key that was deleted and put again lasts for its own time.
func TestPutAfterDelete(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	m := New[string, int](2)
	m.Put("a", 1, now, now.Add(time.Minute))
	m.Delete("a")
	m.Put("a", 2, now, now.Add(time.Hour))
	now = now.Add(time.Minute)
	m.Put("b", 3, now, now.Add(time.Hour))
	if v, ok := m.Get("a", now); !ok || v != 2 {
		t.Errorf("Get = %d, %t; want 2", v, ok)
	}
}

// Who puts a key again does not have it unknown for a moment.
func TestPutAgainIsSeamless(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	m := New[string, int](1)
	m.Put("a", 0, now, now.Add(time.Hour))
	done := make(chan struct{})
	go func() {
		defer close(done)
		for i := range 20_000 {
			m.Put("a", i, now, now.Add(time.Hour))
		}
	}()
	for {
		if _, ok := m.Get("a", now); !ok {
			t.Fatal("not known while it was put again")
		}
		select {
		case <-done:
			return
		default:
		}
	}
}

// Reading what is not there costs nothing while nothing is there.
func TestEmptyGetAllocatesNothing(t *testing.T) {
	m := New[[32]byte, struct{}](8)
	now := time.Unix(1_700_000_000, 0)
	if n := testing.AllocsPerRun(100, func() { m.Get([32]byte{1}, now) }); n != 0 {
		t.Errorf("%v allocations, want 0", n)
	}
}
