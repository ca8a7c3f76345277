package proxy

import (
	"encoding/json"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"github.com/google/go-cmp/cmp"

	"github.com/sallyport/sallyport/session"
)

// asserting is a fixture whose assertions are signed, with a clock to set.
type asserting struct {
	*fixture
	ring *session.KeyRing
	now  atomic.Pointer[time.Time]
}

func newRing(t testing.TB, keys ...session.Key) *session.KeyRing {
	t.Helper()
	ring, err := session.NewKeyRing(keys, "https://app.example.com|rp1")
	if err != nil {
		t.Fatal(err)
	}
	return ring
}

func newAsserting(t *testing.T, tune func(*Config), keys ...session.Key) *asserting {
	t.Helper()
	f := &asserting{ring: newRing(t, keys...)}
	start := time.Date(2026, 1, 2, 4, 0, 0, 0, time.UTC)
	f.now.Store(&start)
	f.fixture = newFixture(t, func(c *Config) {
		c.AssertionKeys = f.ring.AssertionKeys
		c.Now = func() time.Time { return *f.now.Load() }
		if tune != nil {
			tune(c)
		}
	})
	return f
}

func (f *asserting) pass(d time.Duration) {
	now := f.now.Load().Add(d)
	f.now.Store(&now)
}

// assertion is what the app was sent with a request of that person, verified with
// the published keys.
func (f *asserting) assertion(cookie string) map[string]any {
	f.t.Helper()
	return f.verify(f.sent(cookie))
}

// sent is the field itself.
func (f *asserting) sent(cookie string) string {
	f.t.Helper()
	f.get("/", "Cookie: __Host-sallyport="+cookie, "X-Sallyport-Assertion: forged").wantStatus(f.t, 200)
	all := f.app.requests()
	got := all[len(all)-1].values(headerAssertion)
	if len(got) != 1 {
		f.t.Fatalf("%s = %q, want one", headerAssertion, got)
	}
	return got[0]
}

func (f *asserting) keySet() jose.JSONWebKeySet {
	f.t.Helper()
	a := f.get("/oauth2/jwks")
	a.wantStatus(f.t, 200)
	var set jose.JSONWebKeySet
	if err := json.Unmarshal([]byte(a.body), &set); err != nil {
		f.t.Fatal(err)
	}
	return set
}

func (f *asserting) verify(text string) map[string]any {
	f.t.Helper()
	parsed, err := jwt.ParseSigned(text, []jose.SignatureAlgorithm{jose.ES256})
	if err != nil {
		f.t.Fatalf("%v in %q", err, text)
	}
	claims := map[string]any{}
	if err := parsed.Claims(f.keySet(), &claims); err != nil {
		f.t.Fatalf("verifying: %v", err)
	}
	return claims
}

func TestAssertionClaims(t *testing.T) {
	at := time.Date(2026, 1, 2, 4, 0, 0, 0, time.UTC)
	base := func(more map[string]any) map[string]any {
		want := map[string]any{
			"iss": "https://app.example.com", "aud": "https://app.example.com", "sub": "sub-carol", "idp": "generic",
			"iat": float64(at.Unix()), "exp": float64(at.Unix() + 120), "groups": []any{},
		}
		for k, v := range more {
			if want[k] = v; v == nil {
				delete(want, k)
			}
		}
		return want
	}
	tests := []struct {
		name string
		tune func(*Config)
		id   session.Identity
		want map[string]any
	}{
		{"all", nil, session.Identity{User: "carol", Email: "c@example.com", Name: "Zoë", Groups: []string{"a", "x,admins", ""}, ACR: "mfa", AMR: []string{"pwd", "otp"}, AuthTime: time.Unix(1767300000, 0)},
			base(map[string]any{"user": "carol", "email": "c@example.com", "name": "Zoë", "groups": []any{"a", "x,admins"}, "acr": "mfa", "amr": []any{"pwd", "otp"}, "auth_time": float64(1767300000)})},
		{"absent claims", nil, session.Identity{}, base(nil)},
		{"audience", func(c *Config) { c.AssertionAudience = "billing" }, session.Identity{}, base(map[string]any{"aud": "billing"})},
		{"groups withheld by the provider", nil, session.Identity{GroupsWithheld: true}, base(map[string]any{"groups": nil, "groups_omitted": true})},
		{"ID-25 control characters", nil, session.Identity{User: "a\r\nX-Admin: 1", Email: "a\x00b", Name: "ad\u200bmin"}, base(nil)},
		{"ID-25 a group that cannot be told omits all", nil, session.Identity{Groups: []string{"staff", "a\nb"}}, base(map[string]any{"groups": nil, "groups_omitted": true})},
		{"CL-11 thousands of groups", nil, session.Identity{User: "carol", Groups: slices.Repeat([]string{"group"}, 5000)}, base(map[string]any{"user": "carol", "groups": nil, "groups_omitted": true})},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := newAsserting(t, tt.tune, session.GenerateKey())
			tt.id.Subject = "sub-carol"
			s := f.auth.add("carol", tt.id)
			got := f.assertion("carol")
			id, _ := got["jti"].(string)
			if len(id) < 26 {
				t.Errorf("jti = %q, want something unique", id)
			}
			delete(got, "jti")
			tt.want["sid"] = s.Handle.String()
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("claims (-want +got):\n%s", diff)
			}
			header, _ := jwt.ParseSigned(f.sent("carol"), []jose.SignatureAlgorithm{jose.ES256})
			if h := header.Headers[0]; h.ExtraHeaders[jose.HeaderType] != "JWT" || h.KeyID == "" {
				t.Errorf("header = %+v, want typ JWT and a kid", h)
			}
		})
	}
}

// TestAssertionIsSignedOnceAMinute: not once per request, and never kept beyond
// what it says.
func TestAssertionIsSignedOnceAMinute(t *testing.T) {
	f := newAsserting(t, nil, session.GenerateKey())
	first := f.sent("alice")
	f.pass(59 * time.Second)
	if f.sent("alice") != first {
		t.Error("signed anew within the minute")
	}
	if f.sent("bob") == first {
		t.Error("bob has alice's")
	}
	f.pass(time.Second)
	second := f.sent("alice")
	if second == first {
		t.Error("not signed anew after a minute")
	}
	f.pass(-time.Hour) // the clock is corrected
	if f.sent("alice") == second {
		t.Error("an assertion from the future is given out")
	}
}

func TestAssertionEndsWithItsSession(t *testing.T) {
	f := newAsserting(t, nil, session.GenerateKey())
	s := f.auth.add("carol", session.Identity{Subject: "sub-carol"})
	s.ExpiresAt = f.now.Load().Add(30 * time.Second)
	if exp := f.assertion("carol")["exp"]; exp != float64(s.ExpiresAt.Unix()) {
		t.Errorf("exp = %v, want the session's end %d", exp, s.ExpiresAt.Unix())
	}
}

// TestAssertionFollowsRefresh changes every claim that is told, as a refresh does:
// the memo outlives it, the assertion must not.
func TestAssertionFollowsRefresh(t *testing.T) {
	quiet := []string{"Issuer", "SID", "Claims", "ClaimsWithheld"} // of the provider or for rules, not told
	fields := reflect.TypeFor[session.Identity]()
	for i := range fields.NumField() {
		name := fields.Field(i).Name
		f := newAsserting(t, nil, session.GenerateKey())
		before := f.sent("alice")
		f.auth.mu.Lock()
		next := *f.auth.sessions["alice"]
		v := reflect.ValueOf(&next.Identity).Elem().Field(i)
		switch v.Interface().(type) {
		case string:
			v.SetString("changed")
		case bool:
			v.SetBool(!v.Bool())
		case []string:
			v.Set(reflect.ValueOf([]string{"changed"}))
		case map[string][]string:
			v.Set(reflect.ValueOf(map[string][]string{"changed": {"x"}}))
		case time.Time:
			v.Set(reflect.ValueOf(time.Unix(1767300000, 0)))
		default:
			t.Fatalf("%s has a type that this test does not know", name)
		}
		f.auth.sessions["alice"] = &next
		f.auth.mu.Unlock()
		if same := f.sent("alice") == before; same != slices.Contains(quiet, name) {
			t.Errorf("after a change of %s the assertion is the same: %v", name, same)
		}
	}
}

func TestAssertionKeysRotate(t *testing.T) {
	older, newer := session.GenerateKey(), session.GenerateKey()
	f := newAsserting(t, nil, older)
	replica := newAsserting(t, nil, older)
	before := f.sent("alice")
	replica.verify(before)

	// The new key is published before it signs.
	if err := replica.ring.Set([]session.Key{older, newer}); err != nil {
		t.Fatal(err)
	}
	if err := f.ring.Set([]session.Key{newer, older}); err != nil {
		t.Fatal(err)
	}
	after := f.sent("alice")
	if after == before {
		t.Error("the key before still signs")
	}
	f.verify(before)
	replica.verify(after)
	if err := f.ring.Set([]session.Key{newer}); err != nil {
		t.Fatal(err)
	}
	if keys := f.keySet().Keys; len(keys) != 1 {
		t.Errorf("%d keys are published after the older one was removed", len(keys))
	}
}

func TestJWKS(t *testing.T) {
	f := newAsserting(t, nil, session.GenerateKey(), session.GenerateKey())
	a := f.get("/oauth2/jwks", "Origin: https://evil.example")
	a.wantStatus(t, 200)
	for name, want := range map[string]string{
		"Content-Type": "application/jwk-set+json", "Cache-Control": "public, max-age=300", "Vary": "", "Access-Control-Allow-Origin": "", "Set-Cookie": "",
	} {
		if got := a.Header.Get(name); got != want {
			t.Errorf("%s = %q, want %q", name, got, want)
		}
	}
	var set struct{ Keys []map[string]string }
	if err := json.Unmarshal([]byte(a.body), &set); err != nil || len(set.Keys) != 2 {
		t.Fatalf("%v, %d keys in %s", err, len(set.Keys), a.body)
	}
	for _, k := range set.Keys {
		if k["kty"] != "EC" || k["crv"] != "P-256" || k["alg"] != "ES256" || k["use"] != "sig" || k["kid"] == "" || k["d"] != "" {
			t.Errorf("key %v", k)
		}
	}
	f.send(request("POST", "/oauth2/jwks")).wantStatus(t, 405)
	f.app.wantNone(t)
}

// TestNoAssertion: without keys there is no endpoint either, and a client's
// assertion does not pass.
func TestNoAssertion(t *testing.T) {
	f := newFixture(t, nil)
	f.get("/", "Cookie: "+valid, "X-Sallyport-Assertion: forged").wantStatus(t, 200)
	if got := f.app.only(t).values(headerAssertion); got != nil {
		t.Errorf("%s = %q", headerAssertion, got)
	}
	f.get("/oauth2/jwks").wantStatus(t, 404)

	signed := newAsserting(t, nil, session.GenerateKey())
	signed.get("/public/x", "Cookie: "+valid, "X-Sallyport-Assertion: forged").wantStatus(t, 200)
	if got := signed.app.only(t).values(headerAssertion); got != nil {
		t.Errorf("%s = %q on a public path", headerAssertion, got)
	}
}

// TestAssertionThatDoesNotFit: an app that wants one refuses; that nobody is served
// a part of the truth.
func TestAssertionThatDoesNotFit(t *testing.T) {
	f := newAsserting(t, nil, session.GenerateKey())
	f.auth.add("carol", session.Identity{Subject: "sub-carol", Name: strings.Repeat("a", maxValue)})
	f.get("/", "Cookie: __Host-sallyport=carol").wantStatus(t, 200)
	if got := f.app.only(t).values(headerAssertion); got != nil {
		t.Errorf("%s of %d bytes", headerAssertion, len(got[0]))
	}
	if !strings.Contains(f.logs.String(), "no assertion about a session could be made") {
		t.Error("the log does not say so")
	}
}

// benchAsserter is an asserter with a session to speak of.
func benchAsserter(b *testing.B) (*asserter, *exchange, *session.Session) {
	ring := newRing(b, session.GenerateKey())
	a := &asserter{keys: ring.AssertionKeys, issuer: "https://app.example.com", audience: "https://app.example.com", now: time.Now}
	s := &session.Session{IdP: "generic", ExpiresAt: time.Now().Add(time.Hour), Memo: new(session.Memo), Identity: session.Identity{
		Subject: "sub-alice", User: "alice", Email: "alice@example.com", Name: "alice.a", Groups: []string{"staff", "dev", "ops"}, AMR: []string{"pwd"},
	}}
	b.ReportAllocs()
	return a, &exchange{in: new(http.Request)}, s
}

// BenchmarkAssertion is what the assertion adds to a request: less than 2 % of the
// CPU time of one, which is above 20 µs.
func BenchmarkAssertion(b *testing.B) {
	a, x, s := benchAsserter(b)
	for b.Loop() {
		if a.of(x, s) == "" {
			b.Fatal("none")
		}
	}
}

// BenchmarkAssertionParallel is the same on all processors, of one session.
func BenchmarkAssertionParallel(b *testing.B) {
	a, _, s := benchAsserter(b)
	b.RunParallel(func(pb *testing.PB) {
		x := &exchange{in: new(http.Request)}
		for pb.Next() {
			if a.of(x, s) == "" {
				b.Error("none")
			}
		}
	})
}

// BenchmarkAssertionSigned is what it costs once a minute and session.
func BenchmarkAssertionSigned(b *testing.B) {
	a, x, s := benchAsserter(b)
	for b.Loop() {
		if _, err := a.sign(x, s, a.keys()[0], time.Now()); err != nil {
			b.Fatal(err)
		}
	}
}

// TestAssertionIsFree keeps the steady state from growing.
func TestAssertionIsFree(t *testing.T) {
	ring := newRing(t, session.GenerateKey())
	a := &asserter{keys: ring.AssertionKeys, now: time.Now}
	s := &session.Session{ExpiresAt: time.Now().Add(time.Hour), Memo: new(session.Memo), Identity: session.Identity{Subject: "s", Groups: []string{"a"}}}
	x := &exchange{in: new(http.Request)}
	if n := testing.AllocsPerRun(100, func() { a.of(x, s) }); n > 0 {
		t.Errorf("%v allocations per request", n)
	}
}
