package proxy

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net/url"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	testpb "google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

// bigMessage is more than one HTTP/2 window, and more than gRPC takes by default.
const bigMessage = 5 << 20

// grpcApp is an app of gRPC, of the service that implementations of gRPC test each other
// with.
type grpcApp struct {
	testpb.UnimplementedTestServiceServer
	entered, left chan struct{} // UnaryCall that waits for its context
}

// EmptyCall tells in its trailer what the app was told of the caller.
func (*grpcApp) EmptyCall(ctx context.Context, _ *testpb.Empty) (*testpb.Empty, error) {
	md, _ := metadata.FromIncomingContext(ctx)
	seen := metadata.MD{}
	for _, name := range []string{"x-forwarded-user", "x_forwarded_user", "x-note", "user-agent", ":authority", "x-bytes-bin"} {
		for _, v := range md[name] {
			seen.Append("seen-"+strings.TrimPrefix(name, ":"), v)
		}
	}
	seen.Set("x-sallyport-late", "fake")
	return &testpb.Empty{}, grpc.SetTrailer(ctx, seen)
}

// wasEntered tells whether a UnaryCall that waits has begun.
func (a *grpcApp) wasEntered() bool {
	select {
	case <-a.entered:
		return true
	default:
		return false
	}
}

// UnaryCall answers with the size or status that it is asked for; with neither it waits
// until nobody does.
func (a *grpcApp) UnaryCall(ctx context.Context, in *testpb.SimpleRequest) (*testpb.SimpleResponse, error) {
	if s := in.ResponseStatus; s != nil {
		return nil, status.Error(codes.Code(s.Code), s.Message)
	}
	if in.ResponseSize == 0 {
		close(a.entered)
		<-ctx.Done()
		close(a.left)
		return nil, ctx.Err()
	}
	return &testpb.SimpleResponse{Payload: &testpb.Payload{Body: make([]byte, int(in.ResponseSize)+len(in.Payload.GetBody()))}}, nil
}

// StreamingOutputCall sends the first message, and each other when the one before it was
// taken long enough ago.
func (*grpcApp) StreamingOutputCall(in *testpb.StreamingOutputCallRequest, out testpb.TestService_StreamingOutputCallServer) error {
	for _, p := range in.ResponseParameters {
		select {
		case <-time.After(time.Duration(p.IntervalUs) * time.Microsecond):
		case <-out.Context().Done():
			return out.Context().Err()
		}
		if err := out.Send(&testpb.StreamingOutputCallResponse{Payload: &testpb.Payload{Body: make([]byte, p.Size)}}); err != nil {
			return err
		}
	}
	return nil
}

// StreamingInputCall counts the bytes of all messages.
func (*grpcApp) StreamingInputCall(in testpb.TestService_StreamingInputCallServer) error {
	var sum int32
	for {
		m, err := in.Recv()
		if errors.Is(err, io.EOF) {
			return in.SendAndClose(&testpb.StreamingInputCallResponse{AggregatedPayloadSize: sum})
		}
		if err != nil {
			return err
		}
		sum += int32(len(m.Payload.GetBody()))
	}
}

// FullDuplexCall answers each message with the same bytes, and says nothing by itself:
// not even that it is there, before the first message.
func (*grpcApp) FullDuplexCall(s testpb.TestService_FullDuplexCallServer) error {
	for {
		m, err := s.Recv()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := s.Send(&testpb.StreamingOutputCallResponse{Payload: m.Payload}); err != nil {
			return err
		}
	}
}

// newGRPC starts an app of gRPC behind a fixture with a TLS listener, and connects to it.
func newGRPC(t *testing.T, tune func(*Config)) (*fixture, *grpcApp, testpb.TestServiceClient) {
	t.Helper()
	app := &grpcApp{entered: make(chan struct{}), left: make(chan struct{})}
	server := grpc.NewServer(grpc.MaxRecvMsgSize(4*bigMessage), grpc.MaxSendMsgSize(4*bigMessage))
	testpb.RegisterTestServiceServer(server, app)
	l := listenTCP(t)
	go func() { _ = server.Serve(l) }()
	t.Cleanup(server.Stop)
	f := newFixture(t, func(c *Config) {
		c.Upstream = &url.URL{Scheme: "h2c", Host: l.Addr().String()}
		if tune != nil {
			tune(c)
		}
	})
	addr, _ := f.serveTLS()
	conn, err := grpc.NewClient("passthrough:///"+addr, grpc.WithAuthority("app.example.com"),
		grpc.WithTransportCredentials(credentials.NewTLS(&tls.Config{InsecureSkipVerify: true})),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(4*bigMessage), grpc.MaxCallSendMsgSize(4*bigMessage)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return f, app, testpb.NewTestServiceClient(conn)
}

// signedIn is the context of a call with a session, and with more metadata.
func withSession(ctx context.Context, more ...string) context.Context {
	return metadata.AppendToOutgoingContext(ctx, append([]string{"cookie", valid}, more...)...)
}
