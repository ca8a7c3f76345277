package proxy

import (
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
)

// TestUpstreamTLS: the app is known by the name in SALLYPORT_UPSTREAM and asked for by the
// browser's, and where no TLS comes about the log names the variable to change.
func TestUpstreamTLS(t *testing.T) {
	app := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, r.Proto+" "+r.Host+" "+r.TLS.ServerName)
	}))
	app.EnableHTTP2 = true
	app.StartTLS()
	t.Cleanup(app.Close)
	pool := x509.NewCertPool()
	pool.AddCert(app.Certificate())
	address := app.Listener.Addr().String()
	plain := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(plain.Close)
	for _, tt := range []struct {
		name     string
		upstream string
		ca       *x509.CertPool
		passHost bool
		want     string // the body, or what the log says
	}{
		{"trusted", "https://" + address, pool, true, "HTTP/2.0 app.example.com "},
		{"its own host", "https://" + address, pool, false, "HTTP/2.0 " + address + " "},
		{"not trusted", "https://" + address, x509.NewCertPool(), true, "SALLYPORT_UPSTREAM_CA_FILE"},
		{"another name", strings.Replace("https://"+address, "127.0.0.1", "localhost", 1), pool, true, "SALLYPORT_UPSTREAM_CA_FILE"},
		{"no TLS", strings.Replace(plain.URL, "http:", "https:", 1), pool, true, "write http:// or h2c:// in SALLYPORT_UPSTREAM"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := newFixture(t, func(c *Config) {
				c.Upstream, c.UpstreamCA, c.PassHost = mustURL(t, tt.upstream), tt.ca, tt.passHost
			})
			a := f.get("/", "Cookie: "+valid)
			if strings.HasPrefix(tt.want, "HTTP") {
				if a.StatusCode != 200 || a.body != tt.want {
					t.Errorf("%d %q, want %q", a.StatusCode, a.body, tt.want)
				}
				return
			}
			a.wantStatus(t, 502)
			if a.Header.Get("Sallyport-Error") != "upstream_unreachable" || !strings.Contains(f.logs.String(), tt.want) {
				t.Errorf("%v\n%s", a.Header, f.logs.String())
			}
		})
	}
}

// TestUpgradeLeavesHTTP2: net/http opens WebSockets with HTTP/1.1 also where the app speaks
// HTTP/2, which once was taken for its choice and cost the next request a handshake.
func TestUpgradeLeavesHTTP2(t *testing.T) {
	var connections atomic.Int32
	app := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, r.Proto)
	}))
	app.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			connections.Add(1)
		}
	}
	app.EnableHTTP2 = true
	app.StartTLS()
	t.Cleanup(app.Close)
	pool := x509.NewCertPool()
	pool.AddCert(app.Certificate())
	f := newFixture(t, func(c *Config) { c.Upstream, c.UpstreamCA = mustURL(t, app.URL), pool })
	ask := func(want string, lines ...string) {
		t.Helper()
		if a := f.get("/", append(lines, "Cookie: "+valid)...); a.StatusCode != 200 || a.body != want {
			t.Fatalf("%d %q, want %q", a.StatusCode, a.body, want)
		}
	}
	ask("HTTP/2.0")
	before := connections.Load()
	for range 3 {
		ask("HTTP/1.1", "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Origin: https://app.example.com")
		ask("HTTP/2.0")
	}
	if got := connections.Load() - before; got != 3 {
		t.Errorf("%d connections for 3 upgrades", got)
	}
}
