package proxy

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/url"
)

// ProbeConfig makes a Probe.
type ProbeConfig struct {
	Upstream *url.URL       // SALLYPORT_UPSTREAM
	CA       *x509.CertPool // nil = the system's
	Host     string         // the Host field; "" = the upstream's own
	// Path is asked for below the path of Upstream, with GET; "" asks for nothing
	// and only connects.
	Path string
}

// Probe asks the app whether it is there, in the way in which requests reach it:
// same scheme, same trust, same socket. It opens a connection for every question, since
// one that is still open says nothing about the next. It is safe for concurrent use.
type Probe struct {
	up        upstream
	transport *http.Transport
	tls       *tls.Config // nil = plain
	host      string
	path      string
}

// NewProbe makes a Probe. Its error names the SALLYPORT_ variable to change.
func NewProbe(cfg ProbeConfig) (*Probe, error) {
	up, err := newUpstream(cfg.Upstream)
	if err != nil {
		return nil, err
	}
	p := &Probe{up: up, host: cfg.Host, path: cfg.Path, transport: newTransport(up, cfg.CA, 0)}
	p.transport.DisableKeepAlives = true
	if up.scheme == "https" {
		p.tls = p.transport.TLSClientConfig.Clone()
		p.tls.ServerName = cfg.Upstream.Hostname()
	}
	return p, nil
}

// Ask returns the status of the app's answer, with the reason phrase, or "connected".
// A redirect is an answer and is not followed; the body is not read. How long it takes
// is bounded by ctx alone.
func (p *Probe) Ask(ctx context.Context) (code int, status string, err error) {
	if p.path == "" {
		return 0, "connected", p.connect(ctx)
	}
	u, err := url.ParseRequestURI(p.path)
	if err != nil {
		return 0, "", fmt.Errorf("reading the path to ask for: %w", err)
	}
	p.up.address(u)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return 0, "", fmt.Errorf("asking the app: %w", err)
	}
	req.Host = p.host
	req.Header.Set("User-Agent", "sallyport")
	res, err := p.transport.RoundTrip(req)
	if err != nil {
		return 0, "", err
	}
	_ = res.Body.Close()
	return res.StatusCode, res.Status, nil
}

// connect opens a connection, with TLS where requests have it, and closes it.
func (p *Probe) connect(ctx context.Context) error {
	conn, err := p.transport.DialContext(ctx, "tcp", p.up.dialAddress())
	if err != nil {
		return err
	}
	defer conn.Close()
	if p.tls == nil {
		return nil
	}
	if err := tls.Client(conn, p.tls).HandshakeContext(ctx); err != nil {
		return fmt.Errorf("shaking hands: %w", err)
	}
	return nil
}

// Remedy says what to change for an error of Ask, as far as it can be told.
func (p *Probe) Remedy(err error) string {
	if remedy := tlsRemedy(err); remedy != "" {
		return remedy
	}
	return "start the app or correct the address"
}

// Healthy is Ask as a yes or no: an answer from 200 to 399, or a connection where no path
// is set.
func (p *Probe) Healthy(ctx context.Context) error {
	code, status, err := p.Ask(ctx)
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return errors.New("the app does not answer in time")
	case err != nil:
		return fmt.Errorf("the app does not answer: %w", err)
	case code != 0 && (code < http.StatusOK || code >= http.StatusBadRequest):
		return fmt.Errorf("the app answers GET %s with %s", p.path, status)
	}
	return nil
}
