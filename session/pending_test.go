package session_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sallyport/sallyport/session"
)

func state(i int) string { return fmt.Sprintf("state-%d-%s", i, strings.Repeat("s", 32)) }

func pending(i int) session.Pending {
	return session.Pending{IdP: "keycloak", State: state(i), Nonce: strings.Repeat("n", 43), Verifier: strings.Repeat("v", 43), Attempt: i}
}

// begin starts sign-in i in b and returns its cookie.
func (w *world) begin(t *testing.T, b *browser, p session.Pending) *http.Cookie {
	t.Helper()
	rec := httptest.NewRecorder()
	if err := w.BeginLogin(rec, b.request(), p); err != nil {
		t.Fatalf("BeginLogin: %v", err)
	}
	b.take(rec)
	return b.jar[len(b.jar)-1]
}

func wantNoPending(t *testing.T, why session.NoPending, p session.Pending, err error) {
	t.Helper()
	no, ok := errors.AsType[*session.NoPendingError](err)
	if !ok || no.Why != why || p.State != "" {
		t.Fatalf("Pending = %v, %v; want none because of %s", p.State != "", err, why)
	}
}

func returnPolicy(t testing.TB) *session.ReturnPolicy {
	t.Helper()
	p, err := session.NewReturnPolicy(session.ReturnConfig{
		PublicURL: &url.URL{Scheme: "https", Host: "app.example.com", Path: "/app"}, Prefix: "/oauth2",
	})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestPendingSignIn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, b := newWorld(t, nil), &browser{}
		got, err := w.Pending(b.request(), state(1))
		wantNoPending(t, session.NoLoginCookie, got, err)

		want := pending(1)
		if want.ReturnTo, err = returnPolicy(t).Parse("/app/x?y#z"); err != nil {
			t.Fatal(err)
		}
		c := w.begin(t, b, want)
		if !strings.HasPrefix(c.Name, cookieName+"-login-") || len(c.Name) != len(cookieName+"-login-")+8 {
			t.Errorf("the cookie is called %q", c.Name)
		}
		if c.MaxAge != 600 || !c.HttpOnly || !c.Secure || c.SameSite != http.SameSiteLaxMode || c.Path != "/" {
			t.Errorf("attributes of the login cookie: %s", c)
		}
		if strings.Contains(c.Value, want.State) {
			t.Error("the cookie shows its state")
		}
		time.Sleep(10*time.Minute - time.Second)
		want.CreatedAt = time.Now().Add(-10*time.Minute + time.Second).UTC()
		if got, err = w.Pending(b.request(), state(1)); err != nil || !reflect.DeepEqual(got, want) {
			t.Fatalf("Pending = %+v, %v; want %+v", got, err, want)
		}

		old := b.request()
		rec := httptest.NewRecorder()
		w.ClearPending(rec, b.request(), state(1))
		b.take(rec)
		got, err = w.Pending(b.request(), state(1))
		wantNoPending(t, session.NoLoginCookie, got, err)

		time.Sleep(time.Second)
		got, err = w.Pending(old, state(1))
		wantNoPending(t, session.LoginExpired, got, err)
	})
}

func TestPendingOfAnotherStateOrBrowser(t *testing.T) {
	w, b, other := newWorld(t, nil), &browser{}, &browser{}
	w.begin(t, b, pending(1))
	c2 := w.begin(t, other, pending(2))
	got, err := w.Pending(b.request(), state(2))
	wantNoPending(t, session.NoLoginCookie, got, err)
	name1 := b.jar[0].Name
	// Another sign-in's value under the first one's name.
	got, err = w.Pending(raw(name1+"="+c2.Value), state(1))
	wantNoPending(t, session.LoginCookieInvalid, got, err)
	for name, value := range map[string]string{
		"empty": "", "quoted": `"` + b.jar[0].Value + `"`, "truncated": b.jar[0].Value[:50], "extended": b.jar[0].Value + "AAAA",
		"CK-13 a session's": func() string { w.signIn(t, other, "bob"); return other.value(cookieName) }(),
	} {
		got, err = w.Pending(raw(name1+"="+value), state(1))
		wantNoPending(t, session.LoginCookieInvalid, got, err)
		t.Log(name)
	}
	// A tossed one beside the real one does not matter.
	got, err = w.Pending(raw(name1+"=tossed; "+name1+"="+b.jar[0].Value), state(1))
	if err != nil || got.State != state(1) {
		t.Errorf("Pending beside a tossed cookie = %v", err)
	}
	if err := w.BeginLogin(httptest.NewRecorder(), raw(), session.Pending{}); err == nil {
		t.Error("BeginLogin accepts an empty state")
	}
	got, err = w.Pending(b.request(), "")
	wantNoPending(t, session.NoLoginCookie, got, err)
}

// A replica's clock may be a little ahead, not much.
func TestPendingFromTheFuture(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, b := newWorld(t, nil), &browser{}
		near, far := pending(1), pending(2)
		near.CreatedAt = time.Now().Add(time.Minute)
		far.CreatedAt = time.Now().Add(time.Minute + time.Second)
		w.begin(t, b, near)
		w.begin(t, b, far)
		if _, err := w.Pending(b.request(), state(1)); err != nil {
			t.Errorf("begun a minute from now: %v", err)
		}
		got, err := w.Pending(b.request(), state(2))
		wantNoPending(t, session.LoginExpired, got, err)
	})
}

// CK-13: a login cookie is no session, whatever its name.
func TestLoginCookieIsNoSession(t *testing.T) {
	w, b := newWorld(t, nil), &browser{}
	c := w.begin(t, b, pending(1))
	s, err := w.Authenticate(raw(cookieName + "=" + c.Value))
	wantNone(t, session.CookieInvalid, s, err)
}

func TestAtMostFiveSignIns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, b := newWorld(t, nil), &browser{}
		for i := range 8 {
			w.begin(t, b, pending(i))
			time.Sleep(time.Minute)
			if len(b.jar) > session.MaxPending {
				t.Fatalf("%d login cookies", len(b.jar))
			}
		}
		for i := range 8 {
			got, err := w.Pending(b.request(), state(i))
			if i < 3 {
				wantNoPending(t, session.NoLoginCookie, got, err)
			} else if err != nil {
				t.Errorf("sign-in %d: %v", i, err)
			}
		}
		// The same sign-in again replaces itself and pushes nobody out.
		w.begin(t, b, pending(7))
		if len(b.jar) != session.MaxPending {
			t.Errorf("%d login cookies after a repetition, want %d", len(b.jar), session.MaxPending)
		}
	})
}

func TestUselessLoginCookiesGoFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, b := newWorld(t, nil), &browser{}
		w.begin(t, b, pending(0))
		time.Sleep(10 * time.Minute) // expired; a browser would not send it, another client might
		for i := 1; i < 4; i++ {
			w.begin(t, b, pending(i))
			b.jar = append(b.jar, &http.Cookie{Name: fmt.Sprintf("%s-login-garbage%d", cookieName, i), Value: "x"})
		}
		b.jar = append(b.jar, &http.Cookie{Name: "theme", Value: "dark"})
		w.begin(t, b, pending(4))
		for i := 1; i <= 4; i++ {
			if _, err := w.Pending(b.request(), state(i)); err != nil {
				t.Errorf("sign-in %d: %v", i, err)
			}
		}
		if len(b.jar) != 5 || b.value("theme") != "dark" {
			t.Errorf("cookies: %v, want four sign-ins and theme", b.names())
		}
	})
}

func TestLoginCookieBomb(t *testing.T) {
	w := newWorld(t, nil)
	var bomb strings.Builder
	for i := range 3000 {
		fmt.Fprintf(&bomb, "%s-login-%08d=%s; ", cookieName, i, strings.Repeat("A", 10))
	}
	rec := httptest.NewRecorder()
	if err := w.BeginLogin(rec, raw(bomb.String()), pending(1)); err != nil {
		t.Fatal(err)
	}
	if n := len(rec.Result().Cookies()); n > 32 {
		t.Errorf("%d Set-Cookie fields, want at most 32", n)
	}
}

// A return address of 2 KiB fits the cookie; if something else makes it too
// large, the sign-in leads home.
func TestLongReturnAddress(t *testing.T) {
	policy := returnPolicy(t)
	w, b := newWorld(t, func(cfg *session.Config) { cfg.Home = policy.Home() }), &browser{}
	long, err := policy.Parse("/app/?" + strings.Repeat("&<\"", session.MaxReturnTo)[:session.MaxReturnTo-6])
	if err != nil {
		t.Fatal(err)
	}
	p := pending(1)
	p.ReturnTo = long
	c := w.begin(t, b, p)
	if n := len(c.Name) + len(c.Value); n > 4096 {
		t.Errorf("the cookie has %d bytes, browsers keep 4096", n)
	}
	got, err := w.Pending(b.request(), state(1))
	if err != nil || got.ReturnTo != long {
		t.Errorf("a return address of %d bytes was lost: %v", len(long.String()), err)
	}

	p = pending(2)
	p.ReturnTo, p.Verifier = long, strings.Repeat("v", 500)
	c = w.begin(t, b, p)
	if n := len(c.Name) + len(c.Value); n > 4096 {
		t.Errorf("the cookie has %d bytes, browsers keep 4096", n)
	}
	got, err = w.Pending(b.request(), state(2))
	if err != nil || got.ReturnTo != policy.Home() || got.Verifier != p.Verifier {
		t.Errorf("Pending leads to %.20q (%v), want %q", got.ReturnTo, err, policy.Home())
	}
	p.Verifier = strings.Repeat("v", 5000)
	if err := w.BeginLogin(httptest.NewRecorder(), raw(), p); err == nil {
		t.Error("BeginLogin sets a cookie that no browser keeps")
	}
}

// A sign-in survives the exchange of the key.
func TestPendingOverKeyRotation(t *testing.T) {
	w, b := newWorld(t, nil), &browser{}
	w.begin(t, b, pending(1))
	fresh := session.GenerateKey()
	if err := w.keys.Set([]session.Key{fresh, w.key}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Pending(b.request(), state(1)); err != nil {
		t.Errorf("CK-11: %v", err)
	}
	if err := w.keys.Set([]session.Key{fresh}); err != nil {
		t.Fatal(err)
	}
	got, err := w.Pending(b.request(), state(1))
	wantNoPending(t, session.LoginCookieInvalid, got, err)
}
