package proxy

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/internal/accesslog"
	"github.com/sallyport/sallyport/session"
)

// TestAccessLogLine compares the line with what log/slog writes of the same fields, for
// exchanges that have all of them and hardly any.
func TestAccessLogLine(t *testing.T) {
	ended := time.Date(2026, 1, 2, 3, 4, 5, 678_901_234, time.UTC)
	asked := &original{request: &http.Request{Method: "PUT"}, target: target{path: "/staff/\"\u2028x"}}
	who := &session.Session{Handle: session.Handle{1, 2, 3, 4, 5, 6, 7}, Identity: session.Identity{Subject: "sub\n{\"msg\":\"request\"}"}}
	tests := []struct {
		name   string
		x      *exchange
		remote string
		more   []slog.Attr
	}{
		{"hardly any", &exchange{id: "ID", status: 404, target: target{path: "/"}}, "unix", nil},
		{"all", &exchange{
			id: "ID", status: 200, written: 1 << 40, target: target{path: "/" + strings.Repeat("ä", 700)}, asked: asked,
			peer: netip.MustParseAddr("2001:db8:1111:2222:3333:4444:5555:6666"), upstream: 1234567 * time.Nanosecond,
			decision: Decision{Kind: Forward, Reason: reasonSession, Rule: 7, Session: who},
		}, "2001:db8:1111:2222:3333:4444:5555:6666", []slog.Attr{
			slog.String("asked_method", "PUT"), slog.String("asked_path", asked.path),
			slog.String("decision", "forward"), slog.String("reason", "session"), slog.Int("rule", 7),
			slog.String("sub", who.Identity.Subject), slog.String("session", who.Handle.String()[:8]), slog.Float64("upstream_ms", 1.234),
		}},
	}
	for _, tt := range tests {
		for _, text := range []bool{false, true} {
			var got, want bytes.Buffer
			cfg := testConfig(t, &url.URL{Scheme: "http", Host: "127.0.0.1:1"})
			cfg.AccessLog = accesslog.New(accesslog.Config{To: &got, Text: text})
			site, err := New(cfg)
			if err != nil {
				t.Fatal(err)
			}
			x := tt.x
			x.in = httptest.NewRequest("GET", "/", nil)
			x.in.RemoteAddr, x.start = "@", ended.Add(-1500*time.Microsecond)
			site.logAccess(x, ended)
			cfg.AccessLog.Prompt()

			var h slog.Handler = slog.NewJSONHandler(&want, nil)
			if text {
				h = slog.NewTextHandler(&want, nil)
			}
			r := slog.NewRecord(ended, slog.LevelInfo, "request", 0)
			r.AddAttrs(
				slog.String("request_id", "ID"), slog.String("method", "GET"), slog.String("path", loggedPath(x.path)), slog.Int("status", x.status),
				slog.Int64("bytes", x.written), slog.Float64("duration_ms", 1.5), slog.String("remote", tt.remote), slog.String("handler", "proxy"),
			)
			r.AddAttrs(tt.more...)
			if err := h.Handle(t.Context(), r); err != nil {
				t.Fatal(err)
			}
			if got.String() != want.String() {
				t.Errorf("%s, text %t:\n got %swant %s", tt.name, text, &got, &want)
			}
		}
	}
}
