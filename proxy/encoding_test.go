package proxy

import (
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/session"
)

func TestHeaderEncodingPercent(t *testing.T) {
	person := session.Identity{
		Subject: "sub-carol", User: "Zoë 100%", Email: "zoë@example.com", Name: "Zoë, Größe",
		Groups: []string{"a,b", "Köln", "50%", "plain one"}, Claims: map[string][]string{"city": {"Köln"}, "odd": {"x\ny"}},
	}
	want := map[string]string{
		"User": "Zo%C3%AB 100%25", "Email": "zo%C3%AB@example.com", "Preferred-Username": "Zo%C3%AB, Gr%C3%B6%C3%9Fe",
		"Groups": "a%2Cb,K%C3%B6ln,50%25,plain one",
	}
	tune := func(c *Config) {
		c.HeaderEncoding, c.ClaimHeaders = EncodingPercent, mustClaimHeaders(t, "X-City=city", "X-Odd=odd")
	}
	check := func(t *testing.T, family string, values func(string) []string) {
		t.Helper()
		for name, text := range want {
			if got := values(family + name); !slices.Equal(got, []string{text}) {
				t.Errorf("%s is %q, want %q", family+name, got, text)
			}
		}
		if got := values("X-City"); !slices.Equal(got, []string{"K%C3%B6ln"}) {
			t.Errorf("X-City is %q", got)
		}
		if got := strings.Join(values("X-Odd"), ""); got != "" {
			t.Errorf("a line break was told, as %q", got)
		}
	}
	t.Run("proxy", func(t *testing.T) {
		f := newFixture(t, tune)
		f.auth.add("carol", person)
		f.get("/", "Cookie: __Host-sallyport=carol").wantStatus(t, 200)
		check(t, "X-Forwarded-", f.app.only(t).values)
	})
	t.Run("forward-auth", func(t *testing.T) {
		f := askingFixture(t, tune)
		f.auth.add("carol", person)
		a := f.ask(askPath, traefik("GET", "/x"), []string{"Cookie: __Host-sallyport=carol"})
		a.wantStatus(t, 200)
		check(t, "X-Auth-Request-", a.Header.Values)
	})
}

// The limit is that of the field, which the encoding makes longer.
func TestHeaderEncodingLimit(t *testing.T) {
	long := strings.Repeat("ö", maxValue/2)
	if text, ok := EncodingUTF8.text(long); !ok || text != long {
		t.Error("a claim of exactly the limit is not told in UTF-8")
	}
	if text, ok := EncodingPercent.text(long); ok {
		t.Errorf("%d bytes are told in percent-encoding, the limit is %d", len(text), maxValue)
	}
	if _, ok := EncodingPercent.list([]string{long}); ok {
		t.Error("a list is longer than the limit")
	}
}

func TestUnknownHeaderEncoding(t *testing.T) {
	cfg := testConfig(t, mustURL(t, "http://127.0.0.1:1"))
	cfg.HeaderEncoding = "latin-1"
	if _, err := New(cfg); err == nil || !strings.Contains(err.Error(), "SALLYPORT_HEADER_ENCODING") {
		t.Errorf("error %v, want one that names the variable", err)
	}
}

// FuzzHeaderEncoding: what is told can be told back, by the readers that docs/headers.md
// names, and with EncodingPercent it is ASCII whatever the claim is.
func FuzzHeaderEncoding(f *testing.F) {
	for _, seed := range [][2]string{{"alice", "bob"}, {"Zoë", "a,b"}, {"100%", "%2C"}, {"%25", "%"}, {"می\u200cخواهم", "😀"}, {"a+b c", ""}, {",", ",,"}, {"~\x7f", "\xff"}} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, one, other string) {
		if text, ok := EncodingPercent.text(one); ok {
			wantASCII(t, text)
			if back, err := url.PathUnescape(text); err != nil || back != one {
				t.Errorf("%q is told as %q and read as %q, %v", one, text, back, err)
			}
		}
		if text, ok := EncodingUTF8.text(one); ok && text != one {
			t.Errorf("%q is told as %q", one, text)
		}
		want := slices.DeleteFunc([]string{one, other}, func(s string) bool { return s == "" })
		for _, e := range []HeaderEncoding{EncodingUTF8, EncodingPercent} {
			text, ok := e.list([]string{one, other})
			if !ok {
				if len(one)+len(other) < maxValue/4 && printable(one) && printable(other) {
					t.Errorf("%q is not told", want)
				}
				continue
			}
			if e == EncodingPercent {
				wantASCII(t, text)
			}
			if back := readList(t, text); !slices.Equal(back, want) {
				t.Errorf("%q is told as %q and read as %q", want, text, back)
			}
		}
	})
}

// readList is what docs/headers.md tells apps to do with a list.
func readList(t *testing.T, text string) []string {
	t.Helper()
	var values []string
	if text == "" {
		return nil
	}
	for part := range strings.SplitSeq(text, ",") {
		value, err := url.PathUnescape(part)
		if err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		values = append(values, value)
	}
	return values
}

func wantASCII(t *testing.T, text string) {
	t.Helper()
	if strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r > '~' }) {
		t.Errorf("%q is not printable ASCII", text)
	}
}
