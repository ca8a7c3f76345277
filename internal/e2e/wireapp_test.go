package e2e

import (
	"bufio"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"testing"
	"time"
)

// upstreamKinds are the ways to an application that SALLYPORT_UPSTREAM knows.
var upstreamKinds = []struct {
	name  string
	start func(*front) []string // starts the application and returns what names it
	proto string                // that the application is spoken to with
}{
	{"http", func(f *front) []string {
		l := f.listen("tcp", "127.0.0.1:0")
		f.serve(l, nil, nil)
		return []string{"SALLYPORT_UPSTREAM=http://" + l.Addr().String()}
	}, "HTTP/1.1"},
	{"unix", func(f *front) []string {
		socket := filepath.Join(f.t.TempDir(), "app")
		f.serve(f.listen("unix", socket), nil, nil)
		return []string{"SALLYPORT_UPSTREAM=unix://" + socket}
	}, "HTTP/1.1"},
	{"h2c", func(f *front) []string {
		l := f.listen("tcp", "127.0.0.1:0")
		protocols := new(http.Protocols)
		protocols.SetUnencryptedHTTP2(true)
		f.serve(l, protocols, nil)
		return []string{"SALLYPORT_UPSTREAM=h2c://" + l.Addr().String()}
	}, "HTTP/2.0"},
	{"https", func(f *front) []string {
		l := f.listen("tcp", "127.0.0.1:0")
		f.serve(l, nil, &tls.Config{Certificates: []tls.Certificate{f.certificate()}})
		return []string{"SALLYPORT_UPSTREAM=https://localhost:" + portOf(l.Addr().String()), "SALLYPORT_UPSTREAM_CA_FILE=" + f.dir + "/app.crt"}
	}, "HTTP/2.0"},
}

// front is Sallyport before an application of this test's own. The provider is not there:
// public paths do not need it.
type front struct {
	*edge
	addr string // host and port of the proxy listener, or the path of its socket
}

// planFront makes the certificate and the names, and starts nothing.
func planFront(t *testing.T) *front {
	t.Helper()
	w := &world{t: t, issuer: "http://127.0.0.1:" + freePort(t), public: "http://localhost"}
	f := &front{edge: &edge{world: w, dir: t.TempDir()}}
	f.certify()
	return f
}

// run starts Sallyport.
func (f *front) run(env ...string) {
	f.t.Helper()
	f.sallyport = start(f.t, "sallyport", append([]string{
		"SALLYPORT_PUBLIC_URL=" + f.public, "SALLYPORT_OIDC_ISSUER=" + f.issuer, "SALLYPORT_OIDC_CLIENT_ID=" + clientID,
		"SALLYPORT_OIDC_CLIENT_SECRET=" + clientSecret, "SALLYPORT_SECRET=" + keygen(f.t), "SALLYPORT_PUBLIC_PATHS=/public/**",
		"SALLYPORT_LISTEN=127.0.0.1:0", "SALLYPORT_ADMIN_LISTEN=127.0.0.1:0",
	}, env...), binaries.sallyport, "serve")
	f.addr = f.sallyport.awaitRecord(record{"msg": "listening", "listener": "proxy"}).text("address")
}

func (f *front) listen(network, address string) net.Listener {
	f.t.Helper()
	l, err := net.Listen(network, address)
	if err != nil {
		f.t.Fatal(err)
	}
	return l
}

func (f *front) certificate() tls.Certificate {
	f.t.Helper()
	pair, err := tls.LoadX509KeyPair(f.dir+"/app.crt", f.dir+"/app.key")
	if err != nil {
		f.t.Fatal(err)
	}
	return pair
}

// serve runs the application on l.
func (f *front) serve(l net.Listener, protocols *http.Protocols, config *tls.Config) {
	app := &http.Server{Handler: http.HandlerFunc(wireApp), Protocols: protocols, TLSConfig: config}
	go func() {
		if config != nil {
			_ = app.ServeTLS(l, "", "")
		} else {
			_ = app.Serve(l)
		}
	}()
	f.t.Cleanup(func() { _ = app.Close() })
}

// seen is what the application tells of a request.
type seen struct {
	Proto, Host, SNI, Body string
	Header                 http.Header
}

// wireApp does on each path what the path says.
func wireApp(w http.ResponseWriter, r *http.Request) {
	ctl := http.NewResponseController(w)
	switch filepath.Base(r.URL.Path) {
	case "hints":
		w.Header().Set("Link", "</a.css>; rel=preload")
		w.WriteHeader(http.StatusEarlyHints)
		fmt.Fprint(w, "whole")
	case "trailers":
		w.Header().Set("Trailer", "X-Sum")
		fmt.Fprint(w, "body")
		w.Header().Set("X-Sum", "4")
		w.Header().Set(http.TrailerPrefix+"X-Unannounced", "5")
	case "events":
		w.Header().Set("Content-Type", "text/event-stream")
		fmt.Fprint(w, "data: 1\n\n")
		_ = ctl.Flush()
		<-r.Context().Done()
	case "refuses":
		http.Error(w, "too large for me", http.StatusRequestEntityTooLarge)
	case "hangs":
		select {
		case <-r.Context().Done():
		case <-time.After(patience):
		}
	case "502", "504":
		http.Error(w, "my own trouble", map[string]int{"502": 502, "504": 504}[filepath.Base(r.URL.Path)])
	case "socket":
		conn, rw, err := ctl.Hijack()
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		defer conn.Close()
		fmt.Fprintf(conn, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n")
		_, _ = io.Copy(conn, rw)
	default:
		body, _ := io.ReadAll(r.Body)
		s := seen{Proto: r.Proto, Host: r.Host, Body: string(body), Header: r.Header}
		if r.TLS != nil {
			s.SNI = r.TLS.ServerName
		}
		_ = json.NewEncoder(w).Encode(s)
	}
}

// raw sends bytes on a connection of its own and returns it with a reader.
func (f *front) raw(text string) (net.Conn, *bufio.Reader) {
	f.t.Helper()
	network, addr := "tcp", f.addr
	if path, ok := cutUnix(addr); ok {
		network, addr = "unix", path
	}
	c, err := net.DialTimeout(network, addr, patience)
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() { c.Close() })
	_ = c.SetDeadline(time.Now().Add(patience))
	if _, err := io.WriteString(c, text); err != nil {
		f.t.Fatal(err)
	}
	return c, bufio.NewReader(c)
}

func cutUnix(address string) (string, bool) {
	const scheme = "unix://"
	if len(address) > len(scheme) && address[:len(scheme)] == scheme {
		return address[len(scheme):], true
	}
	return address, false
}

// ask sends one request and reads the final answer whole.
func (f *front) ask(text string) (*http.Response, string) {
	f.t.Helper()
	_, r := f.raw(text)
	return readFinal(f.t, r)
}

func readFinal(t *testing.T, r *bufio.Reader) (*http.Response, string) {
	t.Helper()
	for {
		res, err := http.ReadResponse(r, nil)
		if err != nil {
			t.Fatal(err)
		}
		if res.StatusCode < 200 && res.StatusCode != http.StatusSwitchingProtocols {
			continue
		}
		body, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		return res, string(body)
	}
}

func wireRequest(method, path string, lines ...string) string {
	text := method + " " + path + " HTTP/1.1\r\nHost: localhost\r\n"
	for _, l := range lines {
		text += l + "\r\n"
	}
	return text + "\r\n"
}
