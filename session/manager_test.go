package session_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport/sallyport/internal/secret"
	"github.com/sallyport/sallyport/session"
)

func TestSignInUseSignOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, b := newWorld(t, nil), &browser{}
		s, err := w.Authenticate(b.request())
		wantNone(t, session.NoCookie, s, err)

		started := w.signIn(t, b, "alice")
		same := cmp.Comparer(func(a, b secret.Text) bool { return a.Reveal() == b.Reveal() })
		for range 3 { // the first opens, the others come from the cache
			s, err = w.Authenticate(b.request())
			wantSession(t, "alice", s, err)
			if diff := cmp.Diff(started, s, same); diff != "" {
				t.Errorf("Authenticate differs from Start (-start +authenticate):\n%s", diff)
			}
		}
		now := time.Now()
		want := session.Session{CreatedAt: now.UTC(), LastSeen: now, ExpiresAt: now.Add(12 * time.Hour), IdleAt: now.Add(61 * time.Minute)}
		for name, pair := range map[string][2]time.Time{
			"CreatedAt": {s.CreatedAt, want.CreatedAt}, "LastSeen": {s.LastSeen, want.LastSeen},
			"ExpiresAt": {s.ExpiresAt, want.ExpiresAt}, "IdleAt": {s.IdleAt, want.IdleAt},
		} {
			if !pair[0].Equal(pair[1]) {
				t.Errorf("%s = %v, want %v", name, pair[0], pair[1])
			}
		}

		rec := httptest.NewRecorder()
		ended, err := w.End(rec, b.request(), session.EndedByPerson)
		wantSession(t, "alice", ended, err)
		if ended.Grant.IDToken.Reveal() != "id-token-of-alice" {
			t.Error("End does not return the ID token that the IdP's sign-out needs")
		}
		old := b.request()
		b.take(rec)
		if len(b.jar) != 0 {
			t.Errorf("cookies after the sign-out: %v", b.names())
		}
		s, err = w.Authenticate(old)
		wantNone(t, session.SessionGone, s, err)
		rec = httptest.NewRecorder()
		if ended, err = w.End(rec, old, session.EndedByPerson); ended != nil || err != nil {
			t.Errorf("second End = %v, %v; want nil, nil", ended, err)
		}
	})
}

// A sign-out at one replica holds at the other from the next request on,
// although that has the session in its cache.
func TestSignOutHoldsEverywhereAtOnce(t *testing.T) {
	w, b := newWorld(t, nil), &browser{}
	other := w.replica(t, nil)
	w.signIn(t, b, "alice")
	s, err := other.Authenticate(b.request())
	wantSession(t, "alice", s, err)
	if _, err := w.End(httptest.NewRecorder(), b.request(), session.EndedByPerson); err != nil {
		t.Fatal(err)
	}
	s, err = other.Authenticate(b.request())
	wantNone(t, session.SessionGone, s, err)
}

func TestSignOutFinishesWhenTheBrowserGoesAway(t *testing.T) {
	w, b := newWorld(t, nil), &browser{}
	w.signIn(t, b, "alice")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	ended, err := w.End(httptest.NewRecorder(), b.request().WithContext(ctx), session.EndedByPerson)
	wantSession(t, "alice", ended, err)
	if w.store.Count() != 0 {
		t.Error("the session is still in the store")
	}
}

func TestSignOutBeatsRequestsUnderWay(t *testing.T) {
	w := newWorld(t, nil)
	for range 200 {
		b := &browser{}
		w.signIn(t, b, "alice")
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() { _, _ = w.Authenticate(b.request()) })
		}
		if _, err := w.End(httptest.NewRecorder(), b.request(), session.EndedByPerson); err != nil {
			t.Fatal(err)
		}
		s, err := w.Authenticate(b.request())
		wantNone(t, session.SessionGone, s, err)
		wg.Wait()
		s, err = w.Authenticate(b.request())
		wantNone(t, session.SessionGone, s, err)
	}
}

// CK-21: every one of several callbacks in one browser ends in a session of
// its own person; none mixes two.
func TestConcurrentSignIns(t *testing.T) {
	w, b := newWorld(t, nil), &browser{}
	w.signIn(t, b, "before")
	users := []string{"alice", "bob", "carol", "dave", "erin"}
	answers := make([]*httptest.ResponseRecorder, len(users))
	var wg sync.WaitGroup
	for i, user := range users {
		answers[i] = httptest.NewRecorder()
		r := b.request()
		wg.Go(func() {
			if _, err := w.Start(answers[i], r, login(user)); err != nil {
				t.Errorf("Start of %s: %v", user, err)
			}
		})
	}
	wg.Wait()
	for i, user := range users {
		own := &browser{}
		own.take(answers[i])
		s, err := w.Authenticate(own.request())
		wantSession(t, user, s, err)
		if got := s.Grant.AccessToken.Reveal(); got != "access-token-of-"+user {
			t.Errorf("CK-21: %s has %q", user, got)
		}
	}
	s, err := w.Authenticate(b.request())
	wantNone(t, session.SessionGone, s, err)
}

func TestStartRefusesNobody(t *testing.T) {
	w := newWorld(t, nil)
	rec := httptest.NewRecorder()
	if _, err := w.Start(rec, raw(), session.Login{}); err == nil || len(rec.Header()) != 0 {
		t.Errorf("Start without a subject = %v, header %v", err, rec.Header())
	}
}

func TestReady(t *testing.T) {
	w := newWorld(t, nil)
	if err := w.Ready(t.Context()); err != nil {
		t.Errorf("Ready: %v", err)
	}
	w.store.pingErr = errDown
	wantStoreError(t, "ping", w.Ready(t.Context()))
	m := w.replica(t, func(cfg *session.Config) { cfg.Store = w.store.Store })
	if err := m.Ready(t.Context()); err != nil {
		t.Errorf("Ready of a store without Ping: %v", err)
	}
}

func TestNewManagerRefuses(t *testing.T) {
	_, err := session.NewManager(session.Config{Idle: -1})
	if err == nil {
		t.Fatal("accepted an empty configuration")
	}
	for _, want := range []string{"Config.Store", "Config.Keys", "Config.Cookies", "SALLYPORT_SESSION_MAX_AGE", "SALLYPORT_SESSION_IDLE"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error %q does not name %s", err, want)
		}
	}
	w := newWorld(t, nil)
	if _, err := session.NewManager(w.cfg); err == nil {
		t.Error("a second manager registered the same metrics")
	}
}

func TestZeroValuesOfConfig(t *testing.T) {
	w := newWorld(t, func(cfg *session.Config) { cfg.Now, cfg.Logger, cfg.Registerer = nil, nil, nil })
	b := &browser{}
	w.signIn(t, b, "alice")
	s, err := w.Authenticate(b.request())
	wantSession(t, "alice", s, err)
}

// Keys, cache and store are shared by all requests at once.
func TestKeysChangeWhileInUse(t *testing.T) {
	w := newWorld(t, nil)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 20 {
				b := &browser{}
				rec := httptest.NewRecorder()
				if _, err := w.Start(rec, b.request(), login("alice")); err != nil {
					t.Errorf("Start: %v", err)
					return
				}
				b.take(rec)
				for range 5 {
					if s, err := w.Authenticate(b.request()); err != nil || s.Identity.Subject != "alice" {
						t.Errorf("Authenticate: %v", err)
					}
				}
			}
		})
	}
	keys := []session.Key{w.key}
	for range 20 {
		keys = append([]session.Key{session.GenerateKey()}, keys...)
		if err := w.keys.Set(keys); err != nil {
			t.Error(err)
		}
	}
	wg.Wait()
}

// A session and everything that holds it prints without its tokens.
func TestSessionsDoNotPrintTokens(t *testing.T) {
	w, b := newWorld(t, nil), &browser{}
	s := w.signIn(t, b, "alice")
	if _, err := w.Authenticate(b.request()); err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	for _, v := range []any{s, *s, s.Grant, login("alice"), w.cfg, w.Manager} {
		fmt.Fprintf(&out, "%v %+v %#v", v, v, v)
		if j, err := json.Marshal(v); err == nil {
			out.Write(j)
		}
		slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "v", v)
		slog.New(slog.NewTextHandler(&out, nil)).Info("x", "v", v)
	}
	for _, token := range []string{"access-token-of-alice", "id-token-of-alice", b.value(cookieName), w.key.Encode()} {
		if strings.Contains(out.String(), token) {
			t.Errorf("%.12s… is printed", token)
		}
	}
	if !strings.Contains(out.String(), "[redacted]") || !strings.Contains(out.String(), s.Handle.String()) {
		t.Error("nothing was printed at all")
	}
}
