package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
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
			if err == nil {
				tellCertificate(pair.Leaf, now(), logger)
			}
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

// certificateSoon is how long before its end a certificate is warned of: whatever renews
// certificates by itself has done it by then, also those of a week.
const certificateSoon = 48 * time.Hour

// certificateProblem says what is wrong with the time of a certificate; "" = nothing.
// bad: browsers refuse it now.
func certificateProblem(leaf *x509.Certificate, now time.Time) (problem string, bad bool) {
	switch {
	case now.After(leaf.NotAfter):
		return "the server certificate expired at " + leaf.NotAfter.Format(time.RFC3339) + ", and browsers refuse it; renew it, the files are read again by themselves", true
	case now.Before(leaf.NotBefore):
		return "the server certificate is not valid before " + leaf.NotBefore.Format(time.RFC3339) + ", and browsers refuse it; compare the clock of this machine", true
	case leaf.NotAfter.Sub(now) < certificateSoon:
		return "the server certificate expires at " + leaf.NotAfter.Format(time.RFC3339) + "; renew it, the files are read again by themselves", false
	}
	return "", false
}

// tellCertificate logs what is wrong with the time of a certificate that was read.
func tellCertificate(leaf *x509.Certificate, now time.Time, logger *slog.Logger) {
	problem, bad := certificateProblem(leaf, now)
	level := slog.LevelWarn
	if bad {
		level = slog.LevelError
	}
	if problem != "" {
		logger.Log(context.Background(), level, problem, "variable", certFileVariable)
	}
}

const certFileVariable = "SALLYPORT_TLS_CERT_FILE"

// checkCertificate examines the certificate of the proxy listener, if it has one.
func checkCertificate(s *settings, now time.Time, f *findings) {
	if s.Network.TLSCertFile == "" {
		return
	}
	pair, err := tls.LoadX509KeyPair(s.Network.TLSCertFile, s.Network.TLSKeyFile)
	if err != nil {
		f.fail("certificate", certFileVariable, "the server certificate cannot be read: %v", err)
		return
	}
	problem, bad := certificateProblem(pair.Leaf, now)
	switch {
	case bad:
		f.fail("certificate", certFileVariable, "%s", problem)
	case problem != "":
		f.warn("certificate", certFileVariable, "%s", problem)
	default:
		f.ok("certificate", "valid until %s", pair.Leaf.NotAfter.Format(time.RFC3339))
	}
	if host := s.publicURL.Hostname(); pair.Leaf.VerifyHostname(host) != nil {
		f.warn("certificate", certFileVariable, "the server certificate does not name %s, the host of SALLYPORT_PUBLIC_URL; browsers that come here directly refuse it", host)
	}
}
