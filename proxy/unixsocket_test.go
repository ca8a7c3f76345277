package proxy

import (
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"testing"
)

// TestUnixSocketComesBack: an app that is started anew takes its connections along and makes
// another socket in the same place.
func TestUnixSocketComesBack(t *testing.T) {
	path := filepath.Join(t.TempDir(), "app.sock")
	start := func() *httptest.Server {
		l, err := net.Listen("unix", path)
		if err != nil {
			t.Fatal(err)
		}
		app := &httptest.Server{Listener: l, Config: &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(http.StatusAccepted)
		})}}
		app.Start()
		return app
	}
	f := newFixture(t, func(c *Config) { c.Upstream = &url.URL{Scheme: "unix", Path: path} })
	post := request("POST", "/", "Cookie: "+valid, "Content-Length: 1") + "x"
	for range 3 {
		f.get("/", "Cookie: "+valid).wantStatus(t, 502)
		f.send(post).wantStatus(t, 502)
		app := start()
		f.get("/", "Cookie: "+valid).wantStatus(t, 202)
		f.send(post).wantStatus(t, 202)
		app.Close()
	}
}
