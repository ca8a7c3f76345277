package main

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"
)

// certificateCheck is how often a handshake looks whether the files changed.
const certificateCheck = 10 * time.Second

// certificate is the server certificate, read again when its files change. It
// is safe for concurrent use.
type certificate struct {
	certFile, keyFile string
	now               func() time.Time
	logger            *slog.Logger

	mu      sync.Mutex
	current *tls.Certificate
	stamp   string    // of the files that current was read from
	next    time.Time // when to look again
}

// newCertificate reads the files for the first time.
func newCertificate(certFile, keyFile string, now func() time.Time, logger *slog.Logger) (*certificate, error) {
	c := &certificate{certFile: certFile, keyFile: keyFile, now: now, logger: logger}
	if err := c.read(); err != nil {
		return nil, err
	}
	c.next = now().Add(certificateCheck)
	return c, nil
}

// config returns a server configuration that offers HTTP/2.
func (c *certificate) config() *tls.Config {
	return &tls.Config{
		MinVersion:     tls.VersionTLS12,
		NextProtos:     []string{"h2", "http/1.1"},
		GetCertificate: c.get,
	}
}

// get returns the newest certificate that could be read: a broken file keeps
// the one before, because a renewal that is half written is no reason to stop.
func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if now := c.now(); now.After(c.next) {
		c.next = now.Add(certificateCheck)
		if c.stampOf() != c.stamp {
			if err := c.read(); err != nil {
				c.logger.Error("the certificate files changed and cannot be used; the one before stays",
					"error", err, "variables", "SALLYPORT_TLS_CERT_FILE, SALLYPORT_TLS_KEY_FILE")
			} else {
				c.logger.Info("certificate read again", "file", c.certFile)
			}
		}
	}
	return c.current, nil
}

func (c *certificate) read() error {
	stamp := c.stampOf()
	pair, err := tls.LoadX509KeyPair(c.certFile, c.keyFile)
	if err != nil {
		return fmt.Errorf("reading certificate: %w", err)
	}
	c.current, c.stamp = &pair, stamp
	return nil
}

// stampOf tells one state of the files from another.
func (c *certificate) stampOf() string {
	stamp := ""
	for _, path := range []string{c.certFile, c.keyFile} {
		info, err := os.Stat(path)
		if err != nil {
			return "" // absent for a moment while somebody replaces it
		}
		stamp += fmt.Sprintf("%d/%d ", info.ModTime().UnixNano(), info.Size())
	}
	return stamp
}
