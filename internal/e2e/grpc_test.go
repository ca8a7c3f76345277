package e2e

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"
)

// TestGRPC asks the binary by HTTP/2 and TLS for what an app of gRPC says without TLS: the
// service that everybody may ask, and one that nobody may without a session.
func TestGRPC(t *testing.T) {
	f := planFront(t)
	f.public = "https://localhost"
	app := grpc.NewServer()
	states := health.NewServer()
	healthpb.RegisterHealthServer(app, states)
	l := f.listen("tcp", "127.0.0.1:0")
	go func() { _ = app.Serve(l) }()
	t.Cleanup(app.Stop)
	f.run("SALLYPORT_UPSTREAM=h2c://"+l.Addr().String(), "SALLYPORT_TLS_CERT_FILE="+f.dir+"/app.crt", "SALLYPORT_TLS_KEY_FILE="+f.dir+"/app.key",
		"SALLYPORT_PUBLIC_PATHS=/grpc.health.v1.Health/*")
	conn, err := grpc.NewClient("passthrough:///"+f.addr, grpc.WithAuthority("localhost"),
		grpc.WithTransportCredentials(credentials.NewTLS(&tls.Config{RootCAs: f.roots, ServerName: "localhost"})))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	client := healthpb.NewHealthClient(conn)

	if got, err := client.Check(ctx, &healthpb.HealthCheckRequest{}); err != nil || got.Status != healthpb.HealthCheckResponse_SERVING {
		t.Errorf("a unary call: %v, %v", got, err)
	}
	if _, err := client.Check(ctx, &healthpb.HealthCheckRequest{Service: "none"}); status.Code(err) != codes.NotFound {
		t.Errorf("the app's own failure: %v", err)
	}
	stream, err := client.Watch(ctx, &healthpb.HealthCheckRequest{})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []healthpb.HealthCheckResponse_ServingStatus{healthpb.HealthCheckResponse_SERVING, healthpb.HealthCheckResponse_NOT_SERVING} {
		if got, err := stream.Recv(); err != nil || got.Status != want {
			t.Fatalf("a stream: %v, %v, want %s", got, err, want)
		}
		states.SetServingStatus("", healthpb.HealthCheckResponse_NOT_SERVING)
	}
	closed, err := conn.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true, ClientStreams: true}, "/closed.Service/Method")
	if err == nil {
		err = closed.RecvMsg(&healthpb.HealthCheckResponse{})
	}
	if errors.Is(err, io.EOF) || status.Code(err) != codes.Unauthenticated {
		t.Errorf("a service that is not public: %v", err)
	}
}
