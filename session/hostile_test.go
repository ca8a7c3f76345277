package session_test

import (
	"fmt"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport/sallyport/session"
)

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
