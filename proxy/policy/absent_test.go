package policy

import (
	"strings"
	"testing"

	"github.com/sallyport/sallyport/session"
)

// A claim that is absent equals nothing. So it meets claim!=value, and a rule that wants
// it to be there says so.
func TestAbsentClaims(t *testing.T) {
	people := map[string]map[string][]string{
		"none":    nil,
		"other":   {"dept": {"it"}},
		"empty":   {"contract": {""}},
		"no more": {"contract": {}},
		"running": {"contract": {"running"}},
		"ended":   {"contract": {"ended"}},
		"both":    {"contract": {"running", "ended"}},
	}
	for conditions, admitted := range map[string]string{
		"contract=running":                  "running both",
		"contract!=ended":                   "none other empty running|no more",
		"contract=*":                        "running ended both",
		"contract!=*":                       "none other empty|no more",
		"contract=*,contract!=ended":        "running",
		"contract!=ended,contract=*":        "running",
		"contract=*,contract=running":       "running both",
		"contract=running,contract=ended":   "running ended both",
		"contract!=ended,contract!=running": "none other empty|no more",
		"contract=*,contract!=*":            "",
	} {
		p, err := New(Config{Rules: []Rule{{Number: 1, Paths: []string{"/**"}, Claims: strings.Split(conditions, ",")}}})
		if err != nil {
			t.Fatal(err)
		}
		words, phrase, _ := strings.Cut(admitted, "|")
		want := map[string]bool{phrase: phrase != ""}
		for _, w := range strings.Fields(words) {
			want[w] = true
		}
		for who, claims := range people {
			if v := p.rules[0].admit(&session.Session{Identity: session.Identity{Claims: claims}}); v.Allowed != want[who] {
				t.Errorf("%s: %q is admitted: %v, want %v", conditions, who, v.Allowed, want[who])
			}
		}
		// What the provider kept back meets none of them.
		if v := p.rules[0].admit(&session.Session{Identity: session.Identity{ClaimsWithheld: []string{"contract"}}}); v.Allowed {
			t.Errorf("%s: a claim that was kept back is admitted", conditions)
		}
	}
}

func TestClaimPatternsAreFaults(t *testing.T) {
	for _, entry := range []string{"level=", "level!=", "level=go*", "level=**", "level!=*x", "=*", "!=*", "level", "*"} {
		_, err := New(Config{Rules: []Rule{{Number: 3, Paths: []string{"/a"}, Claims: []string{entry}}}})
		if err == nil || !strings.Contains(err.Error(), "SALLYPORT_RULE_3_CLAIMS") {
			t.Errorf("%q: error %v, want one that names the variable", entry, err)
		}
	}
}
