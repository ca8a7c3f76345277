package oidcrp

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/sallyport/sallyport/internal/fault"
)

// thin takes the e-mail address out of the ID token, so that userinfo is asked.
func thin(h *hostile) {
	h.claims = func(c map[string]any) { delete(c, "email"); delete(c, "email_verified") }
}

func always(c *Config) { c.Userinfo = UserinfoAlways }

func TestUserinfo(t *testing.T) {
	const good = `{"sub":"alice","email":"info@example.com","email_verified":true}`
	tests := []struct {
		name      string
		answer    func(http.ResponseWriter) bool
		wantAuto  fault.Code // "" = signed in
		wantEvery fault.Code
	}{
		{"good", raw(good), "", ""},
		{"CL-01 another sub", raw(`{"sub":"mallory","email":"m@example.com"}`), fault.UserinfoInvalid, fault.UserinfoInvalid},
		{"CL-01 no sub", raw(`{"email":"m@example.com"}`), fault.UserinfoInvalid, fault.UserinfoInvalid},
		{"CL-01 sub is a number", raw(`{"sub":5}`), fault.UserinfoInvalid, fault.UserinfoInvalid},
		{"CL-02 an array", raw(`[]`), "", fault.UserinfoInvalid},
		{"CL-02 null", raw(`null`), "", fault.UserinfoInvalid},
		{"CL-02 a string", raw(`"x"`), "", fault.UserinfoInvalid},
		{"CL-02 HTML", raw(`<html>`), "", fault.UserinfoInvalid},
		{"CL-02 401", func(w http.ResponseWriter) bool { w.WriteHeader(401); return true }, "", fault.UserinfoInvalid},
		{"CL-02 500", func(w http.ResponseWriter) bool { w.WriteHeader(500); return true }, "", fault.UserinfoInvalid},
		{"CL-02 over 1 MiB", raw(`{"sub":"alice","x":"` + strings.Repeat("a", maxAnswer) + `"}`), "", fault.UserinfoInvalid},
		{"CL-02 a signed JWT", func(w http.ResponseWriter) bool {
			w.Header().Set("Content-Type", "application/jwt; charset=utf-8")
			_, _ = w.Write([]byte("e30.e30.x"))
			return true
		}, "", fault.UserinfoInvalid},
	}
	for _, tt := range tests {
		for mode, want := range map[UserinfoMode]fault.Code{UserinfoAuto: tt.wantAuto, UserinfoAlways: tt.wantEvery} {
			t.Run(tt.name+" "+string(mode), func(t *testing.T) {
				h := newHostile(t)
				thin(h)
				h.userinfo = tt.answer
				w := newWorld(t, h, func(c *Config) { c.Userinfo = mode })
				res := w.signIn("/")
				if want != "" {
					w.wantFault(res, want)
				} else if w.signedIn() != "alice" {
					t.Errorf("refused with %q; log:\n%s", res.Header.Get("Sallyport-Error"), w.log)
				}
				if calls := h.got("/userinfo"); len(calls) != 1 || calls[0].authorization != "Bearer "+testAccessToken {
					t.Errorf("%d calls of userinfo, want one with the access token", len(calls))
				}
			})
		}
	}
}

func TestUserinfoRedirectIsRefused(t *testing.T) {
	var hits atomic.Int64
	evil := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { hits.Add(1) }))
	t.Cleanup(evil.Close)
	h := newHostile(t)
	h.userinfo = func(w http.ResponseWriter) bool {
		w.Header().Set("Location", evil.URL)
		w.WriteHeader(302)
		return true
	}
	w := newWorld(t, h, always)
	w.wantFault(w.signIn("/"), fault.UserinfoInvalid)
	if hits.Load() != 0 {
		t.Error("CL-02: the access token went to the address of a redirect")
	}
}

func TestUserinfoIsAskedOnlyWhenWanted(t *testing.T) {
	h := newHostile(t)
	w := newWorld(t, h, nil)
	w.signIn("/")
	if n := len(h.got("/userinfo")); n != 0 {
		t.Errorf("auto: %d calls although the ID token has everything, want 0", n)
	}
	h = newHostile(t)
	thin(h)
	w = newWorld(t, h, func(c *Config) { c.Userinfo = UserinfoNever })
	w.signIn("/")
	if n := len(h.got("/userinfo")); n != 0 || w.signedIn() != "alice" {
		t.Errorf("never: %d calls and user %q, want 0 and alice", n, w.signedIn())
	}
}
