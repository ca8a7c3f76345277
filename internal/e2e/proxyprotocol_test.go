package e2e

import (
	"bufio"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"slices"
	"testing"
	"time"
)

// tcpServers pass TCP on and state the client by the PROXY protocol.
var tcpServers = []struct {
	name  string
	start func(*edge)
}{
	{"nginx", startNginxStream},
	{"haproxy", startHAProxyTCP},
	{"haproxy version 1", startHAProxyTCP1},
}

// TestEdgeProxyProtocol signs in through load balancers that do not look into TLS, which
// Sallyport itself ends.
func TestEdgeProxyProtocol(t *testing.T) {
	for _, server := range tcpServers {
		t.Run(server.name, func(t *testing.T) {
			t.Parallel()
			e := planEdge(t)
			e.startProvider()
			e.startSallyport(
				"SALLYPORT_LISTEN="+e.listen, "SALLYPORT_TLS_CERT_FILE="+e.dir+"/app.crt", "SALLYPORT_TLS_KEY_FILE="+e.dir+"/app.key",
				"SALLYPORT_PROXY_PROTOCOL=require", "SALLYPORT_TRUSTED_PROXIES=127.0.0.1", "SALLYPORT_PUBLIC_PATHS=/public/**")
			e.awaitReady()
			e.startProxy(server.start)

			b := e.browser()
			e.signIn(b, "/", "ada")
			if got := b.open(e.public + "/").received(); !slices.Equal(got.values("X-Forwarded-User"), []string{"ada"}) {
				t.Errorf("the application is told of %q", got.values("X-Forwarded-User"))
			}
			e.passesStreams(t, b)
			e.isTheClient(t, e.cookies(b))
			e.refusesDirect(t)
		})
	}
}

// isTheClient comes from another address than the load balancer, and claims a third.
func (e *edge) isTheClient(t *testing.T, cookies string) {
	const from = "127.0.0.77"
	dialer := &tls.Dialer{
		NetDialer: &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}, Timeout: patience},
		Config:    &tls.Config{RootCAs: e.roots, ServerName: "localhost"},
	}
	c, err := dialer.DialContext(t.Context(), "tcp4", e.address())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(patience))
	if _, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost: "+e.address()+"\r\n"+cookies+"\r\nX-Forwarded-For: 6.6.6.6\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	response, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	got := page{t: t, status: response.StatusCode, body: string(body)}.received()
	if via := got.values("X-Forwarded-For"); !slices.Equal(via, []string{from}) {
		t.Errorf("X-Forwarded-For is %q, want %s", via, from)
	}
	e.sallyport.awaitRecord(record{"msg": "request", "remote": from})
}

// refusesDirect leaves the load balancer out.
func (e *edge) refusesDirect(t *testing.T) {
	if c, err := tls.Dial("tcp", e.listen, &tls.Config{RootCAs: e.roots, ServerName: "localhost"}); err == nil {
		c.Close()
		t.Error("a connection without a header is served")
	}
	e.sallyport.awaitRecord(record{"level": "WARN", "error": "proxyproto: proxy protocol signature not present"})
}
