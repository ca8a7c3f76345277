package hop

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/textproto"
	"sync"
	"syscall"
	"time"
)

// Config makes a Transport.
type Config struct {
	// Dial opens a connection to the app, without TLS. Required.
	Dial func(context.Context) (net.Conn, error)
	// TLS is spoken over it; nil = the app speaks HTTP in the clear. ServerName is required in
	// it. NextProtos may offer HTTP/2: see ErrMultiplexed.
	TLS *tls.Config
	// HeaderTimeout is how long the app may take until its answer's header section has
	// arrived, from the moment the request is sent, and before that to shake hands. Required.
	HeaderTimeout time.Duration
	// MaxHeaderBytes bounds that section, informational answers included. Required.
	MaxHeaderBytes int64
	// MaxIdle is how many connections wait unused, and IdleTimeout how long. Required.
	MaxIdle     int
	IdleTimeout time.Duration
	// Rest is how long a connection is not used after an answer that by its nature has no
	// body (HEAD, 204, 304): one that an app sends even so is a moment behind the header, and
	// would be taken for the next answer. 0 = not at all.
	Rest time.Duration
	// Surplus is called when the app has sent more than an answer, which has cost it the
	// connection. Required.
	Surplus func()
}

// Transport keeps connections to one app. It is safe for concurrent use.
type Transport struct {
	cfg    Config
	idle   idle
	pieces sync.Pool // of *piece
}

// New makes a Transport.
func New(cfg Config) (*Transport, error) {
	if cfg.Dial == nil || cfg.HeaderTimeout <= 0 || cfg.MaxHeaderBytes <= 0 || cfg.MaxIdle <= 0 || cfg.IdleTimeout <= 0 || cfg.Surplus == nil {
		return nil, errors.New("hop: every field of Config but TLS and Rest is required")
	}
	if cfg.TLS != nil && cfg.TLS.ServerName == "" {
		return nil, errors.New("hop: Config.TLS needs a ServerName")
	}
	t := &Transport{cfg: cfg, idle: idle{max: cfg.MaxIdle, timeout: cfg.IdleTimeout, surplus: cfg.Surplus}}
	t.pieces.New = func() any { return new(piece) }
	return t, nil
}

// ErrMultiplexed says that the app chose HTTP/2, which is not spoken here. Nothing was sent.
var ErrMultiplexed = errors.New("the app speaks HTTP/2")

// Carries reports whether RoundTrip can send r: it asks for no upgrade and no leave to
// send, and has no body or one of known length.
func Carries(r *http.Request) bool {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete:
	default:
		return false
	}
	if len(r.TransferEncoding) > 0 || len(r.Header["Upgrade"]) > 0 || len(r.Header["Expect"]) > 0 {
		return false
	}
	if r.ContentLength == 0 {
		return r.Body == nil || r.Body == http.NoBody
	}
	return r.ContentLength > 0
}

// repeatable reports whether r may be sent twice (RFC 9110 §9.2.2), in case a kept
// connection turns out to be gone.
func repeatable(r *http.Request) bool {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions:
		return r.ContentLength == 0
	}
	return false
}

// RoundTrip sends r, of which Carries must say yes, and returns the app's
// answer, whose body must be closed; reading it fails once r's context is done. The Host
// field is r.Host or else r.URL.Host; Dial alone says where r goes. informed, if
// not nil, is called with each informational answer before the final one.
//
// A body of up to 32 KiB is read to its end first, so that no connection waits for a slow
// client, and r.Body is then what was read. A longer one is sent as it comes, while the
// answer may already be there, and may still be read when RoundTrip has returned. With
// ErrMultiplexed, or an error of Dial, r can be sent in another way.
func (t *Transport) RoundTrip(r *http.Request, informed func(status int, h textproto.MIMEHeader) error) (*http.Response, error) {
	body, err := hold(r)
	if err != nil {
		return nil, err
	}
	c := t.idle.take(time.Now())
	for {
		if c == nil {
			if c, err = t.connect(r.Context()); err != nil {
				return nil, err
			}
		}
		res, err := c.ask(r, body, informed)
		if err == nil {
			return res, nil
		}
		c.close()
		if cause := context.Cause(r.Context()); cause != nil {
			return nil, cause
		}
		if !c.reused || c.answered || !hungUp(err) || c.sent > 0 && !repeatable(r) {
			return nil, err
		}
		c = nil // once more, over a connection that the app cannot have given up yet
	}
}

// CloseIdleConnections closes the connections that wait unused.
func (t *Transport) CloseIdleConnections() { t.idle.closeAll() }

func (t *Transport) connect(ctx context.Context) (*conn, error) {
	nc, err := t.cfg.Dial(ctx)
	if err != nil {
		return nil, err
	}
	if t.cfg.TLS == nil {
		return newConn(t, nc), nil
	}
	ctx, cancel := context.WithTimeout(ctx, t.cfg.HeaderTimeout)
	defer cancel()
	under := &records{Conn: nc}
	secure := tls.Client(under, t.cfg.TLS)
	if err := secure.HandshakeContext(ctx); err != nil {
		_ = nc.Close()
		return nil, fmt.Errorf("shaking hands: %w", err)
	}
	if secure.ConnectionState().NegotiatedProtocol == "h2" {
		_ = secure.Close()
		return nil, ErrMultiplexed
	}
	c := newConn(t, nc)
	c.Conn, c.records = secure, under
	return c, nil
}

// hungUp reports whether an error says that the app had closed the connection.
func hungUp(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) ||
		errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}

// errHeaderTooLarge is what reading beyond Config.MaxHeaderBytes says.
func (t *Transport) errHeaderTooLarge() error {
	return fmt.Errorf("the answer's header section exceeds %d bytes", t.cfg.MaxHeaderBytes)
}
