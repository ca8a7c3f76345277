package hop

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/textproto"
	"syscall"
	"time"
)

// Config makes a Transport.
type Config struct {
	// Dial opens a connection to the app. Required.
	Dial func(context.Context) (net.Conn, error)
	// HeaderTimeout is how long the app may take until its answer's header section has
	// arrived, from the moment the request is sent. Required.
	HeaderTimeout time.Duration
	// MaxHeaderBytes bounds that section, informational answers included. Required.
	MaxHeaderBytes int64
	// MaxIdle is how many connections wait unused, and IdleTimeout how long. Required.
	MaxIdle     int
	IdleTimeout time.Duration
	// Surplus is called when the app has sent more than an answer, which has cost it the
	// connection. Required.
	Surplus func()
}

// Transport keeps connections to one app. It is safe for concurrent use.
type Transport struct {
	cfg  Config
	idle idle
}

// New makes a Transport; Config has no optional fields.
func New(cfg Config) (*Transport, error) {
	if cfg.Dial == nil || cfg.HeaderTimeout <= 0 || cfg.MaxHeaderBytes <= 0 || cfg.MaxIdle <= 0 || cfg.IdleTimeout <= 0 || cfg.Surplus == nil {
		return nil, errors.New("hop: every field of Config is required")
	}
	return &Transport{cfg: cfg, idle: idle{max: cfg.MaxIdle, timeout: cfg.IdleTimeout, surplus: cfg.Surplus}}, nil
}

// Carries reports whether RoundTrip can send r: it has no body, asks for no upgrade, and
// may be sent twice (RFC 9110 §9.2.2) in case a kept connection turns out to be gone.
func Carries(r *http.Request) bool {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions:
	default:
		return false
	}
	return r.ContentLength == 0 && len(r.TransferEncoding) == 0 && len(r.Header["Upgrade"]) == 0 && len(r.Header["Expect"]) == 0
}

// RoundTrip sends r, of which Carries must say yes, and returns the app's
// answer. Its Host field is r.Host or else r.URL.Host; Dial alone says where it goes. Its body must be closed; reading it fails once r's context is done. informed, if
// not nil, is called with each informational answer before the final one.
func (t *Transport) RoundTrip(r *http.Request, informed func(status int, h textproto.MIMEHeader) error) (*http.Response, error) {
	for {
		c, err := t.connection(r.Context())
		if err != nil {
			return nil, err
		}
		res, err := c.ask(r, informed)
		if err == nil {
			return res, nil
		}
		c.close()
		if cause := context.Cause(r.Context()); cause != nil {
			return nil, cause
		}
		if !c.reused || c.answered || !hungUp(err) {
			return nil, err
		}
	}
}

// CloseIdleConnections closes the connections that wait unused.
func (t *Transport) CloseIdleConnections() { t.idle.closeAll() }

func (t *Transport) connection(ctx context.Context) (*conn, error) {
	if c := t.idle.take(time.Now()); c != nil {
		return c, nil
	}
	nc, err := t.cfg.Dial(ctx)
	if err != nil {
		return nil, err
	}
	return newConn(t, nc), nil
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
