package proxy

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"
	"time"

	"github.com/sallyport/sallyport/session"
)

// discard is a ResponseWriter that keeps nothing.
type discard struct{ header http.Header }

func (d *discard) Header() http.Header         { return d.header }
func (d *discard) Write(p []byte) (int, error) { return len(p), nil }
func (d *discard) WriteHeader(int)             {}

// BenchmarkForwardAuth is what an answer to somebody who is signed in costs, assertion
// and metrics included; BenchmarkBareHandler what net/http alone would.
func BenchmarkForwardAuth(b *testing.B) {
	ring := newRing(b, session.GenerateKey())
	cfg := testConfig(b, nil)
	cfg.ForwardAuth, cfg.AssertionKeys, cfg.AccessLog = ForwardAuthOnly, ring.AssertionKeys, nil
	cfg.Trusted = []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}
	cfg.Now = func() time.Time { return time.Date(2026, 1, 2, 4, 0, 0, 0, time.UTC) } // within alice's session
	site, err := New(cfg)
	if err != nil {
		b.Fatal(err)
	}
	benchHandler(b, site)
}

func BenchmarkBareHandler(b *testing.B) {
	benchHandler(b, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) }))
}

func benchHandler(b *testing.B, h http.Handler) {
	r := httptest.NewRequest("GET", "https://app.example.com/oauth2/auth", nil)
	r.Header.Set("X-Original-Method", "GET")
	r.Header.Set("X-Original-URL", "https://app.example.com/invoices?x=1")
	r.Header.Set("Cookie", "theme=dark; "+valid)
	b.ReportAllocs()
	for b.Loop() {
		h.ServeHTTP(&discard{header: make(http.Header, 12)}, r)
	}
}
