package proxy

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/pires/go-proxyproto"
)

// ProxyProtocol says what becomes of PROXY protocol headers (HAProxy's
// proxy-protocol.txt, versions 1 and 2), by which a proxy that does not look into
// connections tells whose they are.
type ProxyProtocol string

// The values of ProxyProtocol.
const (
	ProxyProtocolOff     ProxyProtocol = "off"     // a header is a malformed request
	ProxyProtocolAccept  ProxyProtocol = "accept"  // trusted peers may send one
	ProxyProtocolRequire ProxyProtocol = "require" // trusted peers have to, and nobody else gets in
)

// ProxyProtocolConfig makes a listener of NewProxyProtocol.
type ProxyProtocolConfig struct {
	Mode          ProxyProtocol
	Trusted       []netip.Prefix // whose headers are believed
	TrustUnix     bool           // likewise of peers on a unix socket
	HeaderTimeout time.Duration  // for the header; then the next limit begins
	Now           func() time.Time
	Logger        *slog.Logger
}

// NewProxyProtocol returns l, or a listener whose connections have the address of the
// client that a trusted peer states. A connection whose header is malformed, is missing
// where one is required, or comes from a peer that is not trusted, is closed without an
// answer: such a header is never believed and never taken for part of a request. TLS goes
// on top.
func NewProxyProtocol(l net.Listener, cfg ProxyProtocolConfig) net.Listener {
	if cfg.Mode == ProxyProtocolOff {
		return l
	}
	return &proxyListener{Listener: l, cfg: cfg, trust: trust{peers: cfg.Trusted, unix: cfg.TrustUnix}}
}

type proxyListener struct {
	net.Listener
	cfg    ProxyProtocolConfig
	trust  trust
	warned rarely
}

// Accept implements net.Listener. It waits for no header: that is the business of each
// connection's own goroutine.
func (l *proxyListener) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		policy := proxyproto.USE
		_, trusted := l.trust.peer(conn.RemoteAddr().String())
		switch {
		case !trusted && l.cfg.Mode == ProxyProtocolRequire:
			l.warn(conn.RemoteAddr(), errNotTrusted) // first: who looks into a close finds its reason
			_ = conn.Close()
			continue
		case !trusted:
			policy = proxyproto.REJECT
		case l.cfg.Mode == ProxyProtocolRequire:
			policy = proxyproto.REQUIRE
		}
		stated := proxyproto.NewConn(conn, proxyproto.WithPolicy(policy),
			proxyproto.SetReadHeaderTimeout(l.cfg.HeaderTimeout), proxyproto.ValidateHeader(statesClient))
		return &proxiedConn{Conn: stated, stated: stated, listener: l}, nil
	}
}

var (
	errNotTrusted = errors.New("the peer is not in SALLYPORT_TRUSTED_PROXIES")
	errNoClient   = errors.New("the PROXY header states a client that did not come by TCP")
)

// statesClient accepts headers of TCP connections, and those that state no client. A
// client on a unix socket of somebody else's has no address that means anything here, and
// would look like a peer on ours.
func statesClient(h *proxyproto.Header) error {
	if h.Command.IsLocal() {
		return nil
	}
	if t := h.TransportProtocol; t != proxyproto.TCPv4 && t != proxyproto.TCPv6 {
		return errNoClient
	}
	return nil
}

// warn tells the operator why a connection is about to be closed.
func (l *proxyListener) warn(peer net.Addr, cause error) {
	if !l.warned.pass(l.cfg.Now()) {
		return
	}
	l.cfg.Logger.Warn("a connection was closed for its PROXY protocol header; have the proxies that send one, and no others, in SALLYPORT_TRUSTED_PROXIES, and see SALLYPORT_PROXY_PROTOCOL",
		"peer", peer.String(), "error", cause)
}

// proxiedConn is a connection with a header before it. It embeds no more than net.Conn, so
// that nobody reads past the header by another way.
type proxiedConn struct {
	net.Conn
	stated   *proxyproto.Conn
	listener *proxyListener
	reported sync.Once
}

// Read implements net.Conn.
func (c *proxiedConn) Read(p []byte) (int, error) {
	n, err := c.stated.Read(p)
	c.reported.Do(func() {
		if err != nil && refusesHeader(err) {
			c.listener.warn(c.stated.Raw().RemoteAddr(), err)
		}
	})
	return n, err
}

// refusesHeader tells a header that is wrong from a peer that left or is slow.
func refusesHeader(err error) bool {
	_, network := errors.AsType[net.Error](err)
	return !network && !errors.Is(err, io.EOF)
}

// RemoteAddr is the client that the header states. It waits for the header.
func (c *proxiedConn) RemoteAddr() net.Addr {
	h := c.stated.ProxyHeader()
	if h == nil {
		return c.stated.Raw().RemoteAddr()
	}
	if h.Command.IsLocal() {
		return unstated{}
	}
	return h.SourceAddr
}

// CloseWrite shuts the sending side, which WebSockets without TLS pass on.
func (c *proxiedConn) CloseWrite() error {
	half, ok := c.stated.Raw().(interface{ CloseWrite() error })
	if !ok {
		return fmt.Errorf("closing one side: %w", errors.ErrUnsupported)
	}
	return half.CloseWrite()
}

// unstated is the address of a client whose proxy does not say who it is (LOCAL, UNKNOWN):
// a health check of the proxy's own, or a client like any other. So it is not the proxy's
// address, which would have what a client says about itself believed.
type unstated struct{}

// Network implements net.Addr.
func (unstated) Network() string { return "tcp" }

// String implements net.Addr.
func (unstated) String() string { return "unknown" }
