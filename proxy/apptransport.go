package proxy

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/textproto"

	"github.com/sallyport/sallyport/proxy/hop"
)

// appTransport carries requests to the app and answers back.
type appTransport struct {
	// direct takes what has no body, where the app speaks HTTP/1.1 without TLS; nil =
	// it does not. It costs half of what general does.
	direct  *hop.Transport
	general *http.Transport
}

// newAppTransport makes one; surplus is called when the app has sent more than an answer.
func newAppTransport(cfg *Config, up upstream, surplus func()) (*appTransport, error) {
	t := &appTransport{general: newTransport(up, cfg.UpstreamCA, cfg.UpstreamTimeout)}
	if up.scheme != "http" || up.multiplexed {
		return t, nil
	}
	dial := t.general.DialContext
	var err error
	t.direct, err = hop.New(hop.Config{
		Dial:          func(ctx context.Context) (net.Conn, error) { return dial(ctx, "tcp", up.dialAddress()) },
		HeaderTimeout: cfg.UpstreamTimeout, MaxHeaderBytes: maxResponseHeader,
		MaxIdle: maxIdle, IdleTimeout: idleTimeout, Surplus: surplus,
	})
	if err != nil {
		return nil, fmt.Errorf("making the connections to the app: %w", err)
	}
	boundAnswers(t.general, surplus)
	return t, nil
}

// RoundTrip implements http.RoundTripper.
func (t *appTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	if t.direct == nil || !hop.Carries(r) {
		return t.general.RoundTrip(r)
	}
	var informed func(int, textproto.MIMEHeader) error
	if trace := httptrace.ContextClientTrace(r.Context()); trace != nil {
		informed = trace.Got1xxResponse
	}
	return t.direct.RoundTrip(r, informed)
}

// CloseIdleConnections closes the connections that wait unused.
func (t *appTransport) CloseIdleConnections() {
	t.general.CloseIdleConnections()
	if t.direct != nil {
		t.direct.CloseIdleConnections()
	}
}

// boundAnswers has connections end where the app sends more than an answer, and surplus
// called then. Within TLS that is not seen: an app of that kind usually speaks HTTP/2, where
// each answer has its own stream.
func boundAnswers(t *http.Transport, surplus func()) {
	dial := t.DialContext
	t.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := dial(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		return &boundedConn{Conn: conn, surplus: surplus}, nil
	}
}
