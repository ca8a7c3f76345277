package session_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sallyport/sallyport/session"
)

func formOf(t testing.TB, body string) session.Form {
	t.Helper()
	public, _ := url.Parse("https://app.example.com")
	policy, err := session.NewReturnPolicy(session.ReturnConfig{PublicURL: public, Prefix: "/oauth2"})
	if err != nil {
		t.Fatal(err)
	}
	action, err := policy.Parse("/orders?id=1")
	if err != nil {
		t.Fatal(err)
	}
	return session.Form{Action: action, Body: body}
}

// A form that met an ended session comes back for the same person alone, whatever
// became of the session and the keys, and not for ever.
func TestKeptForm(t *testing.T) {
	form := formOf(t, "a=1+%3C%C3%BC%3E&a=&=x&b")
	again := func(t *testing.T, w *world, l session.Login) *session.Session {
		s, err := w.Start(httptest.NewRecorder(), (&browser{}).request(), l)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	elsewhere := login("alice")
	elsewhere.Identity.Issuer = "https://other.example.com"
	tests := []struct {
		name   string
		whose  session.Login
		change func(w *world, sealed string) string
		want   error
	}{
		{"the same person", login("alice"), nil, nil},
		{"somebody else", login("bob"), nil, session.ErrFormNotTheirs},
		{"the same subject of another issuer", elsewhere, nil, session.ErrFormNotTheirs},
		{"after a key rotation", login("alice"), func(w *world, sealed string) string {
			if err := w.keys.Set([]session.Key{session.GenerateKey(), w.key}); err != nil {
				t.Error(err)
			}
			return sealed
		}, nil},
		{"after the key is gone", login("alice"), func(w *world, sealed string) string {
			if err := w.keys.Set([]session.Key{session.GenerateKey()}); err != nil {
				t.Error(err)
			}
			return sealed
		}, session.ErrFormInvalid},
		{"in time", login("alice"), func(_ *world, sealed string) string {
			time.Sleep(session.FormTTL - time.Second)
			return sealed
		}, nil},
		{"too late", login("alice"), func(_ *world, sealed string) string {
			time.Sleep(session.FormTTL)
			return sealed
		}, session.ErrFormExpired},
		{"changed", login("alice"), func(_ *world, sealed string) string {
			return strings.Replace(sealed, sealed[20:21], string(sealed[20]^1), 1)
		}, session.ErrFormInvalid},
		{"empty", login("alice"), func(*world, string) string { return "" }, session.ErrFormInvalid},
		{"cut short", login("alice"), func(_ *world, sealed string) string { return sealed[:20] }, session.ErrFormInvalid},
		{"padded", login("alice"), func(_ *world, sealed string) string { return sealed + "=" }, session.ErrFormInvalid},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w, b := newWorld(t, nil), &browser{}
				s := w.signIn(t, b, "alice")
				if err := w.store.Delete(t.Context(), s.Handle); err != nil {
					t.Fatal(err)
				}
				sealed, ok := w.SealForm(b.request(), form)
				if !ok || strings.Contains(sealed, "orders") {
					t.Fatalf("sealed %t %.40s", ok, sealed)
				}
				if tt.change != nil {
					sealed = tt.change(w, sealed)
				}
				got, err := w.OpenForm(again(t, w, tt.whose), sealed)
				if !errors.Is(err, tt.want) {
					t.Fatalf("= %v, want %v", err, tt.want)
				}
				if tt.want == nil && got != form {
					t.Errorf("= %+v, want %+v", got, form)
				}
			})
		})
	}
}

// Who never signed in here has nobody to keep a form for.
func TestFormWithoutTicket(t *testing.T) {
	w := newWorld(t, nil)
	forged := (&browser{jar: []*http.Cookie{{Name: cookieName, Value: "AAAA"}}}).request()
	for name, r := range map[string]*http.Request{"no cookie": (&browser{}).request(), "no ticket of ours": forged} {
		if sealed, ok := w.SealForm(r, formOf(t, "a=b")); ok || sealed != "" {
			t.Errorf("%s: sealed", name)
		}
	}
}
