package main

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/idp/oidcrp"
)

// recorded is the part of a provider's profile that the doctor looks at.
type recorded struct {
	Issuer     string            `json:"issuer"`
	MetadataAt string            `json:"metadata_at"`
	Env        map[string]string `json:"environment"`
	Metadata   map[string]any    `json:"metadata"`
	NoDate     bool              `json:"no_date"`
}

// serveProfile makes the fake provider one of that profile.
func (p *fakeProvider) serveProfile(t *testing.T, name string) recorded {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("../../idp/oidcrp/testdata/profiles", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	var r recorded
	if err := json.Unmarshal([]byte(strings.ReplaceAll(string(raw), "{base}", p.URL)), &r); err != nil {
		t.Fatal(err)
	}
	p.metadata = r.Metadata
	if r.NoDate {
		p.answer = func(w http.ResponseWriter, _ *http.Request) {
			w.Header()["Date"] = nil // net/http would add one
			json.NewEncoder(w).Encode(r.Metadata)
		}
	}
	p.alg(t, "RS256")
	inner := p.Config.Handler
	jwks, _ := url.Parse(r.Metadata["jwks_uri"].(string))
	p.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		switch {
		case req.URL.Path == jwks.Path:
			req.URL.Path = "/keys"
		case strings.HasSuffix(req.URL.Path, wellKnown):
			req.URL.Path = wellKnown
		}
		inner.ServeHTTP(w, req)
	})
	return r
}

// alg publishes a key of that algorithm alone.
func (p *fakeProvider) alg(t *testing.T, alg string) {
	t.Helper()
	p.keys = `{"keys":[{"kty":"RSA","use":"sig","alg":"` + alg + `","kid":"1","e":"AQAB","n":"` + strings.Repeat("sXch", 86) + `"}]}`
}

// What the doctor says of each provider: mode, advice, and what the preset sets.
func TestCheckProfiles(t *testing.T) {
	for _, name := range oidcrp.PresetNames() {
		if name == oidcrp.GenericPreset {
			continue
		}
		t.Run(name, func(t *testing.T) {
			p := newFakeProvider(t)
			profile := p.serveProfile(t, name)
			vars := valid()
			maps.Copy(vars, presetNeeds[name])
			maps.Copy(vars, profile.Env)
			vars["SALLYPORT_OIDC_PROVIDER"], vars["SALLYPORT_OIDC_ISSUER"] = name, profile.Issuer
			var f findings
			s, err := load(environment(vars))
			if err != nil {
				t.Fatal(err)
			}
			checkPreset(s.providers[0], &f)
			checkProvider(t.Context(), s.providers[0], time.Now, &f)
			if f.failed() {
				t.Error("something fails")
			}
			golden(t, "check/"+name+".txt", render(f, p.URL, "PROVIDER"))
		})
	}
}
