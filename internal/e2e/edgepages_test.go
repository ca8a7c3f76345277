package e2e

import (
	"os"
	"regexp"
	"slices"
	"testing"
)

// TestEdgePagesNameEveryHeader reads the pages of the servers that no test runs: each
// managed name has to be taken away or overwritten there.
func TestEdgePagesNameEveryHeader(t *testing.T) {
	for page, set := range map[string][]string{ // what the server sets itself, whatever a client sends
		"traefik.md": {
			"X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "X-Forwarded-Port", "X-Forwarded-Server",
			"X-Forwarded-Uri", "X-Forwarded-Method", "X-Real-IP",
		},
		"envoy.md": {"X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Uri", "X-Forwarded-Method"},
	} {
		text, err := os.ReadFile(edgeConfigs + page)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range managedNames {
			line := regexp.MustCompile(`(?mi)^ +(?:- |- remove: )?` + name + `(?:: "")?$`)
			if !slices.Contains(set, name) && !line.Match(text) {
				t.Errorf("%s does not take %s away", page, name)
			}
		}
	}
}
