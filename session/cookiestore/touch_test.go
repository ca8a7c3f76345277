package cookiestore

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/sallyport/sallyport/session"
)

// use writes down a use, as the manager does, in a request of a browser that does not
// take the answer's cookies.
func (w *warm) use(t *testing.T, until time.Time) {
	t.Helper()
	w.browser.copy().within(t.Context(), w.Store, func(ctx context.Context) {
		r, err := w.Get(ctx, w.handle)
		if err != nil {
			t.Fatal(err)
		}
		r.LastSeen, r.ExpiresAt = w.at.Truncate(time.Second), until
		if err := w.Replace(ctx, w.handle, r); err != nil {
			t.Fatal(err)
		}
		if again, err := w.Get(ctx, w.handle); err != nil || again.Version != r.Version+1 {
			t.Fatalf("Get after Replace: version %d, %v", again.Version, err)
		}
	})
}

// The requests that a browser sent beside the one that wrote a use down share it, for
// a while.
func TestTouchIsShared(t *testing.T) {
	w := newWarm(t)
	w.at = w.at.Add(time.Minute)
	w.use(t, w.at.Add(time.Hour))
	r, err := w.browser.get(t, w.Store, w.handle)
	if err != nil || r.Version != 2 || !r.LastSeen.Equal(w.at.Truncate(time.Second)) {
		t.Errorf("version %d, last seen %s, %v", r.Version, r.LastSeen, err)
	}
	w.at = w.at.Add(touchRest)
	if r, err = w.browser.get(t, w.Store, w.handle); err != nil || r.Version != 1 {
		t.Errorf("later: version %d, %v", r.Version, err)
	}
}

// A request goes on with the version that it began with.
func TestTouchByAnotherRequestIsNoConflict(t *testing.T) {
	w := newWarm(t)
	w.browser.within(t.Context(), w.Store, func(ctx context.Context) {
		r, err := w.Get(ctx, w.handle)
		if err != nil {
			t.Fatal(err)
		}
		w.use(t, w.at.Add(time.Hour))
		if err := w.Replace(ctx, w.handle, r); err != nil {
			t.Errorf("Replace = %v", err)
		}
	})
}

// What a request brings decides when it ends, and whether another key opens it.
func TestTouchRevivesNothing(t *testing.T) {
	for name, end := range map[string]func(w *warm){
		"expired": func(w *warm) { w.at = w.at.Add(2 * time.Second) },
		"deleted": func(w *warm) { _ = w.Delete(t.Context(), w.handle) },
		"keys exchanged": func(w *warm) {
			if err := w.ring.Set([]session.Key{session.GenerateKey()}); err != nil {
				t.Error(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWarm(t)
			w.at = w.at.Add(time.Hour - 2*time.Second)
			w.use(t, w.at.Add(time.Hour))
			end(w)
			if _, err := w.browser.get(t, w.Store, w.handle); !errors.Is(err, session.ErrNotFound) {
				t.Errorf("Get = %v", err)
			}
		})
	}
}

// Another content is for the browser alone that its answer reaches.
func TestNewContentIsNotShared(t *testing.T) {
	w := newWarm(t)
	w.browser.copy().within(t.Context(), w.Store, func(ctx context.Context) {
		r := random(4000)
		r.Version = 1
		if err := w.Replace(ctx, w.handle, r); err != nil {
			t.Fatal(err)
		}
	})
	if r, err := w.browser.get(t, w.Store, w.handle); err != nil || r.Version != 1 {
		t.Errorf("version %d, %v", r.Version, err)
	}
}
