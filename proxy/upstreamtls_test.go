package proxy

import (
	"crypto/x509"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
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
