package oidcrp

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/sallyport/sallyport/internal/fault"
)

// rotate makes the provider sign with a new key and publish that alone.
func (h *hostile) rotate() {
	h.set(func() {
		h.alg, h.kid, h.key = "ES256", "k2", signingKeys()["ES256"]
		h.publish(h.kid, h.key)
	})
}

func TestKeyRotation(t *testing.T) {
	h := newHostile(t)
	w := newWorld(t, h, nil)
	w.signIn("/")
	before := len(h.got("/jwks"))
	h.rotate()
	w.newBrowser()
	w.signIn("/")
	if user := w.signedIn(); user != "alice" {
		t.Errorf("OT-06: signed in as %q right after the rotation, want alice; log:\n%s", user, w.log)
	}
	if n := len(h.got("/jwks")) - before; n != 1 {
		t.Errorf("OT-06: %d fetches of the keys, want 1", n)
	}
}

// Some providers make new keys at each start and call them as before: people could not
// sign in until the set was fetched an hour later.
func TestKeyRotationUnderOneName(t *testing.T) {
	h := newHostile(t)
	w := newWorld(t, h, nil)
	w.signIn("/")
	h.set(func() {
		h.alg, h.key = "ES256", signingKeys()["ES256"]
		h.publish(h.kid, h.key)
	})
	w.newBrowser()
	w.signIn("/")
	if user := w.signedIn(); user != "alice" {
		t.Errorf("signed in as %q after the key changed and its name did not, want alice; log:\n%s", user, w.log)
	}
}

// A wrong signature is no reason to fetch the keys for each token.
func TestWrongSignatureFetchesSeldom(t *testing.T) {
	h := newHostile(t)
	w := newWorld(t, h, nil)
	clock := time.Now()
	w.now = func() time.Time { return clock }
	before := len(h.got("/jwks"))
	other, err := rsa.GenerateKey(rand.Reader, 2048)
	must(t, err)
	h.set(func() { h.key = other })
	for range 5 {
		w.wantFault(w.signIn("/"), fault.IDTokenInvalid)
	}
	if n := len(h.got("/jwks")) - before; n != 1 {
		t.Errorf("%d fetches for five wrong signatures, want 1", n)
	}
	if !strings.Contains(w.log.String(), "the signature is wrong") {
		t.Errorf("log:\n%s", w.log)
	}
}

// While the keys cannot be had nobody can tell whether a token is right: that is no
// invalid token, and the log must not say that the provider publishes no such key.
func TestKeysOutOfReach(t *testing.T) {
	h := newHostile(t)
	h.jwks = func(w http.ResponseWriter) bool { w.WriteHeader(http.StatusBadGateway); return true }
	w := newWorld(t, h, nil)
	clock := time.Now()
	w.now = func() time.Time { return clock }
	for range 2 { // the second is within the second in which the set is not fetched again
		w.wantFault(w.signIn("/"), fault.IdPError)
	}
	if said := w.log.String(); strings.Count(said, "the jwks endpoint answers with status 502") < 3 || strings.Contains(said, "publishes no key") {
		t.Errorf("log:\n%s", said)
	}
	out := h.jwks
	h.set(func() { h.jwks = nil })
	clock = clock.Add(unknownKeyEvery)
	w.signIn("/")
	if user := w.signedIn(); user != "alice" {
		t.Errorf("a second after the provider was repaired: signed in as %q; log:\n%s", user, w.log)
	}

	// The same where a key of that name is known: it may be another one by now.
	other, err := rsa.GenerateKey(rand.Reader, 2048)
	must(t, err)
	h.set(func() { h.key, h.jwks = other, out })
	clock = clock.Add(unknownKeyEvery)
	w.newBrowser()
	w.wantFault(w.signIn("/"), fault.IdPError)
}

func TestUnknownKeyFetchesSeldom(t *testing.T) {
	h := newHostile(t)
	w := newWorld(t, h, nil)
	clock := time.Now()
	w.now = func() time.Time { return clock }
	h.set(func() { h.kid = "unknown" })
	before := len(h.got("/jwks"))
	for range 5 {
		w.wantFault(w.signIn("/"), fault.IDTokenInvalid)
	}
	if n := len(h.got("/jwks")) - before; n != 1 {
		t.Errorf("%d fetches for five tokens with an unknown kid, want 1", n)
	}
	clock = clock.Add(unknownKeyEvery)
	w.signIn("/")
	if n := len(h.got("/jwks")) - before; n != 2 {
		t.Errorf("%d fetches after another second, want 2", n)
	}
}

func TestKeysAreFetchedOnceForAll(t *testing.T) {
	h := newHostile(t)
	w := newWorld(t, h, nil)
	w.client.keys = newKeySet(w.client.caller, time.Now, w.client.log)
	w.client.keys.setURL(h.URL + "/jwks")
	arrived, release := make(chan struct{}, 50), make(chan struct{})
	h.set(func() {
		h.jwks = func(http.ResponseWriter) bool { arrived <- struct{}{}; <-release; return false }
	})
	before := len(h.got("/jwks"))
	token := h.sign(h.alg, h.kid, h.key, map[string]any{"sub": "alice"})
	var wg sync.WaitGroup
	errs := make(chan error, 50)
	for range 50 {
		wg.Go(func() {
			_, err := w.client.keys.VerifySignature(t.Context(), token)
			errs <- err
		})
	}
	<-arrived
	close(release)
	wg.Wait()
	close(errs)
	for err := range errs {
		if err != nil {
			t.Fatalf("VerifySignature: %v", err)
		}
	}
	if n := len(h.got("/jwks")) - before; n != 1 {
		t.Errorf("%d fetches for 50 tokens at once, want 1", n)
	}
}

// A token that was tried with the old keys while another's fetch brought the new ones has
// no fetch of its own left within the second, and needs none.
func TestKeysFetchedMeanwhileAreTried(t *testing.T) {
	h := newHostile(t)
	w := newWorld(t, h, nil)
	clock := time.Now()
	w.now = func() time.Time { return clock }
	h.rotate()
	token := h.sign(h.alg, h.kid, h.key, map[string]any{"sub": "alice"})
	var another sync.Once
	payload, err := w.client.keys.verify(t.Context(), token, &w.client.keys.answers, func(jws *jose.JSONWebSignature, keys []any) ([]byte, int) {
		payload, tried := verifyWithAny(jws, keys)
		another.Do(func() {
			if _, err := w.client.keys.VerifySignature(t.Context(), token); err != nil {
				t.Errorf("the other token: %v", err)
			}
		})
		return payload, tried
	})
	if err != nil || payload == nil {
		t.Errorf("the keys that came meanwhile were not tried: %v", err)
	}
}

func TestKnownKeysOutliveAnOutage(t *testing.T) {
	answers := map[string]func(http.ResponseWriter) bool{
		"OT-08 an error":      func(w http.ResponseWriter) bool { w.WriteHeader(500); return true },
		"OT-08 HTML":          raw(`<html>sign in</html>`),
		"OT-08 no keys":       raw(`{"keys":null}`),
		"OT-08 an empty list": raw(`{"keys":[]}`),
		"OT-08 over 512 KiB":  raw(`{"keys":[],"x":"` + strings.Repeat("a", maxJWKS) + `"}`),
		"OT-08 cut short":     raw(`{"keys":[`),
		"OF-22 a redirect": func(w http.ResponseWriter) bool {
			w.Header().Set("Location", "/elsewhere")
			w.WriteHeader(302)
			return true
		},
		"OT-08 only other keys": raw(`{"keys":[{"kty":"oct","k":"AAAA"},{"kty":"RSA","use":"enc","n":"AQ","e":"AQAB"},{"kty":"EC","crv":"P-256","x":"AA","y":"AA"}]}`),
	}
	for name, answer := range answers {
		t.Run(name, func(t *testing.T) {
			h := newHostile(t)
			w := newWorld(t, h, nil)
			h.set(func() { h.jwks = answer })
			if err := w.client.keys.refresh(t.Context()); err == nil {
				t.Fatal("refresh accepted the answer")
			}
			w.signIn("/")
			if user := w.signedIn(); user != "alice" {
				t.Errorf("signed in as %q with the keys known before, want alice; log:\n%s", user, w.log)
			}
		})
	}
}

func raw(body string) func(http.ResponseWriter) bool {
	return func(w http.ResponseWriter) bool { _, _ = w.Write([]byte(body)); return true }
}

func TestSlowKeysDoNotDelayKnownOnes(t *testing.T) {
	h := newHostile(t)
	w := newWorld(t, h, nil)
	release := make(chan struct{})
	defer close(release)
	h.set(func() { h.jwks = func(http.ResponseWriter) bool { <-release; return true } })
	go func() { _ = w.client.keys.refresh(t.Context()) }()
	w.signIn("/")
	if user := w.signedIn(); user != "alice" {
		t.Errorf("OT-09: signed in as %q while the keys hang, want alice", user)
	}
}

func TestParseJWKS(t *testing.T) {
	h := newHostile(t)
	good := string(encodeTestJSON(h.keys[0]))
	var members map[string]any
	must(t, json.Unmarshal([]byte(good), &members))
	variant := func(changes map[string]any) string { return string(encodeTestJSON(with(members, changes))) }
	tests := []struct {
		name, bad string
	}{
		{"P4 a broken entry", `{"kty":"RSA","n":"!","e":"AQAB"}`},
		{"P4 an x5c alone", `{"kty":"RSA","x5c":["AAAA"]}`},
		{"no type", `{}`},
		{"not an object", `5`},
		{"OT-08 a symmetric key", `{"kty":"oct","k":"AAAA"}`},
		{"OT-08 for encryption", variant(map[string]any{"use": "enc"})},
		{"OT-08 a 16-bit modulus", variant(map[string]any{"n": "wAE"})},
		{"OT-08 exponent 1", variant(map[string]any{"e": "AQ"})},
		{"OT-08 an even exponent", variant(map[string]any{"e": "Ag"})},
		{"OT-08 a point off the curve", `{"kty":"EC","crv":"P-256","x":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE","y":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE"}`},
		{"a member twice", `{"kty":"RSA","kty":"RSA"}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			keys, skipped, err := parseJWKS([]byte(`{"keys":[` + tt.bad + "," + good + `]}`))
			if err != nil || len(keys) != 1 || keys[0].kid != "k1" || len(skipped) != 1 {
				t.Errorf("parseJWKS = %d keys, skipped %v, %v; want the good key alone", len(keys), skipped, err)
			}
		})
	}
	t.Run("P4 a broken certificate does not spoil a bare key", func(t *testing.T) {
		keys, _, err := parseJWKS([]byte(`{"keys":[` + variant(map[string]any{"x5c": []string{"?"}}) + `]}`))
		if err != nil || len(keys) != 1 {
			t.Errorf("parseJWKS = %d keys, %v; want 1", len(keys), err)
		}
	})
	t.Run("OT-08 a hundred thousand keys", func(t *testing.T) {
		keys, _, err := parseJWKS([]byte(`{"keys":[` + strings.TrimSuffix(strings.Repeat(good+",", 1000), ",") + `]}`))
		if err != nil || len(keys) != maxKeys {
			t.Errorf("parseJWKS = %d keys, %v; want %d", len(keys), err, maxKeys)
		}
	})
}

// An empty set was reported as "%!w(<nil>)".
func TestNoKeysAtAll(t *testing.T) {
	h := newHostile(t)
	h.jwks = func(w http.ResponseWriter) bool {
		writeTestJSON(w, map[string]any{"keys": []any{}})
		return true
	}
	w := newWorld(t, h, nil)
	w.wantFault(w.signIn("/"), fault.IdPError)
	if said := w.log.String(); !strings.Contains(said, "the provider publishes no keys") || strings.Contains(said, "%!") {
		t.Errorf("the log:\n%s", said)
	}
}

func TestTokenWithoutKid(t *testing.T) {
	h := newHostile(t)
	w := newWorld(t, h, nil)
	h.set(func() { h.kid = "" })
	w.signIn("/")
	if user := w.signedIn(); user != "alice" {
		t.Errorf("a token that names no key: signed in as %q, want alice; log:\n%s", user, w.log)
	}
}

func TestKeyReservedForAnotherAlgorithm(t *testing.T) {
	h := newHostile(t)
	h.keys[0].Algorithm = "RS512"
	w := newWorld(t, h, nil)
	w.wantFault(w.signIn("/"), fault.IDTokenInvalid)
	if log := w.log.String(); !strings.Contains(log, fmt.Sprintf("publishes no key %s that fits RS256", `\"k1\"`)) {
		t.Errorf("log:\n%s", log)
	}
}
