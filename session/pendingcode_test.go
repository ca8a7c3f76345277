package session

import (
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestPendingComesBack(t *testing.T) {
	for name, want := range map[string]Pending{
		"ordinary": {
			IdP: "keycloak", State: strings.Repeat("s", 43), Nonce: strings.Repeat("n", 43), Verifier: strings.Repeat("v", 128),
			ReturnTo: ReturnTo{"/app?a=b#c"}, CreatedAt: time.Unix(1_800_000_000, 0).UTC(), Attempt: 3,
		},
		"empty strings": {CreatedAt: time.Unix(0, 0).UTC()},
		"before 1970":   {State: "\x00\xff", CreatedAt: time.Unix(-5, 0).UTC(), Attempt: 1<<31 - 1},
	} {
		got, err := decodePending(want.encode())
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v, %v; want %+v", name, got, err, want)
		}
	}
}

func TestDecodePendingRefuses(t *testing.T) {
	good := Pending{IdP: "i", State: "s", ReturnTo: ReturnTo{"/x"}}.encode()
	for n := range good {
		if _, err := decodePending(good[:n]); err == nil {
			t.Errorf("accepts %d of %d bytes", n, len(good))
		}
	}
	head := string(good[:9])
	for name, b := range map[string]string{
		"one byte more":   string(good) + "x",
		"another version": "\x01" + string(good[1:]),
		"huge length":     head + "\x00" + "\xff\xff\xff\xff\xff\xff\xff\xff\x7f" + "x",
		"endless uvarint": head + strings.Repeat("\xff", 20),
		"huge attempt":    head + "\xff\xff\xff\xff\xff\x00\x00\x00\x00\x00\x00\x00\x00",
		"huge age":        head + "\x00" + "\xff\xff\xff\xff\xff\x00\x00\x00\x00\x00\x00\x00",
	} {
		if _, err := decodePending([]byte(b)); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

// The cookie's name has 48 bits of the state's hash; the whole state decides.
func TestPendingComparesTheWholeState(t *testing.T) {
	cookies, err := NewCookies(CookieConfig{Name: "sallyport", Secure: true})
	if err != nil {
		t.Fatal(err)
	}
	m, err := NewManager(Config{Store: noStore{}, Keys: newTestRing(t, GenerateKey()), Cookies: cookies, MaxAge: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	name := m.loginName("mine")
	for state, want := range map[string]bool{"mine": true, "other": false, "min": false, "": false} {
		value, err := m.sealPending(name, Pending{State: state, CreatedAt: time.Now()})
		if err != nil {
			t.Fatal(err)
		}
		_, err = m.Pending(&http.Request{Header: http.Header{"Cookie": {name + "=" + value}}}, "mine")
		if (err == nil) != want {
			t.Errorf("a cookie sealed for state %q counts for \"mine\": %v", state, err == nil)
		}
	}
}

func FuzzDecodePending(f *testing.F) {
	f.Add(Pending{}.encode())
	f.Add(Pending{IdP: "i", State: "s", Nonce: "n", Verifier: "v", ReturnTo: ReturnTo{"/"}, Attempt: 300}.encode())
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := decodePending(b)
		if err != nil {
			return
		}
		again, err := decodePending(p.encode())
		if err != nil || !reflect.DeepEqual(again, p) {
			t.Errorf("%+v comes back as %+v, %v", p, again, err)
		}
	})
}
