package proxy

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/url"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	testpb "google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/grpc/status"
)

// pipes is a network of one listener whose connections live in memory, so that
// testing/synctest sees who waits for whom.
type pipes struct {
	dialled chan net.Conn
	closed  chan struct{}
}

func newPipes() *pipes { return &pipes{dialled: make(chan net.Conn), closed: make(chan struct{})} }

func (p *pipes) dial(ctx context.Context) (net.Conn, error) {
	ours, theirs := net.Pipe()
	select {
	case p.dialled <- newPumped(theirs):
		return newPumped(ours), nil
	case <-p.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Accept implements net.Listener.
func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.dialled:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (p *pipes) Close() error {
	select {
	case <-p.closed:
	default:
		close(p.closed)
	}
	return nil
}

// Addr implements net.Listener.
func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipe", Net: "pipe"} }

// pumped gives a pipe the buffer that sockets have: the two ends of an HTTP/2 connection
// both begin by writing.
type pumped struct {
	net.Conn
	out  chan []byte
	done chan struct{}
	once sync.Once
}

func newPumped(c net.Conn) *pumped {
	p := &pumped{Conn: c, out: make(chan []byte, 64), done: make(chan struct{})}
	go func() {
		for {
			select {
			case b := <-p.out:
				_, _ = c.Write(b)
			case <-p.done:
				return
			}
		}
	}()
	return p
}

// Write implements net.Conn.
func (p *pumped) Write(b []byte) (int, error) {
	select {
	case p.out <- slices.Clone(b):
		return len(b), nil
	case <-p.done:
		return 0, net.ErrClosed
	}
}

// Close implements net.Conn.
func (p *pumped) Close() error {
	p.once.Do(func() { close(p.done) })
	return p.Conn.Close()
}

// longGRPC is newGRPC in a bubble of testing/synctest; stop ends all of it.
func longGRPC(t *testing.T) (auth *fakeAuth, client testpb.TestServiceClient, stop func()) {
	t.Helper()
	behind, front := newPipes(), newPipes()
	app := grpc.NewServer()
	testpb.RegisterTestServiceServer(app, &grpcApp{})
	go func() { _ = app.Serve(behind) }()

	auth = newFakeAuth()
	cfg := testConfig(t, &url.URL{Scheme: "h2c", Host: "app"})
	cfg.Auth = auth
	site, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	site.forward.app.general.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) { return behind.dial(ctx) }
	server, err := NewServer(ServerConfig{
		Handler: site, MaxHeaderBytes: 65536, HeaderTimeout: 10 * time.Second, Logger: slog.New(slog.DiscardHandler),
		TLS: &tls.Config{Certificates: []tls.Certificate{selfSigned(t)}, NextProtos: []string{"h2"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = server.ServeTLS(front, "", "") }()
	conn, err := grpc.NewClient("passthrough:///front", grpc.WithAuthority("app.example.com"),
		grpc.WithTransportCredentials(credentials.NewTLS(&tls.Config{InsecureSkipVerify: true})),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return front.dial(ctx) }))
	if err != nil {
		t.Fatal(err)
	}
	return auth, testpb.NewTestServiceClient(conn), func() {
		_ = conn.Close()
		_ = server.Close()
		site.Close()
		app.Stop()
		synctest.Wait()
	}
}

func selfSigned(t *testing.T) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{"app.example.com"}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// TestGRPCSilence: nobody says a word for hours, not even the app that it is there. A
// client that sent no byte of its request's body for a minute was once cut off, as one
// that is slow on purpose.
func TestGRPCSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		auth, client, stop := longGRPC(t)
		defer stop()
		stream, err := client.FullDuplexCall(withSession(t.Context()))
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(3 * time.Hour)
		for range 3 {
			if err := stream.Send(&testpb.StreamingOutputCallRequest{}); err != nil {
				t.Fatal(err)
			}
			if _, err := stream.Recv(); err != nil {
				t.Fatal(err)
			}
			time.Sleep(3 * time.Hour)
		}
		synctest.Wait()
		auth.mu.Lock()
		defer auth.mu.Unlock()
		if auth.touched != 3 {
			t.Errorf("%d messages of the client counted as use of the session, want 3", auth.touched)
		}
	})
}

// TestGRPCEndsWithItsSession: as a failure, since a part is not the whole, whoever speaks
// at that moment.
func TestGRPCEndsWithItsSession(t *testing.T) {
	begun := func(t *testing.T, s testpb.TestService_FullDuplexCallClient) {
		if err := s.Send(&testpb.StreamingOutputCallRequest{}); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Recv(); err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct {
		name   string
		before func(*testing.T, testpb.TestService_FullDuplexCallClient)
		after  time.Duration // until the session ends
		want   []codes.Code
	}{
		{"before the app said anything", func(*testing.T, testpb.TestService_FullDuplexCallClient) {}, time.Hour, []codes.Code{codes.Unauthenticated}},
		{"in the middle", begun, time.Hour, []codes.Code{codes.Unauthenticated}},
		{"at the very beginning", begun, 0, []codes.Code{codes.Unauthenticated}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				auth, client, stop := longGRPC(t)
				defer stop()
				stream, err := client.FullDuplexCall(withSession(t.Context()))
				if err != nil {
					t.Fatal(err)
				}
				tt.before(t, stream)
				time.Sleep(tt.after)
				auth.end("alice")
				begin := time.Now()
				_, err = stream.Recv()
				if errors.Is(err, io.EOF) || !slices.Contains(tt.want, status.Code(err)) {
					t.Errorf("the call ended with %v, want %v", err, tt.want)
				}
				if took := time.Since(begin); took > 0 {
					t.Errorf("the call went on for %s", took)
				}
			})
		})
	}
}

// TestGRPCAnswerEndsWithItsSession: also where the client has said all that it has to say, so
// that nobody waits for it any more.
func TestGRPCAnswerEndsWithItsSession(t *testing.T) {
	for name, first := range map[string]time.Duration{"in the middle": 0, "before the app said anything": time.Hour} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				auth, client, stop := longGRPC(t)
				defer stop()
				stream, err := client.StreamingOutputCall(withSession(t.Context()), &testpb.StreamingOutputCallRequest{ResponseParameters: []*testpb.ResponseParameters{
					{Size: 1, IntervalUs: int32(first.Microseconds() / 2)}, {Size: 1, IntervalUs: int32(time.Hour.Microseconds() / 2)},
				}})
				if err != nil {
					t.Fatal(err)
				}
				if first == 0 {
					if _, err := stream.Recv(); err != nil {
						t.Fatal(err)
					}
				}
				synctest.Wait()
				auth.end("alice")
				begin := time.Now()
				_, err = stream.Recv()
				wantCode(t, err, codes.Unauthenticated)
				if took := time.Since(begin); took > 0 {
					t.Errorf("the call went on for %s", took)
				}
			})
		})
	}
}
