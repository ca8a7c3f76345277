package session_test

import (
	"context"
	"errors"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sallyport/sallyport/session"
)

// signInAs starts a session of l in a new browser that says so.
func (w *world) signInAs(t testing.TB, m *session.Manager, l session.Login, agent string) (*browser, *session.Session) {
	t.Helper()
	b, rec := &browser{}, httptest.NewRecorder()
	r := b.request()
	r.Header.Set("User-Agent", agent)
	r = r.WithContext(context.WithValue(r.Context(), session.ClientAddress{}, "192.0.2.7"))
	s, err := m.Start(rec, r, l)
	if err != nil {
		t.Fatal(err)
	}
	b.take(rec)
	return b, s
}

// loginIn is a login of somebody in one of the provider's own sessions.
func loginIn(user, sid string) session.Login {
	l := login(user)
	l.Identity.SID, l.Identity.User, l.Identity.Email = sid, user+"-name", user+"@example.com"
	return l
}

func TestOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil)
		first, _ := w.signInAs(t, w.Manager, loginIn("alice", "sid-1"), "Phone\x00\n/1é")
		time.Sleep(time.Minute)
		second, s := w.signInAs(t, w.Manager, loginIn("alice", "sid-2"), strings.Repeat("x", 5000))
		w.signInAs(t, w.Manager, loginIn("bob", "sid-1"), "other")
		time.Sleep(30 * time.Minute)
		if _, err := w.Authenticate(first.request()); err != nil {
			t.Fatal(err)
		}
		own, list, err := w.Own(second.request())
		wantSession(t, "alice", own, err)
		if len(list) != 2 {
			t.Fatalf("%d sessions, want alice's two", len(list))
		}
		if l := list[0]; l.Handle != s.Handle || !l.Current || len(l.UserAgent) != 256 || !l.CreatedAt.Equal(s.CreatedAt) || !l.ExpiresAt.Equal(s.IdleAt) {
			t.Errorf("the newest is %+v, want the request's", l)
		}
		l := list[1]
		if l.Current || l.UserAgent != "Phone/1" || l.Address != "192.0.2.7" || l.IdP != "keycloak" || l.Subject != "alice" ||
			l.User != "alice-name" || l.Email != "alice@example.com" || time.Since(l.LastSeen) > time.Second {
			t.Errorf("the other is %+v", l)
		}
		if _, err := w.Peek(second.request()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(31*time.Minute + time.Second)
		s, err = w.Peek(second.request())
		wantNone(t, session.SessionIdle, s, err) // looking at the list was no use
	})
}

func TestOfUser(t *testing.T) {
	w := newWorld(t, nil)
	w.signInAs(t, w.Manager, loginIn("alice", ""), "a")
	w.signInAs(t, w.Manager, loginIn("alice", ""), "b")
	elsewhere := loginIn("alice", "")
	elsewhere.Identity.Issuer = "https://other.example.com"
	w.signInAs(t, w.Manager, elsewhere, "c")
	sameAddress := loginIn("alison", "")
	sameAddress.Identity.Email = "Alice@Example.com"
	w.signInAs(t, w.Manager, sameAddress, "d")
	for user, want := range map[string]int{
		"alice": 3, "ALICE": 3, "alice-name": 3, "alice@example.com": 4, "alison": 1, "": 0, "bob": 0, "alice ": 0,
	} {
		list, err := w.OfUser(t.Context(), user)
		if err != nil || len(list) != want {
			t.Errorf("%q has %d sessions, %v; want %d", user, len(list), err, want)
		}
		for _, l := range list {
			if l.UserAgent == "" || l.Current {
				t.Errorf("listed %+v", l)
			}
		}
	}
}

// A key that replaces another does not hide the sessions that were marked with the
// old one, and a deployment finds none of another's.
func TestFindAfterKeyRotation(t *testing.T) {
	w := newWorld(t, nil)
	w.signInAs(t, w.Manager, loginIn("alice", "sid-1"), "old key")
	if err := w.keys.Set([]session.Key{session.GenerateKey(), w.key}); err != nil {
		t.Fatal(err)
	}
	b, _ := w.signInAs(t, w.Manager, loginIn("alice", "sid-1"), "new key")
	if _, list, err := w.Own(b.request()); err != nil || len(list) != 2 || list[0].UserAgent == "" || list[1].UserAgent == "" {
		t.Errorf("lists %+v, %v; want both with their notes", list, err)
	}
	if n, err := w.EndSID(t.Context(), "https://idp.example.com", "sid-1", session.EndedByBackChannel); n != 2 || err != nil {
		t.Errorf("ended %d, %v; want 2", n, err)
	}
	other, err := session.NewKeyRing([]session.Key{w.key}, "https://other.example.com|rp1")
	if err != nil {
		t.Fatal(err)
	}
	w.signInAs(t, w.Manager, loginIn("alice", "sid-1"), "third")
	stranger := w.replica(t, func(c *session.Config) { c.Keys, c.Store = other, w.store.unforgetting() })
	if list, err := stranger.OfUser(t.Context(), "alice"); err != nil || len(list) != 0 {
		t.Errorf("another deployment finds %+v, %v", list, err)
	}
}

// A store that finds nothing makes sessions all the same.
func TestWithoutIndex(t *testing.T) {
	w := newWorld(t, func(c *session.Config) { c.Store = struct{ session.Store }{c.Store} })
	b := &browser{}
	w.signIn(t, b, "alice")
	if w.Finds() || w.Remembers() {
		t.Error("it says that it finds or remembers")
	}
	_, _, err := w.Own(b.request())
	if !errors.Is(err, session.ErrNoIndex) {
		t.Errorf("Own = %v, want ErrNoIndex", err)
	}
	if _, err := w.EndSID(t.Context(), "https://idp.example.com", "x", session.EndedByAdmin); !errors.Is(err, session.ErrNoIndex) {
		t.Errorf("EndSID = %v, want ErrNoIndex", err)
	}
}

func TestFirstUse(t *testing.T) {
	w := newWorld(t, nil)
	later := time.Now().Add(time.Hour)
	first := func(m *session.Manager, purpose, value string, want bool) {
		t.Helper()
		if got, err := m.FirstUse(t.Context(), purpose, value, later); got != want || err != nil {
			t.Errorf("FirstUse of %s %s = %t, %v; want %t", purpose, value, got, err, want)
		}
		if used, err := m.Used(t.Context(), purpose, value); !used || err != nil {
			t.Errorf("Used of %s %s = %t, %v after its first use", purpose, value, used, err)
		}
	}
	first(w.Manager, "jti", "a", true)
	first(w.Manager, "jti", "a", false)
	first(w.Manager, "jti", "b", true)
	first(w.Manager, "state", "a", true)
	first(w.Manager, "jtia", "", true)
	if err := w.keys.Set([]session.Key{session.GenerateKey(), w.key}); err != nil {
		t.Fatal(err)
	}
	first(w.Manager, "jti", "a", false)
	if used, err := w.Used(t.Context(), "jti", "c"); used || err != nil {
		t.Errorf("Used = %t, %v before the first use", used, err)
	}
	w.store.fail(&w.store.claimErr)
	used, err := w.Used(t.Context(), "jti", "a")
	wantStoreError(t, "claim", err)
	if used {
		t.Error("a use known without the store")
	}
	got, err := w.FirstUse(t.Context(), "jti", "c", later)
	wantStoreError(t, "claim", err)
	if got {
		t.Error("a first use without the store")
	}
}

// unforgetting is the store for a second manager, which must not be told what the
// store forgets.
func (s *faultyStore) unforgetting() session.Store {
	return struct {
		session.Store
		session.Indexer
		session.Claimer
	}{s, s, s}
}

func (s *faultyStore) CreateMarked(ctx context.Context, h session.Handle, r session.Record, marks []session.Mark, until time.Time) error {
	if err := s.createErr.Load(); err != nil {
		return *err
	}
	return s.Store.CreateMarked(ctx, h, r, marks, until)
}

func (s *faultyStore) Find(ctx context.Context, t session.Tag) ([]session.Found, error) {
	if err := s.findErr.Load(); err != nil {
		return nil, *err
	}
	return s.Store.Find(ctx, t)
}

func (s *faultyStore) Claim(ctx context.Context, t session.Tag, until time.Time) (bool, error) {
	if err := s.claimErr.Load(); err != nil {
		return false, *err
	}
	return s.Store.Claim(ctx, t, until)
}

func (s *faultyStore) Claimed(ctx context.Context, t session.Tag) (bool, error) {
	if err := s.claimErr.Load(); err != nil {
		return false, *err
	}
	return s.Store.Claimed(ctx, t)
}
