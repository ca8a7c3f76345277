package session

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

func TestParseKeys(t *testing.T) {
	a, b := GenerateKey(), GenerateKey()
	var bytes [KeySize]byte // whose base64 has both of + and /
	for i := range bytes {
		bytes[i] = byte(0xfb + i*7)
	}
	awkward := newKey(bytes)
	url := base64.URLEncoding.EncodeToString(bytes[:])
	if !strings.Contains(url, "-") || !strings.Contains(url, "_") {
		t.Fatalf("%q does not tell the alphabets apart", url)
	}
	for name, test := range map[string]struct {
		text string
		want []Key
	}{
		"one key":             {a.Encode(), []Key{a}},
		"two, newest first":   {a.Encode() + "," + b.Encode(), []Key{a, b}},
		"white space":         {" " + a.Encode() + " ,\n" + b.Encode() + "\n", []Key{a, b}},
		"unpadded":            {strings.TrimRight(a.Encode(), "="), []Key{a}},
		"URL alphabet":        {url, []Key{awkward}},
		"URL, unpadded":       {strings.TrimRight(url, "="), []Key{awkward}},
		"what keygen printed": {awkward.Encode(), []Key{awkward}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := ParseKeys(test.text)
			if err != nil {
				t.Fatal(err)
			}
			if len(got) != len(test.want) {
				t.Fatalf("%d keys, want %d", len(got), len(test.want))
			}
			for i := range got {
				if *got[i].bytes() != *test.want[i].bytes() {
					t.Errorf("key %d differs", i+1)
				}
			}
		})
	}
}

func TestParseKeysRefuses(t *testing.T) {
	good := GenerateKey().Encode()
	b64 := func(b []byte) string { return base64.StdEncoding.EncodeToString(b) }
	for name, test := range map[string]struct{ text, want string }{
		"nothing":                      {"", "SALLYPORT_SECRET is empty"},
		"white space":                  {" \n", "SALLYPORT_SECRET is empty"},
		"CK-12 a word":                 {"password", "key 1 of SALLYPORT_SECRET: it has 6 bytes instead of 32"},
		"CK-12 16 zero bytes":          {b64(make([]byte, 16)), "key 1 of SALLYPORT_SECRET: it has 16 bytes"},
		"CK-12 32 zero bytes":          {b64(make([]byte, 32)), "key 1 of SALLYPORT_SECRET: it is not random"},
		"CK-12 raw text of 32 letters": {"abcdefghijklmnopqrstuvwxyz012345", "key 1 of SALLYPORT_SECRET: it has 24 bytes"},
		"CK-12 hex":                    {strings.Repeat("0123456789abcdef", 4), "key 1 of SALLYPORT_SECRET: it has 48 bytes"},
		"two different bytes":          {b64(bytes.Repeat([]byte{1, 2}, 16)), "it is not random"},
		"seven different bytes":        {b64(append(bytes.Repeat([]byte{1}, 26), 2, 3, 4, 5, 6, 7)), "it is not random"},
		"33 bytes":                     {b64(append(bytes.Repeat([]byte("abc"), 10), "def"...)), "it has 33 bytes"},
		"not base64":                   {"not base64!", "key 1 of SALLYPORT_SECRET: it is not base64"},
		"second weak":                  {good + "," + b64(make([]byte, 32)), "key 2 of SALLYPORT_SECRET: it is not random"},
		"trailing comma":               {good + ",", "key 2 of SALLYPORT_SECRET: it is empty"},
		"repeated":                     {good + "," + GenerateKey().Encode() + "," + good, "key 3 of SALLYPORT_SECRET: it is the same as key 1"},
		"repeated, spelt another way":  {good + "," + strings.TrimRight(good, "="), "it is the same as key 1"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := ParseKeys(test.text)
			if err == nil {
				t.Fatal("accepted")
			}
			if !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), "sallyport keygen") {
				t.Errorf("error %q does not say %q and name the remedy", err, test.want)
			}
			if strings.Contains(err.Error(), good) {
				t.Error("the error shows a key")
			}
		})
	}
}

func TestKeyRingRefuses(t *testing.T) {
	key := GenerateKey()
	for name, keys := range map[string][]Key{
		"no key": nil, "zero key": {key, {}}, "repeated": {key, key}, "weak": {newKey([KeySize]byte{})},
	} {
		if _, err := NewKeyRing(keys, "scope"); err == nil {
			t.Errorf("%s: NewKeyRing accepted it", name)
		}
	}
	if _, err := NewKeyRing([]Key{key}, ""); err == nil {
		t.Error("NewKeyRing accepted an empty scope")
	}
}

func TestKeyRingKeepsItsKeysWhenSetFails(t *testing.T) {
	ring := newTestRing(t, GenerateKey())
	before := ring.current.Load()
	if err := ring.Set(nil); err == nil {
		t.Fatal("Set(nil) = nil")
	}
	if ring.current.Load() != before {
		t.Error("a failed Set changed the keys")
	}
}

// Each purpose, use and scope has a key of its own, also where one name ends
// in what another begins with.
func TestDerivedKeysDiffer(t *testing.T) {
	key := GenerateKey()
	seen := map[string]string{}
	for _, scope := range []string{"a", "b", "hash", "a|hash", "5:hash|a"} {
		ring, err := NewKeyRing([]Key{key}, scope)
		if err != nil {
			t.Fatal(err)
		}
		for _, purpose := range []string{purposeTicket, purposeLogin, purposeTicket + "|hash"} {
			for _, use := range []string{"hash", "block"} {
				b, err := ring.derive(key, purpose, use)
				if err != nil {
					t.Fatal(err)
				}
				name := purpose + "/" + use + "/" + scope
				if other, ok := seen[string(b)]; ok {
					t.Errorf("%s and %s have the same key", name, other)
				}
				seen[string(b)] = name
			}
		}
	}
}

func newTestRing(t testing.TB, keys ...Key) *KeyRing {
	t.Helper()
	ring, err := NewKeyRing(keys, "https://app.example.com|rp1")
	if err != nil {
		t.Fatal(err)
	}
	return ring
}

// printed returns everything that an accident might print of v.
func printed(t *testing.T, v any) string {
	t.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, "%v\n%+v\n%#v\n%s\n%x\n%d\n", v, v, v, v, v, v)
	if j, err := json.Marshal(v); err == nil {
		b.Write(j)
	}
	slog.New(slog.NewJSONHandler(&b, nil)).Info("x", "v", v)
	slog.New(slog.NewTextHandler(&b, nil)).Info("x", "v", v)
	return b.String()
}

// leaks fails if any spelling of secret bytes is in text.
func leaks(t *testing.T, text string, secret []byte) {
	t.Helper()
	if len(secret) > 8 {
		secret = secret[:8] // part of it is enough to give it away
	}
	decimal := strings.Trim(fmt.Sprint(secret), "[]")
	for name, spelling := range map[string]string{
		"raw": string(secret), "hex": fmt.Sprintf("%x", secret), "HEX": fmt.Sprintf("%X", secret), "decimal": decimal,
		"decimal with commas": strings.ReplaceAll(decimal, " ", ","),
		"go":                  strings.Trim(fmt.Sprintf("%#v", secret), "[]byte{}"),
		"base64":              base64.RawStdEncoding.EncodeToString(secret[:6]),
		"base64url":           base64.RawURLEncoding.EncodeToString(secret[:6]),
	} {
		if strings.Contains(text, spelling) {
			t.Errorf("the %s bytes of a secret are in what is printed", name)
		}
	}
}

func TestLeaksFindsALeak(t *testing.T) {
	type careless struct{ b [KeySize]byte }
	key := GenerateKey()
	text := printed(t, careless{*key.bytes()})
	probe := &testing.T{}
	leaks(probe, text, key.bytes()[:])
	if !probe.Failed() {
		t.Error("leaks does not see the bytes of an unexported array")
	}
}

func TestSecretsDoNotPrint(t *testing.T) {
	key, older := GenerateKey(), GenerateKey()
	ring := newTestRing(t, key, older)
	cookies, err := NewCookies(CookieConfig{Name: "sallyport", Secure: true})
	if err != nil {
		t.Fatal(err)
	}
	cfg := Config{Keys: ring, Cookies: cookies, MaxAge: 1}
	m, err := NewManager(Config{Keys: ring, Cookies: cookies, MaxAge: 1, Store: noStore{}})
	if err != nil {
		t.Fatal(err)
	}
	nested := struct {
		Key  Key
		key  Key
		Keys []Key
	}{key, key, []Key{key, older}}
	for name, v := range map[string]any{
		"Key": key, "*Key": &key, "[]Key": []Key{key, older}, "nested": nested, "*nested": &nested,
		"KeyRing": ring, "Config": cfg, "*Config": &cfg, "Manager": m,
		"error": keyError(0, older.check()),
	} {
		t.Run(name, func(t *testing.T) {
			text := printed(t, v)
			leaks(t, text, key.bytes()[:])
			leaks(t, text, older.bytes()[:])
			for _, use := range []string{"hash", "block"} {
				derived, err := ring.derive(key, purposeTicket, use)
				if err != nil {
					t.Fatal(err)
				}
				leaks(t, text, derived)
			}
		})
	}
}
