package oidcrp

import (
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Forged logout tokens that name keys which nobody has make us fetch the set once a
// minute, and leave to sign-ins what those may fetch.
func TestForgedLogoutTokensFetchSeldom(t *testing.T) {
	h, w := logoutWorld(t, nil)
	clock := time.Now()
	w.now = func() time.Time { return clock }
	before := len(h.got("/jwks"))
	forge := func(times int) {
		t.Helper()
		for i := range times {
			token := h.logoutToken(map[string]any{"iat": clock.Unix(), "exp": clock.Unix() + 60}, map[string]any{"kid": "forged-" + strconv.Itoa(i)})
			if res := w.tell(token); res.StatusCode != http.StatusBadRequest {
				t.Fatalf("a forged token: %d", res.StatusCode)
			}
		}
	}
	forge(20)
	clock = clock.Add(unsolicitedKeyEvery - time.Second)
	forge(20)
	if got := len(h.got("/jwks")) - before; got != 1 {
		t.Errorf("%d fetches within a minute, want 1", got)
	}
	clock = clock.Add(time.Second)
	forge(1)
	if got := len(h.got("/jwks")) - before; got != 2 {
		t.Errorf("%d fetches after a minute, want 2", got)
	}

	// The provider exchanges its key in this moment: a sign-in notices it at once.
	w.now = time.Now
	h.rotate()
	w.newBrowser()
	w.signIn("/")
	if user := w.signedIn(); user != "alice" {
		t.Errorf("forged tokens kept a sign-in from the new key; log:\n%s", w.log)
	}
	if res := w.tell(h.logoutToken(nil, nil)); res.StatusCode != http.StatusOK || w.signedIn() != "" {
		t.Errorf("a logout token with the new key: %d", res.StatusCode)
	}
}

// A logout token of a new key, while the keys cannot be fetched, is neither accepted
// nor called wrong.
func TestLogoutTokenWhileKeysAreOutOfReach(t *testing.T) {
	h, w := logoutWorld(t, nil)
	h.rotate()
	h.set(func() {
		h.jwks = func(rw http.ResponseWriter) bool { rw.WriteHeader(http.StatusBadGateway); return true }
	})
	token := h.logoutToken(nil, nil)
	res := w.tell(token)
	if body := drain(res); res.StatusCode != http.StatusServiceUnavailable || !strings.Contains(body, "temporarily_unavailable") || res.Header.Get("Retry-After") == "" {
		t.Errorf("%d %s, want 503", res.StatusCode, body)
	}
	if w.signedIn() != "alice" {
		t.Error("the session ended")
	}
	h.set(func() { h.jwks = nil })
	w.now = func() time.Time { return time.Now().Add(unsolicitedKeyEvery) }
	if res := w.tell(token); res.StatusCode != http.StatusOK || w.signedIn() != "" {
		t.Errorf("the next try: %d; log:\n%s", res.StatusCode, w.log)
	}
}
