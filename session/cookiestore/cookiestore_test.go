package cookiestore

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/session"
	"github.com/sallyport/sallyport/session/storetest"
)

func TestContract(t *testing.T) {
	ring := newRing(t, session.GenerateKey())
	storetest.Run(t, storetest.Harness{
		New: func(t *testing.T, now func() time.Time) session.Store {
			return &browsers{Store: newStore(t, ring, now), of: map[session.Handle]*browser{}}
		},
		Largest: maxSealed,
		Races:   2000,
	})
}

func newHandle() (h session.Handle) {
	rand.Read(h[:])
	return h
}

// random is a record whose sealed bytes fill that many bytes.
func random(size int) session.Record {
	r := session.Record{Sealed: make([]byte, size), LastSeen: time.Now(), ExpiresAt: time.Now().Add(time.Hour)}
	rand.Read(r.Sealed)
	return r
}

// stored is a browser with a record of that size.
func stored(t testing.TB, s *Store, size int) (*browser, session.Handle, session.Record) {
	t.Helper()
	b, h, r := &browser{}, newHandle(), random(size)
	b.within(t.Context(), s, func(ctx context.Context) {
		if err := s.Create(ctx, h, r); err != nil {
			t.Fatal(err)
		}
	})
	return b, h, r
}

func TestSizes(t *testing.T) {
	s := newStore(t, newRing(t, session.GenerateKey()), nil)
	for _, size := range []int{0, 1, 700, 2641, 2642, 2643, 4096, maxSealed - 1, maxSealed} {
		b, h, want := stored(t, s, size)
		got, err := b.get(t, s, h)
		if err != nil || !bytes.Equal(got.Sealed, want.Sealed) {
			t.Errorf("%d bytes: %v", size, err)
		}
		for _, c := range b.jar {
			if n := len(c.Name) + len(c.Value); n > 4096 {
				t.Errorf("%d bytes: cookie %s has %d", size, c.Name, n)
			}
			if !c.HttpOnly || !c.Secure || c.Path != "/" || c.SameSite != http.SameSiteLaxMode {
				t.Errorf("attributes of %s: %s", c.Name, c)
			}
			if !newCookies(t).Owns(c.Name) {
				t.Errorf("%s is not known to be ours", c.Name)
			}
		}
	}
}

func TestTooLargeNamesTheRemedy(t *testing.T) {
	s := newStore(t, newRing(t, session.GenerateKey()), nil)
	(&browser{}).within(t.Context(), s, func(ctx context.Context) {
		err := s.Create(ctx, newHandle(), random(maxSealed+1))
		large, ok := errors.AsType[*session.TooLargeError](err)
		if !ok || large.Size != maxSealed+1 || !strings.Contains(err.Error(), "fewer claims") || !strings.Contains(err.Error(), "choose another store") {
			t.Errorf("Create = %v", err)
		}
	})
}

func TestShorterValueClearsLeftovers(t *testing.T) {
	s := newStore(t, newRing(t, session.GenerateKey()), nil)
	b, h, _ := stored(t, s, maxSealed)
	if len(b.jar) != 2 {
		t.Fatalf("%d cookies, want 2", len(b.jar))
	}
	b.within(t.Context(), s, func(ctx context.Context) {
		r := random(100)
		r.Version = 1
		if err := s.Replace(ctx, h, r); err != nil {
			t.Fatal(err)
		}
	})
	if len(b.jar) != 1 {
		t.Errorf("%d cookies, want 1", len(b.jar))
	}
	if r, err := b.get(t, s, h); err != nil || r.Version != 2 {
		t.Errorf("version %d, %v", r.Version, err)
	}
}

// Whatever becomes of the parts, nothing but the value as it was opens.
func TestParts(t *testing.T) {
	s := newStore(t, newRing(t, session.GenerateKey()), nil)
	const p0, p1, p2 = "__Host-sallyport_0", "__Host-sallyport_1", "__Host-sallyport_2"
	full, h, _ := stored(t, s, 4000) // two parts
	other, _, _ := stored(t, s, 4000)
	for _, test := range []struct {
		name   string
		change func(b *browser)
		opens  bool
	}{
		{"unchanged", func(*browser) {}, true},
		{"CK-02 parts swapped", func(b *browser) { v0, v1 := b.value(p0), b.value(p1); b.set(p0, v1); b.set(p1, v0) }, false},
		{"CK-02 part 1 of another session", func(b *browser) { b.set(p1, other.value(p1)) }, false},
		{"CK-02 part 0 of another session", func(b *browser) { b.set(p0, other.value(p0)) }, false},
		{"CK-02 all of another session", func(b *browser) { b.jar = other.jar }, false},
		{"CK-02 part 1 missing", func(b *browser) { b.take([]*http.Cookie{{Name: p1, MaxAge: -1}}) }, false},
		{"CK-02 part 0 missing", func(b *browser) { b.take([]*http.Cookie{{Name: p0, MaxAge: -1}}) }, false},
		// The authenticated count says that it does not belong to the value.
		{"CK-02 part 2 too many", func(b *browser) { b.set(p2, "QUJD") }, true},
		{"CK-02 part 1 appended to part 0", func(b *browser) { b.set(p0, b.value(p0)+b.value(p1)) }, false},
		{"CK-02 part named _01", func(b *browser) { v := b.value(p1); b.set(p1, "QUJD"); b.set("__Host-sallyport_01", v) }, false},
		{"CK-02 part named _-1", func(b *browser) { v := b.value(p0); b.set(p0, "QUJD"); b.set("__Host-sallyport_-1", v) }, false},
		{"CK-02 part twice", func(b *browser) { b.set(p1, b.value(p1)+b.value(p1)) }, false},
		{"CK-03 a count in a cookie", func(b *browser) { b.set("__Host-sallyport_chunks", "99999999") }, true},
		{"CK-03 a count in a name", func(b *browser) {
			v := b.value(p0)
			b.set(p0, "QUJD")
			b.set("__Host-sallyport_1of1000000", v)
		}, false},
		{"CK-03 part 99999999", func(b *browser) { b.set("__Host-sallyport_99999999", "QUJD") }, true},
		{"empty part", func(b *browser) { b.set(p1, "") }, false},
		{"padding", func(b *browser) { b.set(p1, b.value(p1)+"=") }, false},
		{"planted first", func(b *browser) {
			b.jar = append([]*http.Cookie{{Name: p0, Value: strings.Repeat("A", maxPart)}, {Name: p1, Value: "QUJD"}}, b.jar...)
		}, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := full.copy()
			test.change(b)
			_, err := b.get(t, s, h)
			if test.opens && err != nil || !test.opens && !errors.Is(err, session.ErrNotFound) {
				t.Errorf("Get = %v", err)
			}
		})
	}
}

// CK-01: a record opens only as it was made.
func TestEveryCharacterCounts(t *testing.T) {
	s := newStore(t, newRing(t, session.GenerateKey()), nil)
	b, h, _ := stored(t, s, 3000)
	for _, c := range slices.Clone(b.jar) {
		for i := range len(c.Value) {
			changed := []byte(c.Value)
			for changed[i] == c.Value[i] {
				changed[i] = "AQgw"[int(c.Value[i]+changed[i]+byte(i))%4]
				if changed[i] == c.Value[i] {
					changed[i] = 'B'
				}
			}
			other := b.copy()
			other.set(c.Name, string(changed))
			if _, err := other.get(t, s, h); !errors.Is(err, session.ErrNotFound) {
				t.Fatalf("%s with character %d changed: %v", c.Name, i, err)
			}
			if i%16 == 0 {
				other.set(c.Name, c.Value[:i])
				if _, err := other.get(t, s, h); !errors.Is(err, session.ErrNotFound) {
					t.Fatalf("%s cut to %d: %v", c.Name, i, err)
				}
			}
		}
	}
}

func TestAnotherHandleNameOrScopeDoesNotOpen(t *testing.T) {
	key := session.GenerateKey()
	s := newStore(t, newRing(t, key), nil)
	b, h, _ := stored(t, s, 100)
	if _, err := b.get(t, s, newHandle()); !errors.Is(err, session.ErrNotFound) {
		t.Errorf("another handle: %v", err)
	}
	cookies, err := session.NewCookies(session.CookieConfig{Name: "other", Secure: true})
	if err != nil {
		t.Fatal(err)
	}
	other, err := New(Config{Keys: newRing(t, key), Cookies: cookies, MaxAge: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	renamed := &browser{}
	renamed.set("__Host-other_0", b.value("__Host-sallyport_0"))
	if _, err := renamed.get(t, other, h); !errors.Is(err, session.ErrNotFound) {
		t.Errorf("another name: %v", err)
	}
	elsewhere, err := session.NewKeyRing([]session.Key{key}, "https://staging.example.com|rp1")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.get(t, newStore(t, elsewhere, nil), h); !errors.Is(err, session.ErrNotFound) {
		t.Errorf("CK-14 another deployment under the same key: %v", err)
	}
}

// CK-11: a record under an old key opens as long as the key is there, and is signed by
// the newest when it is written.
func TestRotationAndRestart(t *testing.T) {
	older, newer := session.GenerateKey(), session.GenerateKey()
	before := newStore(t, newRing(t, older), nil)
	b, h, _ := stored(t, before, 5000)
	both := newStore(t, newRing(t, newer, older), nil)
	b.within(t.Context(), both, func(ctx context.Context) {
		r, err := both.Get(ctx, h)
		if err == nil {
			err = both.Replace(ctx, h, r)
		}
		if err != nil {
			t.Fatal(err)
		}
	})
	after := newStore(t, newRing(t, newer), nil)
	if r, err := b.get(t, after, h); err != nil || r.Version != 2 {
		t.Errorf("signed by the newest key: version %d, %v", r.Version, err)
	}
	if _, err := b.get(t, before, h); !errors.Is(err, session.ErrNotFound) {
		t.Errorf("under the old key alone: %v", err)
	}
}

func TestDeletedCopiesAreRefused(t *testing.T) {
	s := newStore(t, newRing(t, session.GenerateKey()), nil)
	b, h, _ := stored(t, s, 5000)
	stolen := b.copy()
	b.within(t.Context(), s, func(ctx context.Context) {
		if err := s.Delete(ctx, h); err != nil {
			t.Fatal(err)
		}
	})
	if len(b.jar) != 0 {
		t.Errorf("the browser keeps %d cookies", len(b.jar))
	}
	stolen.within(t.Context(), s, func(ctx context.Context) {
		r := random(10)
		r.Version = 1
		if err := s.Replace(ctx, h, r); !errors.Is(err, session.ErrNotFound) {
			t.Errorf("Replace = %v", err)
		}
	})
	if _, err := stolen.get(t, s, h); !errors.Is(err, session.ErrNotFound) {
		t.Errorf("Get = %v", err)
	}
}

// A sign-out while another request is being answered is not undone by its answer,
// which leaves alone what the browser has by then.
func TestDeleteBeatsAnAnswerUnderWay(t *testing.T) {
	s := newStore(t, newRing(t, session.GenerateKey()), nil)
	b, h, r := stored(t, s, 5000)
	rec := b.visit(s, func(_ http.ResponseWriter, slow *http.Request) {
		r.Version = 1
		if err := s.Replace(slow.Context(), h, r); err != nil {
			t.Error(err)
		}
		b.within(t.Context(), s, func(ctx context.Context) {
			if err := s.Delete(ctx, h); err != nil {
				t.Error(err)
			}
		})
	})
	if len(b.jar) != 0 || len(rec.Result().Cookies()) != 0 {
		t.Errorf("the browser has %d cookies, %d from the slow answer", len(b.jar), len(rec.Result().Cookies()))
	}
}

// A new sign-in deletes the browser's previous session, whose cookies it replaces.
func TestNewSessionReplacesThePrevious(t *testing.T) {
	s := newStore(t, newRing(t, session.GenerateKey()), nil)
	b, previous, _ := stored(t, s, maxSealed)
	stolen, h := b.copy(), newHandle()
	b.within(t.Context(), s, func(ctx context.Context) {
		if err := s.Create(ctx, h, random(100)); err != nil {
			t.Fatal(err)
		}
		if err := s.Delete(ctx, previous); err != nil {
			t.Fatal(err)
		}
	})
	if _, err := b.get(t, s, h); err != nil || len(b.jar) != 1 {
		t.Errorf("%d cookies, %v", len(b.jar), err)
	}
	if _, err := stolen.get(t, s, previous); !errors.Is(err, session.ErrNotFound) {
		t.Errorf("the previous session: %v", err)
	}
}

func TestOutsideARequest(t *testing.T) {
	s := newStore(t, newRing(t, session.GenerateKey()), nil)
	_, getErr := s.Get(t.Context(), newHandle())
	for op, err := range map[string]error{
		"Get":     getErr,
		"Create":  s.Create(t.Context(), newHandle(), random(1)),
		"Replace": s.Replace(t.Context(), newHandle(), random(1)),
	} {
		if !errors.Is(err, ErrNoRequest) {
			t.Errorf("%s = %v", op, err)
		}
	}
	b, h, _ := stored(t, s, 10)
	if err := s.Delete(t.Context(), h); err != nil {
		t.Errorf("Delete = %v", err)
	}
	if _, err := b.get(t, s, h); !errors.Is(err, session.ErrNotFound) {
		t.Errorf("Get after Delete = %v", err)
	}
}

func TestAnswers(t *testing.T) {
	for name, answer := range map[string]func(w http.ResponseWriter){
		"nothing": func(http.ResponseWriter) {},
		"status":  func(w http.ResponseWriter) { w.WriteHeader(http.StatusNoContent) },
		"body":    func(w http.ResponseWriter) { fmt.Fprint(w, "hello") },
		"flush":   func(w http.ResponseWriter) { _ = http.NewResponseController(w).Flush() },
	} {
		t.Run(name, func(t *testing.T) {
			s := newStore(t, newRing(t, session.GenerateKey()), nil)
			b, h, late := &browser{}, newHandle(), error(nil)
			rec := b.visit(s, func(w http.ResponseWriter, r *http.Request) {
				if err := s.Create(r.Context(), h, random(100)); err != nil {
					t.Error(err)
				}
				w.Header().Set("Cache-Control", "public, max-age=60")
				answer(w)
				record, err := s.Get(r.Context(), h)
				if err != nil {
					t.Error(err)
				}
				late = s.Replace(r.Context(), h, record)
			})
			if got := rec.Result().Header.Get("Cache-Control"); got != "no-store" {
				t.Errorf("Cache-Control: %s", got)
			}
			if _, err := b.get(t, s, h); err != nil {
				t.Errorf("Get: %v", err)
			}
			if want := name != "nothing"; errors.Is(late, ErrAnswered) != want {
				t.Errorf("Replace after the answer = %v", late)
			}
		})
	}
}

func TestAnswersWithoutChangeAreLeftAlone(t *testing.T) {
	s := newStore(t, newRing(t, session.GenerateKey()), nil)
	b, h, _ := stored(t, s, 100)
	rec := b.visit(s, func(w http.ResponseWriter, r *http.Request) {
		if _, err := s.Get(r.Context(), h); err != nil {
			t.Error(err)
		}
		w.Header().Set("Cache-Control", "public")
	})
	if h := rec.Result().Header; h.Get("Cache-Control") != "public" || len(h["Set-Cookie"]) != 0 {
		t.Errorf("header %v", h)
	}
}

func FuzzParts(f *testing.F) {
	s := newStore(f, newRing(f, session.GenerateKey()), nil)
	h := newHandle()
	f.Add("QUJD", "QUJD")
	f.Add("\r\n", strings.Repeat("A", maxPart))
	f.Fuzz(func(t *testing.T, a, b string) {
		if s.find(h, [][]string{{a, b}, {b, a}}) != nil {
			t.Error("opens without a signature")
		}
	})
}
