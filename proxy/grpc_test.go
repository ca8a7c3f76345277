package proxy

import (
	"context"
	"errors"
	"io"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	testpb "google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/sallyport/sallyport/proxy/policy"
)

func wantCode(t *testing.T, err error, want codes.Code) {
	t.Helper()
	if got := status.Code(err); got != want {
		t.Errorf("status %s, want %s: %v", got, want, err)
	}
}

// TestGRPCUnary: metadata, identity, and trailers on the way back.
func TestGRPCUnary(t *testing.T) {
	_, _, client := newGRPC(t, nil)
	ctx := withSession(t.Context(), "x-forwarded-user", "admin", "x_forwarded_user", "admin", "x-note", "a", "x-note", "b", "x-bytes-bin", "\x00\xff")
	var trailer metadata.MD
	if _, err := client.EmptyCall(ctx, &testpb.Empty{}, grpc.Trailer(&trailer)); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string][]string{
		"seen-x-forwarded-user": {"alice"}, "seen-x_forwarded_user": nil, "seen-x-note": {"a", "b"}, "seen-authority": {"app.example.com"},
		"seen-x-bytes-bin": {"\x00\xff"}, "x-sallyport-late": nil,
	} {
		if got := trailer[name]; !slices.Equal(got, want) {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if got := trailer["seen-user-agent"]; len(got) != 1 || !strings.HasPrefix(got[0], "grpc-go/") {
		t.Errorf("user agent %q", got)
	}
}

// TestGRPCBigMessages goes beyond every window, in both directions.
func TestGRPCBigMessages(t *testing.T) {
	_, _, client := newGRPC(t, nil)
	in := &testpb.SimpleRequest{ResponseSize: bigMessage, Payload: &testpb.Payload{Body: make([]byte, bigMessage)}}
	out, err := client.UnaryCall(withSession(t.Context()), in)
	if err != nil || len(out.Payload.Body) != 2*bigMessage {
		t.Errorf("%d bytes, %v", len(out.GetPayload().GetBody()), err)
	}
	stream, err := client.StreamingInputCall(withSession(t.Context()))
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := stream.Send(&testpb.StreamingInputCallRequest{Payload: &testpb.Payload{Body: make([]byte, bigMessage)}}); err != nil {
			t.Fatal(err)
		}
	}
	if sum, err := stream.CloseAndRecv(); err != nil || sum.AggregatedPayloadSize != 2*bigMessage {
		t.Errorf("%v, %v", sum, err)
	}
}

// TestGRPCStatus: what the app says of a failure arrives, with its message, also when it
// is all that the app says (a header without a body).
func TestGRPCStatus(t *testing.T) {
	_, _, client := newGRPC(t, nil)
	const message = "\t\ntest with whitespace\r\nand Unicode BMP ☺ and non-BMP 😈\t\n"
	for _, code := range []codes.Code{codes.NotFound, codes.Unauthenticated, codes.DataLoss, codes.ResourceExhausted} {
		in := &testpb.SimpleRequest{ResponseStatus: &testpb.EchoStatus{Code: int32(code), Message: message}}
		_, err := client.UnaryCall(withSession(t.Context()), in)
		if got := status.Convert(err); got.Code() != code || got.Message() != message {
			t.Errorf("got %s %q, want %s", got.Code(), got.Message(), code)
		}
	}
}

// TestGRPCServerStreaming: the first message is there before the app sends the second.
func TestGRPCServerStreaming(t *testing.T) {
	_, _, client := newGRPC(t, nil)
	late := int32(30 * time.Minute / time.Microsecond)
	stream, err := client.StreamingOutputCall(withSession(t.Context()), &testpb.StreamingOutputCallRequest{
		ResponseParameters: []*testpb.ResponseParameters{{Size: 3}, {Size: 5}, {Size: 7, IntervalUs: late}},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, size := range []int{3, 5} {
		if m, err := stream.Recv(); err != nil || len(m.Payload.Body) != size {
			t.Fatalf("%v, %v", m, err)
		}
	}
}

// TestGRPCBidirectional: each message is answered before the next is sent, and the end of
// ours is the end of theirs.
func TestGRPCBidirectional(t *testing.T) {
	_, _, client := newGRPC(t, nil)
	stream, err := client.FullDuplexCall(withSession(t.Context()))
	if err != nil {
		t.Fatal(err)
	}
	for _, word := range []string{"one", "", "three", strings.Repeat("x", 1<<20)} {
		if err := stream.Send(&testpb.StreamingOutputCallRequest{Payload: &testpb.Payload{Body: []byte(word)}}); err != nil {
			t.Fatal(err)
		}
		if m, err := stream.Recv(); err != nil || string(m.Payload.GetBody()) != word {
			t.Fatalf("%v, %v", m, err)
		}
	}
	if err := stream.CloseSend(); err != nil {
		t.Fatal(err)
	}
	if _, err := stream.Recv(); !errors.Is(err, io.EOF) {
		t.Errorf("the end is %v", err)
	}
}

// TestGRPCDeadline: the client's deadline reaches the app, which stops.
func TestGRPCDeadline(t *testing.T) {
	var app *grpcApp
	var err error
	for limit := 300 * time.Millisecond; app == nil || !app.wasEntered(); limit *= 2 { // until it is long enough to get there
		var client testpb.TestServiceClient
		_, app, client = newGRPC(t, nil)
		ctx, cancel := context.WithTimeout(withSession(t.Context()), limit)
		_, err = client.UnaryCall(ctx, &testpb.SimpleRequest{})
		cancel()
	}
	// The app knows the deadline too, and may reset the call a moment before the client
	// gives up. Then the client is told that the app did not answer.
	if code := status.Code(err); code != codes.DeadlineExceeded && code != codes.Unavailable {
		t.Errorf("the call ended with %v", err)
	}
	select {
	case <-app.left:
	case <-time.After(patience):
		t.Error("the app goes on")
	}
}

// TestGRPCCancel: a client that loses interest takes the app's work with it.
func TestGRPCCancel(t *testing.T) {
	_, app, client := newGRPC(t, nil)
	ctx, cancel := context.WithCancel(withSession(t.Context()))
	go func() {
		<-app.entered
		cancel()
	}()
	_, err := client.UnaryCall(ctx, &testpb.SimpleRequest{})
	wantCode(t, err, codes.Canceled)
	select {
	case <-app.left:
	case <-time.After(patience):
		t.Error("the app goes on")
	}
}

// TestGRPCRefusals: gRPC's own table (http-grpc-status-mapping) makes of our answers what
// a client of gRPC should make of them, so they need no form of their own.
func TestGRPCRefusals(t *testing.T) {
	staff := func(c *Config) {
		rules, err := policy.New(policy.Config{AllowedGroups: []string{"nobody"}})
		if err != nil {
			t.Fatal(err)
		}
		c.Policy = rules
	}
	for _, tt := range []struct {
		name string
		tune func(*Config)
		ctx  func(context.Context) context.Context
		want codes.Code
		code string // in the message, where gRPC shows the answer's content type and ours is named
	}{
		{"no session", nil, func(ctx context.Context) context.Context { return ctx }, codes.Unauthenticated, "401"},
		{"not admitted", staff, func(ctx context.Context) context.Context { return withSession(ctx) }, codes.PermissionDenied, "403"},
		{"app down", func(c *Config) { c.Upstream = &url.URL{Scheme: "h2c", Host: closedPort(t)} },
			func(ctx context.Context) context.Context { return withSession(ctx) }, codes.Unavailable, "502"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, _, client := newGRPC(t, tt.tune)
			_, err := client.EmptyCall(tt.ctx(t.Context()), &testpb.Empty{})
			wantCode(t, err, tt.want)
			if !strings.Contains(err.Error(), tt.code) {
				t.Errorf("%v does not tell %s", err, tt.code)
			}
		})
	}
}
