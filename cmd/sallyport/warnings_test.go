package main

import (
	"slices"
	"strings"
	"testing"
)

func TestWarnings(t *testing.T) {
	for name, tt := range map[string]struct {
		changes        map[string]string
		variable, want string
	}{
		"Redis that is not used": {map[string]string{"SALLYPORT_REDIS_URL": "redis://127.0.0.1"}, "SALLYPORT_REDIS_URL", "set and not used: SALLYPORT_SESSION_STORE is memory"},
		"a token without a listener": {
			map[string]string{"SALLYPORT_ADMIN_LISTEN": "off", "SALLYPORT_ADMIN_TOKEN": strings.Repeat("x", 32)},
			"SALLYPORT_ADMIN_TOKEN", "set and not used: SALLYPORT_ADMIN_LISTEN is off",
		},
		"a secret with a line end":          {map[string]string{"SALLYPORT_OIDC_CLIENT_SECRET": "canary\n"}, "SALLYPORT_OIDC_CLIENT_SECRET", "has a control character in it"},
		"a numbered secret with a line end": {map[string]string{"SALLYPORT_OIDC_2_ISSUER": "https://two.example.com", "SALLYPORT_OIDC_2_CLIENT_ID": "two", "SALLYPORT_OIDC_2_ID": "two", "SALLYPORT_OIDC_2_CLIENT_SECRET": "canary\r"}, "SALLYPORT_OIDC_2_CLIENT_SECRET", "has a control character in it"},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := load(with(tt.changes))
			if err != nil {
				t.Fatal(err)
			}
			all := s.warnings()
			if !slices.ContainsFunc(all, func(w configError) bool { return w.Variable == tt.variable && strings.Contains(w.Message, tt.want) }) {
				t.Errorf("no warning of %s that it %s: %v", tt.variable, tt.want, all)
			}
			for _, w := range all {
				if strings.Contains(w.Message, "canary") {
					t.Errorf("a secret was printed: %s", w.Message)
				}
			}
		})
	}
}
