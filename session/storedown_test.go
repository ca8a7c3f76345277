package session_test

import (
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sallyport/sallyport/session"
)

// LO-19: the store is down. The answer is a StoreError, and the browser keeps its
// cookie but after a sign-out, which holds as soon as the store answers again.
func TestStoreDown(t *testing.T) {
	w, b := newWorld(t, nil), &browser{}
	w.signIn(t, b, "alice")
	s, err := w.Authenticate(b.request())
	wantSession(t, "alice", s, err)

	w.store.fail(&w.store.getErr, &w.store.createErr, &w.store.replaceErr, &w.store.deleteErr)
	_, err = w.Authenticate(b.request())
	wantStoreError(t, "get", err)
	_, err = w.Peek(b.request())
	wantStoreError(t, "get", err)
	wantStoreError(t, "get", w.Touch(t.Context(), s))
	rec := httptest.NewRecorder()
	_, err = w.Start(rec, b.request(), login("bob"))
	wantStoreError(t, "create", err)
	if len(rec.Header()) != 0 {
		t.Errorf("a failed Start sets %v", rec.Header())
	}
	rec = httptest.NewRecorder()
	ended, err := w.End(rec, b.request(), session.EndedByPerson)
	wantStoreError(t, "delete", err)
	if ended == nil || ended.Identity.Subject != "alice" {
		t.Error("End does not return the session that is in the cache")
	}
	if c := rec.Result().Cookies(); len(c) != 1 || c[0].Name != cookieName || c[0].MaxAge >= 0 {
		t.Errorf("End with the store down sets %v, want the session cookie cleared", c)
	}

	w.store.heal()
	if err := w.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	s, err = w.Authenticate(b.request()) // the browser's copy of the cookie
	wantNone(t, session.SessionGone, s, err)
}

// A browser whose session the store could not say anything of keeps it.
func TestStoreDownForAWhile(t *testing.T) {
	w, b := newWorld(t, nil), &browser{}
	w.signIn(t, b, "alice")
	w.store.fail(&w.store.getErr, &w.store.replaceErr)
	_, err := w.Authenticate(b.request())
	wantStoreError(t, "get", err)
	w.store.heal()
	s, err := w.Authenticate(b.request())
	wantSession(t, "alice", s, err)
}

func TestStartGoesOnWhenTheOldSessionCannotBeDeleted(t *testing.T) {
	w, b := newWorld(t, nil), &browser{}
	w.signIn(t, b, "before")
	w.store.fail(&w.store.deleteErr)
	w.signIn(t, b, "alice")
	s, err := w.Authenticate(b.request())
	wantSession(t, "alice", s, err)
	if !strings.Contains(w.log.String(), "previous session of this browser not deleted") {
		t.Errorf("not logged: %s", w.log)
	}
}

// A session that the store lost within seconds counts as a sign-in that did
// not hold; the count goes through the next sign-in.
func TestAttempts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, b := newWorld(t, nil), &browser{}
		amnesiac := newWorld(t, func(cfg *session.Config) { cfg.Keys = w.keys }) // a replica with a store of its own
		attempt := 0
		for want := 1; want <= 3; want++ {
			l := login("alice")
			l.Attempt = attempt
			rec := httptest.NewRecorder()
			if _, err := w.Start(rec, b.request(), l); err != nil {
				t.Fatal(err)
			}
			b.take(rec)
			s, err := amnesiac.Authenticate(b.request())
			no := wantNone(t, session.SessionGone, s, err)
			if no.Attempt != want {
				t.Fatalf("Attempt = %d, want %d", no.Attempt, want)
			}
			attempt = no.Attempt
		}
		time.Sleep(30 * time.Second)
		s, err := amnesiac.Authenticate(b.request())
		if no := wantNone(t, session.SessionGone, s, err); no.Attempt != 0 {
			t.Errorf("Attempt after 30 s = %d, want 0", no.Attempt)
		}
	})
}
