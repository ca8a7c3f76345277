package session_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sallyport/sallyport/session"
)

// oneDown is two providers of which one does not answer.
type oneDown struct {
	*rotating
	down string
}

// Refresh implements session.Refresher.
func (p *oneDown) Refresh(ctx context.Context, s *session.Session) (session.Renewal, error) {
	if s.IdP == p.down {
		return session.Renewal{}, errUnavailable
	}
	return p.rotating.Refresh(ctx, s)
}

// An outage of one provider leaves the sessions of the others alone, and a client
// secret that one refuses does not silence the alarm about another.
func TestProvidersFailByThemselves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &oneDown{rotating: newRotating(), down: "keycloak"}
		w := newWorld(t, func(c *session.Config) { c.Refresher, c.Grace = p, 15*time.Minute })
		var many []*browser
		for i := range 10 {
			many = append(many, w.enter(t, p.rotating, fmt.Sprint("user", i)))
		}
		other := w.enterAt(t, p.rotating, "partner", "bob")
		time.Sleep(time.Minute)
		for _, b := range many {
			_, _ = w.Refresh(b.request())
		}
		if s, err := w.Refresh(other.request()); err != nil || s.Grant.AccessToken.Reveal() != "at-bob-1" {
			t.Errorf("bob's = %v, %v during an outage of the other provider; want a renewed grant", s, err)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		p := newRotating()
		w := newWorld(t, func(c *session.Config) { c.Refresher, c.Grace = p, 15*time.Minute })
		first, other := w.enter(t, p, "alice"), w.enterAt(t, p, "partner", "bob")
		p.set(func() { p.fail = errMisconfigured })
		time.Sleep(accessLife + time.Second)
		_, _ = userOf(t, w.Manager, first.request()), userOf(t, w.Manager, other.request())
		for _, idp := range []string{"keycloak", "partner"} {
			if n := strings.Count(w.log.String(), "idp="+idp); n != 1 {
				t.Errorf("%d alarms about %s, want 1:\n%s", n, idp, w.log.String())
			}
		}
	})
}

func (w *world) enterAt(t testing.TB, p *rotating, idp, user string) *browser {
	t.Helper()
	b := &browser{}
	l := login(user)
	l.IdP, l.Identity.Subject, l.Grant = idp, user, p.grant(user)
	rec := httptest.NewRecorder()
	if _, err := w.Start(rec, b.request(), l); err != nil {
		t.Fatal(err)
	}
	b.take(rec)
	return b
}

func TestLastProvider(t *testing.T) {
	const cookie = "__Host-sallyport-idp"
	t.Run("where there are several", func(t *testing.T) {
		w := newWorld(t, func(c *session.Config) { c.RemembersProvider = true })
		b := &browser{}
		if got := w.LastProvider(b.request()); got != "" {
			t.Errorf("%q before any sign-in", got)
		}
		rec := httptest.NewRecorder()
		if _, err := w.Start(rec, b.request(), login("alice")); err != nil {
			t.Fatal(err)
		}
		for _, c := range rec.Result().Cookies() {
			if c.Name == cookie && (c.Value != "keycloak" || !c.HttpOnly || !c.Secure || c.SameSite != http.SameSiteLaxMode || c.MaxAge < 30*24*3600 || c.Path != "/") {
				t.Errorf("Set-Cookie: %s", c)
			}
		}
		b.take(rec)
		rec = httptest.NewRecorder()
		if _, err := w.End(rec, b.request(), session.EndedByPerson); err != nil {
			t.Fatal(err)
		}
		b.take(rec)
		if got := w.LastProvider(b.request()); got != "keycloak" {
			t.Errorf("%q after a sign-out, want keycloak", got)
		}
	})
	t.Run("where there is one", func(t *testing.T) {
		w := newWorld(t, nil)
		b := &browser{}
		w.signIn(t, b, "alice")
		if got := b.value(cookie); got != "" {
			t.Errorf("the browser remembers %q although there is no choice", got)
		}
	})
	t.Run("what browsers send", func(t *testing.T) {
		w := newWorld(t, nil)
		for sent, want := range map[string]string{
			cookie + "=partner": "partner", cookie + "=": "", cookie + "=" + strings.Repeat("a", 33): "",
			cookie + "=<script>": "", cookie + "=a b": "", "sallyport-idp=partner": "",
		} {
			if got := w.LastProvider(raw(sent)); got != want {
				t.Errorf("Cookie: %s: %q, want %q", sent, got, want)
			}
		}
	})
}
