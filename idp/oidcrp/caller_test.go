package oidcrp

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// pipes is a listener whose connections are in memory.
type pipes chan net.Conn

func (p pipes) dial(context.Context, string, string) (net.Conn, error) {
	ours, theirs := net.Pipe()
	p <- theirs
	return ours, nil
}

// Accept implements net.Listener.
func (p pipes) Accept() (net.Conn, error) {
	if conn, ok := <-p; ok {
		return conn, nil
	}
	return nil, net.ErrClosed
}

// Close implements net.Listener.
func (p pipes) Close() error { return nil }

// Addr implements net.Listener.
func (p pipes) Addr() net.Addr { return &net.UnixAddr{} }

// A sign-in failed when the provider, which ran on Node.js, closed a connection that had been
// idle for five seconds in the moment in which the code was sent on it.
func TestIdleConnectionsEndBeforeTheProviderEndsThem(t *testing.T) {
	for name, tt := range map[string]struct {
		pause time.Duration
		want  int // connections
	}{
		"calls that follow each other":          {time.Second, 1},
		"when the provider is about to hang up": {5*time.Second - time.Nanosecond, 2},
		"in the moment in which it does":        {5 * time.Second, 2},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				listener, accepted := make(pipes), 0
				server := &http.Server{IdleTimeout: 5 * time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
					_, _ = io.WriteString(w, "{}")
				}), ConnState: func(_ net.Conn, s http.ConnState) {
					if s == http.StateNew {
						accepted++
					}
				}}
				go func() { _ = server.Serve(listener) }()
				m, err := newMetrics(prometheus.NewRegistry(), "idp", "https://idp.example.com")
				if err != nil {
					t.Fatal(err)
				}
				c := newCaller(nil, time.Minute, time.Now, m)
				transport := c.client.Transport.(*http.Transport)
				transport.DialContext = listener.dial
				for range 2 {
					req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://idp.example.com/token", strings.NewReader("code=once"))
					if err != nil {
						t.Fatal(err)
					}
					if _, err := c.call(req, atToken, maxAnswer); err != nil {
						t.Error(err)
					}
					time.Sleep(tt.pause)
				}
				transport.CloseIdleConnections()
				close(listener)
				_ = server.Close()
				synctest.Wait()
				if accepted != tt.want {
					t.Errorf("%d connections, want %d", accepted, tt.want)
				}
			})
		})
	}
}
