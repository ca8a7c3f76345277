package session

import (
	"strings"
	"testing"
)

func TestTokensComeBack(t *testing.T) {
	for name, token := range map[string]string{
		"none":                  "",
		"a dot":                 ".",
		"a JWT":                 "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhbGljZSJ9.c2lnbmF0dXJl",
		"no signature":          "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhbGljZSJ9.",
		"bits that say nothing": "YR",
		"a length of no base64": "abcde",
		"line breaks":           "YWJj\nYWJj\r",
		"padded":                "YWI=",
		"other base64":          "a+b/",
		"no ASCII":              "Ångström.\x00\xff",
	} {
		t.Run(name, func(t *testing.T) {
			got, rest, err := unpackToken(append(packToken(nil, token), "next"...))
			if err != nil || got != token || string(rest) != "next" {
				t.Errorf("%q and %q, %v; want %q", got, rest, err, token)
			}
		})
	}
}

func TestPackedTokensAreShorter(t *testing.T) {
	token := strings.Repeat("eyJh", 100) + "." + strings.Repeat("c2ln", 20)
	if n := len(packToken(nil, token)); n > len(token)*3/4+6 {
		t.Errorf("%d bytes became %d", len(token), n)
	}
}

func TestBodiesInPieces(t *testing.T) {
	whole := packBody([]byte(`{"sub":"alice"}`), "a.b", "", "token")
	var a, b, c string
	for i := range whole {
		if _, err := unpackBody(whole[:i], &a, &b, &c); err == nil {
			t.Errorf("%d of %d bytes are a body", i, len(whole))
		}
	}
	if _, err := unpackBody(append(whole, 0), &a, &b, &c); err == nil {
		t.Error("a body with a byte more is one")
	}
	if text, err := unpackBody(whole, &a, &b, &c); err != nil || string(text) != `{"sub":"alice"}` || a != "a.b" || b != "" || c != "token" {
		t.Errorf("%q, %q, %q, %q, %v", text, a, b, c, err)
	}
}

func FuzzUnpackBody(f *testing.F) {
	f.Add(packBody([]byte("{}"), "a.b.c", "YWJj", "\n"))
	f.Add([]byte{0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1})
	f.Fuzz(func(t *testing.T, b []byte) {
		var first, second string
		text, err := unpackBody(b, &first, &second)
		if err != nil {
			return
		}
		var again, third string
		got, err := unpackBody(packBody(text, first, second), &again, &third)
		if err != nil || string(got) != string(text) || again != first || third != second {
			t.Errorf("%q, %q, %q became %q, %q, %q, %v", text, first, second, got, again, third, err)
		}
	})
}
