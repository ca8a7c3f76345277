package proxy

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"sync/atomic"

	"github.com/sallyport/sallyport/proxy/hop"
)

// appTransport carries requests to the app and answers back.
type appTransport struct {
	// direct takes what it can where the app speaks HTTP/1.1, and alone uses a connection of
	// HTTP/1.1 again; nil = the app speaks HTTP/2 without TLS.
	direct *hop.Transport
	// general takes the rest, HTTP/2 included.
	general *http.Transport
	// secure is whether the app speaks TLS, and multiplexed whether it has chosen HTTP/2 there
	// of late.
	secure      bool
	multiplexed atomic.Bool
}

// newAppTransport makes one; surplus is called when the app has sent more than an answer.
func newAppTransport(cfg *Config, up upstream, surplus func()) (*appTransport, error) {
	t := &appTransport{general: newTransport(up, cfg.UpstreamCA, cfg.UpstreamTimeout), secure: up.scheme == "https"}
	if up.multiplexed {
		return t, nil
	}
	// net/http would put a connection of HTTP/1.1 back before it has looked whether
	// more than the answer came: docs/adr/0219-one-pool.md. Its HTTP/2 does not
	// mind this setting.
	t.general.MaxIdleConnsPerHost = -1
	dial := t.general.DialContext
	direct := hop.Config{
		Dial:          func(ctx context.Context) (net.Conn, error) { return dial(ctx, "tcp", up.dialAddress()) },
		HeaderTimeout: cfg.UpstreamTimeout, MaxHeaderBytes: maxResponseHeader,
		MaxIdle: maxIdle, IdleTimeout: idleTimeout, Rest: bodilessRest, Surplus: surplus,
	}
	if t.secure {
		direct.TLS = t.general.TLSClientConfig.Clone()
		direct.TLS.ServerName = up.hostname()
		direct.TLS.NextProtos = []string{"h2", "http/1.1"}
	}
	var err error
	if t.direct, err = hop.New(direct); err != nil {
		return nil, fmt.Errorf("making the connections to the app: %w", err)
	}
	return t, nil
}

// RoundTrip implements http.RoundTripper.
func (t *appTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	if t.direct != nil && !t.multiplexed.Load() && hop.Carries(r) {
		var informed func(int, textproto.MIMEHeader) error
		if trace := httptrace.ContextClientTrace(r.Context()); trace != nil {
			informed = trace.Got1xxResponse
		}
		res, err := t.direct.RoundTrip(r, informed)
		if !errors.Is(err, hop.ErrMultiplexed) {
			return res, err
		}
	}
	res, err := t.general.RoundTrip(r)
	// For an upgrade net/http offers HTTP/1.1 alone.
	if err == nil && t.secure && len(r.Header["Upgrade"]) == 0 {
		if multiplexed := res.ProtoMajor == 2; t.multiplexed.Load() != multiplexed {
			t.multiplexed.Store(multiplexed)
		}
	}
	return res, err
}

// CloseIdleConnections closes the connections that wait unused.
func (t *appTransport) CloseIdleConnections() {
	t.general.CloseIdleConnections()
	if t.direct != nil {
		t.direct.CloseIdleConnections()
	}
}
