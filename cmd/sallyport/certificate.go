package main

import (
	"crypto/tls"
	"log/slog"
	"time"
)

// newCertificate reads the server certificate, which is read again when its files
// change.
func newCertificate(certFile, keyFile string, now func() time.Time, logger *slog.Logger) (*reloaded[tls.Certificate], error) {
	return newReloaded(reloadedConfig[tls.Certificate]{
		what: "certificate", paths: []string{certFile, keyFile}, variables: "SALLYPORT_TLS_CERT_FILE, SALLYPORT_TLS_KEY_FILE",
		read: func() (*tls.Certificate, error) {
			pair, err := tls.LoadX509KeyPair(certFile, keyFile)
			return &pair, err
		},
		now: now, logger: logger,
	})
}

// serverTLS returns a server configuration that offers HTTP/2.
func serverTLS(certificate *reloaded[tls.Certificate]) *tls.Config {
	return &tls.Config{
		MinVersion:     tls.VersionTLS12,
		NextProtos:     []string{"h2", "http/1.1"},
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return certificate.get(), nil },
	}
}
