package e2e

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// edgeConfigs holds the configurations that the documentation gives to copy.
const edgeConfigs = "../../docs/integrations/"

// edge is a world with somebody else's proxy in front, which serves the app itself and
// asks Sallyport about each request.
type edge struct {
	*world
	dir    string
	listen string // host and port of Sallyport, as the proxy knows it
	app    string // likewise of the app
	roots  *x509.CertPool
	// further are more replacements in the documentation's files, by their names.
	further map[string][]string
}

// edgeServers are the proxies that these tests start, each from its documentation's
// own files.
var edgeServers = []struct {
	name  string
	start func(*edge)
	// trailers says that it passes them on, as its page has to say.
	trailers bool
}{
	// .ci/test skips the test of a server that is missing by this name.
	{"nginx", startNginx, false},
	{"haproxy", startHAProxy, true},
	{"apache", startApache, false},
	{"caddy", startCaddy, false},
}

// newEdge starts everything. The person's browser speaks TLS with the proxy alone.
func newEdge(t *testing.T, startProxy func(*edge), env ...string) *edge {
	t.Helper()
	e := planEdge(t)
	e.run(startProxy, env...)
	return e
}

// run starts what planEdge has not.
func (e *edge) run(startProxy func(*edge), env ...string) {
	e.t.Helper()
	e.startProvider()
	e.startSallyport(append([]string{
		"SALLYPORT_LISTEN=" + e.listen, "SALLYPORT_UPSTREAM=", "SALLYPORT_FORWARD_AUTH=only",
		"SALLYPORT_TRUSTED_PROXIES=127.0.0.1", "SALLYPORT_PUBLIC_PATHS=/public/**",
		"SALLYPORT_RULE_1_PATHS=/vault/**", "SALLYPORT_RULE_1_GROUPS=nobody",
	}, env...)...)
	e.awaitReady()
	e.startProxy(startProxy)
}

// planEdge chooses addresses, makes a certificate and starts the application alone.
func planEdge(t *testing.T) *edge {
	t.Helper()
	w := planWorld(t)
	w.public = "https://localhost:" + freePort(t)
	e := &edge{world: w, dir: t.TempDir(), listen: "127.0.0.1:" + freePort(t)}
	e.app = w.app.awaitRecord(record{"event": "listening"}).text("address")
	// A proxy that begins as root goes on as somebody else, who must get here.
	for _, dir := range []string{filepath.Dir(e.dir), e.dir} {
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	e.certify()
	return e
}

// startProxy starts the proxy in front and waits until browsers get through.
func (e *edge) startProxy(startProxy func(*edge)) {
	e.t.Helper()
	startProxy(e)
	e.await("the proxy to listen", func() bool {
		c, err := tls.Dial("tcp", e.address(), &tls.Config{RootCAs: e.roots})
		if err == nil {
			c.Close()
		}
		return err == nil
	})
}

// address is where the proxy listens.
func (e *edge) address() string { return "localhost:" + portOf(e.public) }

// program finds a proxy, or fails the test with the name of what is missing.
func (e *edge) program(names ...string) string {
	e.t.Helper()
	for _, name := range names {
		for _, dir := range append(filepath.SplitList(os.Getenv("PATH")), "/usr/sbin") {
			if path, err := exec.LookPath(filepath.Join(dir, name)); err == nil {
				return path
			}
		}
	}
	e.t.Fatalf("%s is not on this machine: `make deps` installs what these tests need as root, or says what is missing", names[0])
	return ""
}

// config writes a file of the documentation into the test's folder, with this world's
// addresses and paths in place of the documentation's. Every one has to occur, so that
// what runs is what people copy.
func (e *edge) config(name, as string, replace ...string) string {
	e.t.Helper()
	text, err := os.ReadFile(edgeConfigs + name)
	if err != nil {
		e.t.Fatal(err)
	}
	replace = append(replace, e.further[name]...)
	for i := 0; i < len(replace); i += 2 {
		if !strings.Contains(string(text), replace[i]) {
			e.t.Fatalf("%s does not contain %q", name, replace[i])
		}
	}
	return e.write(as, strings.NewReplacer(replace...).Replace(string(text)))
}

func (e *edge) write(name, text string) string {
	e.t.Helper()
	path := filepath.Join(e.dir, name)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		e.t.Fatal(err)
	}
	return path
}

// certify makes a certificate for localhost: app.crt, app.key, and both in app.pem.
func (e *edge) certify() {
	e.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		e.t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "localhost"}, DNSNames: []string{"localhost"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		e.t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		e.t.Fatal(err)
	}
	certPEM := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate}))
	keyPEM := string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	e.write("app.crt", certPEM)
	e.write("app.key", keyPEM)
	e.write("app.pem", certPEM+keyPEM)
	e.roots = x509.NewCertPool()
	e.roots.AppendCertsFromPEM([]byte(certPEM))
}

// browser is one that knows the certificate. As browsers do, it speaks HTTP/2 with a
// proxy that offers it.
func (e *edge) browser() *browser {
	b := newBrowser(e.t)
	transport := &http.Transport{ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{RootCAs: e.roots}}
	e.t.Cleanup(transport.CloseIdleConnections)
	b.client.Transport = transport
	return b
}

// cookies are what a browser would send to the site, as one line of a request.
func (e *edge) cookies(b *browser) string {
	e.t.Helper()
	r, err := http.NewRequest(http.MethodGet, e.public+"/", nil)
	if err != nil {
		e.t.Fatal(err)
	}
	for _, c := range b.client.Jar.Cookies(r.URL) {
		r.AddCookie(c)
	}
	return "Cookie: " + r.Header.Get("Cookie")
}

// dial opens a connection to the proxy, for requests byte for byte.
func (e *edge) dial() net.Conn {
	e.t.Helper()
	c, err := tls.Dial("tcp", e.address(), &tls.Config{RootCAs: e.roots})
	if err != nil {
		e.t.Fatal(err)
	}
	e.t.Cleanup(func() { c.Close() })
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		e.t.Fatal(err)
	}
	return c
}
