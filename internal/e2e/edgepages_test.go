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
	// The edge proxies set these themselves, whatever a client sends.
	set := []string{
		"X-Forwarded", "X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "X-Forwarded-Port", "X-Forwarded-Server",
		"X-Forwarded-Uri", "X-Forwarded-Method", "X-Real-IP",
	}
	for _, page := range []string{"traefik.md", "envoy.md"} {
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
