package session_test

import (
	"net/http"
	"testing"

	"github.com/sallyport/sallyport/session"
)

func TestHasParts(t *testing.T) {
	cookies, err := session.NewCookies(session.CookieConfig{Name: "s"})
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		field string
		parts []string
		want  bool
	}{
		{"s_0=A; s_1=B", []string{"A", "B"}, true},
		{"theme=dark; s=T; s_1=B; _ga=1; s_0=A", []string{"A", "B"}, true},
		{"s_0=A; s_0=A; s_1=B", []string{"A", "B"}, true},
		{"s_0=A; s_1=B", []string{"A"}, true}, // part 1 does not belong to the value
		{"s_0=A; s_7=C; s_00=D; s_=E; s_x=F; s-0=G; s_0 =H; xs_0=I", []string{"A"}, true},
		{"s_0=A", []string{"A", "B"}, false},
		{"s_1=B", []string{"A", "B"}, false},
		{"", []string{"A"}, false},
		{"s_0=B; s_1=A", []string{"A", "B"}, false},
		{"s_0=A; s_0=C; s_1=B", []string{"A", "B"}, false},
		{"s_0=C; s_0=A; s_1=B", []string{"A", "B"}, false},
		{"s_0=A; s_1=B; s_1=!", []string{"A", "B"}, false},
		{"s_0=AB", []string{"A"}, false},
		{"s_0", []string{""}, false},
	} {
		if got := cookies.HasParts(http.Header{"Cookie": {test.field}}, test.parts); got != test.want {
			t.Errorf("%q has %q: %t, want %t", test.field, test.parts, got, test.want)
		}
	}
	if !cookies.HasParts(http.Header{"Cookie": {"s_0=A", "s_1=B"}}, []string{"A", "B"}) {
		t.Error("not found in two fields")
	}
}

// Where HasParts says yes, Parts holds nothing else.
func FuzzHasParts(f *testing.F) {
	cookies, err := session.NewCookies(session.CookieConfig{Name: "s"})
	if err != nil {
		f.Fatal(err)
	}
	f.Add("s_0=A; s_1=B", "A", "B")
	f.Add("s_1=B; s_0=A; s_0=C", "A", "B")
	f.Fuzz(func(t *testing.T, field, first, second string) {
		h := http.Header{"Cookie": {field}}
		if !cookies.HasParts(h, []string{first, second}) {
			return
		}
		for n, values := range cookies.Parts(h, 2, len(field)) {
			for _, v := range values {
				if v != []string{first, second}[n] {
					t.Errorf("part %d also has %q", n, v)
				}
			}
		}
	})
}
