package pages

import (
	"math"
	"regexp"
	"strconv"
	"testing"
)

// WCAG 2.2 AA: 4.5 for text (§1.4.3), 3 for the edge of a control (§1.4.11).
func TestContrast(t *testing.T) {
	schemes := regexp.MustCompile(`(?s):root \{.*?\}`).FindAllString(style, -1)
	if len(schemes) != 2 {
		t.Fatalf("%d colour schemes, want light and dark", len(schemes))
	}
	for i, scheme := range schemes {
		colours := map[string]float64{}
		for _, m := range regexp.MustCompile(`--([a-z-]+): #([0-9a-f]{6});`).FindAllStringSubmatch(scheme, -1) {
			colours[m[1]] = luminance(t, m[2])
		}
		for _, pair := range []struct {
			front, back string
			least       float64
		}{
			{"text", "card", 7}, {"muted", "card", 4.5}, {"muted", "ground", 4.5}, {"text", "notice", 7},
			{"on-accent", "accent", 4.5}, {"on-accent", "accent-strong", 4.5},
			{"accent", "card", 4.5}, {"accent", "ground", 3}, {"edge", "card", 3},
		} {
			front, ok1 := colours[pair.front]
			back, ok2 := colours[pair.back]
			if !ok1 || !ok2 {
				t.Fatalf("scheme %d lacks --%s or --%s", i, pair.front, pair.back)
			}
			if got := (max(front, back) + .05) / (min(front, back) + .05); got < pair.least {
				t.Errorf("scheme %d: %s on %s has contrast %.2f, want %v", i, pair.front, pair.back, got, pair.least)
			}
		}
	}
}

// luminance is the relative luminance of an sRGB colour, as WCAG defines it.
func luminance(t *testing.T, hex string) float64 {
	t.Helper()
	n, err := strconv.ParseUint(hex, 16, 32)
	if err != nil {
		t.Fatal(err)
	}
	linear := func(c uint64) float64 {
		v := float64(c&0xff) / 255
		if v <= .04045 {
			return v / 12.92
		}
		return math.Pow((v+.055)/1.055, 2.4)
	}
	return .2126*linear(n>>16) + .7152*linear(n>>8) + .0722*linear(n)
}
