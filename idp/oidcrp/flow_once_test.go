package oidcrp

import (
	"net/http"
	"testing"

	"github.com/sallyport/sallyport/internal/fault"
)

// dropped ends the connection instead of answering, after so much of an answer.
func dropped(answer string) func(http.ResponseWriter, map[string]any) bool {
	return func(w http.ResponseWriter, _ map[string]any) bool {
		conn, buffered, err := w.(http.Hijacker).Hijack()
		if err != nil {
			panic(err)
		}
		_, _ = buffered.WriteString(answer)
		_ = buffered.Flush()
		_ = conn.Close()
		return true
	}
}

// A code is sent once, however the connection that it went over ends, one that was
// kept from an earlier call included.
func TestCodeIsSentOnceOverBrokenConnections(t *testing.T) {
	for name, tt := range map[string]struct {
		answer string
		want   fault.Code
	}{
		"OF-21 no answer":              {"", fault.IdPUnavailable},
		"OF-21 half a header":          {"HTTP/1.1 200 OK\r\nContent-Ty", fault.IdPUnavailable},
		"OF-23 less than was promised": {"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{\"access_token\":\"", fault.TokenInvalid},
		"OF-23 a chunk cut short":      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n40\r\n{\"access", fault.TokenInvalid},
		"OF-23 no HTTP":                {"220 smtp.example ESMTP\r\n", fault.IdPUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHostile(t)
			w := newWorld(t, h, nil)
			w.signIn("/") // keeps a connection
			w.newBrowser()
			h.set(func() { h.requests, h.token = nil, dropped(tt.answer) })
			res := w.signIn("/page")
			if n := len(h.got("/token")); n != 1 {
				t.Errorf("%d token requests for one code, want 1", n)
			}
			h.set(func() { h.token = nil })
			w.wantFault(res, tt.want)
			if got := res.Header.Get("Retry-Url"); got != "/oauth2/login?rd=%2Fpage" {
				t.Errorf("Try again leads to %q, want the page first asked for", got)
			}
		})
	}
}
