package proxy

import (
	"crypto/tls"
	"errors"
	"log/slog"
	"net/http"
	"time"
)

const (
	serverIdleTimeout = 120 * time.Second
	// maxStreams is how many requests one HTTP/2 connection may have open.
	maxStreams = 250
	// pingAfter is how long an HTTP/2 connection may be silent before it is
	// asked whether anybody is there.
	pingAfter = 30 * time.Second
)

// ServerConfig makes an http.Server that faces browsers.
type ServerConfig struct {
	Handler        http.Handler
	MaxHeaderBytes int           // above: 431
	HeaderTimeout  time.Duration // slower: closed; also the limit of a TLS handshake
	TLS            *tls.Config   // nil = plain HTTP/1.1
	Logger         *slog.Logger
}

// NewServer returns a server for a Site. Its limits stop clients that are slow on
// purpose and none that has something to say: headers have a deadline as a whole,
// bodies one that every piece moves on (see requestBody), and streams none. There
// is no ReadTimeout and no WriteTimeout: they would cut uploads and streams. HTTP/2
// is spoken on TLS alone.
func NewServer(cfg ServerConfig) (*http.Server, error) {
	if cfg.Handler == nil || cfg.Logger == nil || cfg.MaxHeaderBytes <= 0 || cfg.HeaderTimeout <= 0 {
		return nil, errors.New("proxy: ServerConfig needs Handler, Logger, MaxHeaderBytes (SALLYPORT_MAX_HEADER_BYTES) and HeaderTimeout (SALLYPORT_HEADER_TIMEOUT)")
	}
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	protocols.SetHTTP2(true)
	return &http.Server{
		Handler:                      cfg.Handler,
		TLSConfig:                    cfg.TLS,
		Protocols:                    protocols,
		ReadHeaderTimeout:            cfg.HeaderTimeout,
		IdleTimeout:                  serverIdleTimeout,
		MaxHeaderBytes:               cfg.MaxHeaderBytes,
		DisableGeneralOptionsHandler: true, // "OPTIONS *" is the gate's
		HTTP2: &http.HTTP2Config{
			MaxConcurrentStreams: maxStreams,
			SendPingTimeout:      pingAfter,
			WriteByteTimeout:     bodyIdle,
		},
		// What it says is about clients' mistakes: broken handshakes, resets.
		ErrorLog: slog.NewLogLogger(cfg.Logger.Handler(), slog.LevelDebug),
	}, nil
}
