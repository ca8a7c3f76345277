package cookiestore

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/session"
)

// warm is a store that has just read the record of a browser, of two parts.
type warm struct {
	*Store
	at      time.Time // now
	ring    *session.KeyRing
	browser *browser
	handle  session.Handle
}

func newWarm(t testing.TB) *warm {
	t.Helper()
	w := &warm{at: time.Now(), ring: newRing(t, session.GenerateKey())}
	w.Store = newStore(t, w.ring, func() time.Time { return w.at })
	var r session.Record
	w.browser, w.handle, r = stored(t, w.Store, 4000)
	w.at = r.ExpiresAt.Add(-time.Hour) // the record has a clock of its own
	if _, err := w.browser.get(t, w.Store, w.handle); err != nil {
		t.Fatal(err)
	}
	if w.found(w.browser) == nil || w.found(w.browser) != w.found(w.browser) {
		t.Fatal("the same bytes are verified again")
	}
	return w
}

func (w *warm) found(b *browser) *reading {
	return w.find(w.handle, w.cookies.Parts(b.request().Header, MaxParts, maxPart))
}

// A reading that is remembered must not outlive what it was verified against.
func TestCachedReadingEnds(t *testing.T) {
	const p0, p1 = "__Host-sallyport_0", "__Host-sallyport_1"
	for name, change := range map[string]func(w *warm){
		"deleted elsewhere": func(w *warm) { _ = w.Delete(t.Context(), w.handle) },
		// A request that was under way may put it back.
		"deleted, and read again": func(w *warm) {
			_ = w.Delete(t.Context(), w.handle)
			if w.found(w.browser) == nil {
				t.Error("the reading itself is gone")
			}
		},
		"expired": func(w *warm) { w.at = w.at.Add(time.Hour) },
		"keys exchanged": func(w *warm) {
			if err := w.ring.Set([]session.Key{session.GenerateKey()}); err != nil {
				t.Error(err)
			}
		},
		"first part changed":  func(w *warm) { w.browser.set(p0, flipped(w.browser.value(p0))) },
		"second part changed": func(w *warm) { w.browser.set(p1, flipped(w.browser.value(p1))) },
		"second part cut":     func(w *warm) { v := w.browser.value(p1); w.browser.set(p1, v[:len(v)-1]) },
		"second part gone":    func(w *warm) { w.browser.take([]*http.Cookie{{Name: p1, MaxAge: -1}}) },
		"no cookies":          func(w *warm) { w.browser.jar = nil },
		"another handle":      func(w *warm) { w.handle = newHandle() },
		"another session of the same shard": func(w *warm) {
			first := w.handle[0]
			w.handle = newHandle()
			w.handle[0] = first
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWarm(t)
			change(w)
			if _, err := w.browser.get(t, w.Store, w.handle); !errors.Is(err, session.ErrNotFound) {
				t.Errorf("Get = %v", err)
			}
		})
	}
}

// flipped is value with its first character after the header changed.
func flipped(value string) string {
	b := []byte(value)
	if b[40]++; b[40] == 'z'+1 || !strings.ContainsRune("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789", rune(b[40])) {
		b[40] = 'A'
	}
	return string(b)
}

// The end of a session holds also for a request that has read it already.
func TestReadingEndsWithinARequest(t *testing.T) {
	for name, end := range map[string]func(w *warm){
		"deleted": func(w *warm) { _ = w.Delete(t.Context(), w.handle) },
		"expired": func(w *warm) { w.at = w.at.Add(time.Hour) },
		"keys exchanged": func(w *warm) {
			if err := w.ring.Set([]session.Key{session.GenerateKey()}); err != nil {
				t.Error(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWarm(t)
			w.browser.within(t.Context(), w.Store, func(ctx context.Context) {
				if _, err := w.Get(ctx, w.handle); err != nil {
					t.Fatal(err)
				}
				end(w)
				if _, err := w.Get(ctx, w.handle); !errors.Is(err, session.ErrNotFound) {
					t.Errorf("Get = %v", err)
				}
			})
		})
	}
}

// A request may bring several tickets, and ask for each.
func TestOneRequestAsksForSeveralHandles(t *testing.T) {
	w := newWarm(t)
	other, h, second := stored(t, w.Store, 4000)
	first, err := w.browser.get(t, w.Store, w.handle)
	if err != nil {
		t.Fatal(err)
	}
	sealed := map[session.Handle][]byte{w.handle: first.Sealed, h: second.Sealed}
	both := w.browser.copy()
	both.jar = append(both.jar, other.jar...)
	both.within(t.Context(), w.Store, func(ctx context.Context) {
		for _, test := range []struct {
			handle session.Handle
			known  bool
		}{{w.handle, true}, {newHandle(), false}, {h, true}, {w.handle, true}} {
			r, err := w.Get(ctx, test.handle)
			if (err == nil) != test.known {
				t.Errorf("Get = %v, want known %t", err, test.known)
			}
			if test.known && !bytes.Equal(r.Sealed, sealed[test.handle]) {
				t.Error("the record of another handle")
			}
		}
	})
}

// A key that is added leaves what older ones signed, which is verified anew.
func TestCachedReadingIsOfItsKeys(t *testing.T) {
	key := session.GenerateKey()
	ring := newRing(t, key)
	s := newStore(t, ring, nil)
	b, h, _ := stored(t, s, 100)
	before := s.find(h, s.cookies.Parts(b.request().Header, MaxParts, maxPart))
	if err := ring.Set([]session.Key{session.GenerateKey(), key}); err != nil {
		t.Fatal(err)
	}
	after := s.find(h, s.cookies.Parts(b.request().Header, MaxParts, maxPart))
	if before == nil || after == nil || before == after {
		t.Errorf("before %p, after %p", before, after)
	}
}

// Each request gets what its own bytes say, whatever was read last, and planted values
// change nothing.
func TestCachedReadingAmongOthers(t *testing.T) {
	const p0, p1 = "__Host-sallyport_0", "__Host-sallyport_1"
	w := newWarm(t)
	older, foreign := w.browser.copy(), newWarm(t).browser
	w.browser.within(t.Context(), w.Store, func(ctx context.Context) {
		r := random(4000)
		r.Version = 1
		if err := w.Replace(ctx, w.handle, r); err != nil {
			t.Fatal(err)
		}
	})
	newer := w.browser
	mixed := older.copy()
	mixed.set(p1, newer.value(p1))
	planted := newer.copy()
	planted.jar = append([]*http.Cookie{
		{Name: p0, Value: foreign.value(p0)}, {Name: p1, Value: foreign.value(p1)}, {Name: p0, Value: strings.Repeat("A", maxPart)},
	}, planted.jar...)
	both := newer.copy() // the first that is valid wins, as without a cache
	both.jar = append(older.copy().jar, both.jar...)
	for range 2 {
		for _, test := range []struct {
			name    string
			browser *browser
			version uint64 // 0 = none
		}{{"newer", newer, 2}, {"older", older, 1}, {"mixed", mixed, 0}, {"newer", newer, 2}, {"planted", planted, 2}, {"both", both, 1}, {"newer", newer, 2}, {"both", both, 1}} {
			r, err := test.browser.get(t, w.Store, w.handle)
			if r.Version != test.version || (err == nil) != (test.version != 0) {
				t.Errorf("%s: version %d, %v; want %d", test.name, r.Version, err, test.version)
			}
		}
	}
}

func TestCacheIsBounded(t *testing.T) {
	c, now := newCache(), time.Now()
	held := func() (n int) {
		for i := range c.shards {
			n += len(c.shards[i].readings)
		}
		return n
	}
	for i := range 3 * cacheShards * cachePerShard {
		c.put(newHandle(), &reading{parts: []string{strconv.Itoa(i)}, record: session.Record{ExpiresAt: now.Add(time.Hour)}}, now)
	}
	if n := held(); n != cacheShards*cachePerShard {
		t.Errorf("%d readings, want %d", n, cacheShards*cachePerShard)
	}
	for range 3 * cacheShards * cachePerShard {
		c.put(newHandle(), &reading{parts: []string{"new"}, record: session.Record{ExpiresAt: now.Add(3 * time.Hour)}}, now.Add(2*time.Hour))
	}
	if n := held(); n > cacheShards*cachePerShard {
		t.Errorf("%d readings, want at most %d", n, cacheShards*cachePerShard)
	}
}

// BenchmarkSteady is what the store takes of a request whose bytes came before.
func BenchmarkSteady(b *testing.B) {
	for name, size := range map[string]int{"one part": 1200, "two parts": 4000} {
		b.Run(name, func(b *testing.B) {
			s := newStore(b, newRing(b, session.GenerateKey()), nil)
			browser, h, _ := stored(b, s, size)
			r := browser.request()
			handler := s.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				if _, err := s.Get(r.Context(), h); err != nil {
					b.Error(err)
				}
			}))
			b.ReportAllocs()
			for b.Loop() {
				handler.ServeHTTP(nil, r)
			}
		})
	}
}
