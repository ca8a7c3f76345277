package proxy

import (
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/sallyport/sallyport/session"
	"github.com/sallyport/sallyport/session/memstore"
)

// benchSite is a Site as it is served: real sessions in memory, assertion, metrics and
// access log, and an app on loopback. The requests are of as many people, each with
// what a browser sends.
func benchSite(b *testing.B, people int) (*Site, []*http.Request) {
	b.Helper()
	app := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write(make([]byte, 1024)) }))
	b.Cleanup(app.Close)
	store, err := memstore.New(memstore.Config{})
	if err != nil {
		b.Fatal(err)
	}
	ring := newRing(b, session.GenerateKey())
	cfg := testConfig(b, mustURL(b, app.URL))
	cfg.Registerer, cfg.Logger = prometheus.NewRegistry(), slog.New(slog.NewJSONHandler(io.Discard, nil))
	manager, err := session.NewManager(session.Config{
		Store: store, Keys: ring, Cookies: cfg.Cookies, MaxAge: 12 * time.Hour, Idle: time.Hour,
		Now: time.Now, Logger: cfg.Logger, Registerer: cfg.Registerer,
	})
	if err != nil {
		b.Fatal(err)
	}
	cfg.Auth, cfg.Sessions, cfg.AssertionKeys = manager, manager, ring.AssertionKeys
	site, err := New(cfg)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(site.Close)
	requests := make([]*http.Request, people)
	for i := range requests {
		name := fmt.Sprint("person-", i)
		rec := httptest.NewRecorder()
		if _, err := manager.Start(rec, benchRequest(""), session.Login{IdP: "generic", Identity: session.Identity{
			Issuer: "https://idp.example.com", Subject: name, User: name, Email: name + "@example.com", Name: name, Groups: []string{"staff", "engineering"},
		}}); err != nil {
			b.Fatal(err)
		}
		requests[i] = benchRequest(cookieOf(rec.Result()))
		serveOnce(b, site, requests[i])
	}
	b.ReportAllocs()
	b.ResetTimer()
	return site, requests
}

// benchRequest is what a browser sends, with a session's cookie unless that is "".
func benchRequest(cookie string) *http.Request {
	r := httptest.NewRequest("GET", "https://app.example.com/invoices?year=2026", nil)
	r.RemoteAddr = "192.0.2.7:4711"
	for name, value := range map[string]string{
		"Accept": "text/html,application/xhtml+xml", "Accept-Encoding": "gzip, br", "Accept-Language": "en,de;q=0.5", "Cookie": "theme=dark",
		"Sec-Fetch-Dest": "document", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Site": "same-origin", "Sec-Fetch-User": "?1",
		"Upgrade-Insecure-Requests": "1", "User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
	} {
		r.Header.Set(name, value)
	}
	if cookie != "" {
		r.Header.Set("Cookie", "theme=dark; "+cookie)
	}
	return r
}

// counted is a ResponseWriter that keeps the status alone.
type counted struct {
	discard
	status int
}

func (c *counted) WriteHeader(status int) { c.status = status }

func serveOnce(tb testing.TB, site *Site, r *http.Request) {
	w := &counted{discard: discard{header: make(http.Header, 12)}}
	site.ServeHTTP(w, r)
	if w.status != http.StatusOK {
		tb.Errorf("status %d", w.status)
	}
}

// BenchmarkServe is a whole request but for the client's side of net/http, with an app
// that is in the same process.
func BenchmarkServe(b *testing.B) {
	site, requests := benchSite(b, 1)
	for b.Loop() {
		serveOnce(b, site, requests[0])
	}
}

// BenchmarkServeParallel is the same on all processors, of a hundred people. Its mutex
// and block profiles show what requests share (docs/performance.md).
func BenchmarkServeParallel(b *testing.B) {
	site, requests := benchSite(b, 100)
	var n atomic.Int64
	b.RunParallel(func(pb *testing.PB) {
		for i := int(n.Add(1)) * 13; pb.Next(); i++ {
			serveOnce(b, site, requests[i%len(requests)])
		}
	})
}

// BenchmarkDecide is the decision alone, of somebody who is signed in and of somebody
// who is not.
func BenchmarkDecide(b *testing.B) {
	for name, signedIn := range map[string]bool{"signed-in": true, "unknown": false} {
		b.Run(name, func(b *testing.B) {
			site, requests := benchSite(b, 1)
			x, want := benchExchange(site, requests[0]), Forward
			if !signedIn {
				x, want = benchExchange(site, benchRequest("")), SignIn
			}
			for b.Loop() {
				if d := site.judge(x, x.in, site.decider.rule(x.in.Method, x.in.URL.Path)); d.Kind != want {
					b.Fatalf("decided %v: %v", d.Kind, d.Fault)
				}
			}
		})
	}
}

// BenchmarkDecideParallel is the same on all processors, of a hundred people.
func BenchmarkDecideParallel(b *testing.B) {
	site, requests := benchSite(b, 100)
	var n atomic.Int64
	b.RunParallel(func(pb *testing.PB) {
		exchanges := make([]*exchange, len(requests))
		for i, r := range requests {
			exchanges[i] = benchExchange(site, r)
		}
		for i := int(n.Add(1)) * 13; pb.Next(); i++ {
			x := exchanges[i%len(exchanges)]
			if d := site.judge(x, x.in, site.decider.rule(x.in.Method, x.in.URL.Path)); d.Kind != Forward {
				b.Errorf("decided %v: %v", d.Kind, d.Fault)
			}
		}
	})
}

func benchExchange(site *Site, r *http.Request) *exchange {
	return site.begin(&discard{header: http.Header{}}, r)
}

// BenchmarkHeaders removes from a request what its client must not say, and tells the
// app who is asking. Filling the header again is in the figure.
func BenchmarkHeaders(b *testing.B) {
	site, requests := benchSite(b, 1)
	h := newBenchHeaders(site, requests[0])
	for b.Loop() {
		h.run(b)
	}
}

// BenchmarkHeadersParallel is the same on all processors, of one person.
func BenchmarkHeadersParallel(b *testing.B) {
	site, requests := benchSite(b, 1)
	b.RunParallel(func(pb *testing.PB) {
		h := newBenchHeaders(site, requests[0])
		for pb.Next() {
			h.run(b)
		}
	})
}

// benchHeaders is an outbound header that is made again and again.
type benchHeaders struct {
	site            *Site
	x               *exchange
	h               http.Header
	cookie          string
	cookies, forged [1]string // strip works in place
}

func newBenchHeaders(site *Site, r *http.Request) *benchHeaders {
	x := benchExchange(site, r)
	x.decision = site.judge(x, x.in, site.decider.rule(x.in.Method, x.in.URL.Path))
	return &benchHeaders{site: site, x: x, h: make(http.Header, 32), cookie: r.Header.Get("Cookie")}
}

func (b *benchHeaders) run(tb testing.TB) {
	clear(b.h)
	maps.Copy(b.h, b.x.in.Header)
	b.cookies[0], b.forged[0] = b.cookie, "eve@example.com"
	b.h["Cookie"], b.h["X-Forwarded-Email"] = b.cookies[:], b.forged[:]
	b.x.used = 0
	b.site.forward.strip.strip(b.h, false)
	b.site.forward.tell.tell(b.h, b.x, b.x.decision.Session)
	if got := b.h["X-Forwarded-Email"]; len(got) != 1 || got[0] != "person-0@example.com" || b.h["Cookie"][0] != "theme=dark" {
		tb.Errorf("the app is told %q with the cookie %q", got, b.h["Cookie"])
	}
}
