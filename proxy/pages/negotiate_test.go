package pages

import (
	"net/http"
	"strings"
	"testing"
)

func TestPrefersHTML(t *testing.T) {
	for _, tc := range []struct {
		name   string
		accept []string
		want   bool
	}{
		{"Chromium and Firefox, navigation", []string{browserAccept}, true},
		{"Safari, navigation", []string{"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}, true},
		{"html alone", []string{"text/html"}, true},
		{"upper case", []string{"Text/HTML"}, true},
		{"xhtml", []string{"application/xhtml+xml"}, true},
		{"text/*", []string{"text/*"}, true},
		{"html before json by weight", []string{"application/json;q=0.5, text/html;q=0.8"}, true},
		{"html beside anything", []string{"text/html, */*"}, true},
		{"in two fields", []string{"application/json;q=0.1", "text/html"}, true},
		{"with a parameter", []string{"text/html;level=1;q=0.9"}, true},
		{"json refused", []string{"text/html;q=0.1, application/json;q=0, application/problem+json;q=0"}, true},

		{"none", nil, false},
		{"empty", []string{""}, false},
		{"fetch and curl", []string{"*/*"}, false},
		{"axios", []string{"application/json, text/plain, */*"}, false},
		{"json", []string{"application/json"}, false},
		{"problem+json", []string{"application/problem+json"}, false},
		{"json by weight", []string{"text/html;q=0.5, application/json"}, false},
		{"json by weight of anything", []string{"text/html;q=0.1, */*"}, false},
		{"json at equal weight", []string{"text/html, application/json"}, false},
		{"html refused", []string{"text/html;q=0, */*;q=0.1"}, false},
		{"everything refused", []string{"text/html;q=0"}, false},
		{"images", []string{"image/avif,image/webp,image/*,*/*;q=0.8"}, false},
		{"event stream", []string{"text/event-stream"}, false},
		{"weight that is no number", []string{"text/html;q=x"}, false},
		{"weight NaN", []string{"text/html;q=NaN"}, false},
		{"weight above 1", []string{"text/html;q=2"}, false},
		{"no media type", []string{",;,/;q=1"}, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := PrefersHTML(http.Header{"Accept": tc.accept}); got != tc.want {
				t.Errorf("Accept %q: %v, want %v", tc.accept, got, tc.want)
			}
		})
	}
}

// Pages are for people: a script gets what it can act on, whatever it accepts.
func TestTakesPage(t *testing.T) {
	for name, tc := range map[string]struct {
		header map[string]string
		want   bool
	}{
		"a browser without Fetch Metadata":     {nil, true},
		"a navigation":                         {map[string]string{"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}, true},
		"a frame":                              {map[string]string{"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"}, true},
		"a navigation of a browser in an app":  {map[string]string{"Sec-Fetch-Mode": "navigate", "X-Requested-With": "com.example.app"}, true},
		"fetch":                                {map[string]string{"Sec-Fetch-Mode": "cors"}, false},
		"fetch of the same origin":             {map[string]string{"Sec-Fetch-Mode": "same-origin"}, false},
		"an older browser's XMLHttpRequest":    {map[string]string{"X-Requested-With": "XMLHttpRequest"}, false},
		"a prefetch":                           {map[string]string{"Sec-Fetch-Mode": "navigate", "Sec-Purpose": "prefetch;prerender"}, false},
		"a navigation that does not want HTML": {map[string]string{"Sec-Fetch-Mode": "navigate", "Accept": "application/json"}, false},
	} {
		h := http.Header{"Accept": {browserAccept}}
		for field, value := range tc.header {
			h.Set(field, value)
		}
		if got := TakesPage(h); got != tc.want {
			t.Errorf("%s: %v, want %v", name, got, tc.want)
		}
	}
}

// A page goes only to those who name HTML.
func FuzzPrefersHTML(f *testing.F) {
	f.Add(browserAccept)
	f.Add("text/html;q=0.1;q=1, a/b;;=,")
	f.Add("TEXT/*;q=1e-1")
	f.Fuzz(func(t *testing.T, accept string) {
		lower := strings.ToLower(accept)
		named := strings.Contains(lower, "html") || strings.Contains(lower, "text/*")
		if PrefersHTML(http.Header{"Accept": {accept}}) && !named {
			t.Errorf("Accept %q does not name HTML", accept)
		}
		if PrefersHTML(http.Header{"Accept": {accept, "application/json"}}) && !strings.Contains(lower, ";") && strings.Contains(lower, "json") {
			t.Errorf("Accept %q and JSON, without weights, gives HTML", accept)
		}
	})
}
