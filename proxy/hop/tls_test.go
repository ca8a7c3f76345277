package hop

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// cork keeps what is written to a connection while it is in.
type cork struct {
	net.Conn
	mu   sync.Mutex
	in   bool
	kept bytes.Buffer
}

func (c *cork) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.in {
		return c.kept.Write(p)
	}
	return c.Conn.Write(p)
}

// put puts it in, and pull lets go of all but the last bytes in one piece.
func (c *cork) put() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.in = true
}

func (c *cork) pull(but int) (rest []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.in = false
	all := bytes.Clone(c.kept.Bytes())
	c.kept.Reset()
	_, _ = c.Conn.Write(all[:len(all)-but])
	return all[len(all)-but:]
}

// secureApp is an app with TLS: each connection is served by serve.
type secureApp struct {
	listener net.Listener
	config   *tls.Config
	client   *tls.Config
	dialled  atomic.Int32
	surplus  atomic.Int32
}

func newSecureApp(t *testing.T, protocols []string, serve func(*tls.Conn, *cork)) *secureApp {
	t.Helper()
	source := httptest.NewTLSServer(http.NotFoundHandler())
	defer source.Close()
	pool := x509.NewCertPool()
	pool.AddCert(source.Certificate())
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	a := &secureApp{
		listener: l, config: &tls.Config{Certificates: source.TLS.Certificates, NextProtos: protocols},
		client: &tls.Config{RootCAs: pool, ServerName: "example.com", NextProtos: []string{"h2", "http/1.1"}},
	}
	go func() {
		for {
			nc, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer nc.Close()
				under := &cork{Conn: nc}
				serve(tls.Server(under, a.config), under)
			}()
		}
	}()
	return a
}

func (a *secureApp) transport(t *testing.T) *Transport {
	t.Helper()
	transport, err := New(Config{
		Dial: func(ctx context.Context) (net.Conn, error) {
			a.dialled.Add(1)
			return new(net.Dialer).DialContext(ctx, "tcp", a.listener.Addr().String())
		},
		TLS: a.client, HeaderTimeout: 10 * time.Second, MaxHeaderBytes: 8 << 10, MaxIdle: 4, IdleTimeout: time.Minute,
		Surplus: func() { a.surplus.Add(1) },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(transport.CloseIdleConnections)
	return transport
}

// Within TLS, too, nothing of one answer is taken for the next one's, wherever the rest of
// it is: in what was opened, in a record of its own, or in a part of one.
func TestSurplusWithinTLS(t *testing.T) {
	const evil = "HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nsmuggled"
	const none = "HTTP/1.1 204 No Content\r\n\r\n"
	long := "HTTP/1.1 200 OK\r\nContent-Length: 9000\r\n\r\n" + strings.Repeat("x", 9000)
	tests := []struct {
		name    string
		version uint16
		say     []string // each a record
		late    int      // bytes that come when the next request is there
		first   string
		dialled int32
		told    bool
	}{
		{"nothing", tls.VersionTLS13, []string{none}, 0, "204 ", 1, false},
		{"nothing, TLS 1.2", tls.VersionTLS12, []string{none}, 0, "204 ", 1, false},
		{"nothing after a long answer", tls.VersionTLS13, []string{long}, 0, "200 x", 1, false},
		{"in the same record", tls.VersionTLS13, []string{none + evil}, 0, "204 ", 2, true},
		{"in the same record, TLS 1.2", tls.VersionTLS12, []string{none + evil}, 0, "204 ", 2, true},
		{"in the same record after a long answer", tls.VersionTLS13, []string{long + evil}, 0, "200 x", 2, true},
		{"in the next record", tls.VersionTLS13, []string{none, evil}, 0, "204 ", 2, true},
		{"in the next record, TLS 1.2", tls.VersionTLS12, []string{none, evil}, 0, "204 ", 2, true},
		{"in a record that is not whole", tls.VersionTLS13, []string{none, evil}, 10, "204 ", 2, false},
		{"in a record of which only the type is there", tls.VersionTLS13, []string{none, evil}, len(evil) + 5 + 17 - 1, "204 ", 2, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var answered atomic.Bool
			a := newSecureApp(t, []string{"http/1.1"}, func(c *tls.Conn, under *cork) {
				r := bufio.NewReader(c)
				var rest []byte
				for {
					if _, err := http.ReadRequest(r); err != nil {
						return
					}
					if answered.Swap(true) {
						_, _ = under.Conn.Write(rest)
						_, _ = io.WriteString(c, ok)
						continue
					}
					under.put()
					for _, s := range tt.say {
						_, _ = io.WriteString(c, s)
					}
					rest = under.pull(tt.late)
				}
			})
			a.config.MaxVersion = tt.version
			transport := a.transport(t)
			if got := read(transport, request(t, "GET")); !strings.HasPrefix(got, tt.first) {
				t.Errorf("the first answer is %.80q, want %q", got, tt.first)
			}
			if got := read(transport, request(t, "GET")); got != "200 ok" {
				t.Errorf("the second answer is %.80q", got)
			}
			if got := a.dialled.Load(); got != tt.dialled {
				t.Errorf("%d connections were made, want %d", got, tt.dialled)
			}
			if got := a.surplus.Load() > 0; got != tt.told {
				t.Errorf("told of more than an answer: %v, want %v", got, tt.told)
			}
		})
	}
}

// An app that closes an idle connection says so within TLS first.
func TestNoticeOfTheEnd(t *testing.T) {
	gone := make(chan struct{}, 2)
	a := newSecureApp(t, nil, func(c *tls.Conn, _ *cork) {
		if _, err := http.ReadRequest(bufio.NewReader(c)); err == nil {
			_, _ = io.WriteString(c, ok)
			_ = c.Close()
			gone <- struct{}{}
		}
	})
	transport := a.transport(t)
	for range 2 {
		if got := read(transport, request(t, "GET")); got != "200 ok" {
			t.Errorf("got %q", got)
		}
		<-gone
	}
	if dialled, told := a.dialled.Load(), a.surplus.Load(); dialled != 2 || told != 0 {
		t.Errorf("%d connections, told of more than an answer %d times", dialled, told)
	}
}

// With HTTP/2 nothing has been sent, and a body can be sent in another way.
func TestMultiplexed(t *testing.T) {
	a := newSecureApp(t, []string{"h2", "http/1.1"}, func(c *tls.Conn, _ *cork) {
		if b, err := io.ReadAll(c); err != nil || len(b) > 0 {
			t.Errorf("the app got %q, %v", b, err)
		}
	})
	r := request(t, "POST")
	r.Body, r.ContentLength = io.NopCloser(strings.NewReader("abc")), 3
	if _, err := a.transport(t).RoundTrip(r, nil); !errors.Is(err, ErrMultiplexed) {
		t.Fatalf("error %v", err)
	}
	if b, err := io.ReadAll(r.Body); string(b) != "abc" || err != nil {
		t.Errorf("the body is %q, %v", b, err)
	}
}

func TestNoHandshake(t *testing.T) {
	a := newSecureApp(t, nil, func(*tls.Conn, *cork) {})
	a.client.RootCAs = x509.NewCertPool()
	_, err := a.transport(t).RoundTrip(request(t, "GET"), nil)
	if err == nil {
		t.Error("an app that breaks off the handshake has answered")
	}
}

// Whatever the pieces, records knows whether a record is whole.
func FuzzRecords(f *testing.F) {
	f.Add([]byte("abc"), []byte{}, uint8(1), uint8(2))
	f.Add(bytes.Repeat([]byte("x"), 600), []byte("y"), uint8(7), uint8(0))
	f.Fuzz(func(t *testing.T, one, two []byte, piece, missing uint8) {
		var stream []byte
		for _, content := range [][]byte{one, two} {
			content = content[:min(len(content), 1<<14)]
			stream = append(stream, 23, 3, 3, byte(len(content)>>8), byte(len(content)))
			stream = append(stream, content...)
		}
		whole := len(stream)
		stream = stream[:max(0, whole-int(missing))]
		first := recordHeader + min(len(one), 1<<14)
		want := len(stream) == 0 || len(stream) == first || len(stream) == whole
		var r records
		for len(stream) > 0 {
			n := min(int(piece)+1, len(stream))
			r.pass(stream[:n])
			stream = stream[n:]
		}
		if got := r.have == 0; got != want {
			t.Errorf("whole: %v, want %v", got, want)
		}
	})
}
