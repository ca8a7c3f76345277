package proxy

import (
	"bufio"
	"encoding/binary"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
)

// grpcWebFrame is one of PROTOCOL-WEB: a message (0), or the trailers (0x80).
func grpcWebFrame(flag byte, payload string) string {
	head := binary.BigEndian.AppendUint32([]byte{flag}, uint32(len(payload)))
	return string(head) + payload
}

// TestGRPCWeb: what browsers speak is ordinary HTTP, with the trailers in the body. It
// reaches an app of either version, and is not held back.
func TestGRPCWeb(t *testing.T) {
	const trailers = "grpc-status:0\r\n"
	for _, tt := range []struct {
		name      string
		protocols *http.Protocols
		scheme    string
	}{{"http", nil, "http"}, {"h2c", h2cOnly(), "h2c"}} {
		t.Run(tt.name, func(t *testing.T) {
			release := make(chan struct{})
			l := listenTCP(t)
			serveApp(t, l, tt.protocols, func(w http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				w.Header().Set("Content-Type", r.Header.Get("Content-Type"))
				_, _ = io.WriteString(w, string(body)+r.Header.Get("X-Forwarded-User"))
				_ = http.NewResponseController(w).Flush()
				<-release
				_, _ = io.WriteString(w, grpcWebFrame(0x80, trailers))
			})
			f := newFixture(t, func(c *Config) { c.Upstream = mustURL(t, tt.scheme+"://"+l.Addr().String()) })
			message := grpcWebFrame(0, "\x00\xff\r\n0\r\n")
			c := f.dial()
			c.write(request("POST", "/echo.Echo/Say", "Cookie: "+valid, "Content-Type: application/grpc-web+proto", "X-Grpc-Web: 1",
				"X-User-Agent: grpc-web-javascript/0.1", "Grpc-Timeout: 5S", "Content-Length: "+strconv.Itoa(len(message))) + message)
			res, err := http.ReadResponse(c.r, nil)
			if err != nil {
				t.Fatal(err)
			}
			first := make([]byte, len(message)+len("alice"))
			if _, err := io.ReadFull(res.Body, first); err != nil || string(first) != message+"alice" {
				t.Errorf("got %q, %v", first, err)
			}
			close(release)
			rest, err := io.ReadAll(bufio.NewReader(res.Body))
			if err != nil || string(rest) != grpcWebFrame(0x80, trailers) || res.Header.Get("Content-Type") != "application/grpc-web+proto" {
				t.Errorf("then %q, %v, %v", rest, err, res.Header)
			}
		})
	}
}

// TestGRPCWebRefusals: clients of gRPC-Web read the HTTP status, as those of gRPC do. No
// sign-in begins for a call: it is no navigation.
func TestGRPCWebRefusals(t *testing.T) {
	f := newFixture(t, nil)
	for _, contentType := range []string{"application/grpc-web", "application/grpc-web+proto", "application/grpc-web-text", "application/grpc", "application/connect+proto"} {
		a := f.send(request("POST", "/echo.Echo/Say", "Content-Type: "+contentType, "Accept: "+contentType, "X-Grpc-Web: 1", "Content-Length: 5") + "\x00\x00\x00\x00\x00")
		a.wantStatus(t, 401)
		if got := a.Header.Get("Content-Type"); got != "application/problem+json" || a.Header.Get("Sallyport-Error") != "sign_in_required" {
			t.Errorf("%s: %v", contentType, a.Header)
		}
		if !strings.Contains(a.body, `"login_url"`) {
			t.Errorf("%s: %s", contentType, a.body)
		}
	}
	f.app.wantNone(t)
}

func TestIsCall(t *testing.T) {
	for _, tt := range []struct {
		major       int
		method      string
		contentType []string
		want        bool
	}{
		{2, "POST", []string{"application/grpc"}, true},
		{2, "POST", []string{"application/grpc+proto"}, true},
		{2, "POST", []string{"application/grpc;x=y"}, true},
		{2, "POST", []string{"application/connect+json"}, true},
		{2, "POST", []string{"application/connect"}, false},
		{2, "POST", []string{"application/grpc-web"}, false},
		{2, "POST", []string{"application/grpcx"}, false},
		{2, "POST", []string{"application/grpc", "text/plain"}, false},
		{2, "POST", nil, false},
		{2, "GET", []string{"application/grpc"}, false},
		{1, "POST", []string{"application/grpc"}, false},
	} {
		r := &http.Request{ProtoMajor: tt.major, Method: tt.method, Header: http.Header{"Content-Type": tt.contentType}}
		if got := isCall(r); got != tt.want {
			t.Errorf("%d %s %q is a call: %v", tt.major, tt.method, tt.contentType, got)
		}
	}
}
