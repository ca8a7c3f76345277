package session_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

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

// CK-10: an attacker plants a session of his own in the victim's browser; the
// victim's sign-in gets another id, and the planted one is over.
func TestFixation(t *testing.T) {
	w, attacker, victim := newWorld(t, nil), &browser{}, &browser{}
	planted := w.signIn(t, attacker, "mallory")
	victim.jar = slices.Clone(attacker.jar)
	s := w.signIn(t, victim, "alice")
	if s.Handle == planted.Handle || victim.value(cookieName) == attacker.value(cookieName) {
		t.Fatal("CK-10: the sign-in kept the planted session's id")
	}
	got, err := w.Authenticate(victim.request())
	wantSession(t, "alice", got, err)
	got, err = w.Authenticate(attacker.request())
	wantNone(t, session.SessionGone, got, err)
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

// CK-11: a new key does not sign anybody out; a removed one does.
func TestKeyRotation(t *testing.T) {
	w, old := newWorld(t, nil), &browser{}
	w.signIn(t, old, "alice")
	s, err := w.Authenticate(old.request()) // now it is in the cache
	wantSession(t, "alice", s, err)

	second := session.GenerateKey()
	set := func(keys ...session.Key) {
		t.Helper()
		if err := w.keys.Set(keys); err != nil {
			t.Fatal(err)
		}
	}
	set(second, w.key)
	s, err = w.Authenticate(old.request())
	wantSession(t, "alice", s, err)
	fresh := &browser{}
	w.signIn(t, fresh, "bob")

	set(second)
	s, err = w.Authenticate(old.request())
	wantNone(t, session.CookieInvalid, s, err)
	s, err = w.Authenticate(fresh.request())
	wantSession(t, "bob", s, err)

	set(w.key) // a replica that does not have the new key yet
	s, err = w.Authenticate(fresh.request())
	wantNone(t, session.CookieInvalid, s, err)
	s, err = w.Authenticate(old.request())
	wantSession(t, "alice", s, err)
}

func TestHostileCookieFields(t *testing.T) {
	w, b := newWorld(t, nil), &browser{}
	w.signIn(t, b, "alice")
	valid := b.value(cookieName)
	ours := cookieName + "=" + valid
	for name, test := range map[string]struct {
		fields []string
		why    session.NoSession // "" = alice's session
	}{
		"CK-01 truncated":               {[]string{ours[:len(ours)-1]}, session.CookieInvalid},
		"CK-01 extended":                {[]string{ours + "A"}, session.CookieInvalid},
		"CK-02 parts":                   {[]string{cookieName + "_0=" + valid[:100] + "; " + cookieName + "_1=" + valid[100:]}, session.NoCookie},
		"CK-03 chunk count":             {[]string{cookieName + "_chunks=99999999"}, session.NoCookie},
		"CK-05 2900 parts":              {[]string{strings.Repeat(cookieName+"_1=a; ", 2900)}, session.NoCookie},
		"CK-06 3001 cookies, ours last": {[]string{strings.Repeat("a=b; ", 3001) + ours}, ""},
		"CK-07 tossed in front":         {[]string{cookieName + "=EVIL; " + ours}, ""},
		"CK-07 tossed behind":           {[]string{ours + "; " + cookieName + "=EVIL"}, ""},
		"CK-07 tossed, sealed elsewhere": {[]string{cookieName + "=" + strings.Repeat("A", 220) + "; " + cookieName + "=B; " + ours},
			""},
		"CK-09 quoted":      {[]string{cookieName + `="` + valid + `"`}, session.CookieInvalid},
		"CK-09 space":       {[]string{cookieName + "=" + valid[:9] + " " + valid[9:]}, session.CookieInvalid},
		"CK-09 empty":       {[]string{cookieName + "="}, session.CookieInvalid},
		"CK-09 nameless":    {[]string{"=" + ours}, session.NoCookie},
		"CK-13 other name":  {[]string{"sallyport=" + valid}, session.NoCookie},
		"CK-13 login name":  {[]string{cookieName + "-login-abcdefgh=" + valid}, session.NoCookie},
		"CK-22 separators":  {[]string{";;; ;=;a; ==; " + cookieName}, session.NoCookie},
		"CK-22 empty field": {[]string{""}, session.NoCookie},
		"CK-22 spaces":      {[]string{"   "}, session.NoCookie},
		"in another field":  {[]string{"a=b", ours}, ""},
		"64 KiB value":      {[]string{cookieName + "=" + strings.Repeat("A", 64<<10)}, session.CookieInvalid},
	} {
		t.Run(name, func(t *testing.T) {
			for _, authenticate := range []func() (*session.Session, error){
				func() (*session.Session, error) { return w.Authenticate(raw(test.fields...)) },
				func() (*session.Session, error) { return w.Peek(raw(test.fields...)) },
			} {
				s, err := authenticate()
				if test.why == "" {
					wantSession(t, "alice", s, err)
				} else if no := wantNone(t, test.why, s, err); no.Attempt != 0 {
					t.Errorf("Attempt = %d, want 0", no.Attempt)
				}
			}
		})
	}
}

// Two sessions of one name: a live one wins over one that has ended.
func TestLiveCandidateWins(t *testing.T) {
	w, dead, live := newWorld(t, nil), &browser{}, &browser{}
	w.signIn(t, dead, "mallory")
	w.signIn(t, live, "alice")
	if _, err := w.End(httptest.NewRecorder(), dead.request(), session.EndedByPerson); err != nil {
		t.Fatal(err)
	}
	s, err := w.Authenticate(raw(cookieName + "=" + dead.value(cookieName) + "; " + cookieName + "=" + live.value(cookieName)))
	wantSession(t, "alice", s, err)
	s, err = w.Authenticate(raw(cookieName + "=x; " + cookieName + "=" + dead.value(cookieName)))
	wantNone(t, session.SessionGone, s, err)
}

func TestEndClearsWhatIsOurs(t *testing.T) {
	w := newWorld(t, nil)
	rec := httptest.NewRecorder()
	r := raw("theme=dark; sallyport=x; " + cookieName + "_0=x; " + cookieName + "-login-abcdefgh=x; " + cookieName + "_0=y; csrf=z")
	if _, err := w.End(rec, r, session.EndedByPerson); err != nil {
		t.Fatal(err)
	}
	var cleared []string
	for _, c := range rec.Result().Cookies() {
		if c.MaxAge >= 0 || c.Value != "" || c.Path != "/" || !c.Secure || !c.HttpOnly {
			t.Errorf("does not clear: %s", c)
		}
		cleared = append(cleared, c.Name)
	}
	want := []string{cookieName, "sallyport", cookieName + "_0", cookieName + "-login-abcdefgh"}
	if diff := cmp.Diff(want, cleared); diff != "" {
		t.Errorf("cleared (-want +got):\n%s", diff)
	}

	rec = httptest.NewRecorder()
	var bomb strings.Builder
	for i := range 3000 {
		fmt.Fprintf(&bomb, "%s_%d=a; ", cookieName, i)
	}
	if _, err := w.End(rec, raw(bomb.String()), session.EndedByPerson); err != nil {
		t.Fatal(err)
	}
	if n := len(rec.Result().Cookies()); n > 32 {
		t.Errorf("%d Set-Cookie fields for a cookie bomb, want at most 32", n)
	}
}

// The store is down: the answer is a StoreError, and the browser keeps its
// cookie.
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
	s, err = w.Authenticate(b.request())
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

func TestStartRefusesNobody(t *testing.T) {
	w := newWorld(t, nil)
	rec := httptest.NewRecorder()
	if _, err := w.Start(rec, raw(), session.Login{}); err == nil || len(rec.Header()) != 0 {
		t.Errorf("Start without a subject = %v, header %v", err, rec.Header())
	}
}

// A record that somebody changed in the store opens for nobody.
func TestChangedRecord(t *testing.T) {
	w, b := newWorld(t, nil), &browser{}
	s := w.signIn(t, b, "alice")
	r, err := w.store.Get(t.Context(), s.Handle)
	if err != nil {
		t.Fatal(err)
	}
	r.Sealed = append([]byte(nil), r.Sealed...)
	r.Sealed[20] ^= 1
	if err := w.store.Replace(t.Context(), s.Handle, r); err != nil {
		t.Fatal(err)
	}
	got, err := w.Authenticate(b.request())
	wantNone(t, session.SessionGone, got, err)
	if !strings.Contains(w.log.String(), "session="+s.Handle.String()) {
		t.Errorf("the log does not name the session: %s", w.log)
	}
	if ended, err := w.End(httptest.NewRecorder(), b.request(), session.EndedByPerson); ended != nil || err != nil {
		t.Errorf("End = %v, %v; want nil, nil", ended, err)
	}
	if w.store.Count() != 0 {
		t.Error("End left a record that does not open")
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

func TestMetrics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil)
		if n, err := testutil.GatherAndCount(w.registry, "sallyport_store_operation_duration_seconds"); err != nil || n != 16 {
			t.Errorf("%d series of store durations from the start (%v), want 16", n, err)
		}
		if n, err := testutil.GatherAndCount(w.registry, "sallyport_session_ends_total"); err != nil || n != len(session.Reasons()) {
			t.Errorf("%d series of session ends from the start (%v), want %d", n, err, len(session.Reasons()))
		}
		a, b, c, d := &browser{}, &browser{}, &browser{}, &browser{}
		w.signIn(t, a, "alice")
		w.signIn(t, a, "alice") // replaces
		w.signIn(t, b, "bob")   // signs out
		w.signIn(t, c, "carol") // goes away
		w.signIn(t, d, "dave")  // stays until the absolute limit
		if _, err := w.End(httptest.NewRecorder(), b.request(), session.EndedByPerson); err != nil {
			t.Fatal(err)
		}
		wantGauge(t, w.registry, "sallyport_sessions_active", "", 3)
		for range 24 {
			time.Sleep(30 * time.Minute)
			_, _ = w.Authenticate(d.request())
		}
		time.Sleep(2 * time.Minute) // one round of the sweep
		synctest.Wait()
		wantGauge(t, w.registry, "sallyport_sessions_active", "", 0)
		for reason, want := range map[session.Reason]float64{
			session.EndedByNewOne: 1, session.EndedByPerson: 1, session.EndedByIdle: 2, session.EndedByAge: 1,
			session.EndedByStore: 0, session.EndedByIdP: 0,
		} {
			wantGauge(t, w.registry, "sallyport_session_ends_total", string(reason), want)
		}
	})
}

// wantGauge fails unless the series with that label value has that value.
func wantGauge(t *testing.T, reg *prometheus.Registry, name, label string, want float64) {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() != name {
			continue
		}
		for _, m := range f.GetMetric() {
			if label == "" || m.GetLabel()[0].GetValue() == label {
				if got := m.GetGauge().GetValue() + m.GetCounter().GetValue(); got != want {
					t.Errorf("%s{%s} = %v, want %v", name, label, got, want)
				}
				return
			}
		}
	}
	t.Errorf("no series %s{%s}", name, label)
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
