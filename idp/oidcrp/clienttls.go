package oidcrp

import (
	"crypto/tls"
	"net/http"
	"sync"
)

// clientTLS connects with the client's certificate (RFC 8705 §2). It is safe for
// concurrent use.
type clientTLS struct {
	key  func() *ClientKey
	base *http.Client // as which it connects otherwise

	mu     sync.Mutex
	of     *ClientKey // that client connects with
	client *http.Client
}

// current returns a client that presents the certificate in force. A new
// certificate gets connections of its own, because those that are open have shown
// the old one.
func (t *clientTLS) current() *http.Client {
	key := t.key()
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.of == key {
		return t.client
	}
	if t.client != nil {
		t.client.CloseIdleConnections()
	}
	transport := t.base.Transport.(*http.Transport).Clone()
	// Not Certificates: those are held back unless the server names their issuer.
	transport.TLSClientConfig.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
		return key.certificate, nil
	}
	t.of, t.client = key, &http.Client{Transport: transport, CheckRedirect: t.base.CheckRedirect}
	return t.client
}
