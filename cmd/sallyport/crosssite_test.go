package main

import (
	"strings"
	"testing"
)

func TestCrossSiteOriginsAreWarnedOf(t *testing.T) {
	for _, tt := range []struct {
		origins, public string
		more            map[string]string
		want            string // of the origins, in the warning; "" = no warning
	}{
		{"https://front.example.com", "https://app.example.com", nil, ""},
		{"https://example.com,https://app.example.com:8443", "https://app.example.com", nil, ""},
		{"https://front.example.com,https://front.example.net", "https://app.example.com", nil, "https://front.example.net"},
		{"https://front.example.net", "https://app.example.com", map[string]string{"SALLYPORT_COOKIE_SAMESITE": "none"}, ""},
		{"https://front.example.net", "https://app.example.com", map[string]string{"SALLYPORT_CORS_CREDENTIALS": "false"}, ""},
		{"https://one.github.io", "https://two.github.io", nil, "https://one.github.io"},
		{"https://one.co.uk", "https://two.co.uk", nil, "https://one.co.uk"},
		{"http://localhost:3000", "http://localhost:4180", nil, ""},
		{"http://127.0.0.1:3000", "http://localhost:4180", nil, "http://127.0.0.1:3000"},
		{"http://localhost:3000", "https://app.example.com", nil, "http://localhost:3000"},
	} {
		env := map[string]string{"SALLYPORT_CORS_ORIGINS": tt.origins, "SALLYPORT_PUBLIC_URL": tt.public}
		for name, value := range tt.more {
			env[name] = value
		}
		s, err := load(with(env))
		if err != nil {
			t.Fatal(err)
		}
		var got string
		for _, w := range s.warnings() {
			if w.Variable == "SALLYPORT_CORS_ORIGINS" {
				got, _, _ = strings.Cut(w.Message, " is another site")
			}
		}
		if got != tt.want {
			t.Errorf("%s behind %s: warned of %q, want %q", tt.origins, tt.public, got, tt.want)
		}
	}
}
